import type { Clock, Logger, Random } from '../../core/mod.js';
import type { GreengrassPort } from '../../ipc/mod.js';
import type { OnEnd } from './ends.js';

/** What a component's worker process gives to the component. */
export interface Worker {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** As Greengrass gave it; an SVCUID that the nucleus renews later stands here too, also as the token exchange's. */
  readonly environment: Record<string, string | undefined>;
  /** The component's own folder, absolute. */
  readonly workFolder: string;
  /** Aborts when the process must stop. */
  readonly stop: AbortSignal;
}

/** What a component does, from its start to its end. It serves what it can before Greengrass is there. */
export interface Component {
  /**
   * Greengrass is there. What is undone by `onEnd` is so, the last first, when the component stops, and before this
   * is called again because it threw.
   */
  link(greengrass: GreengrassPort, onEnd: OnEnd): Promise<void>;
  /** Rejects where only a new process can help; never resolves. */
  readonly failed?: Promise<never>;
  /** The link has ended: what is under way comes to its end, and all is closed but the connection. */
  stop(): Promise<void>;
  /** Resolves when what was published last has gone out. */
  flushed?(): Promise<void>;
  /** The connection is closed. */
  close?(): Promise<void>;
}
