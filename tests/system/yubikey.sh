# What tests with virtual YubiKeys share, beside what is in lib.sh.  Sourced,
# before anything else, by tests/system/yubikey-*.t:
#
#	. "$(dirname "$0")/yubikey.sh" [--reader NAME]...
#
# The test then runs anew beside a pcscd of its own with these readers, or is
# skipped where that cannot be had.
src=${TOUCHSTONE_SRC-$(cd "$(dirname "$0")/../.." && pwd -P)}
with_pcscd=$src/tests/yubikey/with-pcscd

if test -z "${YUBIKEY_PORTS-}"; then
	. "$src/tests/tap.sh"
	why=$("$with_pcscd" --check 2>&1) || skip_all "$why"
	exec "$with_pcscd" --one-slot \
	    "${TOUCHSTONE_BUILD-$src/build}/tests/yubikey/one-slot.so" \
	    "$@" -- sh "$0"
fi
. "$src/tests/system/lib.sh"

yubikey=$build/tests/yubikey/yubikey
default_pin=123456
default_puk=12345678
default_mgm=010203040506070801020304050607080102030405060708

# needs PROGRAM...: the test is skipped if one of them is not there.
needs() {
	for program in "$@"; do
		command -v "$program" >/dev/null ||
		    skip_all "$program is not installed"
	done
}

# card_start N [OPTION...]: puts card N into the Nth reader; returns when
# pcscd has seen it.  Its files are in the folder $work/card-N.
card_start() {
	card_folder=$work/card-$1
	mkdir -p "$card_folder"
	card_port=$(echo "$YUBIKEY_PORTS" | cut -d ' ' -f "$1")
	card_n=$1
	shift
	: >"$card_folder/log"
	"$yubikey" --state "$card_folder/state" --port "$card_port" \
	    --serial "1000000$card_n" --root "$work/root.pem" \
	    --control "$card_folder/control" --log "$card_folder/log" \
	    "$@" >>"$card_folder/errors" 2>&1 </dev/null &
	echo $! >"$card_folder/pid"
	wait_for 60 card_seen "$card_n" || {
		fail "card $card_n is seen" "$(cat "$card_folder/errors" \
		    "$YUBIKEY_PCSCD_LOG")"
		return 1
	}
}

# That pcscd has powered the card up since it was plugged in.
card_seen() {
	awk '$2 == "plugged" { on = 0 } $2 == "on" { on = 1 }
	    END { exit !on }' "$work/card-$1/log"
}

card_stop() {
	card_pid=$(cat "$work/card-$1/pid")
	kill "$card_pid"
	wait_for 10 is_gone "$card_pid"
}

# card N WORD...: tells card N something; README of tests/yubikey has what.
card() {
	card_n=$1
	shift
	"$yubikey" ctl "$work/card-$card_n/control" "$@"
}

# count N WHAT: how often, since the card was started or told "zero".
count() {
	card "$1" counts | tr ' ' '\n' | sed -n "s/^$2=//p"
}

# A card that comes from the factory, in the place of card N.
card_new() {
	card_n=$1
	# pcscd looks at a reader every 0.4 s; one that it did not see empty, and
	# whose card cannot be reset, stays empty for it.
	if test -f "$work/card-$card_n/pid"; then
		card_stop "$card_n"
		sleep 1
	fi
	rm -rf "$work/card-$card_n"
	card_start "$@"
}
