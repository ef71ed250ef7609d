import type { JsonObject } from '../../core/mod.js';
import type { HostedModel, HostExit, LoadReport, RunRequest, RunResult } from './port/mod.js';
import type { HostProcess } from './host-process.js';

/** A model with a process of its own. */
export class ProcessModel implements HostedModel {
  readonly key: string;
  readonly report: LoadReport;
  readonly gone: Promise<HostExit>;
  readonly #process: HostProcess;

  constructor(key: string, report: LoadReport, process: HostProcess) {
    this.key = key;
    this.report = report;
    this.gone = process.exited;
    this.#process = process;
  }

  run(request: RunRequest, deadlineMs: number): Promise<RunResult> {
    return this.#process.run(this.key, request, deadlineMs);
  }

  measureBytes(): Promise<number> {
    return this.#process.measureBytes();
  }

  setCapture(capture: JsonObject | undefined): Promise<void> {
    return this.#process.control({ type: 'capture', key: this.key, capture });
  }

  async limitMemory(bytes: number | undefined): Promise<void> {
    this.#process.limitMemory(this.key, bytes);
  }

  /** The host answers in order, so its answer means that all runs and their captures are done. */
  async unload(): Promise<void> {
    await this.#process.control({ type: 'unload', key: this.key }).catch(() => undefined);
    await this.#process.close();
  }
}
