import type { Tensor } from '../../contract/mod.js';
import { sha256Hex } from '../../system/mod.js';
import type { AuxiliaryItem } from '../captured/capture-record.js';
import type { StampedRecord } from './payload.js';
import { inferenceTimeMs, type ObjectLayout, type TimeReference } from './object-plan.js';
import { tensorContentType } from '../records/content-type.js';
import {
  EVENT_VERSION,
  type CapturedRecord,
  type EventMetadata,
  type RecordItem,
} from '../records/record-schema.js';

/** A value that is too large for its record, as a file beside the object. */
export interface RawFile {
  readonly key: string;
  readonly bytes: Uint8Array;
  readonly sha256: string;
  readonly contentType: string;
}

export interface RenderContext {
  readonly layout: ObjectLayout;
  /** The folder of the object that the record goes into, with its last slash. */
  readonly folder: string;
  readonly reference: TimeReference | undefined;
}

/** One record as its JSON line and the files that it refers to. The same arguments always give the same bytes. */
export function renderRecord(
  record: StampedRecord,
  context: RenderContext,
): { readonly line: string; readonly files: readonly RawFile[] } {
  const files: RawFile[] = [];
  const place = (item: PlacedItem): RecordItem => placeItem(item, context, files);
  const redaction = (name: string, mode: 'input' | 'output'): 'hash' | 'crop' | undefined => {
    const note = record.redactions?.findLast((other) => other.name === name && other.mode === mode);
    return note === undefined || note.action === 'drop' ? undefined : note.action;
  };
  const tensors = (items: readonly Tensor[], mode: 'input' | 'output'): RecordItem[] =>
    items.map(({ name, datatype, shape, data }) =>
      place({
        name,
        mode,
        data,
        folder: `${mode}-tensors`,
        extension: 'bin',
        contentType: tensorContentType(datatype, shape),
        redaction: redaction(name, mode),
      }),
    );
  const auxiliary = (items: readonly AuxiliaryItem[] = [], mode: 'input' | 'output'): RecordItem[] =>
    items.map(({ name, data, encoding, contentType = 'bin' }) => ({
      ...place({
        name,
        mode,
        data,
        folder: `auxiliary-${mode}s`,
        extension: extensionOf(contentType),
        contentType,
        redaction: redaction(name, mode),
      }),
      // What the app said of its bytes stands, but for inline bytes, which are base64 here.
      ...(data.byteLength > context.layout.embedLimitBytes ? { encoding } : {}),
    }));
  const captured: CapturedRecord = {
    deviceFleetAuxiliaryInputs: auxiliary(record.auxiliaryInputs, 'input'),
    deviceFleetAuxiliaryOutputs: auxiliary(record.auxiliaryOutputs, 'output'),
    deviceFleetInputs: tensors(record.inputs, 'input'),
    deviceFleetOutputs: tensors(record.outputs, 'output'),
    eventMetadata: metadataOf(record, context),
    eventVersion: EVENT_VERSION,
  };
  return { line: `${JSON.stringify(captured)}\n`, files };
}

interface PlacedItem {
  readonly name: string;
  readonly mode: 'input' | 'output';
  readonly data: Uint8Array;
  readonly folder: string;
  readonly extension: string;
  readonly contentType: string;
  readonly redaction: 'hash' | 'crop' | undefined;
}

function placeItem(item: PlacedItem, { layout, folder }: RenderContext, files: RawFile[]): RecordItem {
  const { data } = item;
  const common = {
    mode: item.mode === 'input' ? ('Input' as const) : ('Output' as const),
    name: item.name,
    observedContentType: item.contentType,
    byteSize: data.byteLength,
    ...(item.redaction === undefined ? {} : { redaction: item.redaction }),
  };
  if (data.byteLength <= layout.embedLimitBytes) {
    return {
      data: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64'),
      encoding: 'BASE64',
      ...common,
    };
  }
  const sha256 = sha256Hex(data);
  const key = `${folder}raw-data/${item.folder}/${sha256.slice(0, 32)}.${item.extension}`;
  files.push({ key, bytes: data, sha256, contentType: 'application/octet-stream' });
  return { 'data-ref': `${layout.referenceBase}${key}`, encoding: 'NONE', ...common, sha256 };
}

function metadataOf(record: StampedRecord, { layout, reference }: RenderContext): EventMetadata {
  const timeMs = inferenceTimeMs(record, reference);
  const believedMs = Math.floor(record.inferenceTimeMs);
  return {
    deviceFleetName: layout.fleet,
    deviceId: layout.device,
    eventId: record.captureId,
    inferenceTime: new Date(timeMs).toISOString().slice(0, 19),
    modelName: record.model,
    modelVersion: record.modelVersion,
    packageDigest: record.packageDigest,
    ...(record.provider === undefined ? {} : { provider: record.provider }),
    reasons: [...record.reasons],
    priority: record.priority,
    bootId: record.bootId,
    sequenceNumber: record.sequence,
    monotonicTimeMs: record.monotonicMs,
    inferenceTimeMs: timeMs,
    clockSynchronised: record.clockSynchronised,
    ...(timeMs === believedMs ? {} : { deviceTimeMs: record.inferenceTimeMs }),
    ...(record.redactions === undefined
      ? {}
      : { redactions: record.redactions.map((note) => ({ ...note })) }),
  };
}

/** `jpg`, `image/jpeg` and the like as a file extension. */
function extensionOf(contentType: string): string {
  const last = contentType.split('/').at(-1) ?? '';
  return /^[A-Za-z0-9]{1,8}$/.test(last) ? last.toLowerCase() : 'bin';
}
