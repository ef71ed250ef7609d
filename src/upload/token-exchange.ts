import { fromHttp } from '@aws-sdk/credential-provider-http';
import { EdgeError } from '../core/mod.js';
import type { CredentialsSource } from './credentials.js';

/** Long enough for a core that must first fetch the credentials over a slow link. */
const TIMEOUT_MS = 10_000;

/**
 * The token exchange service of a Greengrass core, through the SDK's container provider, without its retries:
 * the service remembers errors, so asking again at once is of no use.
 * @param environment where AWS_CONTAINER_CREDENTIALS_FULL_URI and AWS_CONTAINER_AUTHORIZATION_TOKEN stand
 */
export function tokenExchange(environment: Readonly<Record<string, string | undefined>>): CredentialsSource {
  return async () => {
    const uri = environment['AWS_CONTAINER_CREDENTIALS_FULL_URI'];
    if (uri === undefined || uri === '') {
      throw new EdgeError(
        'ENVIRONMENT_UNFIT',
        'Cannot ask the token exchange service as AWS_CONTAINER_CREDENTIALS_FULL_URI is not set',
        { nextStep: 'Deploy aws.greengrass.TokenExchangeService, which this component depends on' },
      );
    }
    const token = environment['AWS_CONTAINER_AUTHORIZATION_TOKEN'];
    const provider = fromHttp({
      awsContainerCredentialsFullUri: uri,
      ...(token === undefined ? {} : { awsContainerAuthorizationToken: token }),
      timeout: TIMEOUT_MS,
      maxRetries: 0,
    });
    return await provider();
  };
}
