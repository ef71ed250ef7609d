import { AGENT_COMPONENT, UPLOADER_COMPONENT } from '../../src/contract/mod.js';
import { EdgeError, isJsonObject, type JsonObject } from '../../src/core/mod.js';
import type { Fleet } from './fleet.js';

/**
 * A rollout plan with the fleet's thing group as its target and the fleet's configuration below the plan's own,
 * for the components that the plan brings. The plan itself is not checked here.
 * @param name of the fleet in the file; absent: the plan's `fleet`, a fleet or its thing group
 */
export function planForFleet(plan: unknown, fleets: readonly Fleet[], name: string | undefined): unknown {
  if (!isJsonObject(plan)) return plan;
  const fleet = fleetFor(plan, fleets, name);
  const merged = (components: unknown): JsonObject =>
    isJsonObject(components) ? { components: withConfiguration(components, fleet) } : {};
  const { stages } = plan;
  return {
    ...plan,
    ...merged(plan['components']),
    // A stage's configuration stands in place of the plan's.
    ...(Array.isArray(stages)
      ? {
          stages: stages.map((stage) =>
            isJsonObject(stage) ? { ...stage, ...merged(stage['components']) } : stage,
          ),
        }
      : {}),
    fleet: fleet.group,
  };
}

function withConfiguration(components: JsonObject, { agent, uploader }: Fleet): JsonObject {
  const result = { ...components };
  for (const [name, configuration] of [
    [AGENT_COMPONENT, agent],
    [UPLOADER_COMPONENT, uploader],
  ] as const) {
    const planned = components[name];
    if (configuration === undefined || !isJsonObject(planned)) continue;
    const own = isJsonObject(planned['merge']) ? planned['merge'] : {};
    result[name] = { ...planned, merge: mergeDeep(configuration, own) };
  }
  return result;
}

function fleetFor(plan: JsonObject, fleets: readonly Fleet[], name: string | undefined): Fleet {
  const wanted = name ?? plan['fleet'];
  const found = fleets.find((fleet) => fleet.name === wanted || fleet.group === wanted);
  if (found !== undefined) return found;
  const given = typeof wanted === 'string' ? wanted : 'of the rollout plan';
  throw new EdgeError('FLEET_NOT_FOUND', `Cannot find the fleet ${given} in the fleets file`, {
    field: 'fleet',
    nextStep: `Give --fleet with one of ${fleets.map((fleet) => fleet.name).join(', ')}`,
  });
}

/** `over` on top of `under`; objects merge, all else is replaced, as Greengrass merges. */
function mergeDeep(under: JsonObject, over: JsonObject): JsonObject {
  const merged: JsonObject = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const former = Object.hasOwn(under, key) ? under[key] : undefined;
    merged[key] = isJsonObject(former) && isJsonObject(value) ? mergeDeep(former, value) : value;
  }
  return merged;
}
