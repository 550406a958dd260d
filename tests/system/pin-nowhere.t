#!/bin/sh
# No pinentry, no terminal, no display: an error within a second that names
# the fix, and never a hang.
. "$(dirname "$0")/lib.sh"
. "$src/tests/system/pins.sh"
pin_token || { done_testing; exit; }
forget_logs
pinentry "always pin $pin"

# fails_soon NAME PATTERN: signing does, with these words, within a second;
# a machine that others keep busy gets three chances.
fails_soon() {
	for chance in 1 2 3; do
		before=$(now_ms) status=0
		tap_out=$(sign_directly 2>&1) || status=$?
		took=$(($(now_ms) - before))
		test "$took" -gt 1000 || break
	done
	is "$1: it fails" "$status" 2
	if test "$took" -le 1000; then
		pass "$1: within a second"
	else
		fail "$1: within a second" "it took $took ms"
	fi
	like "$1: the error names the fix" "$tap_out" "$2"
	unlike "$1: no signature" "$tap_out" 'BEGIN PGP|SIG_CREATED'
}

# set_pinentry PATH...: what the configuration says of it.
set_pinentry() {
	sed -i '/^pinentry/d' "$config/config"
	test $# = 0 || echo "pinentry = \"$1\";" >>"$config/config"
	touchstone reload >/dev/null
}

# ---- nowhere to ask ----
display=$DISPLAY
unset DISPLAY
fails_soon 'no terminal, no display' 'run it in a terminal.*touchstone session'
no_commit 'no terminal, no display' one
is 'no pinentry was started' "$(pinentry_log)" ''
GPG_TTY=/dev/null fails_soon 'GPG_TTY names no terminal' 'run it in a terminal'
GPG_TTY="$user/pin" fails_soon 'GPG_TTY names a file' 'run it in a terminal'
is 'and none was started then' "$(pinentry_log)" ''

DISPLAY= fails_soon 'an empty DISPLAY' 'run it in a terminal'
export DISPLAY=$display
ok 'a display is enough' sign_directly
touchstone forget >/dev/null
unset DISPLAY
ok 'so is Wayland' env WAYLAND_DISPLAY=wayland-9 sh -c "
	setsid -w touchstone-gpg --status-fd=2 -bsau $key <'$user/object'"
touchstone forget >/dev/null
export DISPLAY=$display

# ---- nothing that asks ----
set_pinentry "$user/no-such-pinentry"
fails_soon 'the pinentry is missing' \
    'no-such-pinentry.*install one.*set another .pinentry'
no_commit 'the pinentry is missing' two

set_pinentry /usr/bin/false
fails_soon 'the pinentry is none' '/usr/bin/false.*set another .pinentry'
set_pinentry /etc/passwd
fails_soon 'the pinentry is no program' '/etc/passwd.*install one'
printf '#!/bin/sh\necho ERR 83886179 go away\n' >"$user/rude"
chmod +x "$user/rude"
set_pinentry "$user/rude"
fails_soon 'the pinentry refuses to serve' 'rude.*set another .pinentry'
set_pinentry "$user/pinentry"
pinentry 'always error 83886340'
fails_soon 'the pinentry cannot show anything there' \
    'cannot show a prompt there.*GPG_TTY=.*set another .pinentry'

# ---- and it is all right again ----
pinentry "always pin $pin"
ok 'with a pinentry it signs' commit three
ok 'and the signature is good' is_signed HEAD
is 'the token was asked for signatures just so often' "$(calls C_Sign)" 3
ok 'no failure left a prompter behind' wait_for 10 prompts_are_gone

ok 'the audit log is whole' touchstone audit verify
done_testing
