import type { Json } from '../../../src/core/mod.js';
import type { Probe } from './probe.js';
import type { Questions } from './question.js';

const URI = 'AWS_CONTAINER_CREDENTIALS_FULL_URI';
const TOKEN = 'AWS_CONTAINER_AUTHORIZATION_TOKEN';
const NAMES = [
  'AWS_AUTHZ_NAME',
  TOKEN,
  'AWS_DEFAULT_REGION',
  'AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT',
  'AWS_IOT_THING_NAME',
  'AWS_REGION',
  'GGC_VERSION',
  'GG_ROOT_CA_PATH',
  'HOME',
  'NOTIFY_SOCKET',
  'PATH',
  'SVCUID',
];

/** The environment, and the token exchange over HTTP. */
export const SURROUNDINGS_QUESTIONS: Questions = {
  'environment: which variables': async (probe) => NAMES.filter((name) => probe.variable(name) !== undefined),
  'environment: characters of the SVCUID': async (probe) => probe.svcuid.length,
  'environment: the token is the SVCUID': async (probe) => probe.variable(TOKEN) === probe.svcuid,
  'environment: the token exchange': async (probe) => {
    const uri = probe.variable(URI);
    return uri === undefined ? null : uri.replace(/:\d+/, ':<port>');
  },
  "environment: the nucleus process's own": async (probe) => probe.variable('PROBE_OF_THE_NUCLEUS') ?? null,
  'token exchange: where the nucleus says that it listens': whereItListens,
  'token exchange: the own token': (probe) => exchange(probe, { token: probe.variable(TOKEN) }),
  'token exchange: a wrong token of 16 characters': (probe) => exchange(probe, { token: 'AAAAAAAAAAAAAAAA' }),
  'token exchange: a wrong token of 5 characters': (probe) => exchange(probe, { token: 'wrong' }),
  'token exchange: no token': (probe) => exchange(probe, {}),
  'token exchange: another path': (probe) =>
    exchange(probe, { token: probe.variable(TOKEN), path: '/nothing' }),
  'token exchange: POST': (probe) => exchange(probe, { token: probe.variable(TOKEN), method: 'POST' }),
};

/** Asked while the credentials provider of the cloud fails. */
export const PROVIDER_DOWN_QUESTIONS: Questions = {
  'token exchange, provider down: the own token': (probe) =>
    exchange(probe, { token: probe.variable(TOKEN) }),
};

async function whereItListens(probe: Probe): Promise<Json> {
  const componentName = 'aws.greengrass.TokenExchangeService';
  const answer = (await probe.ask('GetConfiguration', { componentName, keyPath: [] })) as {
    response?: { value?: Readonly<Record<string, Json>> };
  };
  const listensAt = /:(\d+)/.exec(probe.variable(URI) ?? '')?.[1];
  const told = Object.entries(answer.response?.value ?? {}).filter(([key]) => /port/i.test(key));
  return Object.fromEntries(
    told.map(([key, value]) => [
      key,
      JSON.stringify(value).replaceAll('"', '') === listensAt ? `<port> as ${typeof value}` : value,
    ]),
  );
}

async function exchange(
  probe: Probe,
  { token, path, method = 'GET' }: { token?: string | undefined; path?: string; method?: string },
): Promise<Json> {
  const uri = probe.variable(URI);
  if (uri === undefined) return 'no token exchange';
  const headers = token === undefined ? {} : { authorization: token };
  try {
    const response = await fetch(path === undefined ? uri : new URL(path, uri), { method, headers });
    const body = await response.text();
    return { status: response.status, body: shown(body) };
  } catch (thrown) {
    return {
      failed:
        thrown instanceof Error
          ? String((thrown.cause as { code?: string } | undefined)?.code ?? thrown.message)
          : null,
    };
  }
}

/** Credentials by their keys only. */
function shown(body: string): Json {
  try {
    const value = JSON.parse(body) as Json;
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject && 'AccessKeyId' in value ? { credentials: Object.keys(value).sort() } : value;
  } catch {
    return body;
  }
}
