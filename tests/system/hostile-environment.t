#!/bin/sh
# What the first client's environment names is run by nobody but that client:
# not by the agent that it starts, its token process, or the prompter.
. "$(dirname "$0")/lib.sh"
. "$src/tests/system/faults.sh"
test "${TOUCHSTONE_SANITIZERS-no}" = no ||
    skip_all 'sanitizers want to be the first library of a client'

soft_token
sed -i '/^pin_source/d' "$config/modules.d/soft.conf"
pinentry_setup
touchstone stop >/dev/null
wait_for 5 test ! -S "$sock"

# ---- an environment that is up to no good ----
evil=$user/evil
mkdir -p "$evil/bin" "$evil/lib"
cp "$build/tests/modules/marker.so" "$evil/marker.so"
for name in libevent_core-2.1.so.7 libcrypto.so.3 libp11-kit.so.0 \
    libassuan.so.0 libjansson.so.4 libconfig.so.9; do
	cp "$evil/marker.so" "$evil/lib/$name"
done
mkdir "$evil/gconv"
cp "$evil/marker.so" "$evil/gconv/EVIL.so"
echo 'module UTF-8// EVIL// EVIL 1' >"$evil/gconv/gconv-modules"
cat >"$evil/openssl.cnf" <<-END
openssl_conf = init
[init]
providers = all
engines = engine
[all]
evil = evil
[evil]
module = $evil/marker.so
activate = 1
[engine]
evil = evil_engine
[evil_engine]
dynamic_path = $evil/marker.so
init = 1
END
echo "directories.tokendir = $evil/none" >"$evil/softhsm2.conf"
for name in pinentry pinentry-curses gpg touchstone-token touchstone-agent \
    touchstone-prompt sh; do
	printf '#!/bin/sh\necho "$0" >>%s/ran\n' "$evil" >"$evil/bin/$name"
	chmod 755 "$evil/bin/$name"
done
hostile() {
	env LD_PRELOAD="$evil/marker.so" LD_AUDIT="$evil/marker.so" \
	    OPENSSL_CONF="$evil/openssl.cnf" OPENSSL_MODULES="$evil/lib" \
	    OPENSSL_ENGINES="$evil/lib" SOFTHSM2_CONF="$evil/softhsm2.conf" \
	    GCONV_PATH="$evil/gconv" P11_KIT_STRICT=1 \
	    DISPLAY=:9 PINENTRY_USER_DATA=evil GNUPGHOME="$evil" \
	    EVENT_NOEPOLL=1 EVENT_SHOW_METHOD=1 MALLOC_PERTURB_=1 \
	    PATH="$evil/bin:$PATH" "$@"
}
marks() {
	find "$evil" -name '*.so.[a-z]*' -o -name ran | sort
}

# ---- it works where it reaches ----
# The loader has something to say of each.
hostile /usr/bin/true 2>/dev/null
like 'LD_PRELOAD reaches what the client runs' "$(marks)" 'marker.so.true'
if command -v openssl >/dev/null; then
	OPENSSL_CONF=$evil/openssl.cnf openssl list -providers >/dev/null 2>&1
	like 'OPENSSL_CONF is read by openssl' "$(marks)" 'marker.so.openssl'
fi
hostile env pinentry 2>/dev/null
like 'PATH finds the wrong pinentry' "$(cat "$evil/ran")" 'evil/bin/pinentry'
like 'LD_LIBRARY_PATH has libraries that an agent cannot run with' \
    "$(LD_LIBRARY_PATH=$evil/lib "$bin/touchstone-agent" --version 2>&1)" \
    "$evil/lib"
rm -f "$evil"/marker.so.* "$evil/ran"

# ---- and nowhere else ----
# As long as a busy machine may take to look at them all.
pinentry 'delay 5000' "pin $(cat "$user/pin")"
commit_object | hostile env LD_LIBRARY_PATH="$evil/lib" \
    "$bin/touchstone-gpg" --status-fd=2 -bsau "$key" \
    >"$user/sign.out" 2>"$user/sign.err" &
client=$!
wait_for 5 grep -q GETPIN "$user/pinentry.log"
agent=$(agent_pid)
isnt 'it starts an agent' "$agent" ''
like 'the marks are those of the client' "$(marks)" 'touchstone-gpg'
unlike 'the agent, the token process and the prompter have none' "$(marks)" \
    'touchstone-(agent|token|prompt)|touchstone-toke|pinentry'
ok 'nothing of that PATH was run' test ! -e "$evil/ran"

helpers=$(ps -o pid=,comm= --ppid "$agent")
like 'there is a token process' "$helpers" 'touchstone-tok'
like 'and a prompter' "$helpers" 'touchstone-pro'
bad='evil|^LD_|^OPENSSL|^GCONV|^GNUPGHOME|^P11_KIT|^EVENT|^MALLOC'
for pid in $agent $(echo "$helpers" | sed 's/^ *\([0-9]*\).*/\1/'); do
	name=$(cat "/proc/$pid/comm")
	if environment=$(tr '\0' '\n' 2>/dev/null <"/proc/$pid/environ"); then
		unlike "the environment of $name" "$environment" "$bad"
		unlike "what is mapped in $name" "$(cat "/proc/$pid/maps")" evil
	else
		skip "the environment of $name" 'only root may look'
	fi
done
unlike "the pinentry's environment" \
    "$(pinentry_log | sed -n 's/^# env //p')" "$bad"
like 'the token process has what its configuration says' \
    "$(tr '\0' '\n' 2>/dev/null <"/proc/$(echo "$helpers" |
    sed -n 's/^ *\([0-9]*\) touchstone-tok.*/\1/p')/environ" ||
    cat "$config/modules.d/soft.conf")" "SOFTHSM2_CONF=$XDG_DATA_HOME"
wait $client && pass 'and it signs' ||
    fail 'and it signs' "$(cat "$user/sign.err")"
ok 'with the right key' sh -c 'printf %s "$1" | gpg --batch --verify "$2" -' \
    sh "$(commit_object)
" "$user/sign.out"
unlike 'in the end there are no other marks' "$(marks)" \
    'touchstone-(agent|token|prompt)|touchstone-toke|pinentry'
done_testing
