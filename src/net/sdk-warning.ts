/**
 * Keeps the AWS SDK from printing that it will drop this Node version one day: it goes into logs that promise a JSON
 * object a line, and says nothing to who runs a device. The SDK reads this variable when a client is made. A person's
 * own value stays.
 */
export function quietSdk(): void {
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
}
