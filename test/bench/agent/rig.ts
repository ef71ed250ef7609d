import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  startBare,
  startEcho,
  FloorProcess,
  type BareAnswer,
  type BareQuestion,
  type EchoFloor,
} from '../../../examples/floors/mod.js';
import { COMPONENT_VERSION } from '../../../examples/stage/builds.js';
import {
  AGENT,
  startStage,
  UPLOADER,
  uploaderConfiguration,
  type Stage,
} from '../../../examples/stage/stage.js';
import type { PackagedModel } from '../../../examples/stage/models.js';
import { connectAdmin } from '../../../src/client/admin.js';
import type { EdgeManagerClient } from '../../../src/client/mod.js';
import { PREDICT_FILTER, topics } from '../../../src/contract/mod.js';
import type { AppAnswer, AppQuestion } from './app.js';
import { LoopMonitor } from './loop-monitor.js';
import { descendants } from './processes.js';

const EXAMPLES = {
  SileroVad: 'silero-vad-5',
  PaddleOcrDet: 'paddle-ocr-det',
  PaddleOcrRec: 'paddle-ocr-rec',
  PaddleOcrCls: 'paddle-ocr-cls',
} as const;
export type RigModel = keyof typeof EXAMPLES;
export type App = FloorProcess<AppQuestion, AppAnswer>;

/** The real components on a local nucleus, and the floors beside them. */
export interface Rig {
  readonly stage: Stage;
  /** The agent's work folder. */
  readonly work: string;
  /** The agent's endpoint, a unix socket. */
  readonly endpoint: string;
  /** The operations that an operator has, by the agent's own socket. */
  readonly admin: EdgeManagerClient;
  /** How long the control process's event loop stood still. */
  readonly loop: LoopMonitor;
  /** Packages, signs and deploys the model once. */
  install(model: RigModel): Promise<PackagedModel>;
  /** A local app in a process of its own, over Greengrass IPC or the endpoint's framed face. */
  startApp(way?: 'ipc' | 'face'): Promise<App>;
  /** Two processes with the official client, or with the one that agent and apps use. */
  startEcho(whose?: 'official' | 'own'): Promise<EchoFloor>;
  startBare(modelFile: string, threads?: number): Promise<FloorProcess<BareQuestion, BareAnswer>>;
  /** The control process. */
  control(): number;
  /** The model hosts, the oldest first. */
  hosts(): number[];
  close(): Promise<void>;
}

export async function startRig(): Promise<Rig> {
  const stage = await startStage({
    profile: 'nucleus',
    // Packages of the bench's own have no signature.
    agent: {
      capture: {},
      endpoint: {},
      probation: { enabled: false },
      // Rows tell hosts apart by who was there before; `spare` measures it with hosts of its own.
      spareHost: false,
      signature: { policy: 'off' },
      admin: { operations: ['list', 'describe', 'predict', 'load', 'unload'] },
    },
    path: pathWithMonitor(),
    progress: (text) => process.stderr.write(`${text}\n`),
  });
  try {
    return await rigOn(stage);
  } catch (thrown) {
    await stage.close();
    throw thrown;
  }
}

async function rigOn(stage: Stage): Promise<Rig> {
  const { nucleus } = stage;
  const installed = new Map<RigModel, PackagedModel>();
  // It starts the agent, whatever the first row wants. The stage's uploader looks more often than a device's.
  await deploy(stage, {
    [UPLOADER]: {
      componentVersion: COMPONENT_VERSION,
      configurationUpdate: { merge: { ...uploaderConfiguration(stage.s3), scanPeriodSeconds: 30 } },
    },
  });
  const work = join(nucleus.rootPath, 'work', AGENT);
  const endpoint = join(work, 'endpoint.sock');
  const admin = await patiently(() => connectAdmin(join(work, 'admin.sock')));
  const control = (): number => only('control.js');
  let apps = 0;
  return {
    stage,
    work,
    endpoint,
    admin: admin.client,
    loop: new LoopMonitor(work, control),
    control,
    hosts: () =>
      descendants('model-host.js')
        .map(({ pid }) => pid)
        .toSorted((a, b) => a - b),
    install: async (model) => {
      const known = installed.get(model);
      if (known !== undefined) return known;
      const packaged = await stage.addModel(EXAMPLES[model]);
      await deploy(stage, { [packaged.componentName]: { componentVersion: packaged.version } });
      installed.set(model, packaged);
      return packaged;
    },
    startApp: async (way = 'ipc') => {
      const script = '../../test/bench/agent/app.js';
      if (way === 'face') return await FloorProcess.start(script, [endpoint]);
      const component = `org.edgemanager.bench.App${apps++}`;
      const { environment } = nucleus.registerExternal(component, appAccess(component));
      return await FloorProcess.start(script, [component], environment);
    },
    startEcho: (whose) => startEcho(nucleus, whose),
    // As the agent's hosts run it: compiled for this CPU, no spinning.
    startBare: (modelFile, threads = 1) =>
      startBare(modelFile, { graphOptimization: 'all', intraOpThreads: threads }),
    close: async () => {
      await admin.close().catch(() => undefined);
      await stage.close();
    },
  };
}

async function deploy(stage: Stage, components: Parameters<Stage['deploy']>[0]): Promise<void> {
  const { status, reason } = await stage.deploy(components);
  if (status !== 'SUCCEEDED')
    throw new Error(`Cannot deploy ${Object.keys(components).join(', ')}: ${reason}`);
}

/** A component counts as running as soon as its script starts. */
async function patiently<T>(act: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await act();
    } catch (thrown) {
      if (attempt === 200) throw thrown;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

function only(entry: string): number {
  const [found] = descendants(entry);
  if (found === undefined) throw new Error(`Cannot find the process of ${entry}`);
  return found.pid;
}

function appAccess(component: string) {
  return {
    accessControl: {
      'aws.greengrass.ipc.pubsub': {
        ask: {
          operations: ['aws.greengrass#PublishToTopic'],
          resources: [topics.hello, topics.list, topics.stats, PREDICT_FILTER.replace('+', '*')],
        },
        replies: {
          operations: ['aws.greengrass#SubscribeToTopic'],
          resources: [`edgemanager/v1/reply/${component}/*`],
        },
      },
    },
  };
}

/** A `node` that loads the monitor first; it sleeps until it is asked. Model hosts start without it. */
function pathWithMonitor(): string {
  const monitor = fileURLToPath(new URL('./loop-monitor-preload.js', import.meta.url));
  const folder = join(dirname(monitor), 'bin');
  mkdirSync(folder, { recursive: true });
  const script = `#!/bin/sh\nexec '${process.execPath}' --import '${monitor}' "$@"\n`;
  writeFileSync(join(folder, 'node'), script, { mode: 0o755 });
  return `${folder}:/usr/local/bin:/usr/bin:/bin`;
}
