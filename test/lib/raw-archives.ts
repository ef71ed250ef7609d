import { crc32, deflateRawSync } from 'node:zlib';

/** An entry of a zip, every field of which can lie. */
export interface RawZipEntry {
  readonly name: string;
  readonly data?: Buffer;
  /** What it says to unpack to. Default: the truth. */
  readonly declaredBytes?: number;
  readonly crc?: number;
  /** Unix mode with its type. Default: a plain file, or a folder where the name ends with a slash. */
  readonly mode?: number;
  readonly flags?: number;
  /** The entry whose bytes this one points to, by index. Default: its own. */
  readonly sharesWith?: number;
  readonly compressedBytes?: number;
  /** The name in front of the content. Default: the same. */
  readonly localName?: string;
  /** What stands in front of the content in place of CRC and sizes. Default: the same. */
  readonly local?: { readonly crc?: number; readonly compressed?: number; readonly size?: number };
  /** Extra fields of the directory at the end. */
  readonly extra?: Buffer;
}

const ZIP64 = 0xffffffff;

/** A zip of the given entries, byte for byte as they say. */
export function rawZip(entries: readonly RawZipEntry[]): Buffer {
  const parts: Buffer[] = [];
  const offsets: number[] = [];
  const central: Buffer[] = [];
  let at = 0;
  for (const entry of entries) {
    const name = Buffer.from(entry.name);
    const content = entry.data ?? Buffer.alloc(0);
    const data = deflateRawSync(content);
    const offset = entry.sharesWith === undefined ? at : (offsets[entry.sharesWith] ?? 0);
    offsets.push(offset);
    const crc = entry.crc ?? crc32(content);
    const size = entry.declaredBytes ?? content.length;
    const shared = sizes(entry, crc, entry.compressedBytes ?? data.length, Math.min(size, ZIP64));
    if (entry.sharesWith === undefined) {
      const localName = Buffer.from(entry.localName ?? entry.name);
      const local = Buffer.concat([
        Buffer.from('504b03041400', 'hex'),
        shared,
        Buffer.alloc(4),
        localName,
        data,
      ]);
      local.writeUInt16LE(localName.length, 26);
      if (entry.local?.crc !== undefined) local.writeUInt32LE(entry.local.crc, 14);
      if (entry.local?.compressed !== undefined) local.writeUInt32LE(entry.local.compressed, 18);
      if (entry.local?.size !== undefined) local.writeUInt32LE(entry.local.size, 22);
      parts.push(local);
      at += local.length;
    }
    const extra = Buffer.concat([
      size >= ZIP64 ? zip64Extra(size) : Buffer.alloc(0),
      entry.extra ?? Buffer.alloc(0),
    ]);
    const head = Buffer.concat([Buffer.from('504b010214031400', 'hex'), shared, Buffer.alloc(18)]);
    head.writeUInt16LE(name.length, 28);
    head.writeUInt16LE(extra.length, 30);
    head.writeUInt32LE(((entry.mode ?? (entry.name.endsWith('/') ? 0o040755 : 0o100644)) << 16) >>> 0, 38);
    head.writeUInt32LE(offset, 42);
    central.push(Buffer.concat([head, name, extra]));
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Math.min(entries.length, 0xfffe), 8);
  end.writeUInt16LE(Math.min(entries.length, 0xfffe), 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...parts, directory, end]);
}

/** Flags, method (deflate), time, sums and sizes: the part that local and central headers share. */
function sizes(entry: RawZipEntry, crc: number, compressed: number, size: number): Buffer {
  const fields = Buffer.alloc(20);
  fields.writeUInt16LE(entry.flags ?? 0x0800, 0);
  fields.writeUInt16LE(8, 2);
  fields.writeUInt32LE(crc >>> 0, 8);
  fields.writeUInt32LE(compressed, 12);
  fields.writeUInt32LE(size, 16);
  return fields;
}

/** Info-ZIP's other name of a file, which some readers go by. */
export function nameExtra(name: string, other: string): Buffer {
  const head = Buffer.alloc(9);
  head.writeUInt16LE(0x7075, 0);
  head.writeUInt16LE(5 + Buffer.byteLength(other), 2);
  head.writeUInt8(1, 4);
  head.writeUInt32LE(crc32(Buffer.from(name)), 5);
  return Buffer.concat([head, Buffer.from(other)]);
}

export function zip64Extra(size: number): Buffer {
  const extra = Buffer.alloc(12);
  extra.writeUInt16LE(1, 0);
  extra.writeUInt16LE(8, 2);
  extra.writeBigUInt64LE(BigInt(size), 4);
  return extra;
}

/** An entry of a tar archive. */
export interface RawTarEntry {
  readonly name: string;
  readonly data?: Buffer | string;
  /** Default: a plain file. */
  readonly type?: string;
  readonly link?: string;
  /** The size field's text. Default: the truth in octal. */
  readonly size?: string;
  readonly checksum?: number;
}

/** A ustar archive of the given entries, byte for byte as they say. */
export function rawTar(entries: readonly RawTarEntry[], end: Buffer = Buffer.alloc(1024)): Buffer {
  const parts = entries.flatMap((entry) => {
    const data = Buffer.from(entry.data ?? '');
    const header = Buffer.alloc(512);
    header.write(entry.name, 0, 100);
    header.write(entry.size ?? `${data.length.toString(8).padStart(11, '0')}\0`, 124, 12, 'latin1');
    header.write(entry.type ?? '0', 156);
    header.write(entry.link ?? '', 157, 100);
    header.write('ustar\x0000', 257, 'latin1');
    header.fill(' ', 148, 156);
    const sum = entry.checksum ?? header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 8);
    return [header, data, Buffer.alloc((512 - (data.length % 512)) % 512)];
  });
  return Buffer.concat([...parts, end]);
}

/** The records of a pax header. */
export function pax(records: Readonly<Record<string, string>>): Buffer {
  const lines = Object.entries(records).map(([key, value]) => {
    const rest = Buffer.byteLength(` ${key}=${value}\n`);
    let length = rest + String(rest).length;
    if (String(length).length > String(rest).length) length = rest + String(length).length;
    return `${length} ${key}=${value}\n`;
  });
  return Buffer.from(lines.join(''));
}
