import type { Static } from '@sinclair/typebox';
import { listQuarantinedOperation, requeueOperation, resetNewestOperation } from '../../contract/mod.js';
import { EdgeError, validate, type Logger, type SerialQueues } from '../../core/mod.js';
import { newestAdmitted } from '../plan/mod.js';
import { findModel, passOverAbove, type Registry } from '../registry/mod.js';
import type { CaptureSpool } from '../../capture/mod.js';
import { Requeues } from './requeues.js';

/** Who asks by the admin socket, in place of a component: whoever may open it is the agent's own user. */
export const OPERATOR = 'local';

export interface OperatorOptions {
  readonly registry: Pick<Registry, 'state' | 'update'>;
  readonly capture: Pick<CaptureSpool, 'quarantined' | 'requeue' | 'status'>;
  readonly logger: Logger;
  readonly turns: Pick<SerialQueues, 'run'>;
}

type OperatorHandler = (body: unknown) => Promise<Record<string, unknown>>;

/** What only the operator of the device may ask, by the admin socket: no component can reach it over Greengrass. */
export class Operator {
  readonly #options: OperatorOptions;
  readonly #handlers: ReadonlyMap<string, OperatorHandler>;

  constructor(options: OperatorOptions) {
    this.#options = options;
    const requeues = new Requeues(options.capture, options.logger);
    this.#handlers = new Map<string, OperatorHandler>([
      [
        resetNewestOperation.op,
        async (body) =>
          await this.#resetNewest(
            validate(resetNewestOperation.request, body, 'Cannot reset the newest version'),
          ),
      ],
      [
        listQuarantinedOperation.op,
        async (body) =>
          await requeues.list(validate(listQuarantinedOperation.request, body, 'Cannot list captures')),
      ],
      [
        requeueOperation.op,
        async (body) =>
          await requeues.requeue(validate(requeueOperation.request, body, 'Cannot bring captures back')),
      ],
    ]);
  }

  /** Undefined for an operation that is not the operator's alone. */
  find(op: string): OperatorHandler | undefined {
    return this.#handlers.get(op);
  }

  async #resetNewest({
    name,
    version,
  }: Static<typeof resetNewestOperation.request>): Promise<Static<typeof resetNewestOperation.reply>> {
    const { registry, logger, turns } = this.#options;
    return await turns.run(name, async () => {
      const before = findModel(registry.state, name);
      if (before === undefined) {
        throw new EdgeError(
          'MODEL_NOT_FOUND',
          `Cannot reset the newest version as there is no model '${name}' on this device`,
          { field: 'name' },
        );
      }
      const next = passOverAbove(before, version);
      await registry.update((state) => ({ ...state, models: { ...state.models, [name]: next } }));
      const passedOver = Object.values(next.versions)
        .filter((record) => record.passedOver === true)
        .map((record) => record.version);
      const newest = newestAdmitted(registry.state, name);
      logger.warn('The operator reset the newest version', { model: name, passedOver, newest });
      return { name, passedOver, ...(newest === undefined ? {} : { newest }) };
    });
  }
}
