// Verifies a sigstore bundle with @sigstore/verify (NODE_PATH) and a public
// key, and that its statement is about the digest.
//
//	node bundle-verify.js BUNDLE PUBLIC-KEY.pem sha256:HEX
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const { bundleFromJSON } = require('@sigstore/bundle');
const { Verifier, toSignedEntity, toTrustMaterial } =
    require('@sigstore/verify');

const [file, pem, digest] = process.argv.slice(2);
const key = crypto.createPublicKey(fs.readFileSync(pem));
const nobody = { mediaType: '', tlogs: [], certificateAuthorities: [],
	ctlogs: [], timestampAuthorities: [] };
const trust = toTrustMaterial(nobody,
    () => ({ publicKey: key, validFor: () => true }));
const json = JSON.parse(fs.readFileSync(file));
const bundle = bundleFromJSON(json);

new Verifier(trust, { tlogThreshold: 0, ctlogThreshold: 0, tsaThreshold: 0,
	timestampThreshold: 0 }).verify(toSignedEntity(bundle));
const statement = JSON.parse(Buffer.from(json.dsseEnvelope.payload, 'base64'));
if (!statement.subject.some((s) => 'sha256:' + s.digest.sha256 === digest)) {
	console.error('the statement is about something else');
	process.exit(1);
}
