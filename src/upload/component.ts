import { followConfiguration, HeldConfiguration } from '../component/configuration/mod.js';
import type { Component, OnEnd, Worker } from '../component/worker/mod.js';
import { AGENT_COMPONENT, SpoolClosed, topics, type SpoolResult } from '../contract/mod.js';
import { deferred, EdgeError, messageOf, SerialQueue, toEdgeError, validate } from '../core/mod.js';
import { join, type Disk, type DurableFiles } from '../disk/mod.js';
import { decodeMessage, type GreengrassPort, type IncomingMessage } from '../ipc/mod.js';
import { checkNetwork, parseUploadConfig, type UploadConfig } from './config/mod.js';
import { RefusalNotice } from './refusal-notice.js';
import { storeOf } from './configured-store.js';
import { DEFAULT_DEADLINE } from './deadline.js';
import type { SettledObject } from './segment-source.js';
import { SpoolSegmentSource } from './spool-source.js';
import { tokenExchangePort } from './token-exchange-port.js';
import { Uploader } from './uploader.js';

export interface UploaderFiles {
  readonly disk: Disk;
  readonly files: DurableFiles;
}

/**
 * The component: an uploader as the configuration wants it, fed by notices and scans. Without a valid
 * configuration it waits for one, since ending would only make Greengrass give it up as BROKEN. A store that
 * is away or refuses never ends it either; uploads that hang although their connections were made anew do.
 */
export async function startCaptureUploader(worker: Worker, files: UploaderFiles): Promise<Component> {
  return new CaptureUploader(worker, files);
}

class CaptureUploader implements Component {
  readonly failed: Promise<never>;
  readonly #worker: Worker;
  readonly #files: UploaderFiles;
  readonly #fail: (error: EdgeError) => void;
  readonly #configuration: HeldConfiguration<UploadConfig, undefined>;
  /** An uploader ends before the next begins. */
  readonly #changes = new SerialQueue();
  readonly #refusal: RefusalNotice;
  #uploader: Uploader | undefined;
  #greengrass: GreengrassPort | undefined;

  constructor(worker: Worker, files: UploaderFiles) {
    const { clock, logger, workFolder, environment } = worker;
    this.#worker = worker;
    this.#files = files;
    const failure = deferred<never>();
    this.failed = failure.promise;
    this.#fail = failure.reject;
    this.#configuration = new HeldConfiguration({
      file: join(workFolder, 'configuration.json'),
      files: files.files,
      clock,
      logger,
      initial: undefined,
      parse: parseUploadConfig,
      check: (config, accepted) => checkNetwork(config, accepted, environment),
    });
    this.#configuration.onChange((config) => this.#change(config));
    this.#refusal = new RefusalNotice(clock, (notice) => void this.#publish(notice));
    this.#configuration.onVerdict((refusal) => this.#refusal.verdict(refusal));
  }

  async link(greengrass: GreengrassPort, onEnd: OnEnd): Promise<void> {
    this.#greengrass = greengrass;
    onEnd(
      greengrass.onConnection((state, cause) => {
        if (state === 'refused') this.#fail(toEdgeError(cause));
        if (state === 'regained') this.#uploader?.scan();
      }),
    );
    onEnd(await greengrass.subscribe(topics.spoolClosed, (message) => this.#noticed(message)));
    onEnd(await followConfiguration(this.#configuration, greengrass));
    await this.#reportRunning();
  }

  async stop(): Promise<void> {
    await this.#configuration.close();
    this.#refusal.close();
    await this.#changes.idle();
    await this.#uploader?.close();
  }

  #change(config: UploadConfig): void {
    this.#changes
      .run(() => this.#restart(config))
      .catch((thrown: unknown) => this.#fail(toEdgeError(thrown, 'Cannot upload captures')));
  }

  async #restart(config: UploadConfig): Promise<void> {
    const { clock, random, logger, workFolder } = this.#worker;
    await this.#uploader?.close();
    const root = config.spoolFolder ?? join(workFolder, '..', AGENT_COMPONENT, 'spool');
    const { maxBytesPerSecond, destination, periodicUpload } = config;
    this.#uploader = new Uploader({
      source: new SpoolSegmentSource(this.#files.disk, root, clock),
      store: storeOf(
        config,
        { ...this.#worker, tokenExchangePort: () => tokenExchangePort(this.#greengrass) },
        this.#files.files,
      ),
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
      onReceipt: (segment, objects) => this.#tell(segment, objects),
      onStuck: () => this.#stuck(),
    });
    this.#uploader.start();
    logger.info('Uploading captures', { destination, bucket: config.bucket, periodicUpload, spool: root });
  }

  #noticed(message: IncomingMessage): void {
    try {
      const what = 'Cannot read the notice';
      this.#uploader?.notice(validate(SpoolClosed, decodeMessage(message.payload, what), what).segment);
    } catch (thrown) {
      this.#worker.logger.debug('An unreadable notice was ignored', { reason: messageOf(thrown) });
    }
  }

  #tell(segment: string, objects: readonly SettledObject[]): void {
    const records = objects.reduce((sum, object) => sum + object.captureIds.length, 0);
    void this.#publish({ v: 1, segment, objects: objects.length, records });
  }

  /** A hint: the agent finds receipts by a scan where this is lost, and a refusal is repeated. */
  async #publish(notice: SpoolResult): Promise<void> {
    try {
      await this.#greengrass?.publish(topics.spoolResult, Buffer.from(JSON.stringify(notice)));
    } catch (thrown) {
      this.#worker.logger.debug('The agent was not told', {
        segment: notice.segment,
        reason: messageOf(thrown),
      });
    }
  }

  /** The launcher makes the process anew; Greengrass hears nothing, as it would count an error of the component. */
  #stuck(): void {
    const error = new EdgeError('UPLOADS_HANG', 'Uploads hang although their connections were made anew', {
      nextStep: 'Look at the network of this device; the uploader starts its process again',
    });
    this.#fail(error);
  }

  async #reportRunning(): Promise<void> {
    try {
      await this.#greengrass?.updateState('RUNNING');
    } catch (thrown) {
      this.#worker.logger.debug('The state was not reported', { reason: messageOf(thrown) });
    }
  }
}
