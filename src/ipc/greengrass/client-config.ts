import { eventstream_rpc, greengrasscoreipc } from 'aws-iot-device-sdk-v2';
import { EdgeError, messageOf } from '../../core/mod.js';

/** The variables that Greengrass gives to a component. */
export type Environment = Readonly<Record<string, string | undefined>>;

const SOCKET = 'AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT';
const SVCUID = 'SVCUID';

/** UNAVAILABLE where this process was not started by Greengrass. */
export function requireEnvironment(environment: Environment): void {
  for (const name of [SOCKET, SVCUID]) {
    if ((environment[name] ?? '') === '') {
      throw new EdgeError('GREENGRASS_UNREACHABLE', `Cannot connect to Greengrass as ${name} is not set`, {
        nextStep: 'Run this program as a Greengrass component',
      });
    }
  }
}

/** The SVCUID travels in the connect message only; the client's own default would read it from process.env. */
export function clientConfig(environment: Environment): eventstream_rpc.RpcClientConfig {
  const config = greengrasscoreipc.createDefaultClientConfig();
  return {
    ...config,
    hostName: environment[SOCKET] ?? '',
    connectTransform: ({ message }) => {
      message.payload = JSON.stringify({ authToken: environment[SVCUID] ?? '' });
      return Promise.resolve(message);
    },
  };
}

/** What a person can do about a refused or failed connection: PERMISSION_DENIED or UNAVAILABLE. */
export function connectError(thrown: unknown, environment: Environment): EdgeError {
  if (thrown instanceof EdgeError) return thrown;
  const socket = environment[SOCKET] ?? '';
  const rpc = thrown instanceof eventstream_rpc.RpcError ? thrown : undefined;
  if (rpc?.type === eventstream_rpc.RpcErrorType.HandshakeError) {
    return new EdgeError(
      'SVCUID_REFUSED',
      'Cannot connect to Greengrass as the nucleus refused this SVCUID',
      {
        nextStep: 'Let Greengrass start this component; an SVCUID ends with its lifecycle script',
        cause: thrown,
      },
    );
  }
  // Nucleus lite refuses a wrong SVCUID by closing the connection without an answer, as a restarting one does.
  const closed = rpc?.type === eventstream_rpc.RpcErrorType.NetworkError;
  if (closed) {
    return new EdgeError(
      'GREENGRASS_UNREACHABLE',
      `Cannot connect to Greengrass at ${socket} as the nucleus closed the connection: the SVCUID may be wrong`,
      {
        nextStep: 'Let Greengrass start this component; an SVCUID ends with its lifecycle script',
        cause: thrown,
      },
    );
  }
  const why = rpc?.internalError === undefined ? messageOf(thrown) : messageOf(rpc.internalError);
  return new EdgeError('GREENGRASS_UNREACHABLE', `Cannot connect to Greengrass at ${socket}: ${why}`, {
    nextStep: 'Check that the nucleus runs and that this user may open its socket',
    cause: thrown,
  });
}
