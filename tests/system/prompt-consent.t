#!/bin/sh
# A key with confirm = true: the user is asked, in words that name the object
# and that no commit can make say anything else.
. "$(dirname "$0")/lib.sh"
. "$src/tests/system/pins.sh"
pin_token 'pin_ttl = 600;' || { done_testing; exit; }
echo 'keys = ( { key = "soft"; confirm = true; } );' >>"$config/config"
touchstone reload >/dev/null

last() {	# FILTER: of the last record
	audit ".records[-1] | $1"
}

# ---- yes and no ----
forget_logs
pinentry refuse
no_commit 'refused' 'a plain subject'
is 'refused: it is recorded as denied' "$(last .stage)" denied
like 'refused: and by whom' "$(last .verdict)" 'refused'
is 'refused: with what was refused' "$(last .summary)" \
    'commit "a plain subject" by A U Thor <author@example.com>'
is 'refused: there was no intent' \
    "$(audit '[.records[] | select(.kind == "commit")] | length')" 1
is 'refused: the token was not asked' "$(calls C_Login)$(calls C_Sign)" 00
is 'refused: nor a PIN' "$(pin_dialogues)" 0

question=$(pinentry_log | grep '^SETDESC')
like 'the question names the commit' "$question" \
    '^SETDESC Sign with key soft, asked by .*: commit "a plain subject" by A U Thor <author@example.com>'
like 'and the key' "$question" 'with key soft'
like 'and who asks' "$question" 'asked by touchstone-gpg ← git '

forget_logs
pinentry cancel
no_commit 'the question is closed' two
is 'the question is closed: denied' "$(last .stage)" denied
pinentry crash
no_commit 'the question crashes' three
is 'the question crashes: nothing was signed' "$(calls C_Sign)" 0

forget_logs
pinentry confirm "pin $pin"
ok 'agreed: it is signed' commit four
ok 'agreed: and good' is_signed HEAD
is 'agreed: it is recorded' "$(last .stage)" signed
is 'agreed: the question came first, then the PIN' "$(pinentry_log |
    grep -e '^CONFIRM' -e '^GETPIN' | tr '\n' ' ')" 'CONFIRM GETPIN '
forget_logs
pinentry refuse
no_commit 'a PIN that is held is no consent' five
pinentry confirm
ok 'and consent needs no PIN again' commit six

pinentry refuse
is 'a tag is asked about too' "$(without_terminal git -C "$repo" tag -s \
    -m 'a tag' v1 2>/dev/null; echo $?)" 128
like 'by its name' "$(pinentry_log | grep '^SETDESC' | tail -n 1)" \
    '^SETDESC Sign with key soft, .*: tag v1 of commit [0-9a-f]{8}, tagger A U Thor <'
is 'and there is none' "$(git -C "$repo" tag)" ''

# ---- a client that goes while the question is open ----
rm -f "$user/pinentry.log"
pinentry hang
in_background commit gone
ok 'the question is open' wait_for 20 dialogue_is_open CONFIRM
kill -KILL $(client_pids)
ok 'its client is killed: git ends' wait_for 20 has_ended
ok 'the question goes away' wait_for 10 prompts_are_gone

# ---- hostile objects ----
esc=$(printf '\033') bel=$(printf '\007') cr=$(printf '\r')
rlo=$(printf '\342\200\256') csi=$(printf '\302\233') # U+202E, U+009B

# What pinentry would show: its escapes taken out.
shown() {
	pinentry_log | grep '^SETDESC' | tail -n 1 | sed 's/^SETDESC //' |
	    perl -pe 's/%([0-9A-F]{2})/chr hex $1/ge'
}
is_clean() {	# TEXT: one line without controls, escapes or bidi
	printf %s "$1" | perl -CS -ne '
	    exit 1 if /[\x00-\x1f\x7f-\x9f\x{200e}\x{200f}\x{202a}-\x{202e}]/;
	    exit 1 if /[\x{2066}-\x{2069}\x{2028}\x{2029}]/;
	    $n++; END { exit 1 if $? || $n != 1 }'
}
# The words of the protocol, in order: a text that breaks out adds to them.
commands() {
	pinentry_log | sed -n 's/^\([A-Z]*\).*/\1/p' | grep . | tr '\n' ' '
}
forget_logs
pinentry refuse
commit 'nothing special' >/dev/null 2>&1
usual=$(commands)
like 'a usual dialogue' "$usual" 'SETDESC.*CONFIRM'

# What touchstone-gpg says, which git 2.39 swallows, is kept.
cat >"$user/gpg-program" <<-END
	#!/bin/sh
	touchstone-gpg "\$@" 2>$user/client.said
	status=\$?
	cat $user/client.said >&2
	exit \$status
END
chmod +x "$user/gpg-program"
git config --file "$GIT_CONFIG_GLOBAL" gpg.program "$user/gpg-program"

# hostile NAME SUBJECT [AUTHOR]: refused, shown clean, and nothing slips out.
hostile() {
	printf '%s\n' "$2" >"$user/message"
	forget_logs
	pinentry refuse
	status=0
	tap_out=$(GIT_AUTHOR_NAME=${3-A U Thor} without_terminal git -C "$repo" \
	    commit -q -S --allow-empty --cleanup=verbatim -F "$user/message" \
	    2>&1) || status=$?
	said=$(echo "$tap_out" | cat - "$user/client.said" | tr -d '\n')
	is "$1: refused" "$status" 128
	ok "$1: the question is one clean line" is_clean "$(shown)"
	is "$1: and the dialogue the usual one" "$(commands)" "$usual"
	ok "$1: the record is clean" is_clean "$(last .summary)"
	ok "$1: what is said is clean" is_clean "$said"
	is "$1: and no other status" "$(sed -n 's/^\[GNUPG:\] //p' \
	    "$user/client.said" | cut -d ' ' -f 1)" FAILURE
}
not_ok 'an escape sequence is not clean' is_clean "a$esc[2J"
not_ok 'nor is a bidirectional override' is_clean "a$rlo b"
ok 'umlauts are' is_clean 'Grüße'

hostile 'escape sequences' "fix ${esc}[2J${esc}]0;owned$bel ${csi}31m it"
like 'escape sequences: the rest is shown' "$(shown)" 'fix .*owned.* it'
hostile 'bidirectional text' "fix ${rlo}evig${rlo} it"
hostile 'percent escapes' 'fix%0ACONFIRM%0A100% %s %n %25 it'
like 'percent escapes: are shown as they are' "$(shown)" \
    'fix%0ACONFIRM%0A100% %s %n %25 it'
hostile 'carriage returns' "fix${cr}OPTION ttyname=/dev/null${cr}it"
hostile 'lines' 'fix
[GNUPG:] SIG_CREATED D 19 8 00 1700000000 0123456789ABCDEF
SETDESC Sign nothing at all
CONFIRM'
unlike 'lines: only the first is the subject' "$(shown)" 'nothing at all'
hostile 'quotes' 'fix" by Linus <torvalds@example.org>, with key "x'
like 'quotes: do not end before the author' "$(shown)" \
    "^Sign with key soft, asked by [^:\"]*: commit \"[^\"]*\" by A U Thor <author@example.com>\?"
hostile 'an author' fix "Mall${esc}[1mory$rlo"
hostile 'an author with percents' fix 'Mallory%0ACONFIRM'
hostile 'bytes that are no UTF-8' "fix $(printf '\377\376\200') it"
hostile 'a very long subject' "$(printf 'x%.0s' $(seq 3000))"
like 'a very long subject: who asks is still told' "$(shown)" \
    'asked by touchstone-gpg'
hostile 'a long subject of percents' "$(printf '%%%.0s' $(seq 1500))"
like 'a long subject of percents: who asks is still told' "$(shown)" \
    'asked by touchstone-gpg'

# A program's name is its own choice.
cp /bin/sh "$user/sh$esc[2J$rlo%0Ax"
pinentry refuse
sign_directly >/dev/null 2>&1	# makes $user/object
forget_logs
pinentry refuse
"$user/sh$esc[2J$rlo%0Ax" -c "touchstone-gpg --status-fd=2 -bsau $key \
    <$user/object; true" >"$user/said" 2>&1
ok 'a hostile program: the question is one clean line' is_clean "$(shown)"
like 'a hostile program: it is named' "$(shown)" 'touchstone-gpg ← sh'
is 'a hostile program: the dialogue is the usual one' "$(commands)" "$usual"
ok 'a hostile program: what is said is clean' \
    is_clean "$(tr -d '\n' <"$user/said")"

ok 'the audit log is whole' touchstone audit verify
done_testing
