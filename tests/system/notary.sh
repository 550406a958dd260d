# Servers of Notary v1 and what talks to them, for tests.  Sourced beside
# images.sh, whose namespaces it needs:
#
#	. "$(dirname "$0")/images.sh"
#	. "$src/tests/system/notary.sh"
#
# Server and signer are Debian's and hold all they know in memory; between
# them, and to their clients, is TLS with certificates of the authority
# $notary_ca.  A repository's name (GUN) is HOST/NAME, as Docker has it.
notary_pass=passphrase

# needs_notary, or $lacks says why not.
needs_notary() {
	lacks='notary is not installed'
	command -v notary-server >/dev/null &&
	    command -v notary-signer >/dev/null && command -v notary >/dev/null
}

# notary_server PORT [token REALM CERTIFICATE]: both; the signer listens at
# the next port.  $notary_url is where it is.
notary_server() {
	notary_url=https://127.0.0.1:$1
	notary_tls=$user/tls/notary
	notary_ca=$notary_tls/ca.pem
	if ! test -f "$notary_ca"; then
		authority notary
		certificate notary signer 'subjectAltName=IP:127.0.0.1'
		certificate notary asks 'extendedKeyUsage=clientAuth'
	fi
	notary_auth=
	test "${2-}" != token || notary_auth="\"auth\": {\"type\": \"token\",
	    \"options\": {\"realm\": \"$3\", \"service\": \"tests\",
	    \"issuer\": \"tests\", \"rootcertbundle\": \"$4\"}},"
	notary_dir=$user/notary-$1
	mkdir -p "$notary_dir"
	cat >"$notary_dir/signer.json" <<-END
	{"server": {"grpc_addr": "127.0.0.1:$(($1 + 1))",
	    "tls_cert_file": "$notary_tls/signer.pem",
	    "tls_key_file": "$notary_tls/signer.key",
	    "client_ca_file": "$notary_ca"},
	 "logging": {"level": "info"}, "storage": {"backend": "memory"}}
	END
	cat >"$notary_dir/server.json" <<-END
	{"server": {"http_addr": "127.0.0.1:$1",
	    "tls_cert_file": "$notary_tls/server.pem",
	    "tls_key_file": "$notary_tls/server.key"},
	 $notary_auth
	 "trust_service": {"type": "remote", "hostname": "127.0.0.1",
	    "port": "$(($1 + 1))", "key_algorithm": "ecdsa",
	    "tls_ca_file": "$notary_ca",
	    "tls_client_cert": "$notary_tls/asks.pem",
	    "tls_client_key": "$notary_tls/asks.key"},
	 "logging": {"level": "info"}, "storage": {"backend": "memory"}}
	END
	notary_start signer $(($1 + 1)) && notary_start server "$1"
}

notary_start() {
	"notary-$1" -config "$notary_dir/$1.json" >"$notary_dir/$1.log" 2>&1 \
	    </dev/null &
	wait_for_port "$2" "$notary_dir/$1.log"
}

# notary_as NAME ARGUMENT...: the client, with the keys of NAME and with what
# NAME has seen of a repository so far.
notary_as() {
	notary_home=$user/trust-of-$1
	shift
	mkdir -p "$notary_home"
	NOTARY_ROOT_PASSPHRASE=$notary_pass \
	    NOTARY_TARGETS_PASSPHRASE=$notary_pass \
	    NOTARY_SNAPSHOT_PASSPHRASE=$notary_pass \
	    NOTARY_DELEGATION_PASSPHRASE=$notary_pass \
	    timeout 60 notary --server "$notary_url" --tlscacert "$notary_ca" \
	    --trustDir "$notary_home" "$@" </dev/null
}

# notary_fresh ARGUMENT...: one who has no keys and has seen nothing.
notary_fresh() {
	rm -rf "$user/trust-of-fresh"
	notary_as fresh "$@"
}

# notary_delegate NAME [rsa]: makes a key of NAME's in software, to sign with
# as notary_as NAME; $user/NAME.crt is what the owner of a repository adds.
notary_delegate() {
	case ${2-} in
	rsa) set -- "$1" -newkey rsa:2048 ;;
	*) set -- "$1" -newkey ec -pkeyopt ec_paramgen_curve:P-256 ;;
	esac
	notary_name=$1
	shift
	openssl req -x509 -nodes -days 2 -subj "/CN=$notary_name" "$@" \
	    -keyout "$user/$notary_name.pkcs8" -out "$user/$notary_name.crt" \
	    2>/dev/null
	case $2 in
	rsa*) openssl rsa -traditional -in "$user/$notary_name.pkcs8" \
	    -out "$user/$notary_name.key" 2>/dev/null ;;
	*) openssl ec -in "$user/$notary_name.pkcs8" \
	    -out "$user/$notary_name.key" 2>/dev/null ;;
	esac
	notary_as "$notary_name" key import "$user/$notary_name.key" \
	    --role user >"$user/import.log" 2>&1
}

# notary_signs NAME GUN TAG DIGEST SIZE [ROLE...]: as NAME, in these roles, in
# targets/releases and targets/NAME where none is given.
notary_signs() {
	notary_who=$1 notary_gun=$2 notary_tag=$3
	notary_hex=${4#sha256:} notary_size=$5
	shift 5
	test $# -gt 0 || set -- targets/releases "targets/$notary_who"
	for notary_role; do
		set -- "$@" -r "$notary_role"
		shift
	done
	notary_as "$notary_who" addhash -p "$@" "$notary_gun" "$notary_tag" \
	    "$notary_size" --sha256 "$notary_hex"
}

# tuf ROLE GUN: what the server has for it, byte for byte.
tuf() {
	curl -sS -f --cacert "$notary_ca" "$notary_url/v2/$2/_trust/tuf/$1.json"
}

# tuf_version ROLE GUN
tuf_version() {
	tuf "$1" "$2" | jq .signed.version
}

# ---- Docker's client ----

# needs_docker: $docker is it, for the server that notary_server began.
needs_docker() {
	docker=$images_foreign/docker-cli/docker
	has_foreign docker-cli || return 1
	unset DOCKER_HOST DOCKER_CONTEXT DOCKER_CONTENT_TRUST
	export DOCKER_CONTENT_TRUST_SERVER="$notary_url" \
	    DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE="$notary_pass" \
	    DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE="$notary_pass"
}

# docker_as NAME ARGUMENT...: with the keys of NAME, which are those of
# notary_as NAME too.
docker_as() {
	docker_home=$user/docker-of-$1
	docker_tls=$docker_home/tls/${notary_url#https://}
	if ! test -d "$docker_tls"; then
		mkdir -p "$docker_tls" "$user/trust-of-$1"
		cp "$notary_ca" "$docker_tls/ca.crt"
		ln -s "$user/trust-of-$1" "$docker_home/trust"
	fi
	shift
	timeout 60 "$docker" --config "$docker_home" "$@" </dev/null
}

docker_fresh() {
	rm -rf "$user/docker-of-fresh" "$user/trust-of-fresh"
	docker_as fresh "$@"
}

# needs_docker_host: Docker's client has podman to pull with, from $registry.
needs_docker_host() {
	needs_podman || return 1
	mkdir -p "$HOME/.config/containers"
	printf '[[registry]]\nlocation = "%s"\ninsecure = true\n' "$registry" \
	    >"$HOME/.config/containers/registries.conf"
	images_policy '{"type":"insecureAcceptAnything"}'
	export DOCKER_HOST="unix://$user/docker.sock"
	$podman system service --time 0 "$DOCKER_HOST" \
	    >"$user/podman-service.log" 2>&1 </dev/null &
	lacks='podman does not serve here'
	wait_for 20 test -S "$user/docker.sock"
}

# ---- a server that attacks ----

# hostile_notary ADDRESS PORT DIGEST SIZE [DELEGATE]: that is what v1 is in
# every repository of tests/tools/hostile-notary; $hostile_dir is its folder.
hostile_notary() {
	hostile_dir=$user/$1
	mkdir -p "$hostile_dir"
	echo "$3 $4" >"$hostile_dir/target"
	test -z "${5-}" || cp "$5" "$hostile_dir/delegate.pem"
	notary_url=https://$1:$2 notary_tls=$user/tls/notary
	notary_ca=$notary_tls/ca.pem
	test -f "$notary_ca" || authority notary
	"$src/tests/tools/hostile-notary" "$1" "$2" "$hostile_dir" \
	    "$notary_tls/server.pem" "$notary_tls/server.key" \
	    2>"$hostile_dir/err" </dev/null &
	wait_for_port "$2" "$hostile_dir/err"
}

# attack NAME: from now on; `attack sound` is the end of it.
attack() {
	echo "$1" >"$hostile_dir/attack"
}

# All that are known, but for those of how it is sent.
attacks() {
	perl -I"$src/tests/tools" -MAttacks -e 'print "$_\n" for
	    Attacks::names()'
}
