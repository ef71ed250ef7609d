import {
  DEFAULT_TIMEOUTS_MS,
  interpolate,
  stepOf,
  type Lifecycle,
  type StepName,
  type Variables,
} from '../../recipe/mod.js';
import type { Profile } from './api/mod.js';
import { withNotification } from './notify.js';

/** A lifecycle step with everything filled in, ready to run. */
export interface PreparedStep {
  readonly script: string;
  readonly setenv: Readonly<Record<string, string>>;
  /** Undefined: none. */
  readonly timeoutMs: number | undefined;
  readonly skipIf: string | undefined;
}

/** What lite never runs. */
const NOT_ON_LITE: readonly StepName[] = ['shutdown', 'recover'];

/** @returns undefined where the recipe has no such step, or the nucleus ignores it */
export function prepareStep(
  lifecycle: Lifecycle,
  name: StepName,
  variables: Variables,
  profile: Profile,
): PreparedStep | undefined {
  if (profile === 'lite' && NOT_ON_LITE.includes(name)) return undefined;
  const step = stepOf(lifecycle, name);
  if (step === undefined) return undefined;
  const fill = (text: string): string => interpolate(text, variables, profile, 'none').text;
  const script = interpolate(step.script, variables, profile, 'script');
  // A script that lite cut short has no notification at its end either.
  const isWhole = profile === 'nucleus' || script.unresolved.length === 0;
  return {
    script: profile === 'lite' && name === 'startup' && isWhole ? withNotification(script.text) : script.text,
    setenv: Object.fromEntries(Object.entries(step.setenv).map(([key, value]) => [key, fill(value)])),
    timeoutMs: timeoutOf(step.timeout === undefined ? undefined : fill(step.timeout), name),
    skipIf: profile === 'lite' || step.skipIf === undefined ? undefined : fill(step.skipIf),
  };
}

function timeoutOf(seconds: string | undefined, name: StepName): number | undefined {
  const given = seconds === undefined ? Number.NaN : Number(seconds);
  if (given > 0) return given * 1000;
  return name === 'run' ? undefined : DEFAULT_TIMEOUTS_MS[name];
}
