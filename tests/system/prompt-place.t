#!/bin/sh
# Where a prompt appears: at the client's own terminal, or for what comes by
# agent.sock where `touchstone session` was last run; a request never says.
. "$(dirname "$0")/lib.sh"
. "$src/tests/system/pins.sh"
pin_token || { done_testing; exit; }
pinentry "always pin $pin"
sign_directly >/dev/null 2>&1	# makes $user/object
sign="touchstone-gpg --status-fd=2 -bsau $key <$user/object"

# Each prompt's OPTION lines, and nothing held from the one before.
anew() {
	touchstone forget >/dev/null
	forget_logs
}
told() {	# OPTION
	pinentry_log | sed -n "s/^OPTION $1=//p"
}
env_of_pinentry() {	# NAME
	pinentry_log | sed -n "s/^# env $1=//p"
}

# in_terminal NAME COMMAND: a terminal of its own, whose name is in
# $user/tty.NAME; what the command says is in $user/said.NAME, how it ended in
# $user/ended.NAME.
in_terminal() {
	rm -f "$user/ended.$1"
	setsid -w script -qec "tty >$user/tty.$1
	    { $2; } >$user/said.$1 2>&1; echo \$? >$user/ended.$1" \
	    "$user/typescript.$1" </dev/null >/dev/null 2>&1
}
# stay_in_terminal NAME COMMAND: and stays after it.
stay_in_terminal() {
	rm -f "$user/tty.$1" "$user/leave.$1"
	setsid script -qec "tty >$user/tty.$1; $2
	    while ! test -e $user/leave.$1; do sleep 0.05; done" \
	    "$user/typescript.$1" </dev/null >/dev/null 2>&1 &
	wait_for 20 test -s "$user/tty.$1"
}

# ---- a local client ----
anew
ok 'a client with a display and no terminal' without_terminal sh -c "$sign"
is 'is asked at no terminal' "$(told ttyname)" ''
is 'but at its display' "$(told display)" "$DISPLAY"

display=$DISPLAY
unset DISPLAY
anew
export TERM=xterm-special
ok 'a client with a terminal' in_terminal a "$sign"
is 'signs' "$(cat "$user/ended.a")" 0
like 'it had one' "$(cat "$user/tty.a")" '^/dev/'
is 'and is asked there' "$(told ttyname)" "$(cat "$user/tty.a")"
is 'by the type that it has' "$(told ttytype)" xterm-special
is 'and at no display' "$(told display)$(env_of_pinentry DISPLAY)" ''
like 'it is told what to do' "$(cat "$user/said.a")" \
    'enter the PIN of token "soft" in the dialogue'

# Git 2.39 swallows what its gpg.program says.
anew
pinentry cancel
in_terminal a "git -C $repo commit -S --allow-empty -m one"
like 'in a terminal, why git could not sign is shown' \
    "$(cat "$user/typescript.a")" \
    'touchstone: signing failed: the PIN prompt was closed'
is 'and nothing is committed' "$(commits)" 0
pinentry "always pin $pin"
in_terminal a "git -C $repo commit -S --allow-empty -m one"
unlike 'in a terminal, nothing of that is shown when it could' \
    "$(cat "$user/typescript.a")" failed
is 'and it is committed' "$(commits)" 1

stay_in_terminal b true
anew
GPG_TTY=$(cat "$user/tty.b") ok 'a client without a terminal but GPG_TTY' \
    without_terminal sh -c "$sign"
is 'is asked there' "$(told ttyname)" "$(cat "$user/tty.b")"
is 'and pinentry has it in its environment' "$(env_of_pinentry GPG_TTY)" \
    "$(cat "$user/tty.b")"

anew
LD_PRELOAD_X=1 PINENTRY_USER_DATA=evil GTK_MODULES=/evil.so \
    GPG_TTY=$(cat "$user/tty.b") ok 'a client with a strange environment' \
    without_terminal sh -c "$sign"
unlike 'pinentry gets none of it' "$(pinentry_log | grep '^# env')" \
    'LD_PRELOAD_X|PINENTRY_USER_DATA|GTK_MODULES|evil'
like 'but what it needs' "$(pinentry_log | grep '^# env')" \
    '^# env TERM=xterm-special$'

# ---- a request by agent.sock ----
by_agent_sock() {
	TOUCHSTONE_SOCK=$runtime/agent.sock GPG_TTY=$(cat "$user/tty.b") \
	    DISPLAY=:77 WAYLAND_DISPLAY=wayland-77 XAUTHORITY=/evil \
	    without_terminal sh -c "$sign"
}
anew
not_ok 'a request by agent.sock is denied' by_agent_sock
like 'since no rule allows it' "$tap_out" 'agent\.sock.*forward = true'
is 'nobody was asked' "$(pinentry_log)" ''
is 'and nothing signed' "$(calls C_Sign)" 0
# A denial is recorded, but its reply does not wait for that.
is_denied() {
	test "$(audit '.records[-1].stage')" = denied
}
wait_for 5 is_denied
is 'it is recorded as denied' \
    "$(audit '.records[-1] | .stage + " " + .origin')" 'denied agent'

echo 'keys = ( { key = "soft"; forward = true; } );' >>"$config/config"
touchstone reload >/dev/null
anew
not_ok 'with the rule, but no session: it fails' by_agent_sock
like 'and says that one must be registered' "$tap_out" 'touchstone session'
is 'nobody was asked where the request wanted it' "$(pinentry_log)" ''
is 'and nothing was signed' "$(calls C_Sign)" 0

anew
in_session="touchstone session >$user/said.session 2>&1"
stay_in_terminal c "$in_session; echo \$? >$user/ended.session"
wait_for 20 test -s "$user/ended.session"
is 'a session is registered' "$(cat "$user/ended.session")" 0
ok 'with the rule and a session it signs' by_agent_sock
is 'and the PIN is asked for where the session is' "$(told ttyname)" \
    "$(cat "$user/tty.c")"
isnt 'which is not where the request wanted it' "$(cat "$user/tty.c")" \
    "$(cat "$user/tty.b")"
is 'nor at its display' "$(told display)$(env_of_pinentry DISPLAY)$(
    env_of_pinentry WAYLAND_DISPLAY)$(env_of_pinentry XAUTHORITY)" ''

anew
ok 'a local client is asked at its own place all the same' \
    in_terminal a "$sign"
is 'and not where the session is' "$(told ttyname)" "$(cat "$user/tty.a")"

anew
ok 'a local client without a place' without_terminal sh -c "$sign"
is 'is asked where the session is' "$(told ttyname)" "$(cat "$user/tty.c")"

out=$(without_terminal touchstone session 2>&1)
isnt 'where nothing can be shown, no session is registered' "$?" 0
like 'and that is why' "$out" 'no terminal and no display'

anew
DISPLAY=$display ok 'another session, at a display' \
    without_terminal touchstone session
ok 'a request by agent.sock' by_agent_sock
is 'is asked about at the last session' "$(told display)" "$display"
is 'and no more at the one before' "$(told ttyname)" ''

like 'a session cannot be registered by agent.sock' \
    "$(TOUCHSTONE_SOCK=$runtime/agent.sock touchstone session 2>&1)" \
    'does not know this request'
anew
by_agent_sock >/dev/null 2>&1
is 'and stays the one that it was' "$(told display)" "$display"

touch "$user/leave.b" "$user/leave.c"
done_testing
