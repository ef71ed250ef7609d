import {
  startBare,
  startEcho,
  FloorProcess,
  type BareAnswer,
  type BareQuestion,
  type EchoFloor,
} from '../../../examples/floors/mod.js';
import { startStage, type Stage } from '../../../examples/stage/stage.js';
import type { PackagedModel } from '../../../examples/stage/models.js';
import { PREDICT_FILTER, topics } from '../../../src/contract/mod.js';
import type { AppAnswer, AppQuestion } from './app.js';

const EXAMPLES = {
  SileroVad: 'silero-vad-5',
  PaddleOcrDet: 'paddle-ocr-det',
  PaddleOcrRec: 'paddle-ocr-rec',
  PaddleOcrCls: 'paddle-ocr-cls',
} as const;
export type RigModel = keyof typeof EXAMPLES;

/** The real components on a local nucleus, and the floors beside them. */
export interface Rig {
  readonly stage: Stage;
  /** Packages, signs and deploys the model once. */
  install(model: RigModel): Promise<PackagedModel>;
  /** A local app in a process of its own. */
  startApp(): Promise<FloorProcess<AppQuestion, AppAnswer>>;
  startEcho(): Promise<EchoFloor>;
  startBare(modelFile: string): Promise<FloorProcess<BareQuestion, BareAnswer>>;
  close(): Promise<void>;
}

export async function startRig(): Promise<Rig> {
  const stage = await startStage({
    profile: 'nucleus',
    agent: { capture: {}, probation: { enabled: false } },
    progress: (text) => process.stderr.write(`${text}\n`),
  });
  const installed = new Map<RigModel, PackagedModel>();
  let apps = 0;
  return {
    stage,
    install: async (model) => {
      const known = installed.get(model);
      if (known !== undefined) return known;
      const packaged = await stage.addModel(EXAMPLES[model]);
      const result = await stage.deploy({ [packaged.componentName]: { componentVersion: packaged.version } });
      if (result.status !== 'SUCCEEDED') throw new Error(`Cannot install ${model}: ${result.reason}`);
      installed.set(model, packaged);
      return packaged;
    },
    startApp: async () => {
      const component = `org.edgemanager.bench.App${apps++}`;
      const { environment } = stage.nucleus.registerExternal(component, {
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
      });
      return await FloorProcess.start('../../test/bench/agent/app.js', [component], environment);
    },
    startEcho: () => startEcho(stage.nucleus),
    // As the agent's hosts run it: compiled for this CPU, one thread, no spinning.
    startBare: (modelFile) => startBare(modelFile, { graphOptimization: 'all', intraOpThreads: 1 }),
    close: () => stage.close(),
  };
}
