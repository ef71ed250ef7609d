import type { Profile } from './api/mod.js';

/** What a deployment does, step by step; executors do them dully, in this order. */
export type PlanStep =
  | { readonly kind: 'configure' }
  | { readonly kind: 'install'; readonly name: string }
  | { readonly kind: 'stop'; readonly name: string }
  | { readonly kind: 'remove'; readonly name: string }
  | { readonly kind: 'start'; readonly name: string; readonly install: boolean }
  /** Runs the startup step of a component once more that is up and has nothing running. */
  | { readonly kind: 'rerun'; readonly name: string }
  | { readonly kind: 'await'; readonly names: readonly string[] };

/** A component as the plan compares it. The prints change when what they stand for changes. */
export interface PlannedComponent {
  readonly name: string;
  readonly version: string;
  readonly installPrint: string;
  readonly restPrint: string;
}

export interface PresentComponent extends PlannedComponent {
  readonly isBroken: boolean;
  /** Its startup step has ended, and left nothing running. */
  readonly isSettled: boolean;
}

export interface PlanInput {
  readonly profile: Profile;
  /** In start order. */
  readonly present: readonly PresentComponent[];
  /** In start order. */
  readonly wanted: readonly PlannedComponent[];
  /** The components whose configuration the deployment names. */
  readonly configured: ReadonlySet<string>;
}

type Change = 'none' | 'restart' | 'reinstall';

/**
 * From what runs to what is wanted. The Java nucleus stops what goes or changes, in reverse start order, and starts
 * anew; it leaves alone what a changed configuration does not show in. Nucleus lite installs before it stops anything,
 * restarts every component whose configuration was named, runs again every startup step that is done, and removes
 * only when all else went well.
 */
export function planDeployment(input: PlanInput): readonly PlanStep[] {
  const { present, wanted, profile } = input;
  const isWanted = new Set(wanted.map(({ name }) => name));
  const changes = new Map(wanted.map((component) => [component.name, changeOf(component, input)]));
  const isTouched = (name: string): boolean => changes.get(name) !== 'none';
  const gone = present.filter(({ name }) => !isWanted.has(name)).map(({ name }) => name);
  const changed = wanted.filter(({ name }) => isTouched(name)).map(({ name }) => name);
  const stopped = present.filter(({ name }) => isTouched(name) && isWanted.has(name)).map(({ name }) => name);
  const start = (name: string): PlanStep => ({
    kind: 'start',
    name,
    install: profile === 'nucleus' && changes.get(name) === 'reinstall',
  });
  const stop = (name: string): PlanStep => ({ kind: 'stop', name });
  const remove = (name: string): PlanStep => ({ kind: 'remove', name });
  const wait: PlanStep = { kind: 'await', names: wanted.map(({ name }) => name) };
  if (profile === 'lite') {
    const install = changed.map((name): PlanStep => ({ kind: 'install', name }));
    const settled = new Set(present.filter(({ isSettled }) => isSettled).map(({ name }) => name));
    const again = wanted.filter(({ name }) => !isTouched(name) && settled.has(name));
    const away = gone.reverse().flatMap((name) => [stop(name), remove(name)]);
    return [
      { kind: 'configure' },
      ...install,
      ...stopped.reverse().map(stop),
      ...changed.map(start),
      ...again.map(({ name }): PlanStep => ({ kind: 'rerun', name })),
      wait,
      ...away,
    ];
  }
  const down = present
    .map(({ name }) => name)
    .filter((name) => gone.includes(name) || stopped.includes(name))
    .reverse();
  return [...down.map(stop), ...gone.map(remove), { kind: 'configure' }, ...changed.map(start), wait];
}

function changeOf(component: PlannedComponent, { present, profile, configured }: PlanInput): Change {
  const former = present.find(({ name }) => name === component.name);
  if (former === undefined || former.isBroken || former.version !== component.version) return 'reinstall';
  if (profile === 'lite') return configured.has(component.name) ? 'reinstall' : 'none';
  if (former.installPrint !== component.installPrint) return 'reinstall';
  return former.restPrint === component.restPrint ? 'none' : 'restart';
}
