import { EdgeError } from '../core/mod.js';
import type { Environment } from './proxy.js';

/** Which of AWS's endpoints are used; all false or absent: the ordinary ones. */
export interface EndpointChoice {
  readonly useFipsEndpoint: boolean;
  readonly useDualstackEndpoint: boolean;
}

export interface EndpointWishes {
  readonly useFipsEndpoint?: boolean | undefined;
  readonly useDualstackEndpoint?: boolean | undefined;
  /** The address of a store or service in place of AWS's own. */
  readonly endpoint?: string | undefined;
  readonly region?: string | undefined;
}

const SWITCHES = [
  ['useFipsEndpoint', 'AWS_USE_FIPS_ENDPOINT', 'FIPS'],
  ['useDualstackEndpoint', 'AWS_USE_DUALSTACK_ENDPOINT', 'dual-stack'],
] as const;

/**
 * The endpoints by what was set, else by AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT, which a nucleus sets for
 * all of its components: an address of one's own leaves those aside, and says so.
 * @throws EdgeError CONFIGURATION_INVALID for pairs that AWS's SDK refuses at each request
 */
export function chooseEndpoints(
  wishes: EndpointWishes,
  environment: Environment,
): { readonly choice: EndpointChoice; readonly warnings: readonly string[] } {
  const choice = { useFipsEndpoint: false, useDualstackEndpoint: false };
  const warnings: string[] = [];
  for (const [key, variable, title] of SWITCHES) {
    const inherited = environment[variable]?.trim().toLowerCase() === 'true';
    const wanted = wishes[key] ?? inherited;
    if (wanted && wishes.endpoint !== undefined) {
      if (wishes[key] === true) throw refused(key, `'endpoint' names the address itself`);
      warnings.push(`${variable} has no effect here, as 'endpoint' names the address itself (${title})`);
      continue;
    }
    choice[key] = wanted;
  }
  if (choice.useFipsEndpoint && wishes.region?.startsWith('cn-') === true)
    throw refused(
      wishes.useFipsEndpoint === true ? 'useFipsEndpoint' : 'AWS_USE_FIPS_ENDPOINT',
      'China has no FIPS endpoints',
    );
  return { choice, warnings };
}

function refused(field: string, why: string): EdgeError {
  return new EdgeError('CONFIGURATION_INVALID', `Cannot use '${field}' as ${why}`, {
    field,
    nextStep: `Set '${field}' to false`,
  });
}
