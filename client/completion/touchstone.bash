# bash completion of touchstone(1).

# Names of keys, from the records: no agent is started for a TAB.
_touchstone_keys() {
	local dir=${XDG_DATA_HOME:-$HOME/.local/share}/touchstone/keys f
	for f in "$dir"/*.json; do
		[[ -e $f ]] || continue
		f=${f##*/}
		printf '%s\n' "${f%.json}"
	done
}

_touchstone_options() {
	case $1 in
	setup)
		echo --soft --serial --slot --name --user-id --algorithm \
		    --pin-policy --touch-policy --overwrite --change-defaults \
		    --no-change --pin-file --git --no-import --images \
		    --no-images ;;
	forget) echo --removed ;;
	'keys list') echo --refresh ;;
	'keys generate')
		echo --name --module --token --algorithm --slot --pin-policy \
		    --touch-policy --overwrite --user-id --import ;;
	'keys export')
		echo --openpgp --ssh --pem --csr --subject --import \
		    --user-id --name --output ;;
	'keys extend') echo --years --no-import ;;
	'keys certify') echo --days --subject --replace ;;
	'keys revoke') echo --reason --comment --output ;;
	'keys attest') echo --root --export ;;
	'keys move') echo --overwrite ;;
	'keys delete') echo --confirm ;;
	'attest verify') echo --root --key ;;
	'audit show') echo --lines ;;
	'image sign')
		echo --key --annotation --recursive --sigstore --notation \
		    --cose --simple --trust --lookaside --as --to --server \
		    --trust-root --plain-http --ca --cert --client-key ;;
	'image verify')
		echo --key --certificate --root --require --lookaside --as \
		    --content-trust --no-content-trust --server --trust-root \
		    --plain-http --ca --cert --client-key ;;
	'image resolve')
		echo --content-trust --no-content-trust --server --trust-root \
		    --plain-http --ca --cert --client-key ;;
	'image copy') echo --plain-http --ca --cert --client-key ;;
	'trust sign')
		echo --key --server --root --plain-http --ca --cert \
		    --client-key ;;
	'trust revoke')
		echo --key --server --root --plain-http --ca --cert \
		    --client-key ;;
	'trust witness')
		echo --force --key --server --root --plain-http --ca --cert \
		    --client-key ;;
	'trust migrate')
		echo --key --recursive --sigstore --notation --cose --simple \
		    --lookaside --dry-run --strict --server --root \
		    --plain-http --ca --cert --client-key ;;
	'trust verify')
		echo --server --root --plain-http --ca --cert --client-key ;;
	'trust inspect')
		echo --server --root --plain-http --ca --cert --client-key ;;
	'trust init')
		echo --key --root-key --server --plain-http --ca --cert \
		    --client-key ;;
	'trust signer')
		echo --key --force --server --root --plain-http --ca --cert \
		    --client-key ;;
	'trust rotate')
		echo --key --root-key --server --root --plain-http --ca \
		    --cert --client-key ;;
	esac
	echo --json --help
}

_touchstone() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
	local cmd=${COMP_WORDS[1]-} words=
	local slots=$(printf '%x ' 0x9a 0x9c 0x9d 0x9e {130..149})
	COMPREPLY=()

	case $cmd in
	keys|attest|audit|image|trust)
		[[ $COMP_CWORD -gt 2 ]] && cmd="$cmd ${COMP_WORDS[2]}" ;;
	esac

	case $prev in
	-k|--root-key)
		words=$(_touchstone_keys) ;;
	--algorithm)
		words='P-256 P-384 P-521 Ed25519 RSA-2048 RSA-3072 RSA-4096' ;;
	--reason)
		words='none superseded compromised retired' ;;
	--slot)
		words=$slots ;;
	--pin-policy)
		words='never once always' ;;
	--touch-policy)
		words='always cached never' ;;
	--pin-file|--output|-o|--root|--trust-root|--export|--ca|--cert|--client-key|\
	    --certificate|--lookaside)
		COMPREPLY=($(compgen -f -- "$cur"))
		return ;;
	--name|--user-id|-u|--module|--token|--comment|--lines|-n|--days|--subject|\
	    --serial|--overwrite|--confirm|--key|--annotation|-a|--as|--to|\
	    --require|--server)
		return ;;
	esac
	if [[ -z $words ]]; then
		if [[ $COMP_CWORD -eq 1 ]]; then
			words='setup keys attest status forget reload stop
			    session lock unlock audit image trust help
			    --version --help'
		elif [[ $cur == -* ]]; then
			words=$(_touchstone_options "$cmd")
		else
			case $cmd in
			keys)
				words='list show generate export extend
				    certify import-chain revoke attest move
				    delete' ;;
			attest) words=verify ;;
			audit) words='verify show' ;;
			image) words='sign verify resolve copy' ;;
			trust)
				words='sign inspect verify revoke init signer
				    rotate witness migrate' ;;
			'trust signer')
				[[ $COMP_CWORD -eq 3 ]] && words='add remove' ;;
			'trust rotate')
				[[ $COMP_CWORD -gt 3 ]] && words='root targets
				    snapshot timestamp' ;;
			'trust witness')
				[[ $COMP_CWORD -gt 3 ]] && words='root targets
				    targets/releases' ;;
			help)
				words='setup keys attest status forget reload
				    stop session lock unlock audit image trust' ;;
			'keys list'|'keys show'|'keys export'|'keys extend'|'keys certify'|'keys revoke'|'keys attest'|'keys delete')
				words=$(_touchstone_keys) ;;
			'keys import-chain')
				if [[ $COMP_CWORD -gt 3 ]]; then
					COMPREPLY=($(compgen -f -- "$cur"))
					return
				fi
				words=$(_touchstone_keys) ;;
			'keys move')
				words=$(_touchstone_keys)
				[[ $COMP_CWORD -gt 3 ]] && words=$slots ;;
			'attest verify'|'audit verify'|'audit show')
				COMPREPLY=($(compgen -f -- "$cur"))
				return ;;
			esac
		fi
	fi
	COMPREPLY=($(compgen -W "$words" -- "$cur"))
}

complete -F _touchstone touchstone
