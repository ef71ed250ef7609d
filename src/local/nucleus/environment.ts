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
  /** Undefined for a component that does not depend on the token exchange. */
  readonly tokenExchangeUrl: string | undefined;
}

/** The variables that a core gives a lifecycle script, and no more: nothing of this process's own is passed on. */
export function environmentOf(options: EnvironmentOptions): Record<string, string> {
  const { profile, svcuid, region, tokenExchangeUrl } = options;
  return {
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
