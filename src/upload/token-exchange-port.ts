import { Type } from '@sinclair/typebox';
import { validate } from '../core/mod.js';
import type { GreengrassPort } from '../ipc/mod.js';

const SERVICE = 'aws.greengrass.TokenExchangeService';
const Port = Type.Union([Type.Number(), Type.String()]);
/** The Java nucleus tells the wanted port in `port`, where 0 is any, and the real one in `activePort`; lite has `port` alone. */
const Ports = Type.Object({ activePort: Type.Optional(Port), port: Type.Optional(Port) });

/** The port that the token exchange service has taken at its last start, as far as the nucleus tells. Never rejects. */
export async function tokenExchangePort(
  greengrass: Pick<GreengrassPort, 'getConfiguration'> | undefined,
): Promise<number | undefined> {
  try {
    const told = await greengrass?.getConfiguration([], SERVICE);
    const { activePort, port } = validate(Ports, told, 'Cannot read the configuration of the token exchange');
    return [activePort, port].map(Number).find((number) => Number.isInteger(number) && isPort(number));
  } catch {
    return undefined;
  }
}

function isPort(number: number): boolean {
  return number >= 1 && number <= 65_535;
}
