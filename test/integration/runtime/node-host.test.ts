import type { HostProgram } from '../../lib/host-peer.js';
import { keepsTheHostContract } from '../../lib/host-contract.js';
import { hostScripts, specOf, writeTestPackage } from '../../lib/model-hosts.js';

const program = async (): Promise<HostProgram> => {
  const { entry } = await hostScripts();
  return { command: process.execPath, arguments: [entry], environment: { OPENSSL_CONF: '/dev/null' } };
};

describe('the model host in Node', () => {
  keepsTheHostContract(async () => ({
    program: await program(),
    load: async (folder, fixture) => {
      const spec = specOf(`${fixture.name}@1.0.0`, await writeTestPackage(folder, fixture));
      return { package: spec };
    },
  }));
});
