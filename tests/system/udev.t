#!/bin/sh
# The rules for udev: which devices the user at the seat may open, and which
# make the user's manager forget PINs when they go; as udevadm reads them, over
# devices that are made up, in namespaces of the test's own.
. "$(dirname "$0")/lib.sh"
rules=$src/udev/70-touchstone.rules

# ---- what any checker would say of the file ----
is 'every line is a comment, or keys, operators and values' \
    "$(grep -vE -e '^(#.*)?$' -e '^([A-Z]+(\{[A-Z_a-z]+\})?(==|!=|\+=|=)"[^"]*"(, |$))+$' "$rules")" ''
is 'and would notice a line that is not' \
    "$(echo 'ATTR{idVendor}="1050' |
    grep -vE -e '^([A-Z]+(\{[A-Z_a-z]+\})?(==|!=|\+=|=)"[^"]*"(, |$))+$')" \
    'ATTR{idVendor}="1050'
is 'only these keys are used' \
    "$(grep -v '^#' "$rules" | grep -oE '(^|, )[A-Z]+' | tr -d ', ' |
    sort -u | xargs)" 'ACTION ATTR ATTRS ENV GOTO LABEL SUBSYSTEM TAG'
unlike 'nothing is run as root' "$(cat "$rules")" \
    '(RUN|PROGRAM|IMPORT|OWNER|GROUP|MODE)'
is 'every label that is gone to is there, further down' "$(awk -F'"' '
    /GOTO=/ { want[$(NF - 1)] = 1 }
    /^LABEL=/ { delete want[$2] }
    END { for (l in want) print l }' "$rules")" ''
ok 'it is read before the seat is given access' \
    test "$(basename "$rules" | cut -c 1-2)" -lt 73
is 'it is installed' "$(cmp "$rules" \
    "$prefix/lib/udev/rules.d/70-touchstone.rules" 2>&1)" ''
unit=$prefix/lib/systemd/user/touchstone-forget@.service
is 'the unit that it wants forgets by what is installed' \
    "$(sed -n 's/^ExecStop=//p' "$unit" | sed 1q)" \
    "$bin/touchstone forget --removed"
is 'and again when pcscd knows' "$(grep -cx \
    "ExecStop=$bin/touchstone forget --removed" "$unit")" 2
is 'and stops with the device' "$(sed -n 's/^BindsTo=//p' "$unit")" '%i.device'
if command -v systemd-analyze >/dev/null; then
	ok 'systemd reads the unit' systemd-analyze --user verify "$unit"
	is 'and has nothing to say' "$tap_out" ''
fi
# What the unit runs, where no agent is.
ok 'where no agent runs, there is nothing to forget' "$bin/touchstone" forget \
    --removed
is 'and none is started' "$(agent_pid)" ''

# ---- as udevadm has it ----
udevadm=$(command -v udevadm)
as_root=
test "$(id -u)" = 0 || as_root=--map-root-user
if test -z "$udevadm"; then
	skip 'udevadm reads the rules' 'udevadm is not installed'
	done_testing
	exit
fi
if ! unshare $as_root --mount mount -t tmpfs tmpfs /sys 2>/dev/null; then
	skip 'udevadm reads the rules' 'namespaces cannot be had'
	done_testing
	exit
fi

# Only our rules, over a device that is made up: in another /run and /sys.
cat >"$user/inside" <<'END'
rules=$1 action=$2 kind=$3 vendor=$4 product=$5 interfaces=$6
mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /sys || exit 1
for folder in /usr/lib/udev/rules.d /lib/udev/rules.d /etc/udev/rules.d; do
	test ! -d $folder || mount -t tmpfs tmpfs $folder
done
mkdir -p /run/udev/rules.d /run/udev/data /sys/bus/usb /sys/class/hidraw
cp "$rules" /run/udev/rules.d/70-touchstone.rules
echo "ENV{ID_USB_INTERFACES}=\"$interfaces\"" >/run/udev/rules.d/60-usb.rules
device=/sys/devices/usb1/1-1
mkdir -p $device/hid/hidraw0
ln -s ../../../bus/usb $device/subsystem
echo DEVTYPE=usb_device >$device/uevent
echo $vendor >$device/idVendor
echo $product >$device/idProduct
ln -s ../../../../../class/hidraw $device/hid/hidraw0/subsystem
: >$device/hid/hidraw0/uevent
test $kind = usb || device=$device/hid/hidraw0
SYSTEMD_DEVICE_VERIFY_SYSFS=0 exec udevadm test --action=$action $device 2>&1
END
event() {	# ACTION KIND VENDOR PRODUCT [INTERFACES [RULES]]
	unshare $as_root --mount sh "$user/inside" "${6-$rules}" "$1" "$2" \
	    "$3" "$4" "${5-:030101:}" >"$user/event" 2>&1
}
# What became of it: seat, forget, both, or nothing.
outcome() {
	event "$@"
	grep -q '^ACTION=' "$user/event" || echo "udevadm: $(cat "$user/event")"
	grep -q '^TAGS=.*:uaccess:' "$user/event" && printf 'seat '
	grep -q '^TAGS=.*:systemd:' "$user/event" &&
	    grep -q '^SYSTEMD_USER_WANTS=touchstone-forget@.service$' \
	    "$user/event" && printf forget
	echo
}

event add usb 1050 0407
like 'udevadm reads the rules' "$(cat "$user/event")" \
    '^Reading rules file: .*70-touchstone.rules'
unlike 'and has nothing to say' "$(cat "$user/event")" \
    '70-touchstone.rules:[0-9]+ (Invalid|Unknown|Failed|Unexpected|The line)'
sed 's/^LABEL="touchstone_usb"/LABLE="touchstone_usb"/' "$rules" \
    >"$user/bad.rules"
event add usb 1050 0407 :030101: "$user/bad.rules"
like 'which it has of a wrong one' "$(cat "$user/event")" \
    '70-touchstone.rules:[0-9]+ Invalid key'

is 'a YubiKey 5' "$(outcome add usb 1050 0407)" 'seat forget'
is 'a YubiKey with CCID alone' "$(outcome add usb 1050 0404)" 'seat forget'
is 'a YubiKey without CCID' "$(outcome add usb 1050 0402)" ''
is 'a Nitrokey 3' "$(outcome add usb 20a0 42b2)" 'seat forget'
is 'a Nitrokey Storage' "$(outcome add usb 20a0 4109)" 'seat forget'
is 'an ePass2003' "$(outcome add usb 096e 0807)" 'seat forget'
is 'an eToken 5110' "$(outcome add usb 0529 0620)" 'seat forget'
is 'a Solo 2' "$(outcome add usb 1209 beee)" 'seat forget'
is 'an OnlyKey' "$(outcome add usb 1d50 60fc)" 'seat forget'
is 'any token that is CCID: pcscd opens it' \
    "$(outcome add usb 1234 5678 :030101:0b0000:)" forget
is 'a keyboard' "$(outcome add usb 046d c31c)" ''
is 'a product of another vendor' "$(outcome add usb 046d 0407)" ''
is 'when it goes, nothing is done as root' \
    "$(outcome remove usb 1050 0407)" ''
is 'the HID side of a YubiKey' "$(outcome add hidraw 1050 0407)" 'seat '
is 'the HID side of a Solo' "$(outcome add hidraw 0483 a2ca)" 'seat '
is 'the HID side of an OnlyKey' "$(outcome add hidraw 1d50 60fc)" 'seat '
is 'the HID side of a keyboard' "$(outcome add hidraw 046d c31c)" ''
done_testing
