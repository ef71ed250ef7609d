import type { AuxiliaryData, Tensor } from '../contract/mod.js';

/** What every call takes. */
export interface CallOptions {
  /** Milliseconds for the whole call, repeats included. Default: the client's `defaultTimeoutMs`. */
  readonly timeoutMs?: number;
  /** Ends the call with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Which version of a model: at most one of `version` and `label`; none means the label `stable`. */
export interface ModelSelector {
  readonly name: string;
  readonly version?: string;
  readonly label?: string;
}

/** Which version a prediction wants, which outputs, and whether it is captured. */
export interface PredictOptions extends CallOptions {
  readonly version?: string;
  readonly label?: string;
  /** Names of wanted outputs; default all. */
  readonly outputs?: readonly string[];
  /** `always` samples this request whatever the policies say, `never` keeps it out. Default: the policies decide. */
  readonly capture?: 'always' | 'never';
  /** 1 to 128 of `A-Za-z0-9._:-`. Default: a random id. */
  readonly captureId?: string;
}

/** What a model answered. */
export interface Prediction {
  readonly model: string;
  /** The version that answered. */
  readonly version: string;
  /** In the model's own order; read them with `elements` or `float32`. */
  readonly outputs: readonly Tensor[];
  /** Present where this request was sampled, or may be by a policy that looks at outputs. */
  readonly captureId?: string;
  /** Milliseconds that the request waited for its turn on the device. */
  readonly queueMs: number;
  /** Milliseconds that the model ran. */
  readonly runMs: number;
}

/** A record of the app's own making; all parts are optional but the model's name. */
export interface CaptureData {
  readonly modelName: string;
  readonly version?: string;
  /** 1 to 128 of `A-Za-z0-9._:-`. Default: a random id. */
  readonly captureId?: string;
  /** Milliseconds since the Unix epoch, not in the future; default now. */
  readonly inferenceTimeMs?: number;
  readonly inputTensors?: readonly Tensor[];
  readonly outputTensors?: readonly Tensor[];
  readonly inputs?: readonly AuxiliaryBytes[];
  readonly outputs?: readonly AuxiliaryBytes[];
}

/** What is no tensor, such as a picture or a line of text. */
export interface AuxiliaryBytes {
  readonly name: string;
  /** How the record holds the bytes: CSV and JSON as text, BASE64 as such, NONE as they are. */
  readonly encoding: AuxiliaryData['encoding'];
  /** A media type, such as `image/jpeg`. */
  readonly contentType?: string;
  readonly data: Uint8Array;
}
