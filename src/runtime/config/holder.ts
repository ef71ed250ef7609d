import { HeldConfiguration, type HeldConfigurationOptions } from '../../component/configuration/mod.js';
import { parseConfiguration } from './parse.js';
import type { Configuration } from './schema.js';

/** The configuration in force: always a whole, valid one. */
export type ConfigurationHolder = HeldConfiguration<Configuration>;

/** The last good configuration of this device, or defaults: no Greengrass needed. */
export async function openConfiguration(
  options: Omit<HeldConfigurationOptions<Configuration, Configuration>, 'initial' | 'parse'>,
): Promise<ConfigurationHolder> {
  const initial = parseConfiguration({}).configuration;
  const holder = new HeldConfiguration({ ...options, initial, parse: parseConfiguration });
  await holder.restore();
  return holder;
}
