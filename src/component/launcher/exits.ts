import type { Clock } from '../../core/mod.js';
import type { DurableFiles } from '../../disk/mod.js';

const HOUR_MS = 3_600_000;

export interface ExitsOptions {
  /** Where the last end is written, in the component's work folder. */
  readonly file: string;
  readonly files: Pick<DurableFiles, 'read' | 'write'>;
  readonly clock: Pick<Clock, 'wallMs'>;
}

/**
 * A component's ends by its own will, over its starts. Both nuclei count a component's errors within an hour, and give
 * it up at the third: what cannot be mended ends it once in this time.
 */
export class Exits {
  readonly #options: ExitsOptions;

  constructor(options: ExitsOptions) {
    this.#options = options;
  }

  /** Whether the component may end now; counts it where it may. A disk that takes no note lets it end. */
  async mayEnd(): Promise<boolean> {
    const { file, files, clock } = this.#options;
    const nowMs = clock.wallMs();
    const text = await files.read(file).then(
      (bytes) => Buffer.from(bytes ?? []).toString('utf8'),
      () => '',
    );
    const agoMs = text === '' ? Infinity : nowMs - Number(text);
    // A clock that was set back says nothing of the time that has passed.
    if (agoMs >= 0 && agoMs < HOUR_MS) return false;
    await files.write(file, Buffer.from(String(nowMs))).catch(() => undefined);
    return true;
  }
}
