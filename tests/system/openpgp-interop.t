#!/bin/sh
# Other programs read our certificates, signatures and revocations of every
# algorithm, and refuse what was tampered with, expired or revoked.
here=$(cd "$(dirname "$0")/.." && pwd)
. "$here/tap.sh"
build=${TOUCHSTONE_BUILD-$here/../build}
make=$build/tests/tools/openpgp-make
work=$(mktemp -d /tmp/ts-interop.XXXXXX) || exit 1
GNUPGHOME=$work/gnupg
export GNUPGHOME
leave() {
	gpgconf --kill all 2>/dev/null
	rm -rf "$work"
}
trap leave EXIT
trap 'exit 1' HUP INT TERM
cd "$work" || exit 1

test -x "$make" || skip_all 'openpgp-make is not built'
has() {
	command -v "$1" >/dev/null
}

algorithms='RSA-2048 RSA-3072 RSA-4096 P-256 P-384 P-521 Ed25519'
uid='Ann Müller <ann@example.org>'
created=1600000000
now=1700000000
echo 'a document' >doc
echo 'another document' >other

for a in $algorithms; do
	ok "$a: a key makes its files" \
	    "$make" "$a" "$a" doc "$uid" $created 0 $now
	printf '%s\n' "$tap_out" >"$a.names"
done
ok 'a key that expired' "$make" p256 expired doc "$uid" $created 86400 $now
ok 'another key' "$make" p256 another doc "$uid" $created 0 $now
ok 'a key that will expire, in 2084' \
    "$make" p256 later doc "$uid" $created 2000000000 $now
not_ok 'no key that expires after 2106, which all read as long ago' \
    "$make" p256 x doc "$uid" $created 4000000000 $now
not_ok 'no algorithm of another name' \
    "$make" p512 x doc "$uid" $created 0 $now

# ---- GnuPG ----

# Nothing here needs an agent, and one that outlives its folder is found by
# nobody.
home() {
	rm -rf "$GNUPGHOME"
	mkdir -m 700 "$GNUPGHOME"
	echo no-autostart >"$GNUPGHOME/gpg.conf"
}

# gpg's status for a signature of a document; its exit status is $gpg_status.
gpg_verify() {
	gpg_status=0
	gpg --batch --status-fd 1 --verify "$1" "$2" 2>/dev/null ||
	    gpg_status=$?
}

# gpg_says NAME PATTERN EXIT-STATUS SIGNATURE DOCUMENT
gpg_says() {
	gpg_verify "$4" "$5" >out
	like "$1" "$(cat out)" "^\\[GNUPG:\\] $2"
	is "$1: exit status" "$gpg_status" "$3"
}

with_gpg() {
	home
	for a in $algorithms; do
		fpr=$(sed -n 2p "$a.names")
		ok "gpg imports $a" gpg --batch --import "$a.cert"
		keys=$(gpg --batch --with-colons --check-sigs "$fpr" 2>/dev/null)
		like "gpg has the fingerprint of $a" "$keys" "^fpr:+$fpr:"
		like "gpg lets $a sign and certify" "$keys" \
		    "^pub:([^:]*:){10}scSC:"
		like "gpg finds the self-signature of $a good" "$keys" '^sig:!:'
		like "gpg reads the user id of $a" "$keys" "^uid:.*$uid"
		for s in sig short low; do
			test -f "$a.$s" || continue
			gpg_says "gpg verifies $a.$s" "GOODSIG .* $uid" 0 \
			    "$a.$s" doc
			like "gpg: $a.$s is by the whole fingerprint" \
			    "$(cat out)" "VALIDSIG $fpr .* $fpr\$"
			gpg_says "gpg refuses $a.$s of another document" \
			    BADSIG 1 "$a.$s" other
		done
		status=$(sed -n 1p "$a.names")
		hash=$(echo "$status" | cut -d' ' -f3)
		like "gpg sees the hash that the status of $a names" \
		    "$(gpg_verify "$a.sig" doc)" \
		    "VALIDSIG $fpr [^ ]* $now 0 4 0 $(echo "$status" |
			cut -d' ' -f2) $hash 00 "
	done

	home
	gpg -q --batch --import another.cert P-256.cert 2>/dev/null
	gpg_says 'gpg verifies the key that it has' GOODSIG 0 another.sig doc
	gpg_says 'gpg has no key for another' 'ERRSIG .* 9 ' 2 P-384.sig doc
	# The same packets, but for who made them.
	gpg --batch --dearmor <another.sig >raw 2>/dev/null
	gpg --batch --dearmor <P-256.sig >raw2 2>/dev/null
	{ head -c -60 raw; tail -c 60 raw2; } >mixed
	gpg_says "gpg refuses another key's numbers" BADSIG 1 mixed doc

	home
	gpg -q --batch --import expired.cert later.cert 2>/dev/null
	gpg_says 'gpg tells that the key expired' EXPKEYSIG 0 expired.sig doc
	gpg_says 'gpg tells that a key will expire' GOODSIG 0 later.sig doc
	like 'gpg knows when' "$(gpg --batch --with-colons --list-keys \
	    2>/dev/null)" "^pub:e:([^:]*:){3}$created:$((created + 86400)):"

	for a in $algorithms; do
		home
		gpg -q --batch --import "$a.revoked" 2>/dev/null
		gpg_says "gpg tells that $a is revoked" REVKEYSIG 0 "$a.sig" doc
		home
		gpg -q --batch --import "$a.cert" 2>/dev/null
		gpg_says "gpg: $a is not yet revoked" GOODSIG 0 "$a.sig" doc
		gpg -q --batch --import "$a.rev" 2>/dev/null
		gpg_says "gpg takes the revocation of $a" REVKEYSIG 0 \
		    "$a.sig" doc
	done
}

# ---- Sequoia's verifier ----

with_sqv() {
	for a in $algorithms; do
		for s in sig short low; do
			test -f "$a.$s" || continue
			ok "sqv verifies $a.$s" \
			    sqv --keyring "$a.cert" "$a.$s" doc
			is "sqv: $a.$s has the fingerprint" "$tap_out" \
			    "$(sed -n 2p "$a.names")"
			not_ok "sqv refuses $a.$s of another document" \
			    sqv --keyring "$a.cert" "$a.$s" other
		done
		not_ok "sqv refuses $a.sig with another key" \
		    sqv --keyring another.cert "$a.sig" doc
		not_ok "sqv refuses the revoked $a" \
		    sqv --keyring "$a.revoked" "$a.sig" doc
	done
	not_ok 'sqv refuses the expired key' \
	    sqv --keyring expired.cert expired.sig doc
	ok 'sqv takes a key that will expire' \
	    sqv --keyring later.cert later.sig doc
}

# ---- RNP ----

rnp_home() {
	rm -rf rnp
	mkdir -m 700 rnp
	for cert in "$@"; do
		rnpkeys --homedir rnp --import "$cert" >/dev/null 2>&1
	done
}

with_rnp() {
	for a in $algorithms; do
		rnp_home
		ok "rnpkeys imports $a" rnpkeys --homedir rnp --import "$a.cert"
		ok "rnpkeys lists $a" rnpkeys --homedir rnp --list-keys
		like "rnp has the fingerprint of $a" "$tap_out" \
		    "$(sed -n 2p "$a.names" | tr A-F a-f)"
		for s in sig short low; do
			test -f "$a.$s" || continue
			ok "rnp verifies $a.$s" rnp --homedir rnp \
			    --verify "$a.$s" --source doc
			not_ok "rnp refuses $a.$s of another document" \
			    rnp --homedir rnp --verify "$a.$s" --source other
		done
		rnp_home another.cert
		not_ok "rnp refuses $a.sig with another key" rnp \
		    --homedir rnp --verify "$a.sig" --source doc
		rnp_home "$a.revoked"
		ok "rnpkeys lists the revoked $a" \
		    rnpkeys --homedir rnp --list-keys
		like "rnp knows that $a is revoked" "$tap_out" REVOKED
	done
	rnp_home expired.cert
	not_ok 'rnp refuses the expired key' rnp --homedir rnp \
	    --verify expired.sig --source doc
	rnp_home later.cert
	ok 'rnp takes a key that will expire' rnp --homedir rnp \
	    --verify later.sig --source doc
}

# ---- OpenSSH ----

ssh_verify() {	# SIGNATURE ALLOWED DOCUMENT
	ssh-keygen -Y verify -f "$2" -I ann -n file -s "$1" <"$3"
}

with_ssh() {
	for a in $algorithms; do
		is "ssh-keygen has the fingerprint of $a" \
		    "$(ssh-keygen -lf "$a.ssh" | cut -d' ' -f2)" \
		    "$(sed -n 3p "$a.names")"
		is "ssh-keygen reads the comment of $a" \
		    "$(ssh-keygen -lf "$a.ssh" | cut -d' ' -f3-5)" "$uid"
		{ printf 'ann '; cat "$a.ssh"; echo; } >"$a.allowed"
		for s in sshsig2 sshsig4; do
			tap_out=$(ssh_verify "$a.$s" "$a.allowed" doc 2>&1)
			is "ssh-keygen verifies $a.$s" "$?" 0
			tap_out=$(ssh_verify "$a.$s" "$a.allowed" other 2>&1)
			is "ssh-keygen refuses $a.$s of another document" "$?" \
			    255
		done
	done
	tap_out=$(ssh_verify P-256.sshsig2 P-384.allowed doc 2>&1)
	isnt 'ssh-keygen refuses the signature of another key' "$?" 0
}

if has gpg; then with_gpg; else skip gpg 'gpg is not installed'; fi
if has sqv; then with_sqv; else skip sqv 'sqv is not installed'; fi
if has rnp && has rnpkeys; then
	with_rnp
else
	skip rnp 'rnp is not installed'
fi
if has ssh-keygen; then
	with_ssh
else
	skip ssh-keygen 'ssh-keygen is not installed'
fi
done_testing
