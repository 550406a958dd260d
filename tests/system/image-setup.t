#!/bin/sh
# touchstone setup --images puts notation's plugin where notation looks, once
# and whole, never over what is another's, and takes it away again.
. "$(dirname "$0")/lib.sh"
plugin=$XDG_CONFIG_HOME/notation/plugins/touchstone/notation-touchstone
images() {
	touchstone setup "$@" >"$user/out" 2>"$user/err" </dev/null
}
out_of() {
	jq -r "$1" "$user/out"
}

# ---- in place ----
ok 'setup --images' images --images --json
is 'no agent was started for it' "$(agent_pid)" ''
is 'it was changed' "$(out_of .images.changed)" true
is 'it tells where' "$(out_of .images.notation.plugin)" "$plugin"
is 'notation takes regular files' "$(stat -c '%F %a' "$plugin")" \
    'regular file 700'
like 'it runs the plugin' "$(echo '{}' | "$plugin" get-plugin-metadata)" \
    '"name":"touchstone"'
not_ok 'and its errors are errors' sh -c "echo '{}' | '$plugin' what"
is 'the plugin of cosign is found' "$(out_of .images.cosign.on_path)" true
ok 'a second time' images --images --json
is 'changes nothing' "$(out_of .images.changed)" false
ok 'in words' images --images
like 'says so' "$(cat "$user/out")" 'nothing was changed'
like 'and how images are signed' "$(cat "$user/out")" \
    'notation sign --plugin touchstone --id KEY'
like 'it says what PATH lacks' "$(PATH=/usr/bin:/bin "$bin/touchstone" \
    setup --images)" "export PATH=$bin:"

# ---- an older one is replaced; what is another's is not ----
sed -i 's/^exec .*/exec false/' "$plugin"
ok 'what an earlier version wrote' images --images --json
is 'is replaced' "$(out_of .images.changed)" true
ok 'by one that works' sh -c "echo '{}' | '$plugin' get-plugin-metadata"
chmod 600 "$plugin"
ok 'as is one that cannot be run' images --images --json
ok 'which can be run' test -x "$plugin"

# refuses NAME: what is in its place stays, whether put in place or taken away.
refuses() {
	before=$(stat -c '%F %i %s' "$plugin")
	for option in --images --no-images; do
		images $option
		is "$1, $option: exit status" "$?" 1
		like 'it says what to do' "$(cat "$user/err")" \
		    'not touchstone.s: move it away'
	done
	is 'and it stays' "$(stat -c '%F %i %s' "$plugin")" "$before"
	rm -rf "$plugin"
}
echo 'another' >"$plugin"
refuses 'the file of another'
cp "$bin/touchstone" "$plugin"
refuses 'a large file'
ln -s "$bin/touchstone" "$plugin"
refuses 'a link'
mkdir "$plugin"
refuses 'a folder'
mkfifo "$plugin"
refuses 'a pipe'
chmod 777 "${plugin%/*}"
not_ok 'a folder that others may write to' images --images
not_ok 'gets nothing' test -e "$plugin"
chmod 700 "${plugin%/*}"

# ---- taken away ----
ok 'in place again' images --images
ok 'setup --no-images' images --no-images --json
is 'changed something' "$(out_of '"\(.images.changed) \(.images.notation.there)"')" \
    'true false'
not_ok 'the folder is gone' test -e "${plugin%/*}"
ok 'again' images --no-images --json
is 'changes nothing now' "$(out_of .images.changed)" false

# ---- with a key, and nonsense ----
ok 'with a key' images --soft --pin-file "$user/pin" --no-import --images \
    --user-id 'A <a@x>' --json
is 'both are told' "$(out_of '"\(.key_made) \(.images.notation.there)"')" \
    'true true'
ok 'without' images --soft --pin-file "$user/pin" --no-import --json
is 'nothing is told' "$(out_of .images)" null
ok 'and it stays in place' test -x "$plugin"
images --images --no-images
is 'both at once: exit status' "$?" 2
done_testing
