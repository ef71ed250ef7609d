import { crc32, startDigest } from '../../../system/mod.js';
import { crc32c, startCrc64 } from './crc.js';

/** The algorithms of the x-amz-checksum-* headers. */
export const CHECKSUM_ALGORITHMS = ['crc32', 'crc32c', 'crc64nvme', 'sha1', 'sha256'] as const;
export type ChecksumAlgorithm = (typeof CHECKSUM_ALGORITHMS)[number];
export type Checksums = Readonly<Partial<Record<ChecksumAlgorithm, string>>>;
/** Over an object's bytes, or over the checksums of its parts. */
export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE';

/** Where nobody asks for another. */
export const DEFAULT_ALGORITHM: ChecksumAlgorithm = 'crc64nvme';

/** A checksum taken over a stream. */
export interface RunningChecksum {
  update(bytes: Uint8Array): void;
  /** Base64 of the big-endian value, as the headers have it. */
  digest(): string;
}

const SIZES: Readonly<Record<ChecksumAlgorithm, number>> = {
  crc32: 4,
  crc32c: 4,
  crc64nvme: 8,
  sha1: 20,
  sha256: 32,
};

export function isChecksumAlgorithm(name: string): name is ChecksumAlgorithm {
  return (CHECKSUM_ALGORITHMS as readonly string[]).includes(name);
}

/** Whether a text can be a checksum of this algorithm. */
export function isChecksum(algorithm: ChecksumAlgorithm, text: string): boolean {
  return Buffer.from(text, 'base64').length === SIZES[algorithm] && /^[A-Za-z0-9+/]+=*$/.test(text);
}

/** A composite one ends with the number of parts. */
export function typeOfChecksum(checksum: string): ChecksumType {
  return checksum.includes('-') ? 'COMPOSITE' : 'FULL_OBJECT';
}

export function startChecksum(algorithm: ChecksumAlgorithm | 'md5'): RunningChecksum {
  switch (algorithm) {
    case 'md5':
    case 'sha1':
    case 'sha256': {
      const hash = startDigest(algorithm);
      return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest('base64') };
    }
    case 'crc32':
      return startCrc((bytes, value) => crc32(bytes, value));
    case 'crc32c':
      return startCrc(crc32c);
    case 'crc64nvme':
      return startCrc64();
  }
}

function startCrc(step: (bytes: Uint8Array, value: number) => number): RunningChecksum {
  let value = 0;
  return {
    update: (bytes) => {
      value = step(bytes, value);
    },
    digest: () => {
      const out = Buffer.alloc(4);
      out.writeUInt32BE(value >>> 0);
      return out.toString('base64');
    },
  };
}
