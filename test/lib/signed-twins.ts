import { heartbeatTopic, type HeartbeatModel, type HeartbeatReport } from '../../src/contract/mod.js';
import { createLogger, type JsonObject } from '../../src/core/mod.js';
import { openPackage, type Manifest, type Signer } from '../../src/model/mod.js';
import { systemClock } from '../../src/system/mod.js';
import { AgentTwins } from './agent-twins.js';
import { signFolder } from './model-package.js';
import { until } from './until.js';

/** Twins whose hosts verify packages as real ones do, whose log can be read, and whose configuration changes. */
export class SignedTwins implements AsyncDisposable {
  /** Lines of the log that are errors. */
  readonly errors: string[] = [];
  /** False: hosts take everything, as those of an agent that had fewer rules. */
  verifying = true;
  declare twins: AgentTwins;
  #configuration: JsonObject;

  private constructor(configuration: JsonObject) {
    this.#configuration = configuration;
  }

  static async create(signature: JsonObject): Promise<SignedTwins> {
    const signed = new SignedTwins({ signature });
    const configuration = (): JsonObject => signed.#configuration;
    signed.twins = await AgentTwins.create({
      get configuration() {
        return configuration();
      },
      logger: createLogger(
        (line) => signed.#heard(line),
        () => systemClock.wallMs(),
      ),
      script: ({ folder, trust, nowMs }) => ({
        load: async () => {
          if (!signed.verifying) return {};
          const { signature } = await openPackage(folder, { trust, nowMs, keep: [] });
          return { signature };
        },
      }),
    });
    await signed.#inForce(signature);
    return signed;
  }

  /** Replaces the `signature` block of the configuration, while the agent runs. */
  async configure(signature: JsonObject): Promise<void> {
    this.#configuration = { signature };
    this.twins.greengrass.setConfiguration(this.#configuration);
    await this.#inForce(signature);
  }

  async restart(): Promise<void> {
    await this.twins.stop();
    await this.twins.start();
  }

  /** Makes a package, signs it, and gives its folder and digest. */
  async package(
    version: string,
    signer: Signer | undefined,
    name = 'Model',
    more: Partial<Manifest> = {},
  ): Promise<{ readonly folder: string; readonly digest: string }> {
    const folder = await this.twins.package(version, name, more);
    const trust = { policy: 'off', keys: [] } as const;
    const { manifest, digest } = await openPackage(folder, { trust, nowMs: undefined, keep: [] });
    if (signer !== undefined) await signFolder(folder, manifest, digest, signer);
    return { folder, digest };
  }

  /** A model as the last heartbeat has it. */
  reported(name: string, version: string): HeartbeatModel | undefined {
    const last = this.twins.greengrass.iotCore.findLast(({ topic }) => topic === heartbeatTopic('thing-1'));
    if (last === undefined) return undefined;
    const update = JSON.parse(new TextDecoder().decode(last.payload)) as {
      state: { reported: HeartbeatReport };
    };
    return update.state.reported.models.find((one) => one.name === name && one.version === version);
  }

  #heard(line: string): void {
    const { level, message } = JSON.parse(line) as { level: string; message: string };
    if (level.toLowerCase() === 'error') this.errors.push(message);
  }

  async #inForce(signature: JsonObject): Promise<void> {
    const { configuration } = this.twins.dependencies;
    await until(
      () =>
        Object.entries(signature).every(([key, value]) => {
          const found = Object.entries(configuration.current.signature).find(([name]) => name === key);
          return JSON.stringify(found?.[1]) === JSON.stringify(value);
        }),
      'the configuration is in force',
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.twins[Symbol.asyncDispose]();
  }
}
