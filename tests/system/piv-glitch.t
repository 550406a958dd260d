#!/bin/sh
# A card that is out of its reader while it is used, for so short a time that
# pcscd does not see it: it is not lost.
set --
. "$(dirname "$0")/piv.sh"

card_start 1 --touch now || exit 1
piv_agent || exit 1
pinentry "always pin $pin"
piv_key 9a P-256 2 1 || exit 1
process=$(status_of '.modules[0].pid')

is_listed() {
	touchstone keys list --refresh >/dev/null 2>&1
	test "$(status_of '.modules[0].tokens | length')" = 1
}

for n in 1 2 3; do
	ok "$n: the card signs" ssh_sign
	card 1 fault unplug=60@87
	ok "$n: out for 60 ms while it signs, it does not" ssh_refused
	ok "$n: it is listed again" wait_for 10 is_listed
done
ok 'and signs' ssh_sign
ok 'well' ssh_good
is 'the process is the same' "$(status_of '.modules[0].pid')" "$process"
done_testing
