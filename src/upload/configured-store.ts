import { join } from 'node:path';
import type { Worker } from '../component/worker/mod.js';
import type { DurableFiles } from '../disk/mod.js';
import { BothStores } from './both-stores.js';
import type { UploadConfig } from './config/mod.js';
import { DiskObjectStore } from './disk-store.js';
import type { ObjectStore } from './object-store.js';
import { S3ObjectStore } from './s3-store.js';
import { tokenExchange } from './token-exchange.js';

type Place = Pick<Worker, 'clock' | 'environment' | 'workFolder' | 'logger'>;

/** Where captures go by this configuration. */
export function storeOf(config: UploadConfig, place: Place, files: DurableFiles): ObjectStore {
  const { destination, diskPath, periodicUpload } = config;
  const disk = new DiskObjectStore(diskPath ?? join(place.workFolder, 'capture'), files);
  if (destination === 'Disk' && !periodicUpload) return disk;
  const cloud = cloudOf(config, place);
  return destination === 'Disk' ? new BothStores(disk, cloud) : cloud;
}

function cloudOf(config: UploadConfig, { clock, environment, logger }: Place): ObjectStore {
  const { endpoint, kmsKeyId, requestChecksumCalculation } = config;
  return new S3ObjectStore({
    bucket: config.bucket ?? '',
    region: config.region ?? environment['AWS_REGION'] ?? environment['AWS_DEFAULT_REGION'] ?? 'us-east-1',
    credentials: tokenExchange(environment),
    clock,
    requestChecksumCalculation,
    forcePathStyle: config.forcePathStyle ?? endpoint !== undefined,
    onRegion: (region) =>
      logger.warn('The bucket lies in another region, to which captures go: set region to it', { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(kmsKeyId === undefined ? {} : { kmsKeyId }),
  });
}
