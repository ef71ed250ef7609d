import { EdgeError, messageOf } from '../../core/mod.js';
import { greet, type Greeting, type GreetOptions, type NucleusSocket } from './greeting.js';

/** The variables that Greengrass gives to a component. An SVCUID that is renewed is written here. */
export type Environment = Record<string, string | undefined>;

export interface IdentityOptions {
  readonly environment: Environment;
  /** The component's name; undefined: an SVCUID that a restarted nucleus lite has forgotten stays refused. */
  readonly component: string | undefined;
}

const SOCKET = 'AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT';
const SVCUID = 'SVCUID';
/** The token exchange knows a component by its SVCUID. */
const TOKEN = 'AWS_CONTAINER_AUTHORIZATION_TOKEN';
const NEXT_STEP = 'Let Greengrass start this component; an SVCUID ends with its lifecycle script';

/** Who this component is to the nucleus, also after a nucleus that has forgotten it. */
export class Identity {
  readonly #options: IdentityOptions;
  readonly #socketPath: string;

  /** @throws EdgeError UNAVAILABLE where this process was not started by Greengrass */
  constructor(options: IdentityOptions) {
    this.#options = options;
    this.#socketPath = required(options.environment, SOCKET);
    required(options.environment, SVCUID);
  }

  /**
   * A connection that the nucleus has accepted.
   * @throws EdgeError UNAVAILABLE or PERMISSION_DENIED
   */
  async enter(options: GreetOptions): Promise<NucleusSocket> {
    const greeting = await this.#greet(options);
    if (greeting.kind === 'accepted') return greeting.socket;
    // A full table closes too: then the name is not answered either.
    if (greeting.kind === 'closed' && (await this.#renew(options))) {
      const second = await this.#greet(options);
      if (second.kind === 'accepted') return second.socket;
      throw this.#refusal(second);
    }
    throw this.#refusal(greeting);
  }

  async #greet(options: GreetOptions): Promise<Greeting> {
    return await greet(this.#socketPath, { authToken: this.#options.environment[SVCUID] ?? '' }, options);
  }

  /** Nucleus lite knows a process of the component's own unit by its process id. */
  async #renew(options: GreetOptions): Promise<boolean> {
    const { component, environment } = this.#options;
    if (component === undefined) return false;
    const greeting = await greet(this.#socketPath, { componentName: component }, options);
    if (greeting.kind !== 'accepted') return false;
    greeting.socket.destroy();
    if (greeting.svcuid === undefined) return false;
    environment[SVCUID] = greeting.svcuid;
    environment[TOKEN] = greeting.svcuid;
    return true;
  }

  /** What a person can do about it. */
  #refusal(greeting: Exclude<Greeting, { readonly kind: 'accepted' }>): EdgeError {
    switch (greeting.kind) {
      case 'refused':
        return new EdgeError(
          'SVCUID_REFUSED',
          'Cannot connect to Greengrass as the nucleus refused this SVCUID',
          {
            nextStep: NEXT_STEP,
          },
        );
      case 'closed':
        return new EdgeError(
          'GREENGRASS_UNREACHABLE',
          `Cannot connect to Greengrass at ${this.#socketPath} as the nucleus closed the connection: the SVCUID may be wrong, or it has too many connections`,
          { nextStep: NEXT_STEP },
        );
      case 'unreachable':
        return new EdgeError(
          'GREENGRASS_UNREACHABLE',
          `Cannot connect to Greengrass at ${this.#socketPath}: ${messageOf(greeting.cause)}`,
          {
            nextStep: 'Check that the nucleus runs and that this user may open its socket',
            cause: greeting.cause,
          },
        );
    }
  }
}

function required(environment: Environment, name: string): string {
  const value = environment[name] ?? '';
  if (value !== '') return value;
  throw new EdgeError('GREENGRASS_UNREACHABLE', `Cannot connect to Greengrass as ${name} is not set`, {
    nextStep: 'Run this program as a Greengrass component',
  });
}
