import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const hasCertificateTool = spawnSync('openssl', ['version']).status === 0;

/** A certificate to be made. Names are file names too; `extensions` are lines as openssl's configuration has them. */
export interface CertificateOrder {
  readonly name: string;
  /** Such as `/O=Plant/CN=signer`. Default: `/CN=<name>`. */
  readonly subject?: string;
  /** Default: signed by itself. */
  readonly issuer?: string;
  /** Default: `P-256`. */
  readonly key?: string;
  /** Of the issuer's signature. Default: `sha256`. */
  readonly digest?: string;
  readonly days?: number;
  readonly extensions?: string;
}

const KEYS: Readonly<Record<string, readonly string[]>> = {
  'P-256': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  'P-384': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'],
  'P-192': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:prime192v1'],
  ed25519: ['-algorithm', 'ED25519'],
  'rsa-512': ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:512'],
  'rsa-1024': ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:1024'],
  'rsa-2048': ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
};

/** Makes keys and certificates in a folder, with the openssl command: `<name>.key` and `<name>.pem`. */
export class CertificateMaker {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  file(name: string): string {
    return join(this.#folder, name);
  }

  text(name: string): string {
    return readFileSync(this.file(name), 'utf8');
  }

  make({ name, subject, issuer, key = 'P-256', digest, days = 60, extensions = '' }: CertificateOrder): void {
    const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: 'ignore' });
    const keyFile = this.file(`${name}.key`);
    openssl('genpkey', ...(KEYS[key] ?? []), '-out', keyFile);
    const configuration = `[req]\ndistinguished_name=dn\nprompt=no\n[dn]\n[ext]\n${extensions}\n`;
    writeFileSync(this.file(`${name}.cnf`), configuration);
    const made = ['req', '-x509', '-new', '-key', keyFile, '-out', this.file(`${name}.pem`)];
    made.push('-subj', subject ?? `/CN=${name}`, '-days', String(days), '-config', this.file(`${name}.cnf`));
    if (extensions !== '') made.push('-extensions', 'ext');
    if (digest !== undefined) made.push(`-${digest}`);
    if (issuer !== undefined)
      made.push('-CA', this.file(`${issuer}.pem`), '-CAkey', this.file(`${issuer}.key`));
    openssl(...made);
  }
}
