import type { Json, JsonObject } from '../../../src/core/mod.js';
import type { Probe } from './probe.js';
import type { Questions } from './question.js';

const get = (keyPath: string[], componentName?: string) => (probe: Probe) =>
  probe.ask('GetConfiguration', { keyPath, ...(componentName === undefined ? {} : { componentName }) });

/** Never a full second, which lite refuses. */
const seconds = (): number => Math.floor(Date.now() / 1000) + 0.5;

async function update(
  probe: Probe,
  keyPath: string[],
  valueToMerge: Json,
  timestamp = seconds(),
): Promise<Json> {
  return await probe.ask('UpdateConfiguration', { keyPath, timestamp, valueToMerge });
}

/** What subscriptions at these key paths are told of one update. */
async function eventsOf(
  probe: Probe,
  keyPaths: readonly string[][],
  change: { at: string[]; value: JsonObject },
): Promise<Json> {
  const listening = [];
  for (const keyPath of keyPaths) {
    listening.push(await probe.listen('SubscribeToConfigurationUpdate', { keyPath }));
  }
  const answer = await update(probe, change.at, change.value);
  const events = [];
  for (const subscription of listening) {
    events.push((await subscription.events()).map((event) => keyPathOf(event)));
  }
  await probe.close();
  return { answer, events };
}

function keyPathOf(event: Json): Json {
  const told = (event as { configurationUpdateEvent?: { keyPath?: string[]; componentName?: string } })
    .configurationUpdateEvent;
  return told === undefined ? event : [told.componentName ?? null, ...(told.keyPath ?? [])];
}

/** Before the first change: the configuration is the recipe's. */
export const CONFIGURATION_QUESTIONS: Questions = {
  'configuration: everything': async (probe) => {
    const answer = (await get([])(probe)) as { response?: { value?: JsonObject } };
    const { accessControl: _rights, ...value } = answer.response?.value ?? {};
    return value;
  },
  'configuration: an object': get(['inner']),
  'configuration: a number': get(['inner', 'number']),
  'configuration: a flag': get(['inner', 'flag']),
  'configuration: null': get(['nothing']),
  'configuration: a list': get(['list']),
  'configuration: a list of objects': get(['objects']),
  'configuration: a key that is not there': get(['no', 'such']),
  'configuration: a key below a leaf': get(['inner', 'number', 'below']),
  'configuration: of a component that nobody has': get(['fleet'], 'no.such.Component'),
  'configuration: without a key path': (probe) => probe.ask('GetConfiguration', {}),
  'configuration: subscribed at a key that is not there': (probe) =>
    probe.ask('SubscribeToConfigurationUpdate', { keyPath: ['no', 'such'] }),
  'configuration: events of a changed leaf and a new one': (probe) =>
    eventsOf(probe, [[], ['inner'], ['inner', 'number'], ['list']], {
      at: ['inner'],
      value: { number: 7, fresh: 'x' },
    }),
  'configuration: events of two changed leaves': (probe) =>
    eventsOf(probe, [[], ['inner']], { at: ['inner'], value: { number: 8, text: 'def' } }),
  'configuration: events of a new object with two leaves': (probe) =>
    eventsOf(probe, [[]], { at: [], value: { added: { one: 1, two: 2 } } }),
  'configuration: events of a changed list': (probe) =>
    eventsOf(probe, [[], ['list']], { at: [], value: { list: [3] } }),
  'configuration: events of the same value again': (probe) =>
    eventsOf(probe, [[]], { at: ['inner'], value: { number: 8 } }),
  'configuration: updated with an old timestamp': async (probe) => ({
    answer: await update(probe, ['inner'], { number: 99 }, 1.5),
    after: await get(['inner', 'number'])(probe),
  }),
  'configuration: updated without a timestamp': (probe) =>
    probe.ask('UpdateConfiguration', { keyPath: ['inner'], valueToMerge: { number: 1 } }),
  'configuration: updated without a value': (probe) =>
    probe.ask('UpdateConfiguration', { keyPath: ['inner'], timestamp: seconds() }),
  'configuration: kinds of values': async (probe) => {
    await update(probe, ['kinds'], {
      big: 9007199254740992,
      real: 1.5,
      whole: 5,
      flag: true,
      none: null,
      text: '5',
    });
    return await get(['kinds'])(probe);
  },
  'configuration: accessControl': (probe) => update(probe, ['accessControl'], { a: 1 }),
  'configuration: accessControl from the root': (probe) => update(probe, [], { accessControl: { a: 1 } }),
  'configuration: subscribed to validation': (probe) =>
    probe.ask('SubscribeToValidateConfigurationUpdates', {}),
  'configuration: a validity report that nobody asked for': (probe) =>
    probe.ask('SendConfigurationValidityReport', {
      configurationValidityReport: { status: 'ACCEPTED', deploymentId: 'none' },
    }),
};

/** May leave nothing of the configuration, and of the rights in it. */
export const LAST_QUESTIONS: Questions = {
  'configuration: a scalar where the key path is empty': async (probe) => ({
    answer: await update(probe, [], 5),
    after: await get(['inner', 'real'])(probe),
  }),
};
