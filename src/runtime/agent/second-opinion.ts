import { within, type Clock } from '../../core/mod.js';
import { HostLostError, type RunRequest } from '../host/port/mod.js';
import type { OnProbation } from './probation-progress.js';
import type { ServedModels } from './served-models.js';

/** What the former version did with the same inputs. `unknown`: it could not be asked. */
export type Opinion =
  | { readonly kind: 'answered'; readonly runMs: number; readonly nonFinite: boolean }
  | { readonly kind: 'failed' }
  | { readonly kind: 'unknown' };

export interface SecondOpinionOptions {
  readonly clock: Clock;
  readonly served: Pick<ServedModels, 'slot' | 'keep' | 'begin' | 'ensure'>;
}

/** Who asks for such a run; no component has a name like this. */
export const ASKED_BY_US = ':probation';

/** Long enough for a load; a version that takes longer has no opinion. */
const LOAD_MS = 120_000;

/** Asks the version before the one on probation what a caller asked, for nobody but us. */
export class SecondOpinion {
  readonly #options: SecondOpinionOptions;

  constructor(options: SecondOpinionOptions) {
    this.#options = options;
  }

  /** Whether it is in memory, so that asking costs a run and nothing more. */
  isReady({ model, former }: OnProbation): boolean {
    return this.#options.served.slot(model, former).hosted !== undefined;
  }

  /** @param limitMs for the run; loading it first, where it is not in memory, takes what it takes */
  async ask({ model, former }: OnProbation, request: RunRequest, limitMs: number): Promise<Opinion> {
    const { served, clock } = this.#options;
    const slot = served.slot(model, former);
    const end = served.begin(slot);
    try {
      served.keep(slot);
      const hosted = await within(clock, LOAD_MS, served.ensure(slot)).catch(() => undefined);
      if (hosted === undefined) return { kind: 'unknown' };
      const { outputFile: _notWritten, ...same } = request;
      const capture = { ...request.capture, mode: 'never' } as const;
      // An end under this run is nobody's but ours.
      const asked = { ...same, capture, caller: ASKED_BY_US, blind: true };
      const { runMs, nonFinite } = await hosted.run(asked, limitMs);
      return { kind: 'answered', runMs, nonFinite };
    } catch (thrown) {
      // Where another request ended its host, it had no chance. Whatever else it is: it has done no better.
      return { kind: thrown instanceof HostLostError && !thrown.atFault ? 'unknown' : 'failed' };
    } finally {
      end();
    }
  }
}
