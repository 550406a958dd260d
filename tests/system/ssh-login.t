#!/bin/sh
# Logins at a real sshd by keys on tokens, of every algorithm, and what the
# agent says of them: the host by the name that the user knows it by.
. "$(dirname "$0")/sshd.sh"

hosts gate build || exit 1
soft_token P-256 key-p256
for algorithm in P-384 RSA-2048 RSA-3072 RSA-4096 Ed25519; do
	name=key-$(echo "$algorithm" | tr '[:upper:]' '[:lower:]')
	touchstone keys generate --algorithm "$algorithm" --name "$name" \
	    >"$user/generate.log" 2>&1 </dev/null ||
	    diag "$(cat "$user/generate.log")"
done
known=$HOME/.ssh/known_hosts

# key_file NAME: its public key, which ssh is told to use alone.
key_file() {
	touchstone keys export --ssh "$1" >"$user/$1.pub"
	echo "$user/$1.pub"
}

# login HOST KEY [OPTION...]: says where it got to.
login() {
	login_host=$1 login_key=$(key_file "$2")
	shift 2
	ssh_options="-o IdentitiesOnly=yes -i $login_key $*" \
	    at "$login_host" 'echo at $HOST' 2>&1
}

# ---- every algorithm ----
for name in key-p256 key-p-384 key-rsa-2048 key-rsa-3072 key-rsa-4096 \
    key-ed25519; do
	may_log_in "$(key_file "$name")"
	is "$name logs in" "$(login gate "$name")" 'at gate'
	like "$name: the record names user, host and key" \
	    "$(last_record signed)" "ssh login as $(id -un) at \
gate.example.com, key $name, asked by ssh "
done
: >"$user/authorized_keys"
like 'a key that the host does not know does not' \
    "$(login gate key-p256)" 'Permission denied'
may_log_in "$(key_file key-p256)"
like 'RSA with SHA-1 does not' "$(login gate key-rsa-2048 \
    -o PubkeyAcceptedAlgorithms=ssh-rsa)" 'Permission denied'

# ---- certificates, in files beside the keys ----
# Who has one of the authority may log in, and its key alone may not.
ssh-keygen -q -t ed25519 -N '' -f "$user/ca"
echo "cert-authority $(cat "$user/ca.pub")" >"$user/authorized_keys"
keys=$XDG_DATA_HOME/touchstone/keys
for name in key-p256 key-p-384 key-rsa-2048 key-rsa-3072 key-rsa-4096 \
    key-ed25519; do
	ssh-keygen -q -s "$user/ca" -I "of $name" -n "$(id -un)" \
	    "$(key_file "$name")"
	like "$name alone does not log in" "$(login gate "$name" \
	    -o CertificateFile=none)" 'Permission denied'
	mv "$user/$name-cert.pub" "$keys"
done
touchstone reload >/dev/null
for name in key-p256 key-p-384 key-rsa-2048 key-rsa-3072 key-rsa-4096 \
    key-ed25519; do
	is "$name logs in by a certificate" "$(login gate \
	    "$name" -o CertificateFile="$keys/$name-cert.pub")" 'at gate'
	cp "$keys/$name-cert.pub" "$user/listed.pub"
	is "$name: and by the one that is listed" "$(ssh_options="-o \
	    IdentitiesOnly=yes -i $user/listed.pub" at gate \
	    'echo at $HOST' 2>&1)" 'at gate'
done
rm "$keys"/*-cert.pub
touchstone reload >/dev/null
may_log_in "$(key_file key-p256)"

# ---- names ----
is 'a login at another host' "$(login build key-p256)" 'at build'
like 'is one at that host' "$(last_record signed)" \
    'ssh login as [a-z0-9]* at build.example.com, '
known_hosts_are hashed gate build
not_ok 'hashed names cannot be read' grep -q example "$known"
mv "$HOME/.ssh/config" "$user/config"
login gate.example.com key-p256 >/dev/null
mv "$user/config" "$HOME/.ssh/config"
like 'a hashed name is found by the command line' "$(last_record signed)" \
    ' at gate.example.com, '
login gate key-p256 >/dev/null
like 'and by the configuration of ssh' "$(last_record signed)" \
    ' at gate.example.com, '
mv "$known" "$user/known"
login gate key-p256 -o UserKnownHostsFile="$user/known" >/dev/null
fpr=$(ssh-keygen -lf "$user/hosts/gate/key.pub" | cut -d ' ' -f 2)
like 'without a name the fingerprint is there' "$(last_record signed)" \
    " at host $(echo "$fpr" | sed 's/[+]/\\+/g'), "
mkfifo "$known"
login gate key-p256 -o UserKnownHostsFile="$user/known" >/dev/null
like 'a known_hosts that nobody writes is not waited for' \
    "$(last_record signed)" ' at host SHA256:'
rm -f "$known"
mv "$user/known" "$known"

# ---- a host that says nothing of itself, by a client that does not bind ----
frame=$(perl -MMIME::Base64 -e '
	my $key = decode_base64((split " ", <STDIN>)[1]);
	my $data = pack "N/a* C (N/a*)3 C (N/a*)2", "x" x 32, 50, "root",
	    "ssh-connection", "publickey", 1, "ecdsa-sha2-nistp256", $key;
	my $body = pack "C N/a* N/a* N", 13, $key, $data, 0;
	print unpack "H*", pack "N/a*", $body;' <"$(key_file key-p256)")
is 'a login without a binding is signed' \
    "$("$build/tests/tools/frames" "$runtime/agent.sock" "hex:$frame" read)" \
    'type 14'
like 'and the host is said to be unverified' "$(last_record signed)" \
    'ssh login as root at an unverified host, '

# ---- consent ----
pinentry_setup
pinentry confirm
echo 'keys = ( { key = "*"; confirm = true; } );' >>"$config/config"
touchstone reload
DISPLAY=:9 touchstone session
is 'a login that is agreed to' "$(login gate key-p256)" 'at gate'
like 'the question names user, host and who asks' "$(pinentry_log)" \
    'Sign with key key-p256, asked by ssh .*: ssh login as [a-z0-9]* at gate'
done_testing
