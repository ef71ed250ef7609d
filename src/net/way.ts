/** What is known of the way on which a request failed. */
export interface Way {
  /** The proxy that the request went through, without user and password. */
  readonly proxy?: string;
  /** It was the proxy itself that failed or refused, not what lies behind it. */
  readonly atProxy?: boolean;
  /** The authority that signed the certificate which this machine does not trust. */
  readonly issuer?: string;
}

/** A proxy wants another user and password than it got, or any at all. */
export const PROXY_LOGIN = 'ProxyAuthenticationRequired';
/** What the environment names is no proxy. */
export const PROXY_UNREADABLE = 'ProxyUnreadable';
/** A proxy was reached and does not let the request through. */
export const PROXY_REFUSED = 'ProxyRefused';

/** Beside the errors, since their classes are Node's and of libraries. */
const WAYS = new WeakMap<object, Way>();

/** Keeps what is known of an error's way, beside what was known already. */
export function noteWay(error: unknown, way: Way): void {
  if (typeof error === 'object' && error !== null) WAYS.set(error, { ...WAYS.get(error), ...way });
}

export function wayOf(error: unknown): Way {
  return typeof error === 'object' && error !== null ? (WAYS.get(error) ?? {}) : {};
}

const UNTRUSTED =
  /^(UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT(_LOCALLY)?|SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|CERT_UNTRUSTED|INVALID_CA)$/;
const NO_ADDRESS = /^(ENOTFOUND|EAI_AGAIN)$/;
const NO_ANSWER = /^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|EHOSTDOWN)$/;
const NO_TLS = /^(EPROTO|ERR_SSL_\w+)$/;

/**
 * What a person should know and do, where a request ended on its way for a reason of TLS, DNS or a proxy: the rest of
 * a sentence. Undefined where the code says nothing of them.
 * @param trust how an authority is trusted here, such as `set caFile to its certificate`
 */
export function adviceOnWay(code: string, way: Way, trust: string): string | undefined {
  const { proxy } = way;
  const who = way.atProxy === true && proxy !== undefined ? `the proxy ${proxy}` : undefined;
  if (code === PROXY_LOGIN)
    return `${who ?? 'a proxy on the way'} wants a user and a password, or others: put them into the variable that names it`;
  if (code === PROXY_UNREADABLE)
    return 'the environment names a proxy that cannot be read: correct HTTPS_PROXY, HTTP_PROXY or ALL_PROXY';
  if (code === PROXY_REFUSED)
    return `${who ?? 'a proxy on the way'} does not let it through: ask who runs it, or name the host in NO_PROXY`;
  if (UNTRUSTED.test(code))
    return `the certificate of ${who ?? 'what answered'} comes from ${authority(way)}, which this machine does not trust: ${trust}`;
  if (/^CERT_(HAS_EXPIRED|NOT_YET_VALID)$/.test(code))
    return `the certificate of ${who ?? 'what answered'} is not valid at this time: check this machine's clock, then the certificate`;
  if (/^(ERR_TLS_CERT_ALTNAME_INVALID|HOSTNAME_MISMATCH)$/.test(code))
    return `the certificate of ${who ?? 'what answered'} is for another host: check the host's name`;
  if (NO_TLS.test(code)) return `${who ?? 'what answered'} speaks no TLS there: check port, http or https`;
  if (NO_ADDRESS.test(code))
    return `the name of ${who ?? 'the host'} has no address: check it, and this machine's DNS`;
  if (who !== undefined && NO_ANSWER.test(code))
    return `${who} cannot be reached: check the variable that names it, and whether it runs`;
  return who === undefined ? undefined : `the connection to ${who} failed`;
}

function authority({ issuer }: Way): string {
  return issuer === undefined ? 'an authority' : `the authority '${issuer}'`;
}
