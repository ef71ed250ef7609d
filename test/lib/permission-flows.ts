import assert from 'node:assert/strict';
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  AwsArtifacts,
  AwsComponents,
  fleetNamed,
  listModels,
  modelHistory,
  parseFleets,
  publish,
  readBuild,
  type Fleet,
  type RolloutPlan,
} from '../../deploy/mod.js';
import { setUpDevices, setUpOperator, type OperatorKeys } from '../../examples/stage/mod.js';
import { heartbeatTopic } from '../../src/contract/mod.js';
import type { JsonObject } from '../../src/core/mod.js';
import { startLocalCloud, type LocalCloud, type Need } from '../../src/local/cloud/mod.js';
import type { Profile } from '../../src/local/nucleus/mod.js';
import { modelRecipe } from '../../src/model/mod.js';
import { sha256Base64, sha256Hex, systemClock } from '../../src/system/mod.js';
import { heartbeatPayload, heartbeatReport } from '../../src/telemetry/mod.js';
import { S3ObjectStore } from '../../src/upload/s3-store.js';
import { FakeDevice, plan } from '../unit/rollout/world.js';
import { awsOf, runCli } from './cli.js';
import { temporaryFolder, writeSmallPackage } from './model-package.js';

const ALIAS = 'Devices';
const ARTIFACTS = 'artifacts';
const CAPTURES = 'captures';
const MODEL_COMPONENT = 'org.edgemanager.model.mnist';
const APP = 'com.example.app';

const FLEETS = {
  fleets: {
    ovens: {
      description: 'Ovens of hall 3',
      roleAlias: ALIAS,
      output: { s3OutputLocation: `s3://${CAPTURES}/hall-3`, kmsKeyId: 'alias/captures' },
      artifactBucket: ARTIFACTS,
      artifactComponents: [APP],
      createThings: true,
      tags: { team: 'bakery' },
      devices: ['oven-1', 'oven-2', 'oven-3'],
    },
  },
};

/** As gdk publishes it: without tags that tell what it is. */
const BARE = JSON.stringify({
  RecipeFormatVersion: '2020-01-25',
  ComponentName: 'org.edgemanager.model.Bare',
  ComponentVersion: '1.0.0',
  Manifests: [{ Platform: { os: '*' }, Lifecycle: {}, Artifacts: [] }],
});

/** The fleet of all flows. */
export const FLEET: Fleet = fleetNamed(parseFleets(FLEETS), 'ovens');

/** A right as somebody needed it, and who: the operator, a role or a certificate. */
export interface Needed {
  readonly principal: string;
  readonly need: Need;
}

/** All that a fleet's operator and its devices do, in a cloud of its own, with the rights of the documents alone. */
export class PermissionFlows implements AsyncDisposable {
  /** Oldest first. */
  readonly needed: readonly Needed[];
  readonly local: LocalCloud;
  readonly #folder: string;
  readonly #operator: OperatorKeys;

  private constructor(folder: string, local: LocalCloud, operator: OperatorKeys, needed: readonly Needed[]) {
    this.needed = needed;
    this.#folder = folder;
    this.local = local;
    this.#operator = operator;
  }

  /** @param change of the documents before they are put in force */
  static async start(
    change: (document: JsonObject, name: string) => JsonObject = (document) => document,
    region = 'us-east-1',
  ): Promise<PermissionFlows> {
    const folder = await temporaryFolder('permissions-');
    const needed: Needed[] = [];
    const local = await startLocalCloud({
      folder: join(folder, 'cloud'),
      region,
      componentDelayMs: 0,
      buckets: [ARTIFACTS, CAPTURES],
      onNeed: (principal, need) => void needed.push({ principal, need }),
    });
    await setUpDevices(local, FLEET, change);
    await writeFile(join(folder, 'fleets.yaml'), JSON.stringify(FLEETS));
    return new PermissionFlows(folder, local, setUpOperator(local, FLEET, change), needed);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.local.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #runs(wantedCode: number, ...args: readonly string[]): Promise<string> {
    const aws = awsOf({ ...this.local, credentials: this.#operator });
    const { code, out, error } = await runCli(args, { folder: this.#folder, aws });
    assert.equal(code, wantedCode, `edge-manager ${args.join(' ')}: ${error}`);
    return out;
  }

  /** `fleet` and `device`. */
  async fleets(): Promise<void> {
    await this.#runs(0, 'fleet', 'plan', 'fleets.yaml');
    await this.#runs(0, 'fleet', 'apply', 'fleets.yaml', '--yes');
    await this.#runs(0, 'fleet', 'list');
    await this.#runs(0, 'fleet', 'describe', 'ovens');
    await this.#runs(0, 'report', 'ovens', '--set-up');
    await this.#runs(0, 'device', 'register', 'ovens', 'oven-4', '--create-things', '--yes');
    await this.#runs(0, 'device', 'list', 'ovens');
    await this.#runs(0, 'device', 'describe', 'ovens', 'oven-4');
    await this.#runs(0, 'device', 'deregister', 'ovens', 'oven-4', '--delete-things', '--yes');
  }

  /** `publish` and `models`, where AWS found the first try FAILED. */
  async publishes(): Promise<void> {
    const { region, endpoint, s3 } = this.local;
    const credentials = this.#operator;
    const components = new AwsComponents({ region, endpoint, credentials });
    const artifacts = new AwsArtifacts({ region, endpoint: s3.endpoint, credentials });
    try {
      for (const version of ['5.0.0', '6.0.0']) {
        const options = {
          build: await readBuild(await this.#build(version)),
          bucket: ARTIFACTS,
          components,
          artifacts,
          clock: systemClock,
          timeoutMs: 20_000,
        };
        const { arn } = await publish(options);
        await publish(options);
        if (version !== '6.0.0') continue;
        await components.deleteComponent(arn);
        await publish(options);
      }
      await components.createComponent({ recipe: BARE, tags: {}, clientToken: 'bare' });
      await listModels({ components, artifacts });
      await modelHistory({ components, artifacts }, MODEL_COMPONENT);
    } finally {
      components.close();
      artifacts.close();
    }
  }

  async #build(version: string): Promise<string> {
    const out = join(this.#folder, `build-${version}`);
    const small = await writeSmallPackage(join(this.#folder, `package-${version}`), {
      manifest: { name: 'mnist', version },
    });
    const files = ['manifest.json', ...small.manifest.files.map(({ path }) => path)];
    const target = join(out, 'artifacts', MODEL_COMPONENT, version);
    await mkdir(target, { recursive: true });
    await mkdir(join(out, 'recipes'), { recursive: true });
    for (const file of files) await cp(join(small.folder, file), join(target, file));
    const recipe = modelRecipe({
      componentName: MODEL_COMPONENT,
      componentVersion: version,
      description: 'Digits',
      publisher: 'Tests',
      target: 'any',
      files,
    });
    await writeFile(join(out, 'recipes', 'recipe.yaml'), JSON.stringify(recipe));
    return out;
  }

  /** `deploy` and `report`, with a version that fails on its first device and is taken back. */
  async deploys(): Promise<void> {
    const devices = ['oven-1', 'oven-2', 'oven-3'];
    for (const thing of devices) {
      const device = new FakeDevice((version) => version === '6.0.0');
      const platform = { os: 'linux', architecture: 'amd64', runtime: 'aws_nucleus_classic' };
      this.local.attach(thing, { platform, deploy: (document) => device.deploy(document) });
      await this.#beat(thing, '5.0.0');
    }
    const apply = ['deploy', 'apply', 'plan.json', '--yes', '--poll-seconds', '0.05'];
    await this.#plan('5.0.0');
    await this.#runs(0, 'deploy', 'plan', 'plan.json', '--fleets', 'fleets.yaml');
    await this.#runs(0, ...apply);
    await this.#plan('6.0.0');
    await this.#runs(1, ...apply);
    await this.#runs(1, 'deploy', 'status', 'plan.json', '--watch', '--json');
    await this.#runs(0, 'deploy', 'history', 'ovens');
    await this.#runs(0, 'report', 'ovens', '--html', 'page.html');
    const manual = plan('ovens', '5.0.0');
    await this.#write({
      ...manual,
      components: { [MODEL_COMPONENT]: { version: '5.0.0', merge: { labels: ['other'] } } },
      stages: manual.stages.map((stage, index) =>
        index === 0 ? { ...stage, next: 'manual' as const } : stage,
      ),
    });
    await this.#runs(0, ...apply);
    await this.#runs(0, 'deploy', 'cancel', 'plan.json');
    const failing = plan('ovens', '6.0.0');
    const stages = failing.stages.map((stage) => ({ ...stage, failureHandling: 'DO_NOTHING' as const }));
    await this.#write({ ...failing, stages });
    await this.#runs(1, ...apply);
    await this.#runs(0, 'deploy', 'status', 'plan.json');
  }

  async #plan(version: string): Promise<void> {
    await this.#write({ ...plan('ovens', version), models: [{ name: 'mnist', version: '5.0.0' }] });
  }

  async #write(rollout: RolloutPlan): Promise<void> {
    await writeFile(join(this.#folder, 'plan.json'), JSON.stringify(rollout));
  }

  async #beat(thing: string, version: string): Promise<void> {
    const report = heartbeatReport(
      {
        agentVersion: '1.0.0',
        device: thing,
        fleet: 'ovens',
        models: [{ name: 'mnist', version, state: 'SERVING' }],
        capture: { delivered: 0, dropped: 0, queuedRecords: 0, queueBytes: 0 },
      },
      systemClock.wallMs(),
      60,
    );
    await this.local.iotCore(thing).publish(heartbeatTopic(thing), heartbeatPayload(report));
  }

  /** A nucleus installs what is published, an app of others too. */
  async downloads(profile: Profile = 'nucleus'): Promise<void> {
    const store = this.local.storeFor(() => this.local.deviceCredentials('oven-1', ALIAS), profile);
    const published = JSON.parse(await store.recipe(MODEL_COMPONENT, '5.0.0')) as {
      readonly Manifests: readonly { readonly Artifacts: readonly { readonly Uri: string }[] }[];
    };
    const uri = published.Manifests[0]?.Artifacts[0]?.Uri ?? '';
    await store.fetchArtifact(MODEL_COMPONENT, '5.0.0', uri, join(this.#folder, 'artifact'));
    const { region, s3, credentials } = this.local;
    const others = new AwsArtifacts({ region, endpoint: s3.endpoint, credentials });
    const path = join(this.#folder, 'app.zip');
    await writeFile(path, 'an app');
    const file = { path, sizeBytes: 6, sha256: sha256Hex('an app') };
    await others.put(ARTIFACTS, `${APP}/1.0.0/app.zip`, file);
    others.close();
    const app = `s3://${ARTIFACTS}/${APP}/1.0.0/app.zip`;
    await store.fetchArtifact(MODEL_COMPONENT, '5.0.0', app, join(this.#folder, 'app'));
  }

  /** The uploader puts a record below its prefix, encrypted with the fleet's key. */
  async uploads(): Promise<void> {
    const { region, s3 } = this.local;
    await using store = new S3ObjectStore({
      bucket: CAPTURES,
      region,
      endpoint: s3.endpoint,
      forcePathStyle: true,
      kmsKeyId: 'alias/captures',
      clock: systemClock,
      credentials: () => this.local.deviceCredentials('oven-1', ALIAS),
    });
    const bytes = Buffer.from('{}');
    const put = {
      key: 'hall-3/ovens/record.jsonl',
      bytes,
      sha256: sha256Base64(bytes),
      contentType: 'text/plain',
    };
    const signal = new AbortController().signal;
    assert.deepEqual(await store.put(put, signal), { outcome: 'stored' });
    assert.deepEqual(await store.put(put, signal), { outcome: 'stored' });
  }

  async all(): Promise<void> {
    await this.fleets();
    await this.publishes();
    await this.deploys();
    await this.downloads();
    await this.uploads();
  }
}
