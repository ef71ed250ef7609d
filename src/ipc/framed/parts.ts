import { EdgeError, isJsonObject } from '../../core/mod.js';
import { aligned } from '../../framing/mod.js';

/** Where operations have tensors and items of captures: each may hold its bytes in the payload. */
const LISTS = ['inputs', 'outputs', 'inputTensors', 'outputTensors'] as const;

type Body = Readonly<Record<string, unknown>>;

/** What of the bytes at hand goes behind the metadata: where each part lies stands there in its place. */
export function laidOut(body: Body): { body: Body; payload: readonly Uint8Array[] } {
  const payload: Uint8Array[] = [];
  let offset = 0;
  const changed = withParts(body, (part) => {
    const { bytes } = part;
    if (!(bytes instanceof Uint8Array)) return part;
    const region = { offset, byteSize: bytes.byteLength };
    payload.push(bytes);
    offset += aligned(bytes.byteLength);
    return { ...part, bytes: region };
  });
  return { body: changed, payload };
}

/**
 * The other way: parts have their bytes at hand, which are views of the payload.
 * @throws EdgeError INVALID_ARGUMENT (FIELD_INVALID) where a part does not lie in the payload
 */
export function takenUp(body: Body, payload: Uint8Array): Body {
  return withParts(body, (part, list, index) =>
    part['bytes'] === undefined
      ? part
      : { ...part, bytes: viewOf(part['bytes'], payload, `${list}[${index}]`) },
  );
}

function viewOf(region: unknown, payload: Uint8Array, field: string): Uint8Array {
  const { offset, byteSize } = isJsonObject(region) ? region : {};
  if (!isSize(offset) || !isSize(byteSize) || offset + byteSize > payload.byteLength) {
    throw new EdgeError(
      'FIELD_INVALID',
      `Cannot read '${field}.bytes' as it must have offset and byteSize of a part of the payload's ${payload.byteLength} bytes`,
      { field: `${field}.bytes` },
    );
  }
  return payload.subarray(offset, offset + byteSize);
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

type Part = Readonly<Record<string, unknown>>;

/** A copy only where there are parts. */
function withParts(body: Body, change: (part: Part, list: string, index: number) => Part): Body {
  let changed: Record<string, unknown> | undefined;
  for (const list of LISTS) {
    const parts: unknown = body[list];
    if (!Array.isArray(parts)) continue;
    changed ??= { ...body };
    changed[list] = parts.map((part: unknown, index) => (isPart(part) ? change(part, list, index) : part));
  }
  return changed ?? body;
}

/** Names of wanted outputs are strings. */
function isPart(value: unknown): value is Part {
  return typeof value === 'object' && value !== null;
}
