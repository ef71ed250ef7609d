import type { AuxiliaryData, Datatype } from '../../contract/mod.js';
import { EdgeError, isJsonObject, messageOf, validate } from '../../core/mod.js';
import { parseTensorContentType } from './content-type.js';
import { CapturedRecord, EVENT_VERSION, type EventMetadata, type RecordItem } from './record-schema.js';

/** Bytes stand in the record, or in the file that `reference` names. */
interface ParsedValue {
  readonly name: string;
  readonly byteSize: number;
  readonly data?: Uint8Array;
  readonly reference?: string;
  readonly sha256?: string;
}
export interface ParsedTensor extends ParsedValue {
  readonly datatype: Datatype;
  readonly shape: readonly number[];
}
export interface ParsedAuxiliary extends ParsedValue {
  readonly encoding: AuxiliaryData['encoding'];
  readonly contentType: string;
}

export interface ParsedRecord {
  readonly captureId: string;
  readonly metadata: EventMetadata;
  readonly inputs: readonly ParsedTensor[];
  readonly outputs: readonly ParsedTensor[];
  readonly auxiliaryInputs: readonly ParsedAuxiliary[];
  readonly auxiliaryOutputs: readonly ParsedAuxiliary[];
}

/** One parser per `eventVersion`. */
const PARSERS: Readonly<Record<string, (value: unknown, what: string) => ParsedRecord>> = {
  [EVENT_VERSION]: parseVersion0,
};

/**
 * Reads a captured object (JSON Lines) back into tensors.
 * @throws INVALID_ARGUMENT that names the line and the field
 */
export function parseRecords(bytes: Uint8Array): ParsedRecord[] {
  const lines = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString().split('\n');
  return lines.flatMap((line, index) =>
    line === '' ? [] : [parseLine(line, `Cannot read record ${index + 1}`)],
  );
}

function parseLine(line: string, what: string): ParsedRecord {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new EdgeError('RECORD_INVALID', `${what} as it is not JSON: ${messageOf(error)}`, {
      cause: error,
    });
  }
  const version = isJsonObject(value) ? value['eventVersion'] : undefined;
  const parse = typeof version === 'string' ? PARSERS[version] : undefined;
  if (parse === undefined) {
    throw new EdgeError(
      'RECORD_INVALID',
      `${what} as 'eventVersion' must be one of ${Object.keys(PARSERS).join(', ')}: current value is ${JSON.stringify(version)}`,
      { field: 'eventVersion' },
    );
  }
  return parse(value, what);
}

function parseVersion0(value: unknown, what: string): ParsedRecord {
  const record = validate(CapturedRecord, value, what);
  const tensor = (item: RecordItem): ParsedTensor => {
    const type = parseTensorContentType(item.observedContentType);
    if (type === undefined) {
      throw new EdgeError(
        'RECORD_INVALID',
        `${what} as tensor '${item.name}' has no tensor type: current value is ${item.observedContentType}`,
        { field: 'observedContentType' },
      );
    }
    return { ...valueOf(item, what), ...type };
  };
  const auxiliary = (item: RecordItem): ParsedAuxiliary => ({
    ...valueOf(item, what),
    encoding: item.encoding as AuxiliaryData['encoding'],
    contentType: item.observedContentType,
  });
  return {
    captureId: record.eventMetadata.eventId,
    metadata: record.eventMetadata,
    inputs: record.deviceFleetInputs.map(tensor),
    outputs: record.deviceFleetOutputs.map(tensor),
    auxiliaryInputs: record.deviceFleetAuxiliaryInputs.map(auxiliary),
    auxiliaryOutputs: record.deviceFleetAuxiliaryOutputs.map(auxiliary),
  };
}

function valueOf(item: RecordItem, what: string): ParsedValue {
  const common = { name: item.name, byteSize: item.byteSize };
  if (item.data === undefined) {
    if (item['data-ref'] === undefined) {
      throw new EdgeError('RECORD_INVALID', `${what} as '${item.name}' has neither data nor data-ref`, {
        field: item.name,
      });
    }
    return {
      ...common,
      reference: item['data-ref'],
      ...(item.sha256 === undefined ? {} : { sha256: item.sha256 }),
    };
  }
  const data = Buffer.from(item.data, 'base64');
  if (data.byteLength !== item.byteSize) {
    throw new EdgeError(
      'RECORD_INVALID',
      `${what} as '${item.name}' must hold ${item.byteSize} bytes: current value is ${data.byteLength}`,
      { field: item.name },
    );
  }
  return { ...common, data };
}
