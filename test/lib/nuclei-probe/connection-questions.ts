import { setTimeout as sleep } from 'node:timers/promises';
import type { Json } from '../../../src/core/mod.js';
import { MESSAGE_TYPE } from '../../../src/ipc/frames/mod.js';
import type { Probe } from './probe.js';
import type { Questions } from './question.js';

export const CONNECTION_QUESTIONS: Questions = {
  'connect: the own SVCUID': (probe) => probe.connect({ authToken: probe.svcuid }),
  'connect: a wrong SVCUID of 16 characters': (probe) => probe.connect({ authToken: 'AAAAAAAAAAAAAAAA' }),
  'connect: a wrong SVCUID of 5 characters': (probe) => probe.connect({ authToken: 'wrong' }),
  'connect: an empty SVCUID': (probe) => probe.connect({ authToken: '' }),
  'connect: nothing said': (probe) => probe.connect({}),
  'connect: by the own name': (probe) => probe.connect({ componentName: probe.component }),
  'connect: by a name that nobody has': (probe) => probe.connect({ componentName: 'no.such.Component' }),
  'connect: another version of the protocol': (probe) =>
    probe.connect({ authToken: probe.svcuid }, { version: '0.2.0' }),
  'connect: a request first': (probe) => probe.connect({}, { type: MESSAGE_TYPE.applicationMessage }),
  'flags of a unary answer': async (probe) => {
    const client = await probe.client();
    const answer = await client?.call('GetConfiguration', { keyPath: [] });
    return answer?.flags ?? null;
  },
  'connections of one component, of 60': connectionsOf60,
};

async function connectionsOf60(probe: Probe): Promise<Json> {
  await probe.close();
  await sleep(200);
  let accepted = 0;
  for (let count = 0; count < 60; count++) {
    if ((await probe.client()) === undefined) break;
    accepted++;
  }
  await probe.close();
  await sleep(200);
  return { accepted, connectsAgainAfterwards: (await probe.client()) !== undefined };
}
