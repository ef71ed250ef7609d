import { join } from 'node:path';
import { SpoolClosed, topics, type SpoolResult } from '../contract/mod.js';
import {
  EdgeError,
  messageOf,
  toEdgeError,
  validate,
  type Clock,
  type Logger,
  type Random,
} from '../core/mod.js';
import type { Disk, DurableFiles } from '../disk/mod.js';
import { decodeMessage, type GreengrassPort, type IncomingMessage } from '../ipc/mod.js';
import { BothStores } from './both-stores.js';
import type { UploadConfig } from './config.js';
import { ConfigurationHolder } from './configuration-holder.js';
import { DEFAULT_DEADLINE } from './deadline.js';
import { DiskObjectStore } from './disk-store.js';
import type { ObjectStore } from './object-store.js';
import { S3ObjectStore } from './s3-store.js';
import type { SettledObject } from './segment-source.js';
import { SpoolSegmentSource } from './spool-source.js';
import { tokenExchange } from './token-exchange.js';
import { Uploader } from './uploader.js';

export interface CaptureUploaderOptions {
  readonly greengrass: GreengrassPort;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly disk: Disk;
  readonly files: DurableFiles;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The component's work folder. */
  readonly workFolder: string;
  /** Ends the component. */
  readonly stop: AbortSignal;
}

/**
 * The component: an uploader as the configuration wants it, fed by notices and scans. Without a valid
 * configuration it waits for one, since ending would only make Greengrass give it up as BROKEN. A store that
 * is away or refuses never ends it either; uploads that hang although their connections were made anew do.
 * @returns when stopped. Throws where only a new start can help.
 */
export async function runCaptureUploader(options: CaptureUploaderOptions): Promise<void> {
  const component = new CaptureUploader(options);
  try {
    await component.run();
  } finally {
    await component.close();
  }
}

class CaptureUploader {
  readonly #options: CaptureUploaderOptions;
  readonly #configuration: ConfigurationHolder;
  #uploader: Uploader | undefined;
  #fail: (error: EdgeError) => void = () => undefined;
  #ends: (() => Promise<void>)[] = [];

  constructor(options: CaptureUploaderOptions) {
    const { files, clock, logger, workFolder, greengrass } = options;
    this.#options = options;
    this.#configuration = new ConfigurationHolder({
      file: join(workFolder, 'configuration.json'),
      files,
      clock,
      logger,
      read: async () => await readConfiguration(greengrass),
      apply: async (config) => await this.#restart(config),
    });
  }

  async run(): Promise<void> {
    const { greengrass, stop } = this.#options;
    const ended = new Promise<void>((resolve, reject) => {
      this.#fail = reject;
      if (stop.aborted) resolve();
      stop.addEventListener('abort', () => resolve(), { once: true });
    });
    // A failure during the start below must not count as unhandled.
    ended.catch(() => undefined);
    const endConnection = greengrass.onConnection((state, cause) => {
      if (state === 'refused') this.#fail(toEdgeError(cause));
      if (state !== 'regained') return;
      this.#configuration.touched();
      this.#uploader?.scan();
    });
    this.#ends.push(async () => endConnection());
    this.#ends.push(await greengrass.onConfigurationChange([], () => this.#configuration.touched()));
    this.#ends.push(await greengrass.subscribe(topics.spoolClosed, (message) => this.#noticed(message)));
    await this.#configuration.start();
    await this.#report('RUNNING');
    await ended;
  }

  async close(): Promise<void> {
    await this.#configuration.close();
    await this.#uploader?.close();
    await Promise.allSettled(this.#ends.map((end) => end()));
  }

  async #restart(config: UploadConfig): Promise<void> {
    const { clock, random, logger, disk, workFolder } = this.#options;
    await this.#uploader?.close();
    const root = config.spoolFolder ?? join(workFolder, '..', 'org.edgemanager.AgentRuntime', 'spool');
    const { maxBytesPerSecond, destination, periodicUpload } = config;
    this.#uploader = new Uploader({
      source: new SpoolSegmentSource(disk, root, clock),
      store: this.#store(config),
      clock,
      random,
      logger,
      maxConcurrency: config.maxConcurrency,
      gzip: config.gzip,
      order: config.order,
      spreadMs: destination === 'Cloud' || periodicUpload ? config.startSpreadSeconds * 1000 : 0,
      scanPeriodMs: config.scanPeriodSeconds * 1000,
      deadline: { ...DEFAULT_DEADLINE, timeoutMs: config.requestTimeoutSeconds * 1000 },
      ...(maxBytesPerSecond === undefined ? {} : { maxBytesPerSecond }),
      ...(destination === 'Disk' && periodicUpload
        ? { uploadPeriodMs: config.uploadPeriodSeconds * 1000 }
        : {}),
      onReceipt: (segment, objects) => void this.#tell(segment, objects),
      onStuck: () => this.#stuck(),
    });
    this.#uploader.start();
    logger.info('Uploading captures', { destination, bucket: config.bucket, periodicUpload, spool: root });
  }

  #store(config: UploadConfig): ObjectStore {
    const { files, workFolder } = this.#options;
    const disk = new DiskObjectStore(config.diskPath ?? join(workFolder, 'capture'), files);
    if (config.destination === 'Disk' && !config.periodicUpload) return disk;
    const cloud = this.#cloud(config);
    return config.destination === 'Disk' ? new BothStores(disk, cloud) : cloud;
  }

  #cloud(config: UploadConfig): ObjectStore {
    const { clock, environment } = this.#options;
    const { endpoint, kmsKeyId, requestChecksumCalculation } = config;
    return new S3ObjectStore({
      bucket: config.bucket ?? '',
      region: config.region ?? environment['AWS_REGION'] ?? environment['AWS_DEFAULT_REGION'] ?? 'us-east-1',
      credentials: tokenExchange(environment),
      clock,
      requestChecksumCalculation,
      forcePathStyle: config.forcePathStyle ?? endpoint !== undefined,
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(kmsKeyId === undefined ? {} : { kmsKeyId }),
    });
  }

  #noticed(message: IncomingMessage): void {
    try {
      const what = 'Cannot read the notice';
      this.#uploader?.notice(validate(SpoolClosed, decodeMessage(message.payload, what), what).segment);
    } catch (thrown) {
      this.#options.logger.debug('An unreadable notice was ignored', { reason: messageOf(thrown) });
    }
  }

  /** A hint: the agent finds the receipt by a scan where this is lost. */
  async #tell(segment: string, objects: readonly SettledObject[]): Promise<void> {
    const records = objects.reduce((sum, object) => sum + object.captureIds.length, 0);
    const notice: SpoolResult = { v: 1, segment, objects: objects.length, records };
    try {
      await this.#options.greengrass.publish(topics.spoolResult, Buffer.from(JSON.stringify(notice)));
    } catch (thrown) {
      this.#options.logger.debug('The agent was not told of a receipt', {
        segment,
        reason: messageOf(thrown),
      });
    }
  }

  #stuck(): void {
    const error = new EdgeError('UPLOADS_HANG', 'Uploads hang although their connections were made anew', {
      nextStep: 'Look at the network of this device; Greengrass starts the uploader again',
    });
    void this.#report('ERRORED').finally(() => this.#fail(error));
  }

  async #report(state: 'RUNNING' | 'ERRORED'): Promise<void> {
    try {
      await this.#options.greengrass.updateState(state);
    } catch (thrown) {
      this.#options.logger.debug('The state was not reported', { state, reason: messageOf(thrown) });
    }
  }
}

/** A component without any configuration is one with defaults. */
async function readConfiguration(greengrass: GreengrassPort): Promise<unknown> {
  try {
    return await greengrass.getConfiguration([]);
  } catch (thrown) {
    if (toEdgeError(thrown).code === 'NOT_FOUND') return {};
    throw thrown;
  }
}
