import type { AuxiliaryData, Tensor } from '../../contract/mod.js';
import type { Priority } from './priority.js';

/** An auxiliary item with its bytes at hand. */
export interface AuxiliaryItem {
  readonly name: string;
  readonly encoding: AuxiliaryData['encoding'];
  readonly contentType?: string;
  readonly data: Uint8Array;
}

/** What redaction did to an input or output; the record says so itself. */
export interface RedactionNote {
  readonly name: string;
  readonly mode: 'input' | 'output';
  readonly action: 'drop' | 'hash' | 'crop';
}

/** What is captured of one inference, after redaction. Tensors hold raw little-endian bytes. */
export interface CaptureRecord {
  readonly captureId: string;
  readonly model: string;
  readonly modelVersion: string;
  readonly packageDigest: string;
  /** The execution provider that computed it, where that was not the agent's own ONNX Runtime on the CPU. */
  readonly provider?: string;
  /** Tags of the policies that asked for this record, such as `percentage` or `least-confidence:low`. */
  readonly reasons: readonly string[];
  readonly priority: Priority;
  /** Wall time of the inference, milliseconds since the epoch, as the device believed it. */
  readonly inferenceTimeMs: number;
  readonly clockSynchronised: boolean;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly auxiliaryInputs?: readonly AuxiliaryItem[];
  readonly auxiliaryOutputs?: readonly AuxiliaryItem[];
  readonly redactions?: readonly RedactionNote[];
}

/** Where model hosts put each record that they sampled, after its reply. Takes it at once and never throws. */
export type CaptureSink = (record: CaptureRecord) => void;
