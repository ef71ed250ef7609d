import { refusalOf, type Identities } from '../iam/mod.js';
import type { HttpRequest } from '../../http/mod.js';
import type { Account } from './account.js';
import { authenticate } from './authenticate.js';
import { AwsError, invalid } from './errors.js';
import { violation, type ServiceLimits } from './limits.js';
import type { Operation } from './model.js';
import { needsOf, type NeedsTable } from './needs.js';
import { isForm } from './query-protocol.js';
import { SERVICES, serviceOf, type ServiceName } from './services.js';

/** What one service refuses before it looks at anything, and which rights its operations take. */
export interface ServiceRules {
  readonly limits?: ServiceLimits;
  readonly needs?: NeedsTable;
}

/** What every request passes, whatever it asks: signature, limits of its members, rights of its caller. */
export class Gate {
  readonly #account: Account;
  readonly #identities: Identities;
  readonly #rules: Readonly<Partial<Record<ServiceName, ServiceRules>>>;

  constructor(
    account: Account,
    identities: Identities,
    rules: Readonly<Partial<Record<ServiceName, ServiceRules>>>,
  ) {
    this.#account = account;
    this.#identities = identities;
    this.#rules = rules;
  }

  /**
   * @param operation undefined where the path means none: who asks is looked at first, whatever the path
   * @returns the access key id. Throws AwsError
   */
  authenticate(request: HttpRequest, body: Buffer, operation: Operation | undefined): string {
    const asked = operation === undefined ? Object.values(SERVICES) : [serviceOf(operation.service)];
    return authenticate(request, body, {
      signingNames: asked.map(({ signingName }) => signingName),
      region: this.#account.region,
      nowMs: this.#account.clock.wallMs(),
      find: (accessKeyId) => this.#identities.keys(accessKeyId),
      isQuery: isForm(request),
    });
  }

  /** Throws AwsError where a member is outside its limits, or the caller lacks a right. */
  admit(caller: string, operation: Operation, input: Readonly<Record<string, unknown>>): void {
    const { service, name } = operation;
    const rules = this.#rules[service] ?? {};
    const broken = violation(rules.limits?.[name] ?? {}, input);
    if (broken !== undefined) throw invalid(service, broken.message, broken.field);
    const refusal = this.#identities.refusal(caller, needsOf(operation, input, this.#account, rules.needs));
    if (refusal !== undefined) throw denied(operation, refusal);
  }
}

/** As a caller without policies hears it. */
export function deniedToAll(operation: Operation): AwsError {
  const action = `${serviceOf(operation.service).iamPrefix}:${operation.name}`;
  const nobody = 'arn:aws:iam::123456789012:user/local';
  return denied(operation, refusalOf(nobody, { action, resource: '*' }, 'no statement'));
}

/** The sentence names the action; IoT's data plane keeps it to itself. */
function denied({ service, name }: Operation, sentence: string): AwsError {
  const { denied: common, ofModel } = serviceOf(service);
  const [code, status] =
    ofModel?.includes(name) === true ? (['UnauthorizedException', 401] as const) : common;
  return new AwsError(code, status, service === 'iotdataplane' ? 'Forbidden' : sentence);
}
