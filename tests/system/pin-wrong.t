#!/bin/sh
# A wrong PIN: asked again, one login for each entry, never the last try
# unless the user agrees to it; a locked PIN is said to be locked and not
# tried any more.
. "$(dirname "$0")/lib.sh"
. "$src/tests/system/pins.sh"
pin_token 'pin_ttl = 600;' || { done_testing; exit; }

# ---- wrong, then right ----
token_does 'tries 5'
forget_logs
pinentry 'pin wrong-one' 'pin wrong-two' "pin $pin"
ok 'a commit is signed when the third entry is right' commit one
ok 'with a good signature' is_signed HEAD
is 'the PIN was asked for three times' "$(pin_dialogues)" 3
is 'each entry was one login at the token' "$(calls C_Login)" 3
is 'one pinentry stayed open for all of it' \
    "$(pinentry_log | grep -c '^# pid')" 1
is 'the first question was of no error' "$(pinentry_log |
    sed '/^GETPIN/q' | grep -c '^SETERROR')" 0
is 'and then twice that it was wrong' \
    "$(pinentry_log | grep -c '^SETERROR Wrong PIN')" 2
like 'the question names what is signed' "$(pinentry_log)" \
    '^SETDESC The PIN of token "soft".*: commit "one" by A U Thor'
unlike 'no PIN is in any log' "$(cat "$user/pinentry.log" \
    "$XDG_STATE_HOME"/touchstone/agent.log \
    "$XDG_STATE_HOME"/touchstone/audit/*/log.jsonl)" 'wrong-one|tulip'

forget_logs
ok 'the PIN that is held serves the next commit' commit two
is 'without a question' "$(pin_dialogues)" 0
is 'and without a login' "$(calls C_Login)" 0

# ---- the last try ----
touchstone forget >/dev/null
token_does 'tries 2'
forget_logs
pinentry 'pin wrong-one' refuse
no_commit 'the last try is refused' three
is 'the refused try was not spent' "$(calls C_Login)" 1
like 'the user was asked whether to spend it' "$(pinentry_log)" '^CONFIRM'
like 'and told that it locks the token' "$(pinentry_log)" \
    '^SETDESC .*last try.* locks the token'

forget_logs
pinentry refuse "pin $pin"
no_commit 'the next request asks before the last try' four
is 'no PIN was asked for' "$(pin_dialogues)" 0
is 'nothing was tried' "$(calls C_Login)" 0

forget_logs
pinentry confirm "pin $pin"
ok 'the last try is made when the user agrees' commit five
is 'by one login' "$(calls C_Login)" 1
is 'the agreement came before the PIN' "$(pinentry_log |
    grep -e '^CONFIRM' -e '^GETPIN' | tr '\n' ' ')" 'CONFIRM GETPIN '

touchstone forget >/dev/null
forget_logs
pinentry "pin $pin"
ok 'with all tries there nobody is asked to agree' commit six
unlike 'and no last try is spoken of' "$(pinentry_log)" 'CONFIRM|last try'

# ---- locked ----
touchstone forget >/dev/null
forget_logs
pinentry 'pin wrong-one' confirm 'pin wrong-two' "pin $pin"
no_commit 'the last try was wrong' seven
is 'two entries, two logins' "$(calls C_Login)" 2
is 'and no third question' "$(pin_dialogues)" 2

forget_logs
pinentry "pin $pin"
not_ok 'a locked token signs nothing' sign_directly
like 'the error says locked, and how to unlock' "$tap_out" \
    'locked.*unlock.*(PUK|security officer)'
like 'and git has its line' "$tap_out" '^\[GNUPG:\] FAILURE sign [0-9]+$'
unlike 'no signature came' "$tap_out" 'BEGIN PGP|SIG_CREATED'
no_commit 'a locked token' eight
is 'the token was not tried' "$(calls C_Login)" 0
is 'and nobody was asked' "$(pin_dialogues)" 0

rm -f "$user/fault.state"
forget_logs
pinentry "pin $pin"
ok 'the same once it is unlocked' sign_directly
unlike 'does not speak of locks' "$tap_out" locked
is 'by one login' "$(calls C_Login)" 1

ok 'the audit log is whole' touchstone audit verify
done_testing
