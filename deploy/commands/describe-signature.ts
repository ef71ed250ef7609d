import type { OpenedPackage } from '../../src/model/mod.js';

/** A signature in words. */
export function describeSignature(signature: OpenedPackage['signature']): string {
  switch (signature.state) {
    case 'verified':
      return `Signed by ${signature.signer}`;
    case 'unsigned':
      return 'Not signed';
    case 'unchecked':
      return 'Signature not checked';
  }
}
