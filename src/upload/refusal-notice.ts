import { REFUSAL_REPEAT_MS, troubleOf, type SpoolResult } from '../contract/mod.js';
import type { Clock, EdgeError } from '../core/mod.js';

/**
 * Tells the agent, which reports to the fleet, whether the newest configuration is in force: nucleus lite deploys one
 * that is refused as a success. A refusal is repeated as long as it stands.
 */
export class RefusalNotice {
  readonly #clock: Clock;
  readonly #tell: (notice: SpoolResult) => void;
  #cancel: () => void = () => undefined;

  constructor(clock: Clock, tell: (notice: SpoolResult) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  verdict(refusal: EdgeError | undefined): void {
    this.#say(refusal === undefined ? null : troubleOf(refusal, this.#clock.wallMs()));
  }

  close(): void {
    this.#cancel();
  }

  #say(refusal: NonNullable<SpoolResult['refusal']> | null): void {
    this.#cancel();
    this.#tell({ v: 1, segment: '', objects: 0, records: 0, refusal });
    if (refusal === null) return;
    this.#cancel = this.#clock.after(REFUSAL_REPEAT_MS, () => this.#say(refusal), { unref: true });
  }
}
