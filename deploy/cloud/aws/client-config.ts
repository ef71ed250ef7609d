import type { EdgeError } from '../../../src/core/mod.js';
import {
  chooseEndpoints,
  NetworkHandler,
  quietSdk,
  readAuthorities,
  type Authorities,
  type EndpointChoice,
  type Environment,
} from '../../../src/net/mod.js';
import type { AwsOptions } from './options.js';

/** A command makes several clients, and reading certificates takes a twentieth of a second. */
const READ = new WeakMap<Environment, Authorities>();
/** Each is told once, whatever number of clients meets it. */
const TOLD = new Set<string>();

/**
 * What every client of AWS is made with: the person's options, and the network as the environment describes it.
 * @param service as in the name of the variable for its endpoint, such as `S3` in AWS_ENDPOINT_URL_S3
 * @throws EdgeError CONFIGURATION_INVALID where the environment names certificates that cannot be read, or endpoints
 * that AWS's SDK refuses
 */
export function clientConfig(
  { region, endpoint, credentials }: AwsOptions,
  service: string,
  environment: Environment = process.env,
): AwsOptions & Partial<EndpointChoice> & { readonly requestHandler: NetworkHandler } {
  quietSdk();
  const authorities = READ.get(environment) ?? readAuthorities(environment);
  READ.set(environment, authorities);
  const [problem] = authorities.problems as readonly (EdgeError | undefined)[];
  if (problem !== undefined) throw problem;
  const named = endpoint ?? environment[`AWS_ENDPOINT_URL_${service}`] ?? environment['AWS_ENDPOINT_URL'];
  const { choice, warnings } = chooseEndpoints(
    {
      ...(named === undefined ? {} : { endpoint: named }),
      region: region ?? environment['AWS_REGION'] ?? environment['AWS_DEFAULT_REGION'],
    },
    environment,
  );
  for (const warning of warnings) tell(warning);
  return {
    requestHandler: new NetworkHandler(environment, authorities),
    // A profile may want other endpoints; a named one bears none of them.
    ...(named === undefined ? {} : choice),
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
  };
}

function tell(warning: string): void {
  if (TOLD.has(warning)) return;
  TOLD.add(warning);
  process.emitWarning(warning);
}
