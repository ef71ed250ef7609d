/** One line of results.jsonl: what the model said of one window. */
export interface WindowResult {
  /** How often the recording had been played before. */
  readonly loop: number;
  readonly window: number;
  /** The version that answered; null where the window failed. */
  readonly version: string | null;
  /** Speech probability, its 4 bytes (FP32, little-endian) as hex. */
  readonly output: string;
  /** SHA-256 of the state that came back, first 16 hex digits. */
  readonly state: string;
  readonly captureId: string | null;
  readonly latencyMs: number;
  readonly error?: string;
}

export const RESULTS_FILE = 'results.jsonl';
/** The component ends after the loop that runs when a message comes here. */
export const FINISH_TOPIC = 'edgemanager-example/voice-activity/finish';
