#!/bin/sh
# pin_ttl: how long a PIN serves, and that the token is left when it is over.
. "$(dirname "$0")/lib.sh"
. "$src/tests/system/pins.sh"
pin_token 'pin_ttl = 1;' || { done_testing; exit; }

logged_out() {
	test "$(calls C_Logout)" -ge 1
}

pin_held() {
	touchstone status --json |
	    jq -r '[.. | .pin_held? // empty] | any'
}

forget_logs
is 'no PIN is held' "$(pin_held)" false
pinentry "pin $pin"
ok 'a commit' commit one
ok 'the token is left when the time is over' wait_for 10 logged_out
pinentry "pin $pin"
ok 'the next commit' commit two
is 'asks again' "$(pin_dialogues)" 2
is 'and logs in again' "$(calls C_Login)" 2
ok 'it is left again' wait_for 10 test "$(calls C_Logout)" -ge 1
wait_for 10 sh -c "test \$(grep -cx C_Logout '$user/fault.log') -ge 2"
pinentry cancel
no_commit 'without an entry' three

# pin_ttl NUMBER: from now on.
pin_ttl() {
	sed -i "s/^pin_ttl = .*/pin_ttl = $1;/" "$conf"
	touchstone reload >/dev/null
	forget_logs
}

pin_ttl 600
pinentry "pin $pin"
ok 'a long time: a commit' commit four
sleep 1.3
is 'a PIN is held' "$(pin_held)" true
ok 'and another' commit five
is 'by one entry' "$(pin_dialogues)" 1
is 'and one login' "$(calls C_Login)" 1
is 'the token was not left' "$(calls C_Logout)" 0
touchstone forget >/dev/null
is '"touchstone forget" leaves it' "$(calls C_Logout)" 1
is 'and none is held' "$(pin_held)" false
pinentry cancel
no_commit 'after "touchstone forget"' six

# A token that was taken out, or that nobody can see, is not known any more.
pinentry "pin $pin"
ok 'a PIN is held again' commit six
ok 'those that were taken out forget' touchstone forget --removed
is 'and none was' "$(pin_held)" true
ok 'the next commit needs no PIN' commit seven
token_does absent
ok 'without it they do' touchstone forget --removed
token_does ''
touchstone keys list --refresh >/dev/null
is 'and it is held no more when it is back' "$(pin_held)" false
pinentry "pin $pin"
ok 'another PIN, another commit' commit eight
token_does 'fail list 0x30 0'
ok 'who cannot be looked at' touchstone forget --removed
token_does ''
touchstone keys list --refresh >/dev/null
is 'forgets too' "$(pin_held)" false

pin_ttl 0
pinentry "pin $pin" "pin $pin"
ok 'no time at all: a commit' commit nine
ok 'and another' commit ten
is 'are two entries' "$(pin_dialogues)" 2
is 'two logins' "$(calls C_Login)" 2
ok 'and the token was left each time' wait_for 10 logged_out
done_testing
