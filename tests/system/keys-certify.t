#!/bin/sh
# A key's certificates for signing images: made by the key, or asked of an
# authority and kept; what is not the key's, or not fit, is refused and leaves
# what was there.
. "$(dirname "$0")/lib.sh"
for program in openssl jq; do
	command -v $program >/dev/null || skip_all "$program is not installed"
done
new_user certify
mkdir -p "$config"
soft_token P-256 signer || exit 1
chain=$XDG_DATA_HOME/touchstone/keys/signer.chain.pem

# refused WHAT WHY COMMAND...: and the file stays as it is.
refused() {
	refused_what=$1 refused_why=$2 refused_before=$(cat "$chain" 2>&1)
	shift 2
	"$@" >"$user/said" 2>&1
	isnt "refused: $refused_what" "$?" 0
	like "and why: $refused_what" "$(cat "$user/said")" "$refused_why"
	is "and nothing changes: $refused_what" "$(cat "$chain" 2>&1)" \
	    "$refused_before"
}

# ---- by the key itself ----
refused 'days that are no number' 'from 1 to 7305' \
    touchstone keys certify signer --days 1x
refused 'no days' 'from 1 to 7305' touchstone keys certify signer --days 0
refused 'a key that nobody has' 'no key' touchstone keys certify nobody
refused 'too long a subject' 'at most|1 to 64|too large' \
    touchstone keys certify signer --subject "$(printf %065d 1)"
touchstone keys certify signer --days 30 --json >"$user/out"
is 'a certificate is made' "$(jq -r '.name + " " + .file + " " +
    (.certificates | tostring)' "$user/out")" "signer $chain 1"
text=$(openssl x509 -in "$chain" -noout -text | tr -s ' \n' ' ')
like 'its usage' "$text" 'Key Usage: critical Digital Signature X509v3'
like 'its purpose' "$text" 'Extended Key Usage: Code Signing'
like 'its name' "$text" 'Subject: CN = signer '
ok 'it signs itself' openssl verify -CAfile "$chain" "$chain"
ok 'it is valid for 29 days' openssl x509 -in "$chain" -noout \
    -checkend $((29 * 86400))
unlike 'and not for 31' "$(openssl x509 -in "$chain" -noout \
    -checkend $((31 * 86400)) 2>&1)" 'will not'
is 'nobody else may change it' "$(stat -c %a "$chain")" 600
touchstone keys export --pem signer >"$user/signer.pem"
is 'it is of the key' "$(openssl x509 -in "$chain" -noout -pubkey)" \
    "$(cat "$user/signer.pem")"
ok 'made again' touchstone keys certify signer --subject 'A U Thor'
like 'with another subject' "$(openssl x509 -in "$chain" -noout -subject)" \
    'A U Thor$'
like 'the record tells' "$(tail -n 1 "$(status_of .audit)")" \
    '"kind":"certification","format":"x509".*A U Thor'
is 'and keeps no record of other files' "$(touchstone keys list --json |
    jq '.keys | length')" 1

# ---- by an authority ----
refused 'a subject of no request' 'for --csr' \
    touchstone keys export --pem signer --subject x
refused 'two forms at once' 'give one of' \
    touchstone keys export --pem --csr signer
touchstone keys export --csr signer --subject 'A Signer' >"$user/csr"
like 'a request that openssl verifies' "$(openssl req -in "$user/csr" \
    -verify -noout -subject 2>&1 | tr '\n' ' ')" 'OK.*A Signer'
like 'the record tells of it' "$(tail -n 1 "$(status_of .audit)")" \
    '"kind":"certificate-request"'

openssl req -x509 -newkey rsa:2048 -nodes -days 9 -subj /CN=Root \
    -keyout "$user/root.key" -out "$user/root.pem" \
    -addext basicConstraints=critical,CA:true \
    -addext keyUsage=critical,keyCertSign 2>/dev/null

# answer NAME CSR AUTHORITY EXTENSIONS...: $user/NAME.pem
answer() {
	answer_name=$1 answer_csr=$2 answer_by=$3
	shift 3
	printf '%s\n' "$@" >"$user/ext"
	openssl x509 -req -in "$answer_csr" -days 5 -CA "$user/$answer_by.pem" \
	    -CAkey "$user/$answer_by.key" -CAcreateserial \
	    -extfile "$user/ext" -out "$user/$answer_name.pem" 2>/dev/null ||
	    fail "openssl answers $answer_name"
}
request() {
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -subj "/CN=$1" -keyout "$user/$1.key" -out "$user/$1.csr" \
	    2>/dev/null
}
leaf='keyUsage=critical,digitalSignature'
code='extendedKeyUsage=codeSigning'
request Between && answer Between "$user/Between.csr" root \
    basicConstraints=critical,CA:true keyUsage=critical,keyCertSign
request other && answer other "$user/other.csr" Between "$leaf" "$code"
answer good "$user/csr" Between "$leaf" "$code"
answer tls "$user/csr" Between "$leaf" extendedKeyUsage=serverAuth
answer lax "$user/csr" Between keyUsage=digitalSignature "$code"
answer agrees "$user/csr" Between \
    keyUsage=critical,digitalSignature,keyAgreement "$code"
answer ca "$user/csr" Between basicConstraints=critical,CA:true \
    keyUsage=critical,keyCertSign
cd "$user" || exit 1

# import NAME...: such a chain.
import() {
	for import_name; do
		cat "$import_name.pem"
	done >given.pem
	touchstone keys import-chain signer given.pem
}

refused 'no file' 'cannot be read' \
    touchstone keys import-chain signer nosuch.pem
: >empty.pem
refused 'nothing in it' 'no certificates' import empty
cp root.key rootkey.pem
refused 'a private key' 'or something else' import rootkey
refused 'a private key behind them' 'or something else' \
    import good Between root rootkey
refused 'another key' "another key's" import other Between root
refused 'another order' 'not in order' import good root Between
refused 'the root first' "another key's" import root Between good
refused 'a gap' 'does not lead' import good root
refused 'no root' 'does not lead' import good Between
refused 'one too many' 'not in order' import good Between root other
refused 'one twice' 'not in order' import good Between Between root
refused 'for TLS' 'not for signing code' import tls Between root
refused 'a usage that is not critical' 'not for signing alone' \
    import lax Between root
refused 'another usage beside' 'not for signing alone' \
    import agrees Between root
refused "an authority's" "authority's" import ca Between root
openssl x509 -in good.pem -outform DER |
    perl -0777 -pe 'substr($_, -3, 1) ^= "\1"' |
    openssl x509 -inform DER -out forged.pem
refused 'a wrong signature' 'signature of the chain is wrong' \
    import forged Between root

ok 'a good chain is kept' import good Between root
is 'as it was given' "$(cat "$chain")" "$(cat good.pem Between.pem root.pem)"
is 'and counted' "$(touchstone keys import-chain signer given.pem --json |
    jq .certificates)" 3
refused 'a certificate of its own in their place' 'replace' \
    touchstone keys certify signer
ok 'unless that is meant' touchstone keys certify signer --replace
is 'one is left' "$(grep -c BEGIN "$chain")" 1
done_testing
