import { operations, type OperationName } from '../../contract/mod.js';
import { EdgeError, isJsonObject } from '../../core/mod.js';
import type { RequestHead } from '../../ipc/framed/mod.js';
import type { ConfigurationHolder } from '../config/mod.js';

/** Who may ask for an operation by the endpoint, and where its body names the model. */
interface Right {
  readonly for: 'everyone' | 'control' | 'nobody';
  readonly modelIn?: 'name' | 'modelName' | 'model';
}

const RIGHTS: Readonly<Record<OperationName, Right>> = {
  hello: { for: 'everyone' },
  list: { for: 'everyone' },
  describe: { for: 'everyone', modelIn: 'name' },
  stats: { for: 'everyone', modelIn: 'model' },
  // The model of a prediction stands beside its body.
  predict: { for: 'everyone' },
  capture: { for: 'everyone', modelIn: 'modelName' },
  captureStatus: { for: 'everyone' },
  load: { for: 'control', modelIn: 'name' },
  unload: { for: 'control', modelIn: 'name' },
  register: { for: 'nobody' },
};

/** What the local endpoint may be asked for, as the configuration has it at that moment. */
export class EndpointGate {
  readonly #configuration: Pick<ConfigurationHolder, 'current'>;

  constructor(configuration: Pick<ConfigurationHolder, 'current'>) {
    this.#configuration = configuration;
  }

  /** @throws EdgeError PERMISSION_DENIED (ENDPOINT_REFUSED) */
  check({ op, model, body }: RequestHead): void {
    // What is no operation gets the responder's own answer.
    if (!Object.hasOwn(operations, op)) return;
    const { for: whom, modelIn } = RIGHTS[op as OperationName];
    const { control = false } = this.#configuration.current.endpoint ?? {};
    if (whom === 'nobody') {
      throw refused(`'${op}' is not for callers`, 'op', 'Deploy the model: its startup step registers it');
    }
    if (whom === 'control' && !control) {
      const nextStep = "Set endpoint.control to true in the agent's configuration";
      throw refused(`'endpoint.control' does not allow '${op}'`, 'op', nextStep);
    }
    const named = op === 'predict' ? model : modelIn && body[modelIn];
    if (typeof named === 'string' && !this.#shows(named)) {
      const nextStep = "Add it to endpoint.models in the agent's configuration";
      throw refused(`'endpoint.models' does not name '${named.slice(0, 63)}'`, 'model', nextStep);
    }
  }

  /** The reply without models that are not for the endpoint's callers. */
  shown(op: string, reply: Record<string, unknown>): Record<string, unknown> {
    const { models } = reply;
    if ((op !== 'list' && op !== 'stats') || !Array.isArray(models)) return reply;
    return { ...reply, models: models.filter((one) => isJsonObject(one) && this.#shows(one['name'])) };
  }

  #shows(model: unknown): boolean {
    const models = this.#configuration.current.endpoint?.models;
    return models === undefined || models.some((name) => name === model);
  }
}

function refused(reason: string, field: string, nextStep: string): EdgeError {
  return new EdgeError('ENDPOINT_REFUSED', `Cannot answer by the endpoint as ${reason}`, { field, nextStep });
}
