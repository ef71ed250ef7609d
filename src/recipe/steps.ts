import type { Lifecycle, StepName } from './schema.js';

/** A lifecycle step with both its forms brought into one. */
export interface Step {
  readonly script: string;
  /** The lifecycle's Setenv below the step's own. */
  readonly setenv: Readonly<Record<string, string>>;
  /** Seconds as written, or a recipe variable; undefined where the default holds. */
  readonly timeout: string | undefined;
  readonly skipIf: string | undefined;
}

/** Timeouts of the steps where the recipe has none, milliseconds. `run` has none. */
export const DEFAULT_TIMEOUTS_MS: Readonly<Record<Exclude<StepName, 'run'>, number>> = {
  bootstrap: 120_000,
  install: 120_000,
  startup: 120_000,
  shutdown: 15_000,
  recover: 60_000,
};

export function stepOf(lifecycle: Lifecycle, name: StepName): Step | undefined {
  const step = lifecycle[name];
  if (step === undefined) return undefined;
  const long = typeof step === 'string' ? { Script: step } : step;
  return {
    script: long.Script,
    setenv: { ...texts(lifecycle.Setenv), ...texts(long.Setenv) },
    timeout: long.Timeout === undefined ? undefined : String(long.Timeout),
    skipIf: long.Skipif,
  };
}

function texts(values: Lifecycle['Setenv']): Record<string, string> {
  return Object.fromEntries(Object.entries(values ?? {}).map(([key, value]) => [key, String(value)]));
}
