import type { Worker } from '../component/worker/mod.js';
import { messageOf } from '../core/mod.js';
import { join, type DurableFiles } from '../disk/mod.js';
import { checkProxies, NetworkHandler, readAuthorities, type Environment } from '../net/mod.js';
import { BothStores } from './both-stores.js';
import { endpointsOf, regionOf, type UploadConfig } from './config/mod.js';
import { DiskObjectStore } from './disk-store.js';
import type { ObjectStore } from './object-store.js';
import { S3ObjectStore } from './s3-store.js';
import { tokenExchange } from './token-exchange.js';

interface Place extends Pick<Worker, 'clock' | 'environment' | 'workFolder' | 'logger'> {
  /** Where the token exchange listens now, as the nucleus tells. */
  readonly tokenExchangePort: () => Promise<number | undefined>;
}

/** Where captures go by this configuration. */
export function storeOf(config: UploadConfig, place: Place, files: DurableFiles): ObjectStore {
  const { destination, diskPath, periodicUpload } = config;
  const disk = new DiskObjectStore(diskPath ?? join(place.workFolder, 'capture'), files);
  if (destination === 'Disk' && !periodicUpload) return disk;
  const cloud = cloudOf(config, place);
  return destination === 'Disk' ? new BothStores(disk, cloud) : cloud;
}

function cloudOf(config: UploadConfig, place: Place): ObjectStore {
  const { clock, environment, logger, tokenExchangePort: port } = place;
  const { endpoint, kmsKeyId, requestChecksumCalculation } = config;
  const authorities = readAuthorities(environment, config.caFile);
  for (const problem of [...authorities.problems.map(messageOf), ...proxyProblems(environment)])
    logger.warn(problem);
  return new S3ObjectStore({
    bucket: config.bucket ?? '',
    region: regionOf(config, environment),
    endpoints: endpointsOf(config, environment).choice,
    network: () => new NetworkHandler(environment, authorities),
    credentials: tokenExchange({ environment, port, clock }),
    clock,
    requestChecksumCalculation,
    forcePathStyle: config.forcePathStyle ?? endpoint !== undefined,
    onRegion: (region) =>
      logger.warn('The bucket lies in another region, to which captures go: set region to it', { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(kmsKeyId === undefined ? {} : { kmsKeyId }),
  });
}

/** Such a proxy holds captures: the environment is not the component's to change. */
function proxyProblems(environment: Environment): string[] {
  try {
    checkProxies(environment);
    return [];
  } catch (thrown) {
    return [messageOf(thrown)];
  }
}
