import type { Profile } from './api/mod.js';
import { NUCLEUS_VERSIONS } from './resolve.js';

export interface EnvironmentOptions {
  readonly profile: Profile;
  readonly socketPath: string;
  readonly svcuid: string;
  readonly thingName: string;
  readonly region: string;
  readonly rootPath: string;
  readonly home: string;
  readonly path: string;
  /** Undefined where the nucleus does not tell it. */
  readonly tokenExchangeUrl: string | undefined;
  /** The nucleus process's own variables, as far as components get them. */
  readonly own: Readonly<Record<string, string>>;
}

/** What a unit of systemd is started with, what the Java nucleus adds, and sudo on the way to the components' user. */
export const OWN_ENVIRONMENT: Readonly<Record<string, string>> = {
  INVOCATION_ID: '00000000000000000000000000000001',
  // Of the nucleus' own output, which no component writes to.
  JOURNAL_STREAM: '9:1',
  SYSTEMD_EXEC_PID: '1',
  AWS_GG_FIPS_MODE: 'false',
  AWS_USE_FIPS_ENDPOINT: 'false',
  LANG: 'C.UTF-8',
  TERM: 'xterm',
  SUDO_COMMAND: '/bin/sh -c',
  SUDO_UID: '0',
  SUDO_GID: '0',
  SUDO_USER: 'root',
};

/** The variables that a core gives a lifecycle script, over those that it was started with itself. */
export function environmentOf(options: EnvironmentOptions): Record<string, string> {
  const { profile, svcuid, region, tokenExchangeUrl } = options;
  return {
    ...options.own,
    SVCUID: svcuid,
    AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT: options.socketPath,
    AWS_CONTAINER_AUTHORIZATION_TOKEN: svcuid,
    ...(tokenExchangeUrl === undefined ? {} : { AWS_CONTAINER_CREDENTIALS_FULL_URI: tokenExchangeUrl }),
    AWS_IOT_THING_NAME: options.thingName,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    GGC_VERSION: NUCLEUS_VERSIONS[profile],
    GG_ROOT_CA_PATH: `${options.rootPath}/AmazonRootCA1.pem`,
    HOME: options.home,
    PATH: options.path,
  };
}
