#!/bin/sh
# Images in a real registry, an OCI layout and an archive: found, named by
# their digest, and signatures added so that no other is lost.
. "$(dirname "$0")/images.sh"

at() {	# COMMAND PLACE ...
	"$tool" --tries 2 "$@"
}

# ---- names ----
named() {
	is "$1 is $2" "$(at name "$1" 2>&1)" "$2"
}
digest0=sha256:$(printf '%064d' 0)
named debian 'docker.io/library/debian:latest registry-1.docker.io'
named user/app:1.2_3-x 'docker.io/user/app:1.2_3-x registry-1.docker.io'
named index.docker.io/a 'docker.io/library/a:latest registry-1.docker.io'
named localhost/a "localhost/a:latest localhost loopback"
named 127.0.0.1:5000/a/b__c-d.e "127.0.0.1:5000/a/b__c-d.e:latest 127.0.0.1:5000 loopback"
named '[::1]:5000/a' '[::1]:5000/a:latest [::1]:5000 loopback'
named "host.example/a@$digest0" "host.example/a@$digest0 host.example"
named "host.example:80/a:t@$digest0" "host.example:80/a:t@$digest0 host.example:80"
named 127.0.0.1.example.com/a '127.0.0.1.example.com/a:latest 127.0.0.1.example.com'
named 127.0.0.1.5/a '127.0.0.1.5/a:latest 127.0.0.1.5'
for name in '' / a/ /a A a/B a:b:c a: 'a b' a@sha256:12 "a@sha512:$digest0" \
    "a@$digest0$digest0" a..b a___b -a a- a/-b host.example:/a \
    host.example:99999/a host.example:x/a 'host..example/a' '[..]/a' '[::1/a' '../../etc' \
    'a/../b' "$(printf 'a\033b')" "$(printf '%0300d' 1)" \
    "a:$(printf '%0129d' 1)" 'user@host.example/a' 'http://host.example/a'; do
	not_ok "\"$(printf %.30s "$name" | tr '\033' '?')\" is no name" \
	    at name "$name"
done
like 'and it is said what would be one' "$tap_out" 'is no name of an image'

# ---- a registry ----
registry 5000
image app
is 'a tag is resolved to digest, size and type' "$(at resolve "$image")" \
    "$digest $(at get "$image" | wc -c) application/vnd.oci.image.manifest.v1+json"
is 'by its digest it is the same' \
    "$(at resolve "$registry/app@$digest")" "$(at resolve "$image")"
is 'and in the layout' "$(at resolve "oci:$user/layout/app:v1")" \
    "$(at resolve "$image")"
not_ok 'another tag is not there' at resolve "$registry/app:v2"
like 'which is said' "$tap_out" '^Not found: .*v2.* is not there'
not_ok 'another digest is not there' at resolve "$registry/app@$digest0"
not_ok 'another machine is not asked without TLS' \
    timeout 20 "$tool" --tries 1 --limit 3000 resolve 192.0.2.1:5000/app
not_ok 'where nobody listens, that is said at once' at resolve 127.0.0.1:9/a
like 'by its cause' "$tap_out" '[Cc]onnect'

head -c 3000000 /dev/urandom >"$user/blob"
blob=sha256:$(sha256sum <"$user/blob" | cut -c1-64)
is 'a blob is uploaded from memory' "$(at put-blob "$image" "$user/blob")" \
    "$blob"
is 'and comes back' "$(at get-blob "$image" "$blob" 3000000 | sha256sum)" \
    "$(sha256sum <"$user/blob")"
not_ok 'not if it should be smaller' at get-blob "$image" "$blob" 2999999
not_ok 'or larger' at get-blob "$image" "$blob" 3000001
head -c 5000000 /dev/urandom >"$user/big"
big=sha256:$(sha256sum <"$user/big" | cut -c1-64)
not_ok 'a file that is not what its digest says is refused by the registry' \
    at put-file "$image" "$user/big" "$blob.not"
ok 'a file is streamed' at put-file "$image" "$user/big" "$big"
is 'and comes back' "$(at get-blob "$image" "$big" 5000000 | sha256sum)" \
    "$(sha256sum <"$user/big")"

# ---- signatures ----
tag=$(echo "$digest" | tr : -)
layers() {
	at get "$1" "$tag.sig" | jq -r '.layers[].annotations[]' | xargs
}
echo '{"a":1}' >"$user/one"
echo '{"a":2}' >"$user/two"
ok 'a signature is put at .sig' at append "$image" "$user/one" N1
ok 'another of the same bytes' at append "$image" "$user/one" N2
ok 'another' at append "$image" "$user/two" N3
ok 'one that is there already' at append "$image" "$user/two" N3
is 'each is there once, in their order' "$(layers "$image")" 'N1 N2 N3'
is 'what is there is an image whose config knows its layers' \
    "$(c=$(at get "$image" "$tag.sig" | jq -r '.config|"\(.digest) \(.size)"')
    at get-blob "$image" $c | jq -c .rootfs.diff_ids)" \
    "$(at get "$image" "$tag.sig" | jq -c '[.layers[].digest]')"
ok 'skopeo can read it' skopeo inspect --tls-verify=false \
    "docker://$registry/app:$tag.sig"

is 'nothing refers to the image yet' "$(at referrers "$image")" ''
first=$(at attach "$image" application/x-one "$user/one")
second=$(at attach "$image" application/x-two "$user/two")
is 'what is attached is listed' \
    "$(at referrers "$image" | awk '{ print $1, $3 }')" \
    "$first application/x-one
$second application/x-two"
is 'by type too' "$(at referrers "$image" application/x-two |
    cut -d ' ' -f 1)" "$second"
at get "$image" "$tag" | sed "s|x-two|vnd.oci.empty.v1+json|" \
    >"$user/index"
ok 'some write the type of the config into the index' \
    at put "$image" "$tag" "$user/index"
is 'and the type is found all the same' \
    "$(at referrers "$image" application/x-two | cut -d ' ' -f 1)" "$second"
is 'but nothing of a third type' \
    "$(at referrers "$image" application/x-three)" ''
is 'it says to which image it belongs' "$(at get "$image" "$first" |
    jq -r '.subject.digest, .artifactType' | xargs)" \
    "$digest application/x-one"
is 'the fall-back index names it' "$(at get "$image" "$tag" |
    jq -r '.manifests[].artifactType' | xargs)" \
    'application/x-one application/vnd.oci.empty.v1+json'
is 'and nothing refers to another image' "$(image other && at referrers \
    "$image")" ''

# ---- many write at once ----
image crowd
tag=$(echo "$digest" | tr : -)
writers='1 2 3 4 5 6'
pids=
for n in $writers; do
	echo "{\"n\":$n}" >"$user/n$n"
	{ at append "$image" "$user/n$n" "S$n" &&
	    at attach "$image" application/x-n "$user/n$n"; } \
	    >"$user/writer-$n" 2>&1 &
	pids="$pids $!"
done
failed=0
for pid in $pids; do
	wait "$pid" || failed=$((failed + 1))
done
is 'six that write at once all succeed' "$failed $(cat "$user"/writer-* |
    grep -v ^sha256)" '0 '
is 'no layer is lost' "$(layers "$image" | tr ' ' '\n' | sort | xargs)" \
    'S1 S2 S3 S4 S5 S6'
is 'no referrer is lost' "$(at referrers "$image" | wc -l)" 6

# ---- layouts and archives ----
image later
tag=$(echo "$digest" | tr : -)
layout=oci:$user/layout/later
ok 'a signature is put into a layout' at append "$layout:v1" "$user/one" L1
ok 'a second' at append "$layout:v1" "$user/two" L2
ok 'a referrer' at attach "$layout:v1" application/x-one "$user/one"
is 'they are there' "$(layers "$layout:v1") $(at referrers "$layout:v1" |
    cut -d ' ' -f 3)" 'L1 L2 application/x-one'
is 'without a tag it is still clear which image is meant' \
    "$(at resolve "$layout")" "$(at resolve "$layout:v1")"
ok 'skopeo finds the image in it' skopeo inspect "$layout:v1"
is 'nobody is kept from reading it' \
    "$(stat -c %a "$user/layout/later/index.json")" 644
ok 'a signature that the pushed image has by itself' \
    at append "$image" "$user/one" R1
is 'all are pushed after it' "$(at copy "$layout:v1" "$image")" 3
is 'beside what was there' "$(layers "$image") $(at referrers "$image" |
    cut -d ' ' -f 3)" 'R1 L1 L2 application/x-one'
at copy "$layout:v1" "$image" >"$user/again"
is 'a second time changes nothing' "$(layers "$image" | wc -w) $(at \
    referrers "$image" | wc -l)" '3 1'
pids=
for n in $writers; do
	at append "$layout:v1" "$user/n$n" "P$n" >"$user/writer-$n" 2>&1 &
	pids="$pids $!"
done
for pid in $pids; do
	wait "$pid"
done
is 'six that write into it at once all succeed' \
    "$(layers "$layout:v1" | wc -w) $(cat "$user"/writer-*)" '8 '

mkdir "$user/layout/empty"
ok 'an empty folder becomes a layout' at copy "$image" \
    "oci:$user/layout/empty"
is 'with the signatures alone' "$(at copy "oci:$user/layout/empty" \
    "$image" 2>&1 | cut -d : -f 1)" 'Not found'
mkdir "$user/layout/full"
echo x >"$user/layout/full/file"
not_ok 'a folder with something else in it does not' at resolve \
    "oci:$user/layout/full"
image several
"$src/tests/tools/image-make" "$user/layout/several" v2 other >"$user/several"
not_ok 'of two images one has to be named' at resolve \
    "oci:$user/layout/several"
like 'which is said' "$tap_out" 'several images.*oci:FOLDER:TAG'
is 'by its tag' "$(at resolve "oci:$user/layout/several:v2" |
    cut -d ' ' -f 1)" "$(cat "$user/several")"

image packed
tar -C "$user/layout/packed" -cf "$user/packed.tar" .
tar -C "$user/layout/packed" -czf "$user/packed.tar.gz" .
for file in packed.tar packed.tar.gz; do
	is "the image in $file is found" \
	    "$(at resolve "oci-archive:$user/$file")" "$(at resolve "$image")"
done
not_ok 'an archive is not written to' at append "oci-archive:$user/packed.tar" \
    "$user/one" N
tar -C "$user/layout/packed" -rf "$user/packed.tar" ./index.json
not_ok 'one with something in it twice is refused' \
    at resolve "oci-archive:$user/packed.tar"
like 'with the reason' "$tap_out" 'index.json twice'
skopeo copy -q "oci:$user/layout/packed:v1" \
    "docker-archive:$user/docker.tar:a:v1" 2>"$user/skopeo.log"
skopeo --insecure-policy copy -q --preserve-digests \
    --dest-tls-verify=false "docker-archive:$user/docker.tar" \
    "docker://$registry/docker:v1" 2>>"$user/skopeo.log"
is "one that docker before 25 writes is what skopeo pushes of it" \
    "$(at resolve "docker-archive:$user/docker.tar")" \
    "$(at resolve "$registry/docker:v1")"
is 'by its tag too' "$(at resolve "docker-archive:$user/docker.tar:v1")" \
    "$(at resolve "$registry/docker:v1")"
not_ok 'by another it is not there' \
    at resolve "docker-archive:$user/docker.tar:v2"
set -- $(at get "docker-archive:$user/docker.tar" |
    jq -r '.config | .digest, .size')
is 'its config can be read' "$(at get-blob \
    "docker-archive:$user/docker.tar" "$1" "$2" | jq -r .os)" linux
mkdir "$user/docker"
tar -C "$user/docker" -xf "$user/docker.tar"
chmod -R u+w "$user/docker"
gzip -nc <"$(ls "$user/docker"/????*.tar)" >"$user/packed.layer"
cat "$user/packed.layer" >"$(ls "$user/docker"/????*.tar)"
tar -C "$user/docker" -cf "$user/docker-packed.tar" .
not_ok 'one with layers that are packed is refused' \
    at resolve "docker-archive:$user/docker-packed.tar"
like 'and what to do is said' "$tap_out" 'skopeo copy docker-archive:.*oci:'
head -c 700 "$user/packed.tar.gz" >"$user/cut.tar.gz"
not_ok 'half an archive is refused' at resolve "oci-archive:$user/cut.tar.gz"
not_ok 'a file that is none is refused' at resolve "oci-archive:$user/blob"

# ---- what a layout says of itself is not believed ----
blobs=$user/layout/packed/blobs/sha256
printf ' ' >>"$blobs/${digest#sha256:}"
not_ok 'a manifest in a layout that is not its digest is refused' \
    at resolve "oci:$user/layout/packed:v1"
like 'with the reason' "$tap_out" 'not what its name says'
sed -i 's/"manifests":/"manifests":[],&/' "$user/layout/app/index.json"
not_ok 'an index.json with a key twice is refused' \
    at resolve "oci:$user/layout/app:v1"
done_testing
