import { eventstream_rpc } from 'aws-iot-device-sdk-v2';
import type { Reason } from '../../contract/mod.js';
import { EdgeError, messageOf } from '../../core/mod.js';

/**
 * The IPC client's errors as ours. The TypeScript client drops the error's shape name, so what the nucleus
 * meant is read from `_errorCode` (Java nucleus) or from the sentence.
 */
export function translateIpcError(thrown: unknown, action: string): EdgeError {
  if (thrown instanceof EdgeError) return thrown;
  if (!(thrown instanceof eventstream_rpc.RpcError)) {
    return new EdgeError('GREENGRASS_UNREACHABLE', `${action}: ${messageOf(thrown)}`, { cause: thrown });
  }
  if (thrown.type !== eventstream_rpc.RpcErrorType.ServiceError) {
    return new EdgeError(
      'GREENGRASS_UNREACHABLE',
      `${action} as Greengrass IPC is not available: ${thrown.description}`,
      {
        cause: thrown,
      },
    );
  }
  const service = (thrown.serviceError ?? {}) as Record<string, unknown>;
  const sentence = text(service['message']) ?? text(service['_message']) ?? '';
  const name = text(service['_errorCode']) ?? '';
  const said = `${name} ${sentence}`;
  const failed = (reason: Reason, why: string): EdgeError =>
    new EdgeError(reason, `${action}: ${why}`, { cause: thrown });
  if (/unauthori[sz]ed|not authori[sz]ed|accessdenied/i.test(said))
    return failed('NUCLEUS_DENIED', sentence || name);
  if (/notfound|not found|doesn't exist|does not exist/i.test(said))
    return failed('KEY_NOT_FOUND', sentence || name);
  if (/invalid/i.test(said)) return failed('NUCLEUS_REFUSED', sentence || name);
  // Nucleus lite answers an operation that it lacks with a ServiceError without a sentence.
  if (sentence === '') return failed('NUCLEUS_LACKS_OPERATION', 'this nucleus does not have the operation');
  return failed('NUCLEUS_FAILED', sentence);
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
