import type { DetailedPeerCertificate } from 'node:tls';

const MAX_CHARS = 100;

/** The name of the last authority in a chain as far as the peer sent it; it wrote that name itself. */
export function authorityOf(certificate: DetailedPeerCertificate): string | undefined {
  let last = certificate;
  const seen = new Set<unknown>();
  while (last.issuerCertificate !== undefined && !seen.has(last)) {
    seen.add(last);
    last = last.issuerCertificate;
  }
  const { CN, O } = last.issuer ?? {};
  const name = CN ?? O;
  const text = Array.isArray(name) ? name.join(' ') : name;
  return text === undefined
    ? undefined
    : text.replaceAll(/[^\p{L}\p{N} .,:_()+-]/gu, '?').slice(0, MAX_CHARS);
}
