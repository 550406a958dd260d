# Registries and images for tests, in namespaces of the test's own, and the
# programs of others that sign and verify images.  Sourced, in place of
# lib.sh, which it sources:
#
#	. "$(dirname "$0")/images.sh"
#
# All addresses of 127/8 and all ports are the test's; what it starts ends
# with it.  The others' programs come from tests/install-foreign: a test asks
# `needs_cosign 3`, which sets $cosign or, failing, $lacks, the reason to skip.
# IMAGES_INSIDE=beside says that the test has such namespaces, and lib.sh,
# already, as beside yubikey.sh.
images_foreign=${TOUCHSTONE_FOREIGN-${XDG_CACHE_HOME:-$HOME/.cache}/touchstone-tests}

if test -z "${IMAGES_INSIDE-}"; then
	. "$(dirname "$0")/../tap.sh"
	for images_program in unshare ip docker-registry skopeo openssl; do
		command -v "$images_program" >/dev/null ||
		    skip_all "$images_program is not installed"
	done
	images_root=
	test "$(id -u)" = 0 || images_root='--user --map-current-user --keep-caps'
	unshare $images_root --mount --net --pid --fork --mount-proc true \
	    2>/dev/null || skip_all 'namespaces cannot be had'
	unshare $images_root --mount --net --pid --fork --kill-child \
	    --mount-proc sh -c 'ip link set lo up && exec "$@"' sh \
	    env IMAGES_INSIDE=1 TOUCHSTONE_FOREIGN="$images_foreign" "$0"
	exit
fi
test "$IMAGES_INSIDE" = beside || . "$(dirname "$0")/lib.sh"
unset REGISTRY_AUTH_FILE DOCKER_CONFIG
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY

tool=$build/tests/tools/registry-tool

# What listens there?
is_listening() {
	images_port=$(printf %04X "$1")
	grep -q ": [0-9A-F]*:$images_port 00000000:0000 0A" /proc/net/tcp \
	    /proc/net/tcp6 2>/dev/null
}

wait_for_port() {
	wait_for 20 is_listening "$1" || {
		fail "a server listens at port $1" "$(tail -n 20 "$2")"
		return 1
	}
}

# authority NAME: a certificate authority, and a certificate of it for this
# machine; $user/tls/NAME/{ca,server}.{pem,key}.
authority() {
	images_tls=$user/tls/$1
	mkdir -p "$images_tls"
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$1" \
	    -keyout "$images_tls/ca.key" -out "$images_tls/ca.pem" 2>/dev/null
	certificate "$1" server "subjectAltName=IP:127.0.0.1,DNS:localhost"
}

# proxy PORT [LINE...]: tinyproxy, with more lines of its configuration; what
# it is asked is in $user/proxy-PORT.log.
proxy() {
	images_proxy=$user/proxy-$1
	images_port=$1
	shift
	: >"$images_proxy.log"
	{
		printf 'Port %s\nListen 127.0.0.1\nTimeout 60\n' "$images_port"
		printf 'LogFile "%s.log"\nLogLevel Connect\n' "$images_proxy"
		printf 'MaxClients 20\n'
		test $# = 0 || printf '%s\n' "$@"
	} >"$images_proxy.conf"
	tinyproxy -d -c "$images_proxy.conf" >"$images_proxy.out" 2>&1 \
	    </dev/null &
	wait_for_port "$images_port" "$images_proxy.out"
}

# certificate AUTHORITY NAME EXTENSION
certificate() {
	images_tls=$user/tls/$1
	openssl req -newkey rsa:2048 -nodes -subj "/CN=$2" -keyout \
	    "$images_tls/$2.key" -out "$images_tls/$2.csr" 2>/dev/null
	echo "$3" >"$images_tls/$2.ext"
	openssl x509 -req -in "$images_tls/$2.csr" -days 2 -CA \
	    "$images_tls/ca.pem" -CAkey "$images_tls/ca.key" \
	    -CAcreateserial -extfile "$images_tls/$2.ext" \
	    -out "$images_tls/$2.pem" 2>/dev/null
}

# password_of USER PASSWORD: a line of htpasswd, with bcrypt.
password_of() {
	perl -e 'print "$ARGV[0]:", crypt($ARGV[1],
	    "\$2y\$04\$abcdefghijklmnopqrstuu"), "\n"' "$1" "$2"
}

# registry PORT [at ADDRESS] [tls AUTHORITY] [clients AUTHORITY]
#     [basic USER PASSWORD] [token REALM CERTIFICATE]: docker-registry;
#     $registry is its address.
registry() {
	registry=127.0.0.1:$1
	test "${2-}" != at || registry=$3:$1
	images_yml=$user/registry-$1.yml
	images_auth= images_port=$1
	cat >"$images_yml" <<-END
	version: 0.1
	log: {level: warn}
	storage:
	  delete: {enabled: true}
	  filesystem: {rootdirectory: $user/registry-$1}
	http:
	  addr: $registry
	END
	shift
	while test $# -gt 0; do
		case $1 in
		at) shift 2 ;;
		tls) printf '  tls:\n    certificate: %s\n    key: %s\n' \
		    "$user/tls/$2/server.pem" "$user/tls/$2/server.key" \
		    >>"$images_yml"
		    shift 2 ;;
		clients) printf '    clientcas: [%s]\n' \
		    "$user/tls/$2/ca.pem" >>"$images_yml"
		    shift 2 ;;
		basic) password_of "$2" "$3" >"$images_yml.htpasswd"
		    images_auth="auth: {htpasswd: {realm: tests, path: $images_yml.htpasswd}}"
		    shift 3 ;;
		token) images_auth="auth: {token: {realm: '$2', service: tests, issuer: tests, rootcertbundle: $3}}"
		    shift 3 ;;
		esac
	done
	echo "$images_auth" >>"$images_yml"
	docker-registry serve "$images_yml" >"$images_yml.log" 2>&1 \
	    </dev/null &
	wait_for_port "$images_port" "$images_yml.log"
}

# image NAME [TEXT]: an image at $registry; $image is NAME:v1 there, $digest
# its digest, which is that of the layout $user/layout/NAME too.
image() {
	image=$registry/$1:v1
	mkdir -p "$user/layout/$(dirname "$1")"
	digest=$("$src/tests/tools/image-make" "$user/layout/$1" v1 "${2-$1}")
	skopeo --insecure-policy copy -q --preserve-digests \
	    --dest-tls-verify=false "oci:$user/layout/$1:v1" \
	    "docker://$image" >"$user/push.log" 2>&1 || {
		fail "$1 is pushed" "$(cat "$user/push.log")"
		return 1
	}
}

# ---- programs of others ----

has_foreign() {
	lacks="$1 cannot be had here (tests/install-foreign)"
	test -d "$images_foreign/$1"
}

needs_cosign() {	# MAJOR-VERSION
	cosign=$images_foreign/cosign-$1/cosign
	has_foreign "cosign-$1" && export COSIGN_PASSWORD=
}

needs_notation() {
	notation=$images_foreign/notation/notation
	has_foreign notation
}

needs_skopeo_new() {
	skopeo_new=$images_foreign/skopeo-new/skopeo
	has_foreign skopeo-new
}

# needs_sigstore_js: `node -e …` with it in $NODE_PATH.
needs_sigstore_js() {
	export NODE_PATH="$images_foreign/sigstore-js/node_modules"
	has_foreign sigstore-js || return 1
	lacks='node is not installed'
	command -v node >/dev/null
}

# needs_podman: $podman with a storage of its own, without a registry's TLS.
needs_podman() {
	lacks='podman is not installed'
	command -v podman >/dev/null || return 1
	images_storage=$user/containers
	mkdir -p "$images_storage"
	podman="podman --root $images_storage/root --runroot $images_storage/run
	    --tmpdir $images_storage/tmp --storage-driver vfs
	    --cgroup-manager cgroupfs --events-backend file"
	lacks='podman does not run here'
	$podman info >"$user/podman.log" 2>&1 </dev/null
}

# cosign_key NAME: a pair of keys of cosign's own, in software.
cosign_key() {
	(cd "$user" && "$cosign" generate-key-pair \
	    --output-key-prefix "$1" >"$user/cosign.log" 2>&1)
}

# cosign_offline MAJOR sign|verify: the options with which it asks nobody but
# the registry.
cosign_offline() {
	echo --allow-http-registry
	case $1$2 in
	2sign) echo --yes --tlog-upload=false ;;
	3sign) echo --yes --use-signing-config=false --tlog-upload=false ;;
	*verify) echo --insecure-ignore-tlog --private-infrastructure ;;
	esac
}

# notation_key NAME: a key of notation's own with a certificate, in software.
notation_key() {
	"$notation" cert generate-test "$1" >"$user/notation.log" 2>&1
}

# notation_trust NAME: from now on, notation trusts that certificate only; or
# one that is imported as ca:NAME.
notation_trust() {
	cat >"$XDG_CONFIG_HOME/notation/trustpolicy.json" <<-END
	{"version":"1.0","trustPolicies":[{"name":"tests",
	"registryScopes":["*"],"signatureVerification":{"level":"strict"},
	"trustStores":["ca:$1"],"trustedIdentities":["*"]}]}
	END
}

# What skopeo and podman want of images of $registry from now on: a simple
# signature in $user/lookaside, by this OpenPGP key.
simple_trust() {
	images_policy "{\"type\":\"signedBy\",\"keyType\":\"GPGKeys\",\"keyPath\":\"$1\"}"
}

# Or a signature of cosign's (.sig), by this PEM key; a newer skopeo only.
sigstore_trust() {
	images_policy "{\"type\":\"sigstoreSigned\",\"keyPath\":\"$1\",\"signedIdentity\":{\"type\":\"matchRepository\"}}"
}

images_policy() {
	mkdir -p "$HOME/.config/containers/registries.d" "$user/lookaside"
	cat >"$HOME/.config/containers/policy.json" <<-END
	{"default":[{"type":"reject"}],"transports":{"docker":
	{"$registry":[$1]},"dir":{"":[{"type":"insecureAcceptAnything"}]}}}
	END
	cat >"$HOME/.config/containers/registries.d/tests.yaml" <<-END
	docker:
	  $registry:
	    lookaside: file://$user/lookaside
	    lookaside-staging: file://$user/lookaside
	    use-sigstore-attachments: true
	END
}

# skopeo_pull SKOPEO IMAGE: as it is pulled to be run.
skopeo_pull() {
	rm -rf "$user/pulled"
	timeout 60 "$1" copy -q --src-tls-verify=false "$2" "dir:$user/pulled"
}

# podman_pull IMAGE: its statuses begin at 125.
podman_pull() {
	timeout 60 $podman pull -q --tls-verify=false "$1" || return 1
}
