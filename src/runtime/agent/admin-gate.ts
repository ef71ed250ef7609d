import { EdgeError, type Logger } from '../../core/mod.js';
import {
  ADMIN_OPERATIONS,
  DEFAULT_ADMIN_OPERATIONS,
  FORMER_ADMIN_OPERATIONS,
  type ConfigurationHolder,
} from '../config/mod.js';
import type { Registry } from '../registry/mod.js';

export interface AdminGateOptions {
  readonly configuration: Pick<ConfigurationHolder, 'current'>;
  readonly registry: Pick<Registry, 'state'>;
  readonly logger: Logger;
}

/**
 * What the admin socket may be asked for. Every process of the agent's user can open it, by default those of all
 * components, so that it takes what changes nothing and predictions unless `admin.operations` says otherwise. On a
 * device that an earlier agent ran, scripts may load and unload by it: that goes on, flagged, until the configuration
 * has decided.
 */
export class AdminGate {
  readonly #options: AdminGateOptions;

  constructor(options: AdminGateOptions) {
    this.#options = options;
  }

  /** It takes what a new device's would not, as nobody has decided yet. */
  get isFormer(): boolean {
    const { configuration, registry } = this.#options;
    return configuration.current.admin.operations === undefined && registry.state.adminRestricted !== true;
  }

  /** Says once, when the agent starts, where the socket takes more than it should. */
  look(): void {
    if (!this.isFormer) return;
    this.#options.logger.error(
      'The admin socket takes load, unload and capture, as an earlier agent let it',
      {
        nextStep:
          "Set 'admin.operations' in the agent's configuration to what scripts on this device need, [] for none",
      },
    );
  }

  /** @throws EdgeError PERMISSION_DENIED for an operation that it may not be asked for */
  check(op: string): void {
    const { operations } = this.#options.configuration.current.admin;
    const allowed = operations ?? (this.isFormer ? FORMER_ADMIN_OPERATIONS : DEFAULT_ADMIN_OPERATIONS);
    const isKnown = op === 'register' || ADMIN_OPERATIONS.includes(op);
    if (!isKnown || allowed.includes(op)) return;
    throw new EdgeError(
      'ADMIN_OPERATION_REFUSED',
      `Cannot answer '${op}' by the admin socket as 'admin.operations' must name it: it allows ${allowed.join(', ') || 'none'}`,
      {
        field: 'op',
        nextStep:
          op === 'register'
            ? 'Deploy the model component: its startup step registers it'
            : `Add '${op}' to admin.operations in the agent's configuration`,
      },
    );
  }
}
