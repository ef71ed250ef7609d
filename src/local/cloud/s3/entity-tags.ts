/** Whether a list of ETags, or `*`, names this one. @param etag without quotation marks */
export function namesTag(list: string, etag: string): boolean {
  return list
    .split(',')
    .map((one) => one.trim().replace(/^W\//, '').replaceAll('"', ''))
    .some((one) => one === '*' || one === etag);
}
