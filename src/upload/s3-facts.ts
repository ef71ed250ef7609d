import { EdgeError } from '../core/mod.js';
import { PROXY_UNREADABLE, wayOf } from '../net/mod.js';
import { NO_DOCUMENT, type ErrorFacts } from './failure.js';

/** What the SDK throws, as far as it is looked at. */
interface Thrown {
  readonly name?: unknown;
  readonly code?: unknown;
  /** The error document's code, where the answer held one. */
  readonly Code?: unknown;
  readonly Region?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $response?: { readonly statusCode?: number; readonly headers?: Record<string, string> };
}

/** Plain facts of whatever the SDK threw; its own sentences may quote headers, so they are left out. */
export function factsOf(thrown: unknown): ErrorFacts {
  // The network's handler reads the environment at each request.
  if (thrown instanceof EdgeError && thrown.reason === 'ENVIRONMENT_UNFIT') return { code: PROXY_UNREADABLE };
  if (thrown instanceof EdgeError)
    return {
      code: 'CredentialsUnavailable',
      said: thrown.message,
      retryAfter: String(Math.ceil((thrown.retryAfterMs ?? 0) / 1000)),
    };
  const error = thrown as Thrown;
  const status = error.$metadata?.httpStatusCode ?? error.$response?.statusCode;
  const headers = error.$response?.headers ?? {};
  const region = error.Region ?? headers['x-amz-bucket-region'];
  const retryAfter = headers['retry-after'];
  const date = headers['date'];
  return {
    code: codeOf(error, status),
    ...(status === undefined ? { way: wayOf(thrown) } : {}),
    ...(status === undefined ? {} : { status }),
    ...(isWord(region) && isElsewhere(error, status) ? { region } : {}),
    ...(retryAfter === undefined ? {} : { retryAfter }),
    ...(date === undefined ? {} : { date }),
  };
}

function codeOf({ name, code, Code }: Thrown, status: number | undefined): string {
  if (status === undefined) return isWord(code) ? code : isWord(name) ? name : 'Unknown';
  if (isWord(Code)) return Code;
  // The SDK makes names up from the status where there is no document.
  return NO_DOCUMENT;
}

/** Answers to ordinary errors name the region too, where it is the right one. */
function isElsewhere({ Code }: Thrown, status: number | undefined): boolean {
  return (
    status === 301 ||
    status === 307 ||
    Code === 'AuthorizationHeaderMalformed' ||
    Code === 'IllegalLocationConstraintException'
  );
}

function isWord(value: unknown): value is string {
  return typeof value === 'string' && /^[\w.-]{1,64}$/.test(value);
}
