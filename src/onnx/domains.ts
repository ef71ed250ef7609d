export const DEFAULT_DOMAIN = 'ai.onnx';

/** The default domain is written as an empty string in files. */
export function domainName(domain: string | undefined): string {
  return domain === undefined || domain === '' ? DEFAULT_DOMAIN : domain;
}
