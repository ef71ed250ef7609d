import { isJsonObject, type Json } from '../../../core/mod.js';
import type { Profile } from '../api/mod.js';

/** The services of `accessControl` whose policies the server enforces. */
export type PolicyService =
  | 'aws.greengrass.ipc.pubsub'
  | 'aws.greengrass.ipc.mqttproxy'
  | 'aws.greengrass.ipc.lifecycle'
  | 'aws.greengrass.ipc.componentmetric'
  | 'aws.greengrass.Cli';

/** What a component wants to do: an operation such as `aws.greengrass#PublishToTopic` on a topic or component. */
export interface Action {
  readonly service: PolicyService;
  readonly operation: string;
  readonly resource: string;
}

/**
 * Whether a component's `accessControl` (`{service: {policyId: {operations, resources}}}`) allows an action.
 * Policies only ever allow; what none allows is refused, and a malformed policy allows nothing.
 */
export function isAllowed(profile: Profile, accessControl: Json | undefined, action: Action): boolean {
  // Lite checks the requested name as if it were a policy's, so such topics can't be used at all.
  if (profile === 'lite' && !isValidPattern(action.resource)) return false;
  if (profile === 'nucleus' && action.resource === '') return false;
  if (!isJsonObject(accessControl)) return false;
  const policies = accessControl[action.service];
  if (!isJsonObject(policies)) return false;
  return Object.values(policies).some((policy) => policyAllows(profile, policy, action));
}

function policyAllows(profile: Profile, policy: Json, action: Action): boolean {
  if (!isJsonObject(policy)) return false;
  const operations = strings(policy['operations']);
  if (!operations.includes('*') && !operations.includes(action.operation)) return false;
  const style = action.service === 'aws.greengrass.ipc.mqttproxy' ? 'mqtt' : 'standard';
  return strings(policy['resources']).some((pattern) =>
    matchesResource(profile, style, pattern, action.resource),
  );
}

function strings(value: Json | undefined): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

/**
 * Whether a pattern of `resources` covers a resource. `*` stands for any characters, `/` included; `${*}`, `${?}` and
 * `${$}` stand for `*`, `?` and `$`; a pattern with a bare `?` or another escape is invalid and covers nothing.
 * In style `standard` `+` and `#` are literal. In style `mqtt` they are wildcards where MQTT allows them: the nucleus
 * lets `a/#` cover `a`, lite does not.
 */
export function matchesResource(
  profile: Profile,
  style: 'standard' | 'mqtt',
  pattern: string,
  resource: string,
): boolean {
  if (pattern === '*') return true;
  const key = `${profile} ${style} ${pattern}`;
  let expression = expressions.get(key);
  if (expression === undefined) {
    // Policies are few; the bound only keeps a stream of changing configurations from growing the map.
    if (expressions.size >= 1000) expressions.clear();
    expression = compile(profile, style, pattern);
    expressions.set(key, expression);
  }
  return expression.test(resource);
}

const expressions = new Map<string, RegExp>();
const NOTHING = /(?!)/;

function compile(profile: Profile, style: 'standard' | 'mqtt', pattern: string): RegExp {
  if (pattern === '' || !isValidPattern(pattern)) return NOTHING;
  const standard = translate(pattern, () => undefined);
  if (style === 'standard') return new RegExp(`^${standard}$`, 's');
  if (profile === 'nucleus') return new RegExp(`^${translate(pattern, nucleusWildcard)}$`, 's');
  return new RegExp(`^(?:${standard}|${liteFilter(pattern)})$`, 's');
}

type Wildcard = (pattern: string, index: number) => { source: string; replacesSlash?: boolean } | undefined;

function translate(pattern: string, wildcard: Wildcard): string {
  let source = '';
  for (let index = 0; index < pattern.length; index++) {
    const character = pattern.charAt(index);
    const special = wildcard(pattern, index);
    if (special !== undefined) {
      source = (special.replacesSlash === true ? source.slice(0, -1) : source) + special.source;
    } else if (character === '*') {
      source += '.*';
    } else if (character === '$' && pattern.charAt(index + 1) === '{') {
      source += escape(pattern.charAt(index + 2));
      index += 3;
    } else {
      source += escape(character);
    }
  }
  return source;
}

/** `+` as a whole level and `#` as the whole last level; anywhere else they are literal. */
function nucleusWildcard(
  pattern: string,
  index: number,
): { source: string; replacesSlash?: boolean } | undefined {
  const character = pattern.charAt(index);
  const startsLevel = index === 0 || pattern.charAt(index - 1) === '/';
  const isLast = index === pattern.length - 1;
  if (character === '+' && startsLevel && (isLast || pattern.charAt(index + 1) === '/')) {
    return { source: '[^/]*' };
  }
  if (character === '#' && startsLevel && isLast) {
    return index === 0 ? { source: '.*' } : { source: '(?:/.*)?', replacesSlash: true };
  }
  return undefined;
}

/** Lite's second chance for mqttproxy: the pattern as a plain topic filter, in which `*` and `$` are literal. */
function liteFilter(pattern: string): string {
  const hash = pattern.indexOf('#');
  const end = hash === -1 ? '' : '.*';
  const head = hash === -1 ? pattern : pattern.slice(0, hash);
  return head.split('+').map(escape).join('[^/]*') + end;
}

function isValidPattern(pattern: string): boolean {
  return !pattern.replaceAll(/\$\{[*?$]\}/g, '').includes('?') && !/\$\{(?![*?$]\})/.test(pattern);
}

function escape(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
