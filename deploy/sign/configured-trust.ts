import { parse } from 'yaml';
import { EdgeError, messageOf } from '../../src/core/mod.js';
import type { PackageTrust } from '../../src/model/mod.js';
import { parseConfiguration, trustOf } from '../../src/runtime/config/mod.js';
import { readText } from '../files/mod.js';

/**
 * Whom a device with this configuration trusts. Keys of its `trustedKeysFile` are on the device, and not here.
 * @throws EdgeError CONFIGURATION_INVALID naming the key
 */
export async function readTrust(file: string): Promise<PackageTrust> {
  let raw: unknown;
  try {
    raw = parse(await readText(file));
  } catch (error) {
    throw new EdgeError('CONFIGURATION_INVALID', `Cannot read the configuration: ${messageOf(error)}`, {
      field: file,
      cause: error,
    });
  }
  const { configuration } = parseConfiguration(raw);
  return trustOf(configuration, configuration.signature.trustedKeys);
}
