import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A chain to be judged: PEM texts, the leaf alone, what it came with, whom to trust. */
export interface ChainCase {
  readonly leaf: string;
  readonly others: readonly string[];
  readonly anchors: readonly string[];
  readonly atMs: number;
}

/** Undefined: accepted; else why not. */
export type Verdict = string | undefined;

export interface CodeSignJudge {
  readonly name: string;
  judge(cases: readonly ChainCase[], folder: string): readonly Verdict[];
}

/** From 3.2 on `openssl verify` has the purpose `codesign`. */
const CODE_SIGN_SINCE = [3, 2] as const;

/** OpenSSL by its Python bindings: X509_PURPOSE_CODE_SIGN is 10, which the package has no name for. */
const PYTHON = `
import json, sys
from datetime import datetime, timezone
from OpenSSL import crypto
from OpenSSL._util import lib
load = lambda pem: crypto.load_certificate(crypto.FILETYPE_PEM, pem.encode())
def judge(case):
    store = crypto.X509Store()
    for pem in case["anchors"]: store.add_cert(load(pem))
    store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)
    store.set_time(datetime.fromtimestamp(case["atMs"] // 1000, timezone.utc))
    assert lib.X509_STORE_set_purpose(store._store, 10) == 1
    try:
        others = [load(pem) for pem in case["others"]]
        crypto.X509StoreContext(store, load(case["leaf"]), others).verify_certificate()
        return None
    except crypto.X509StoreContextError as error:
        return str(error)
print(json.dumps([judge(case) for case in json.load(sys.stdin)]))
`;
const PROBE = `
from OpenSSL import crypto, SSL
from OpenSSL._util import lib
assert lib.X509_STORE_set_purpose(crypto.X509Store()._store, 10) == 1
print(SSL.SSLeay_version(0).decode())
`;

/**
 * What `openssl verify -purpose codesign -auth_level 2` says: the command itself where it knows that purpose, or else
 * a newer OpenSSL by Python for the purpose, and the command for the strength of keys and digests. Undefined where
 * this machine has neither.
 */
export function findCodeSignJudge(): CodeSignJudge | undefined {
  const version = /^OpenSSL (\d+)\.(\d+)/.exec(
    spawnSync('openssl', ['version'], { encoding: 'utf8' }).stdout,
  );
  if (version === null) return undefined;
  const [major, minor] = [Number(version[1]), Number(version[2])];
  if (major > CODE_SIGN_SINCE[0] || (major === CODE_SIGN_SINCE[0] && minor >= CODE_SIGN_SINCE[1])) {
    const judge: CodeSignJudge['judge'] = (cases, folder) =>
      cases.map((one) => byCommand(one, folder, ['-purpose', 'codesign']));
    return { name: `the command of ${version[0]}`, judge };
  }
  const python = spawnSync('python3', ['-c', PROBE], { encoding: 'utf8' });
  if (python.status !== 0) return undefined;
  return {
    name: `${python.stdout.trim().replace(/ \d+ \w+ \d+$/, '')} by Python, and the command of ${version[0]}`,
    judge: (cases, folder) => {
      const verdicts = JSON.parse(
        execFileSync('python3', ['-c', PYTHON], { input: JSON.stringify(cases), encoding: 'utf8' }),
      ) as (string | null)[];
      return cases.map((one, index) => verdicts[index] ?? byCommand(one, folder, []));
    },
  };
}

function byCommand({ leaf, others, anchors, atMs }: ChainCase, folder: string, purpose: string[]): Verdict {
  const [leafFile = '', othersFile = '', anchorsFile = ''] = [[leaf], others, anchors].map((texts, index) => {
    const file = join(folder, `judged-${index}.pem`);
    writeFileSync(file, texts.join(''));
    return file;
  });
  const asked = ['verify', '-no-CAfile', '-no-CApath', '-no-CAstore', '-partial_chain', '-auth_level', '2'];
  asked.push('-attime', String(Math.floor(atMs / 1000)), ...purpose, '-trusted', anchorsFile);
  if (others.length > 0) asked.push('-untrusted', othersFile);
  const { status, stdout, stderr } = spawnSync('openssl', [...asked, leafFile], { encoding: 'utf8' });
  if (status === 0) return undefined;
  return `${stdout}${stderr}`.replaceAll('\n', ' ').slice(0, 300);
}
