# fish completion of touchstone(1).

# Names of keys, from the records: no agent is started for a TAB.
function __touchstone_keys
	set -l data $XDG_DATA_HOME
	test -n "$data"; or set data $HOME/.local/share
	for f in $data/touchstone/keys/*.json
		basename $f .json
	end
end

# Whether the words so far begin with this subcommand.
function __touchstone_in
	set -l words (commandline -opc)
	test (count $words) -gt (count $argv); or return 1
	for i in (seq (count $argv))
		set -l at (math $i + 1)
		test "$words[$at]" = "$argv[$i]"; or return 1
	end
end

function __touchstone_first
	test (count (commandline -opc)) -eq 1
end

# Whether the next word is the name in a group of subcommands.
function __touchstone_second
	set -l words (commandline -opc)
	test (count $words) -eq 2; and test "$words[2]" = "$argv[1]"
end

complete -c touchstone -f
complete -c touchstone -n __touchstone_first -a setup -d 'make a token, a key and its certificate'
complete -c touchstone -n __touchstone_first -a keys -d 'list, show, make and give out keys'
complete -c touchstone -n __touchstone_first -a attest -d 'check proofs of where keys were made'
complete -c touchstone -n __touchstone_first -a status -d 'tell what the agent has and has done'
complete -c touchstone -n __touchstone_first -a forget -d 'wipe every PIN that is held'
complete -c touchstone -n __touchstone_first -a reload -d 'read the configuration and the keys again'
complete -c touchstone -n __touchstone_first -a stop -d 'end the agent'
complete -c touchstone -n __touchstone_first -a lock -d 'hide all keys until a passphrase is given'
complete -c touchstone -n __touchstone_first -a unlock -d 'open it again'
complete -c touchstone -n __touchstone_first -a session -d 'let prompts for others appear here'
complete -c touchstone -n __touchstone_first -a audit -d 'check and show the audit log'
complete -c touchstone -n __touchstone_first -a image -d 'sign and verify container images'
complete -c touchstone -n __touchstone_first -a trust -d 'sign and verify tags by Docker Content Trust'
complete -c touchstone -n __touchstone_first -a help -d 'tell how a command is called'
complete -c touchstone -n __touchstone_first -l version -d 'print the version'
complete -c touchstone -n '__touchstone_second keys' -a 'list show generate export extend certify import-chain revoke attest move delete'
complete -c touchstone -n '__touchstone_second attest' -a verify
complete -c touchstone -n '__touchstone_second audit' -a 'verify show'
complete -c touchstone -n '__touchstone_second image' -a 'sign verify resolve copy'
complete -c touchstone -n '__touchstone_second trust' -a 'sign inspect verify revoke init signer rotate witness migrate'
complete -c touchstone -n '__touchstone_second help' -a 'setup keys attest status forget reload stop session lock unlock audit image trust'

complete -c touchstone -l json -d 'print JSON'
complete -c touchstone -s h -l help -d 'tell how it is called'

set -l algorithms 'P-256 P-384 P-521 Ed25519 RSA-2048 RSA-3072 RSA-4096'
set -l slots '9a 9c 9d 9e 82 83 84 85 86 87 88 89 8a 8b 8c 8d 8e 8f 90 91 92 93 94 95'
set -l in '__touchstone_in setup'
complete -c touchstone -n $in -l soft -d 'make a token in software'
complete -c touchstone -n $in -x -l serial -d 'which YubiKey'
complete -c touchstone -n $in -x -l slot -a $slots
complete -c touchstone -n $in -x -l pin-policy -a 'never once always'
complete -c touchstone -n $in -x -l touch-policy -a 'always cached never'
complete -c touchstone -n $in -x -l overwrite -d 'replace the key in SLOT@SERIAL'
complete -c touchstone -n $in -l change-defaults -d 'change PIN, PUK and key that are as sold'
complete -c touchstone -n $in -l no-change -d 'leave them, and do not ask'
complete -c touchstone -n $in -x -l name -d 'the name of the key'
complete -c touchstone -n $in -x -s u -l user-id -d 'whose key it is'
complete -c touchstone -n $in -x -l algorithm -a $algorithms
complete -c touchstone -n $in -r -F -l pin-file -d 'keep the PIN in a file'
complete -c touchstone -n $in -l git -d 'set the configuration of git'
complete -c touchstone -n $in -l no-import -d 'leave the GnuPG keyring alone'
complete -c touchstone -n $in -l images -d 'make the plugins known to cosign and notation'
complete -c touchstone -n $in -l no-images -d 'take that back'

complete -c touchstone -n '__touchstone_in forget' -l removed -d 'of tokens that were taken out'
complete -c touchstone -n '__touchstone_in keys list' -l refresh -d 'ask the tokens again'
for command in list show export extend certify import-chain revoke attest move delete
	complete -c touchstone -n "__touchstone_in keys $command" -a '(__touchstone_keys)'
end

set in '__touchstone_in keys generate'
complete -c touchstone -n $in -x -l name -d 'the name of the key'
complete -c touchstone -n $in -x -l module -d 'the module of the token'
complete -c touchstone -n $in -x -l token -d 'the label of the token'
complete -c touchstone -n $in -x -l slot -a $slots
complete -c touchstone -n $in -x -l pin-policy -a 'never once always'
complete -c touchstone -n $in -x -l touch-policy -a 'always cached never'
complete -c touchstone -n $in -x -l overwrite -d 'replace the key in SLOT@SERIAL'
complete -c touchstone -n $in -x -l algorithm -a $algorithms
complete -c touchstone -n $in -x -s u -l user-id -d 'whose key it is'
complete -c touchstone -n $in -l import -d 'import its certificate into the keyring'

set in '__touchstone_in keys export'
complete -c touchstone -n $in -l openpgp -d 'the OpenPGP certificate'
complete -c touchstone -n $in -l ssh -d 'a line for authorized_keys'
complete -c touchstone -n $in -l pem -d 'the public key in PEM'
complete -c touchstone -n $in -l csr -d 'a request for a certificate'
complete -c touchstone -n $in -x -l subject -d 'the common name of that'
complete -c touchstone -n $in -l import -d 'import the certificate too'
complete -c touchstone -n $in -x -s u -l user-id -d 'whose key it is'
complete -c touchstone -n $in -x -l name -d 'the name of a key that has none'
complete -c touchstone -n $in -r -F -s o -l output -d 'write to a file'

set in '__touchstone_in keys extend'
complete -c touchstone -n $in -x -l years -d 'how long from now'
complete -c touchstone -n $in -l no-import -d 'leave the keyring as it is'

set in '__touchstone_in keys certify'
complete -c touchstone -n $in -x -l days -d 'how long from now'
complete -c touchstone -n $in -x -l subject -d 'its common name'
complete -c touchstone -n $in -l replace -d 'give up what an authority certified'

set in '__touchstone_in keys import-chain'
complete -c touchstone -n $in -F

set in '__touchstone_in keys revoke'
complete -c touchstone -n $in -x -l reason -a 'none superseded compromised retired'
complete -c touchstone -n $in -x -l comment -d 'words that go into the revocation'
complete -c touchstone -n $in -r -F -s o -l output -d 'write to a file'

set in '__touchstone_in keys attest'
complete -c touchstone -n $in -r -F -l root -d 'root of the maker'
complete -c touchstone -n $in -r -F -l export -d 'write the proof for others'

set in '__touchstone_in keys move'
complete -c touchstone -n $in -a $slots
complete -c touchstone -n $in -x -l overwrite -d 'replace the key in SLOT@SERIAL'

set in '__touchstone_in keys delete'
complete -c touchstone -n $in -x -l confirm -d 'agree to lose this key'

set in '__touchstone_in attest verify'
complete -c touchstone -n $in -F
complete -c touchstone -n $in -r -F -l root -d 'root of the maker'
complete -c touchstone -n $in -x -l key -d 'the key that it must be'

complete -c touchstone -n '__touchstone_in audit verify' -F
complete -c touchstone -n '__touchstone_in audit show' -F
complete -c touchstone -n '__touchstone_in audit show' -x -s n -l lines -d 'how many'

set in '__touchstone_in image sign'
complete -c touchstone -n $in -x -s k -l key -a '(__touchstone_keys)' -d 'sign with this key'
complete -c touchstone -n $in -x -s a -l annotation -d 'say NAME=VALUE too'
complete -c touchstone -n $in -s r -l recursive -d 'the images of an index too'
complete -c touchstone -n $in -l sigstore -d 'for cosign'
complete -c touchstone -n $in -l notation -d 'for the Notary Project, JWS'
complete -c touchstone -n $in -l cose -d 'for the Notary Project, COSE'
complete -c touchstone -n $in -l simple -d 'for skopeo and podman'
complete -c touchstone -n $in -l trust -d 'in trust data, for docker'
complete -c touchstone -n $in -x -l server -d 'the Notary server'
complete -c touchstone -n $in -r -F -l trust-root -d 'the root key of its trust data'
complete -c touchstone -n $in -r -F -l lookaside -d 'where simple signatures go'
complete -c touchstone -n $in -x -l as -d 'the name that the image will have'
complete -c touchstone -n $in -x -l to -d 'write signatures there'
complete -c touchstone -n $in -l plain-http -d 'plain http to other machines too'
complete -c touchstone -n $in -r -F -l ca -d 'authority of the registry'
complete -c touchstone -n $in -r -F -l cert -d 'our certificate'
complete -c touchstone -n $in -r -F -l client-key -d 'its key'

set in '__touchstone_in image verify'
complete -c touchstone -n $in -x -s k -l key -a '(__touchstone_keys)' -d 'a key that counts'
complete -c touchstone -n $in -r -F -l certificate -d 'a certificate that counts'
complete -c touchstone -n $in -r -F -l root -d 'roots of the Notary Project'
complete -c touchstone -n $in -x -l require -d 'so many keys must have signed'
complete -c touchstone -n $in -r -F -l lookaside -d 'where simple signatures are'
complete -c touchstone -n $in -x -l as -d 'the name of the image'
complete -c touchstone -n $in -l content-trust -d 'what trust data says must be so'
complete -c touchstone -n $in -l no-content-trust -d 'not, whatever the environment has'
complete -c touchstone -n $in -x -l server -d 'the Notary server'
complete -c touchstone -n $in -r -F -l trust-root -d 'the root key of its trust data'
complete -c touchstone -n $in -l plain-http -d 'plain http to other machines too'
complete -c touchstone -n $in -r -F -l ca -d 'authority of the registry'
complete -c touchstone -n $in -r -F -l cert -d 'our certificate'
complete -c touchstone -n $in -r -F -l client-key -d 'its key'

set in '__touchstone_in image resolve'
complete -c touchstone -n $in -l content-trust -d 'what trust data says must be so'
complete -c touchstone -n $in -l no-content-trust -d 'not, whatever the environment has'
complete -c touchstone -n $in -x -l server -d 'the Notary server'
complete -c touchstone -n $in -r -F -l trust-root -d 'the root key of its trust data'
complete -c touchstone -n $in -l plain-http -d 'plain http to other machines too'
complete -c touchstone -n $in -r -F -l ca -d 'authority of the registry'
complete -c touchstone -n $in -r -F -l cert -d 'our certificate'
complete -c touchstone -n $in -r -F -l client-key -d 'its key'

set in '__touchstone_in image copy'
complete -c touchstone -n $in -l plain-http -d 'plain http to other machines too'
complete -c touchstone -n $in -r -F -l ca -d 'authority of the registry'
complete -c touchstone -n $in -r -F -l cert -d 'our certificate'
complete -c touchstone -n $in -r -F -l client-key -d 'its key'

set in '__touchstone_in trust sign'
complete -c touchstone -n $in -x -s k -l key -a '(__touchstone_keys)' -d 'sign with this key'

set in '__touchstone_in trust revoke'
complete -c touchstone -n $in -x -s k -l key -a '(__touchstone_keys)' -d 'sign with this key'

set in '__touchstone_in trust witness'
complete -c touchstone -n $in -l force -d 'sign also what never counted here'
complete -c touchstone -n $in -a 'root targets targets/releases'
complete -c touchstone -n $in -x -s k -l key -a '(__touchstone_keys)' -d 'sign with this key'

set in '__touchstone_in trust migrate'
complete -c touchstone -n $in -x -s k -l key -a '(__touchstone_keys)' -d 'sign with this key'
complete -c touchstone -n $in -s r -l recursive -d 'the images of an index too'
complete -c touchstone -n $in -l sigstore -d 'for cosign'
complete -c touchstone -n $in -l notation -d 'for the Notary Project, JWS'
complete -c touchstone -n $in -l cose -d 'for the Notary Project, COSE'
complete -c touchstone -n $in -l simple -d 'for skopeo and podman'
complete -c touchstone -n $in -r -F -l lookaside -d 'where simple signatures go'
complete -c touchstone -n $in -s n -l dry-run -d 'tell what would be signed'
complete -c touchstone -n $in -l strict -d 'a tag that has moved is a failure'

set in '__touchstone_in trust init'
complete -c touchstone -n $in -x -s k -l key -a '(__touchstone_keys)' -d 'the targets key'
complete -c touchstone -n $in -x -l root-key -a '(__touchstone_keys)' -d 'the root key'

set in '__touchstone_in trust signer'
complete -c touchstone -n $in -a 'add remove'
complete -c touchstone -n $in -r -F -s k -l key -a '(__touchstone_keys)' -d 'of the signer'
complete -c touchstone -n $in -l force -d 'remove also who alone has signed the tags'

set in '__touchstone_in trust rotate'
complete -c touchstone -n $in -a 'root targets snapshot timestamp'
complete -c touchstone -n $in -x -s k -l key -a '(__touchstone_keys)' -d 'the new targets key'
complete -c touchstone -n $in -x -l root-key -a '(__touchstone_keys)' -d 'the new root key'

for in in '__touchstone_in trust sign' '__touchstone_in trust revoke' '__touchstone_in trust witness' '__touchstone_in trust migrate' '__touchstone_in trust verify' '__touchstone_in trust inspect' '__touchstone_in trust signer' '__touchstone_in trust rotate' '__touchstone_in trust init'
    complete -c touchstone -n $in -x -l server -d 'the Notary server'
    complete -c touchstone -n $in -l plain-http -d 'plain http to other machines too'
    complete -c touchstone -n $in -r -F -l ca -d 'authority of the servers'
    complete -c touchstone -n $in -r -F -l cert -d 'our certificate'
    complete -c touchstone -n $in -r -F -l client-key -d 'its key'
end
for in in '__touchstone_in trust sign' '__touchstone_in trust revoke' '__touchstone_in trust witness' '__touchstone_in trust migrate' '__touchstone_in trust verify' '__touchstone_in trust inspect' '__touchstone_in trust signer' '__touchstone_in trust rotate'
    complete -c touchstone -n $in -r -F -l root -d 'the root key that is trusted'
end
