import { EdgeError } from '../../../core/mod.js';
import type { HostExit } from './model-hosts.js';

/** What was asked of a model failed because its host died. */
export class HostLostError extends EdgeError {
  readonly exit: HostExit;
  /** The model whose command the host was at, if any. */
  readonly guilty: string | undefined;
  /** Whether the host died of this very request; another one may run once more in the next host. */
  readonly atFault: boolean;

  constructor(action: string, exit: HostExit, { guilty, atFault }: { guilty?: string; atFault: boolean }) {
    super(exit.kind === 'killed-memory' ? 'MEMORY_LIMIT' : 'MODEL_HOST_DIED', `${action}: ${exit.sentence}`);
    this.exit = exit;
    this.guilty = guilty;
    this.atFault = atFault;
  }
}
