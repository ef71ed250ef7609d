import { Type } from '@sinclair/typebox';
import { CaptureStats } from './captures.js';
import { cursor, modelName, selector, version } from './fields.js';
import { ModelDescription, ModelStats, ModelSummary } from './models.js';
import { operation } from './operation.js';
import { topics } from './topics.js';

export const helloOperation = operation({
  op: 'hello',
  summary: 'Who answers, and where tensor files of this caller go',
  topic: topics.hello,
  resendAfterMs: 1000,
  request: Type.Object({
    /** The caller's numeric user id: apps under another user cannot share files with the agent. */
    uid: Type.Optional(Type.Integer({ minimum: 0 })),
    /** A random id per start of the client; a new one sweeps what the former start left. */
    session: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
  }),
  reply: Type.Object({
    agentVersion: Type.String(),
    protocol: Type.Integer(),
    thingName: Type.String(),
    fleet: Type.Optional(Type.String()),
    /** Absolute path of the caller's exchange folder (0700). */
    exchangeFolder: Type.String(),
    maxMessageBytes: Type.Integer(),
    startId: Type.String(),
  }),
});

export const listOperation = operation({
  op: 'list',
  summary: 'All model versions on the device, in pages',
  topic: topics.list,
  resendAfterMs: 1000,
  request: Type.Object({ cursor }),
  reply: Type.Object({ models: Type.Array(ModelSummary), next: Type.Optional(Type.String()) }),
});

export const describeOperation = operation({
  op: 'describe',
  summary: 'One version: inputs, outputs, state, memory, probation',
  topic: topics.describe,
  resendAfterMs: 1000,
  request: Type.Object({ name: modelName, ...selector }),
  reply: ModelDescription,
});

export const statsOperation = operation({
  op: 'stats',
  summary: 'Counters and latency by model, capture queue',
  topic: topics.stats,
  resendAfterMs: 1000,
  request: Type.Object({ model: Type.Optional(modelName), cursor }),
  reply: Type.Object({
    uptimeMs: Type.Number(),
    models: Type.Array(ModelStats),
    capture: Type.Optional(CaptureStats),
    controlStarts: Type.Integer(),
    hostRestarts: Type.Integer(),
    /** What model hosts have given up, such as `Landlock 7, no sockets`; absent before the first one was there. */
    hostConfinement: Type.Optional(Type.String()),
    /** PSS of the model host that waits for a model to lose its own; absent: there is none, or it has just started. */
    spareHostBytes: Type.Optional(Type.Integer()),
    next: Type.Optional(Type.String()),
  }),
});

export const loadOperation = operation({
  op: 'load',
  summary: "Load an admitted version or a package folder (Edge Manager's LoadModel)",
  topic: topics.load,
  resendAfterMs: 5000,
  request: Type.Object({
    name: modelName,
    ...selector,
    /** An absolute folder with an unpacked package, as Edge Manager's `url`; absent: a version already admitted. */
    path: Type.Optional(Type.String({ minLength: 1, maxLength: 1024 })),
    pinned: Type.Optional(Type.Boolean()),
  }),
  reply: ModelDescription,
});

export const unloadOperation = operation({
  op: 'unload',
  summary: 'Unload a version',
  topic: topics.unload,
  resendAfterMs: 5000,
  request: Type.Object({ name: modelName, ...selector }),
  reply: Type.Object({}),
});

export const registerOperation = operation({
  op: 'register',
  summary: 'Admission of a package, asked by a model component at startup',
  topic: topics.register,
  resendAfterMs: 3000,
  request: Type.Object({
    /** The model component that asks. */
    component: Type.String({ minLength: 1, maxLength: 128 }),
    componentVersion: Type.Optional(version),
    /** Its artifact folder, absolute. */
    path: Type.String({ minLength: 1, maxLength: 1024 }),
  }),
  reply: Type.Object({
    verdict: Type.Union(
      ['ADMITTED', 'ALREADY_ADMITTED', 'ADMITTED_WITH_WARNING'].map((verdict) => Type.Literal(verdict)),
    ),
    model: Type.String(),
    version: Type.String(),
    digest: Type.String(),
    switchMs: Type.Optional(Type.Number()),
    warning: Type.Optional(Type.String()),
  }),
});
