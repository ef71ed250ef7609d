import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { AdminTransport } from '../../src/client/admin-transport.js';
import { askAsOperator } from '../../src/client/operator-request.js';
import { EdgeError, silentLogger, type JsonObject } from '../../src/core/mod.js';
import { createRequester } from '../../src/ipc/mod.js';
import { completeManifest, createKeySigner, writePackage, type Manifest } from '../../src/model/mod.js';
import { systemClock, systemRandom } from '../../src/system/mod.js';
import type { AgentBench } from './agent-process.js';
import { signFolder } from './model-package.js';
import { identityModel } from './onnx-builder.js';

/** The component of the packages that are made here. */
export const OWNER = 'org.edgemanager.model.Model';
const timeoutMs = 60_000;

export interface DoorPackage {
  readonly path: string;
  readonly manifest: Manifest;
}
export type Door = (given: DoorPackage) => Promise<unknown>;

/** Every way to get a model served by a real agent. The admin socket must be configured to take all. */
export async function openDoors(bench: AgentBench) {
  const app = await bench.app();
  const socket = connect(join(bench.workFolder, 'admin.sock'));
  await once(socket, 'connect');
  const admin = new AdminTransport(socket);
  const ask = async (op: string, body: JsonObject) => await askAsOperator(admin, op, body, timeoutMs);
  const doors: Readonly<Record<string, Door>> = {
    register: async ({ path, manifest }) => {
      const component = manifest.componentName;
      const common = { clock: systemClock, random: systemRandom, logger: silentLogger };
      const transport = await bench.connect(component);
      await using requester = await createRequester({ ...common, transport, component });
      return await requester.request('register', { component, path }, { timeoutMs });
    },
    'load by path': async ({ path }) => await app.load({ name: 'Model', path }, { timeoutMs }),
    'load by version': async ({ manifest: { version } }) =>
      await app.load({ name: 'Model', version }, { timeoutMs }),
    'admin socket: register': async ({ path, manifest }) =>
      await ask('register', { component: manifest.componentName, path }),
    'admin socket: load by path': async ({ path }) => await ask('load', { name: 'Model', path }),
    'admin socket: load by version': async ({ manifest: { version } }) =>
      await ask('load', { name: 'Model', version }),
  };
  const at = (name: string): Door => {
    const door = doors[name];
    if (door === undefined) throw new EdgeError('INTERNAL', `There is no door '${name}'`);
    return door;
  };
  return { app, at, [Symbol.asyncDispose]: async () => await admin.close() };
}

export interface Make {
  readonly version: string;
  readonly manifest?: Partial<Manifest>;
  readonly model?: Uint8Array;
  readonly signed?: boolean;
}

/** A package of the model `Model`, signed unless it says otherwise. */
export async function packageOf(
  root: string,
  { version, manifest: more = {}, model = identityModel('FP32', [1]), signed = true }: Make,
  privatePem: string,
): Promise<DoorPackage> {
  const path = join(root, `package-${version}`);
  const files = [{ path: 'model.onnx', role: 'model' as const, bytes: model }];
  const one = { datatype: 'FP32' as const, shape: [1] };
  const manifest = completeManifest(
    {
      formatVersion: 1,
      name: 'Model',
      version,
      componentName: OWNER,
      target: 'any',
      minimumRuntimeVersion: '0.1.0',
      model: { file: 'model.onnx', irVersion: 8, opset: 17, domains: [{ domain: 'ai.onnx', version: 17 }] },
      inputs: [{ name: 'x', ...one }],
      outputs: [{ name: 'y', ...one }],
      selfTest: { outcome: 'skipped' },
      ...more,
    },
    files,
  );
  const { digest } = await writePackage(path, manifest, files, systemRandom);
  if (signed) await signFolder(path, manifest, digest, createKeySigner(privatePem));
  return { path, manifest };
}
