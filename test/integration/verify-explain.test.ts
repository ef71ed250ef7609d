import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createKeySigner, type Check } from '../../src/model/mod.js';
import { keyId } from '../../src/model/trust/mod.js';
import { CertificateMaker, hasCertificateTool } from '../lib/certificates.js';
import { fails, runCli, succeeds } from '../lib/cli.js';
import { keyPair, temporaryFolder, writeSmallPackage } from '../lib/model-package.js';

describe('edge-manager verify', () => {
  let root = '';
  let digest = '';
  const { privatePem, publicPem } = keyPair();
  const at = (name: string): string => join(root, name);
  before(async () => {
    root = await temporaryFolder('verify-');
    await writeFile(at('public.pem'), publicPem);
    ({ digest } = await writeSmallPackage(at('small'), { signer: createKeySigner(privatePem) }));
  });
  after(() => rm(root, { recursive: true, force: true }));

  it('says with --explain what was checked, as a table and as JSON', async () => {
    const asked = ['verify', at('small'), '--trust', at('public.pem'), '--explain'];
    assert.match(await succeeds(...asked), /a trusted key made the signature\s+│ holds\s+│ [0-9a-f]{64}/);
    const { checks } = JSON.parse(await succeeds(...asked, '--json')) as { checks: Check[] };
    assert.deepEqual(
      checks.map(({ what, outcome }) => `${outcome}: ${what}`),
      [
        'holds: the manifest is in its one canonical form',
        'holds: the folder holds nothing else than the manifest lists',
        'holds: the package is not revoked',
        'holds: the signature is a Sigstore bundle of Model Signing v1.0',
        'holds: a trusted key made the signature',
        'holds: no key is revoked',
        'holds: the signature covers the manifest and every file, and nothing else',
        'holds: the package has not expired',
        'holds: every byte of every file is as the manifest says',
      ],
    );
    assert.equal(checks[4]?.detail, keyId(createPublicKey(publicPem)));
  });

  it('says what was checked up to what fails, and what was not looked at', async () => {
    await writeSmallPackage(at('unsigned'));
    const unsigned = await succeeds('verify', at('unsigned'), '--policy', 'if-present', '--explain');
    assert.match(unsigned, /the package is signed\s+│ skipped │ it is not, and the policy/);
    await writeSmallPackage(at('damaged'), { signer: createKeySigner(privatePem) });
    await writeFile(join(at('damaged'), 'samples.json'), '{}');
    const asked = ['verify', at('damaged'), '--trust', at('public.pem'), '--explain'];
    await fails(/samples\.json is not acceptable/, ...asked);
    const { out } = await runCli(asked);
    assert.match(out, /the package can be read\s+│ fails/);
  });

  it('checks by the configuration of an agent', async () => {
    const configuration = { signature: { policy: 'required', trustedKeys: [publicPem] } };
    await writeFile(at('agent.json'), JSON.stringify(configuration));
    await succeeds('verify', at('small'), '--configuration', at('agent.json'));
    const revoked = { ...configuration.signature, revoked: { packages: [digest] } };
    await writeFile(at('revoking.json'), JSON.stringify({ signature: revoked }));
    await fails(/is revoked/, 'verify', at('small'), '--configuration', at('revoking.json'));
    const late = { key: keyId(createPublicKey(publicPem)), validFrom: '2100-01-01T00:00:00Z' };
    const limited = { ...configuration.signature, keyRules: [late] };
    await writeFile(at('limiting.json'), JSON.stringify({ signature: limited }));
    await fails(
      /counts from 2100-01-01T00:00:00Z on/,
      'verify',
      at('small'),
      '--configuration',
      at('limiting.json'),
    );
    await writeFile(at('wrong.json'), JSON.stringify({ signature: { keyRules: [{ key: 'short' }] } }));
    await fails(/keyRules/, 'verify', at('small'), '--configuration', at('wrong.json'));
  });

  it('holds signers to the subjects that are pinned, by the names that it prints', async function () {
    if (!hasCertificateTool) return this.skip();
    const maker = new CertificateMaker(root);
    maker.make({
      name: 'ca',
      extensions: 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign',
    });
    const signerExtensions = 'keyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning';
    maker.make({
      name: 'signer',
      subject: '/O=Plant, Ltd/CN=Model signing',
      issuer: 'ca',
      extensions: signerExtensions,
    });
    const signer = createKeySigner(maker.text('signer.key'), { chainPem: maker.text('signer.pem') });
    await writeSmallPackage(at('chained'), { signer });
    const said = await succeeds('verify', at('chained'), '--trust', at('ca.pem'), '--json');
    const { signature } = JSON.parse(said) as { signature: { signer: string } };
    assert.equal(signature.signer, String.raw`O=Plant\, Ltd, CN=Model signing`);
    const key = keyId(createPublicKey(maker.text('ca.pem')));
    for (const [subject, counts] of [
      [signature.signer, true],
      ['O=Plant, CN=Model signing', false],
    ] as const) {
      const keyRules = [{ key, subjects: [subject] }];
      const configured = { signature: { trustedKeys: [maker.text('ca.pem')], keyRules } };
      await writeFile(at('pins.json'), JSON.stringify(configured));
      const asked = ['verify', at('chained'), '--configuration', at('pins.json')];
      if (counts) await succeeds(...asked);
      else await fails(/counts for O=Plant, CN=Model signing only/, ...asked);
    }
  });
});
