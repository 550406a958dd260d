#!/bin/sh
# Another client than OpenSSH's logs in with keys of the agent: paramiko, which
# tells the agent nothing of the host (no session-bind).  To the agent it is
# what has a connection to elsewhere, and may be a relay.
. "$(dirname "$0")/sshd.sh"
python=/usr/bin/python3
"$python" -c 'import paramiko' 2>/dev/null ||
    skip_all 'paramiko (python3-paramiko) is not installed'

hosts gate || exit 1
soft_token P-256 key-p256
for algorithm in P-384 RSA-2048 Ed25519; do
	name=key-$(echo "$algorithm" | tr '[:upper:]' '[:lower:]')
	touchstone keys generate --algorithm "$algorithm" --name "$name" \
	    >"$user/generate.log" 2>&1 </dev/null ||
	    diag "$(cat "$user/generate.log")"
done

cat >"$user/login.py" <<'END'
import sys
import paramiko

host, user, blob = sys.argv[1:]
t = paramiko.Transport((host, 22))
t.connect()
keys = [k for k in paramiko.Agent().get_keys()
        if k.asbytes() == open(blob, 'rb').read()]
try:
    t.auth_publickey(user, keys[0])
except paramiko.AuthenticationException:
    sys.exit('refused')
channel = t.open_session()
channel.exec_command('echo at $HOST')
sys.stdout.write(channel.makefile().read().decode())
t.close()
END

# paramiko NAME: logs in with that key of the agent's.
paramiko() {
	touchstone keys export --ssh "$1" >"$user/$1.pub"
	cut -d ' ' -f 2 "$user/$1.pub" | base64 -d >"$user/$1.blob"
	SSH_AUTH_SOCK=$XDG_RUNTIME_DIR/touchstone/agent.sock timeout 60 \
	    "$python" "$user/login.py" gate.example.com "$(id -un)" \
	    "$user/$1.blob" 2>&1 </dev/null
}

for name in key-p256 key-p-384 key-rsa-2048 key-ed25519; do
	touchstone keys export --ssh "$name" >"$user/$name.pub"
	may_log_in "$user/$name.pub"
	is "$name logs in" "$(paramiko "$name")" 'at gate'
	like "$name: the record says that nobody told the host" \
	    "$(last_record signed)" "ssh login as $(id -un).* key $name,"
done
: >"$user/authorized_keys"
is 'a key that the host does not know does not' "$(paramiko key-p256)" refused

may_log_in "$user/key-p256.pub"
echo 'keys = ( { key = "key-p256"; forward_login = "refuse"; } );' \
    >>"$config/config"
touchstone reload >/dev/null
unlike 'nor does one whose rule refuses logins of who tells no host' \
    "$(paramiko key-p256)" '^at gate'
like 'which is recorded' "$(last_record denied)" 'forward_login'
done_testing
