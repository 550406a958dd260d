#!/bin/sh
# A module that cannot be loaded, that disowns its keys, or that signs with
# another key than it was told to is named, soon; a busy one is waited for.
. "$(dirname "$0")/lib.sh"
. "$src/tests/system/faults.sh"

soft_token
faulty_module 'deadline = 3;'
sed -i 's/^sessions = 2/sessions = 1/' "$config/modules.d/soft.conf"
ok 'one session at a time' touchstone reload
does_sign 'the module signs'

# A token that never lets go of an error: one answer, soon, and not a loop.
never_ends() {	# NAME RV [PATTERN]
	fault "fail sign $2 0"
	: >"$user/fault.log"
	started=$(now_ms)
	fails_to_sign "$1, always: no signature" "${3-soft}"
	less "$1, always: soon" $(($(now_ms) - started)) 5000
	less "$1, always: few calls" \
	    "$(grep -c C_Sign "$user/fault.log")" 10
	fault
	does_sign "$1, no more: it signs"
	fault "fail sign $2 1"
	sign
	fault
	does_sign "$1, once: it signs after that"
}
never_ends 'CKR_KEY_HANDLE_INVALID' 0x60
never_ends 'CKR_USER_NOT_LOGGED_IN' 0x101
never_ends 'CKR_SESSION_HANDLE_INVALID' 0xb3
never_ends 'CKR_FUNCTION_FAILED' 0x6

ok 'a second key of the same kind' touchstone keys generate --module soft \
    --token soft --name second --user-id 'Second <second@example.com>'
fault other
fails_to_sign "a signature by the token's other key" \
    'module soft gave a signature that is not right'
fault
does_sign 'by the right one'

# Eight at once, one after the other, take longer than the deadline of one.
fault 'delay sign 500'
for i in 1 2 3 4 5 6 7 8; do
	sign "$key" "busy$i" &
	eval "busy$i=\$!"
done
failures=0
for i in 1 2 3 4 5 6 7 8; do
	eval "wait \$busy$i" || failures=$((failures + 1))
done
is 'a busy token is waited for' "$failures" 0
fault

cp "$config/modules.d/soft.conf" "$user/soft.conf"
other_token
sed -i 's|^path = .*|path = "/nonexistent/module.so";|' \
    "$config/modules.d/soft.conf"
touchstone reload >/dev/null
fails_to_sign 'no such module' 'module soft: .*/nonexistent/module.so'
does_sign 'no such module: the other token signs' other
touchstone stop >/dev/null
wait_for 5 test ! -S "$sock"
does_sign 'no such module when the agent starts: the other token signs' other
sed -i 's|^path = .*|path = "/bin/sh";|' "$config/modules.d/soft.conf"
touchstone reload >/dev/null
rm "$config/modules.d/other.conf"
touchstone reload >/dev/null
started=$(now_ms)
fails_to_sign 'a program instead of a module' 'module soft: .*/bin/sh'
less 'with nothing to wait for it fails at once' \
    $(($(now_ms) - started)) 2000
like 'keys list tells of the module' "$(touchstone keys 2>&1 >/dev/null)" \
    'module "soft": .*/bin/sh'
mv "$XDG_DATA_HOME/touchstone/keys" "$user/keys"
touchstone reload >/dev/null
out=$(touchstone keys 2>&1)
like 'also when no key is known' "$out" 'module "soft": .*/bin/sh'
unlike 'and sets up no other' "$out" 'setup'
mv "$user/keys" "$XDG_DATA_HOME/touchstone/keys"
cp "$user/soft.conf" "$config/modules.d/soft.conf"
touchstone reload >/dev/null
does_sign 'the right module again: it signs'
rm "$config/modules.d/soft.conf"
touchstone reload >/dev/null
fails_to_sign 'no module at all' 'no module is configured'
ok 'the audit log is unbroken' touchstone audit verify
done_testing
