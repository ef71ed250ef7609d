import * as api from '@aws-sdk/client-iot';
import { on } from './bind.js';
import { invalid } from './errors.js';
import type { BoundOperation } from './http.js';

const TYPES = ['iot:Data', 'iot:Data-ATS', 'iot:CredentialProvider', 'iot:Jobs'];

/** Where clients find the data plane: here all are at one address. @param address host and port, once it is known */
export function endpointOperations(address: () => string): BoundOperation[] {
  return [
    on(api.DescribeEndpoint$, ({ endpointType = 'iot:Data' }: api.DescribeEndpointRequest) => {
      if (!TYPES.includes(endpointType))
        throw invalid('iot', `The endpoint type ${endpointType} is not valid`);
      return { endpointAddress: address() };
    }),
  ];
}
