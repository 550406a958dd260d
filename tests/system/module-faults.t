#!/bin/sh
# A module that is missing, crashes, hangs or gives wrong signatures fails by
# name; the agent and the other tokens go on, and so does it when it is well.
. "$(dirname "$0")/lib.sh"
. "$src/tests/system/faults.sh"

soft_token
other_token
faulty_module 'deadline = 2;'
agent=$(agent_pid)

does_sign 'a module that does nothing wrong signs'
like 'and it is the one that can go wrong' "$(cat "$user/fault.log")" C_Sign

# wrong NAME PATTERN FAULT...
wrong() {
	wrong_name=$1 wrong_pattern=$2
	shift 2
	fault "$@"
	fails_to_sign "$wrong_name: no signature" "$wrong_pattern"
	does_sign "$wrong_name: the other token signs" other
	fault
	does_sign "$wrong_name: afterwards it signs"
}

wrong 'garbage' 'module soft gave a signature that is not right' garbage
wrong 'a signature that is too short' 'soft|length' short
wrong 'a signature that is too long' 'soft|length' long
wrong 'a signature of absurd length' 'soft|length' absurd
wrong 'a crash in C_Sign' 'module soft: .*Aborted' 'crash sign'
wrong 'an error in C_Sign' 'CKR_FUNCTION_FAILED|soft' 'fail sign 0x6 0'

started=$(now_ms)
wrong 'hanging in C_Sign' \
    'module soft: it did not answer within 2 s' 'hang sign'
less 'that took its deadline and little more' $(($(now_ms) - started)) 6000

# While it hangs, others go on.
fault 'hang sign'
sign "$key" hanging & hanging=$!
wait_for 5 test "$(wc -l <"$user/fault.log")" -gt 0
for i in 1 2 3; do
	does_sign "signature $i while the other token hangs" other
done
is 'which still hangs' "$(kill -0 $hanging && echo yes)" yes
wait $hanging && fail 'it fails in the end' || pass 'it fails in the end'
fault

# The whole process starts anew with a module that cannot be initialized.
fault 'crash init'
end_module soft
fails_to_sign 'a crash in C_Initialize: no signature' 'module soft: .*Aborted'
does_sign 'a crash in C_Initialize: the other token signs' other
like 'status tells of it' "$(status_of '.modules[].problem')" 'module soft: '
fault
does_sign 'a crash in C_Initialize: afterwards it signs'
is 'and status tells of no problem' \
    "$(status_of '[.modules[].problem] | unique | tostring')" '[null]'

fault 'hang init'
end_module soft
started=$(now_ms)
fails_to_sign 'hanging in C_Initialize: no signature' \
    'module soft: it did not answer within 2 s'
less 'hanging in C_Initialize: in time' $(($(now_ms) - started)) 5000
fault
does_sign 'hanging in C_Initialize: afterwards it signs'

is 'the agent is the one of the beginning' "$(agent_pid)" "$agent"
ok 'the audit log is unbroken' touchstone audit verify
done_testing
