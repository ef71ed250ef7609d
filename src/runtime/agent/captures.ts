import type {
  AuxiliaryData,
  CaptureState,
  CaptureStatusValue,
  ReplyOf,
  RequestOf,
  Tensor,
  WireTensor,
} from '../../contract/mod.js';
import {
  createRedactor,
  type AuxiliaryItem,
  type CaptureRecord,
  type DropReason,
} from '../../capture/mod.js';
import { checkOneSource, checkTensorBytes, fromInlineTensor, tensorByteSize } from '../../tensor/mod.js';
import { EdgeError } from '../../core/mod.js';
import type { RequestContext } from '../../ipc/mod.js';
import { captureOf } from '../config/mod.js';
import { ExchangeFolder } from '../host/port/mod.js';
import { select } from '../plan/mod.js';
import { findModel } from '../registry/mod.js';
import type { AgentDependencies } from './context.js';
import type { Exchange } from './exchange.js';

/** The control process must not stall while it reads a record's tensors. */
const MAX_RECORD_BYTES = 64 * 1024 * 1024;
/** Two clocks of one device may differ by a rounding. */
const FUTURE_SLACK_MS = 1000;

/** Edge Manager's CaptureData and GetCaptureDataStatus, and what the hosts sampled. */
export class Captures {
  readonly #dependencies: AgentDependencies;
  readonly #exchange: Exchange;
  readonly #pending = new Set<Promise<unknown>>();
  #submitted = 0;

  constructor(dependencies: AgentDependencies, exchange: Exchange) {
    this.#dependencies = dependencies;
    this.#exchange = exchange;
  }

  async submit(body: RequestOf<'capture'>, context: RequestContext): Promise<ReplyOf<'capture'>> {
    const { capture, configuration, logger } = this.#dependencies;
    if (capture.has(body.captureId)) throw taken(body.captureId);
    const { bufferSize } = configuration.current.capture;
    if (this.#submitted >= bufferSize) {
      throw new EdgeError('CAPTURES_WAITING', `Cannot take the capture as ${bufferSize} wait for the disk`, {
        retryAfterMs: 100,
      });
    }
    this.#submitted++;
    try {
      const record = this.#recordOf(body, context);
      const redact = createRedactor(captureOf(configuration.current, record.model));
      const outcome = await this.#track(capture.append(redact(record)));
      if (outcome.outcome === 'spooled') return { captureId: body.captureId, mode: outcome.mode };
      logger.debug('A submitted capture was dropped', { captureId: body.captureId, reason: outcome.reason });
      throw dropped(outcome.reason, body.captureId);
    } finally {
      this.#submitted--;
    }
  }

  status({ captureId }: RequestOf<'captureStatus'>): ReplyOf<'captureStatus'> {
    const { state, reason } = this.#dependencies.capture.status(captureId);
    return { captureId, status: STATUS[state], state, ...(reason === undefined ? {} : { reason }) };
  }

  /** Resolves when nothing is on its way to the spool any more. */
  async settled(): Promise<void> {
    while (this.#pending.size > 0) await Promise.allSettled(this.#pending);
  }

  async #track<T>(append: Promise<T>): Promise<T> {
    this.#pending.add(append);
    try {
      return await append;
    } finally {
      this.#pending.delete(append);
    }
  }

  #recordOf(body: RequestOf<'capture'>, { client }: RequestContext): CaptureRecord {
    const { registry, machine } = this.#dependencies;
    const { modelName, version, captureId } = body;
    // Versions of a model whose packages are gone were served here once: their captures still count.
    if (findModel(registry.state, modelName) === undefined) {
      throw new EdgeError(
        'MODEL_NOT_FOUND',
        `Cannot capture as there is no model '${modelName}' on this device`,
        {
          field: 'modelName',
        },
      );
    }
    const known = select(registry.state, modelName, { version });
    const read = new TensorReader(this.#exchange.folderOf(client));
    return {
      captureId,
      model: known.packageName,
      modelVersion: known.version,
      packageDigest: known.digest,
      reasons: ['capture-data'],
      priority: 'sample',
      inferenceTimeMs: this.#timeOf(body.inferenceTimestamp),
      clockSynchronised: machine.clockSynchronised(),
      inputs: read.tensors(body.inputTensors ?? [], 'inputTensors'),
      outputs: read.tensors(body.outputTensors ?? [], 'outputTensors'),
      ...(body.inputs === undefined
        ? {}
        : { auxiliaryInputs: read.items(body.inputs as AuxiliaryData[], 'inputs') }),
      ...(body.outputs === undefined
        ? {}
        : { auxiliaryOutputs: read.items(body.outputs as AuxiliaryData[], 'outputs') }),
    };
  }

  #timeOf(timestamp: RequestOf<'capture'>['inferenceTimestamp']): number {
    const nowMs = this.#dependencies.clock.wallMs();
    if (timestamp === undefined) return nowMs;
    const timeMs = timestamp.seconds * 1000 + (timestamp.nanos ?? 0) / 1e6;
    if (timeMs > nowMs + FUTURE_SLACK_MS) {
      throw new EdgeError(
        'TIME_IN_FUTURE',
        `Cannot capture an inference of the future: it is now ${new Date(nowMs).toISOString()}`,
        { field: 'inferenceTimestamp' },
      );
    }
    return timeMs;
  }
}

const STATUS: Readonly<Record<CaptureState, CaptureStatusValue>> = {
  PENDING: 'IN_PROGRESS',
  SPOOLED: 'IN_PROGRESS',
  UPLOADED: 'SUCCESS',
  DROPPED: 'FAILURE',
  QUARANTINED: 'FAILURE',
  UNKNOWN: 'NOT_FOUND',
};

function taken(captureId: string): EdgeError {
  return new EdgeError('CAPTURE_ID_TAKEN', `Cannot capture under '${captureId}' as that id is taken`, {
    field: 'captureId',
  });
}

function dropped(reason: DropReason, captureId: string): EdgeError {
  switch (reason) {
    case 'quota':
      return new EdgeError('SPOOL_QUOTA', 'Cannot take the capture as the spool has reached its quota');
    case 'no-space':
      return new EdgeError('DISK_FULL', 'Cannot take the capture as the disk is full');
    case 'overload':
      return new EdgeError('CAPTURES_WAITING', 'Cannot take the capture as too many wait for the disk', {
        retryAfterMs: 1000,
      });
    case 'duplicate':
      return taken(captureId);
    case 'io-error':
      return new EdgeError('DISK_FAILED', 'Cannot take the capture as the disk failed', {
        retryAfterMs: 1000,
      });
    case 'closed':
      return new EdgeError('AGENT_STOPPING', 'Cannot take the capture as the agent is stopping', {
        retryAfterMs: 1000,
      });
  }
}

/** A record's tensors and items with their bytes at hand. */
class TensorReader {
  readonly #folder: ExchangeFolder | undefined;
  #bytes = 0;

  constructor(folder: string | undefined) {
    this.#folder = folder === undefined ? undefined : new ExchangeFolder(folder);
  }

  tensors(wires: readonly WireTensor[], side: string): readonly Tensor[] {
    return wires.map((wire, index) => {
      const field = `${side}[${index}]`;
      return wire.file === undefined ? fromInlineTensor(wire, field) : this.#fromFile(wire, wire.file, field);
    });
  }

  items(items: readonly AuxiliaryData[], side: string): readonly AuxiliaryItem[] {
    return items.map(({ name, encoding, b64, file, contentType }, index) => {
      const field = `${side}[${index}]`;
      if ((b64 === undefined) === (file === undefined)) {
        throw new EdgeError('FIELD_INVALID', `Cannot read '${field}' as it must have one of b64 and file`, {
          field,
        });
      }
      const data = file === undefined ? Buffer.from(b64 ?? '', 'base64') : this.#read(file, `${field}.file`);
      return { name, encoding, ...(contentType === undefined ? {} : { contentType }), data };
    });
  }

  #fromFile(wire: WireTensor, file: NonNullable<WireTensor['file']>, field: string): Tensor {
    checkOneSource(wire, field);
    const { name, datatype, shape } = wire;
    const wanted = tensorByteSize(datatype, shape, `${field}.shape`);
    // Some clients of Edge Manager leave the size at 0 and mean the shape's.
    const byteSize = file.byteSize === 0 && wanted !== undefined ? wanted : file.byteSize;
    if (wanted !== undefined && wanted !== byteSize) {
      throw new EdgeError(
        'TENSOR_INVALID',
        `Cannot read the tensor '${field}' as its file region must hold ${wanted} bytes: current size is ${byteSize}`,
        { field: `${field}.file.byteSize` },
      );
    }
    const tensor = {
      name,
      datatype,
      shape: [...shape],
      data: this.#read({ ...file, byteSize }, `${field}.file`),
    };
    checkTensorBytes(tensor, field);
    return tensor;
  }

  #read(file: NonNullable<WireTensor['file']>, field: string): Uint8Array {
    if (this.#folder === undefined) {
      throw new EdgeError(
        'EXCHANGE_FOLDER_UNKNOWN',
        'Cannot use exchange files as the caller has no exchange folder',
        {
          field,
          nextStep: "Call 'hello' first: it gives the folder",
        },
      );
    }
    this.#bytes += file.byteSize;
    if (this.#bytes > MAX_RECORD_BYTES) {
      throw new EdgeError(
        'RECORD_TOO_LARGE',
        `Cannot capture more than ${MAX_RECORD_BYTES} bytes in one record`,
        {
          field,
        },
      );
    }
    return this.#folder.read(file, field);
  }
}
