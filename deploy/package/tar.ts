const BLOCK_BYTES = 512;

/**
 * The plain files of a tar archive (ustar; names only, nothing is written). Links, folders and extensions are
 * passed over.
 * @throws Error where the archive ends inside a file
 */
export function tarFiles(archive: Uint8Array): { name: string; bytes: Uint8Array }[] {
  const files: { name: string; bytes: Uint8Array }[] = [];
  const buffer = Buffer.from(archive.buffer, archive.byteOffset, archive.byteLength);
  for (let at = 0; at + BLOCK_BYTES <= buffer.length;) {
    const header = buffer.subarray(at, at + BLOCK_BYTES);
    const name = text(header, 0, 100);
    if (name === '') break;
    const size = Number.parseInt(text(header, 124, 12).trim() || '0', 8);
    const start = at + BLOCK_BYTES;
    if (!Number.isSafeInteger(size) || size < 0 || start + size > buffer.length) {
      throw new Error(`the file ${name} is cut off`);
    }
    const type = text(header, 156, 1);
    if (type === '' || type === '0') files.push({ name, bytes: buffer.subarray(start, start + size) });
    at = start + Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES;
  }
  return files;
}

/** A field ends at its first NUL. */
function text(header: Buffer, offset: number, length: number): string {
  const field = header.subarray(offset, offset + length);
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end < 0 ? length : end);
}
