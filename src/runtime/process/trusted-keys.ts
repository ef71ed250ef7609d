import { nodeFiles } from '../../disk/mod.js';
import { EdgeError, messageOf } from '../../core/mod.js';
import type { ConfigurationHolder } from '../config/mod.js';

/** Keys from the configuration and from its file; read at each load, so that a rotated file counts at once. */
export function trustedKeysOf(configuration: ConfigurationHolder): () => Promise<readonly string[]> {
  return async () => {
    const { trustedKeys, trustedKeysFile } = configuration.current.signature;
    if (trustedKeysFile === undefined) return trustedKeys;
    try {
      const bytes = await nodeFiles.read(trustedKeysFile);
      if (bytes === undefined) throw new Error(`there is no file ${trustedKeysFile}`);
      return [...trustedKeys, new TextDecoder().decode(bytes)];
    } catch (thrown) {
      throw new EdgeError('FILE_UNUSABLE', `Cannot read the trusted keys: ${messageOf(thrown)}`, {
        field: 'signature.trustedKeysFile',
        cause: thrown,
      });
    }
  };
}
