import type { HttpRequest } from '../../http/mod.js';

const KEPT_HEADERS = ['content-type', 'cache-control', 'content-disposition', 'content-language', 'expires'];

/** What of a request's headers belongs to the object. */
export function storedHeaders(request: HttpRequest): Record<string, string> {
  const kept: Record<string, string> = { 'content-type': 'binary/octet-stream' };
  for (const [name, value] of Object.entries(request.headers)) {
    if (typeof value !== 'string') continue;
    if (KEPT_HEADERS.includes(name) || /^x-amz-(meta-|server-side-encryption)/.test(name)) kept[name] = value;
  }
  // aws-chunked is the form of the transfer, not of the object.
  const encodings = (request.headers['content-encoding'] ?? '')
    .split(',')
    .map((encoding) => encoding.trim())
    .filter((encoding) => encoding !== '' && encoding !== 'aws-chunked');
  if (encodings.length > 0) kept['content-encoding'] = encodings.join(',');
  return kept;
}

/** What a write may demand of the object that stands there already. */
export function conditionsOf(request: HttpRequest): {
  ifNoneMatch: string | undefined;
  ifMatch: string | undefined;
} {
  return { ifNoneMatch: request.headers['if-none-match'], ifMatch: request.headers['if-match'] };
}
