#!/bin/sh
# Keys of every kind on a YubiKey sign into repositories that Notary's and
# Docker's clients made, and those clients take it; what is unsigned, revoked
# or another's they do not.
. "$(dirname "$0")/trust-keys.sh"

for key in k-p256 k-p384 k-rsa; do
	ok "a certificate, $key" without_terminal touchstone keys certify $key
done
key_before_notary k-p256 ecdsa
key_before_notary k-p384 ecdsa
key_before_notary k-rsa rsapss
if needs_docker; then
	needs_docker_host || diag "$lacks"
	key_before_docker k-p256 k-rsa
	key_before_docker k-p384 k-p256
	key_before_docker k-rsa k-p256
else
	skip "docker's client" "$lacks"
fi
done_testing
