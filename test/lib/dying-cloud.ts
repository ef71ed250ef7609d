import type { FleetCloud } from '../../deploy/mod.js';
import type { Clock } from '../../src/core/mod.js';
import { systemClock } from '../../src/system/mod.js';

/** A wall clock that stands, for end states that are compared. */
export const fixedClock: Clock = { ...systemClock, wallMs: () => 1_700_000_000_000 };

/** What a process leaves that is killed. */
export class Killed extends Error {
  override readonly name = 'Killed';
}

/** The port of a process that dies at its k-th call, before or after the call had its effect; `calls` counts. */
export function dying(cloud: FleetCloud, killAt: number, after: boolean): FleetCloud & { calls(): number } {
  const count = { calls: 0 };
  return new Proxy(cloud as FleetCloud & { calls(): number }, {
    get: (target, name) => {
      if (name === 'calls') return () => count.calls;
      const method = target[name as keyof FleetCloud] as (...all: unknown[]) => Promise<unknown>;
      return async (...all: unknown[]) => {
        count.calls += 1;
        const mine = count.calls;
        if (mine > killAt || (mine === killAt && !after)) throw new Killed();
        const result = await method(...all);
        if (mine === killAt) throw new Killed();
        return result;
      };
    },
  });
}
