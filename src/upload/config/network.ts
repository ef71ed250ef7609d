import { EdgeError, visibleLine } from '../../core/mod.js';
import {
  chooseEndpoints,
  isLoopback,
  readCertificates,
  type EndpointChoice,
  type Environment,
} from '../../net/mod.js';
import type { UploadConfig } from './config.js';

/** The region of the bucket; AWS's own default where nobody names one. */
export function regionOf({ region }: UploadConfig, environment: Environment): string {
  return region ?? environment['AWS_REGION'] ?? environment['AWS_DEFAULT_REGION'] ?? 'us-east-1';
}

/** @throws EdgeError CONFIGURATION_INVALID for pairs that the SDK refuses */
export function endpointsOf(
  config: UploadConfig,
  environment: Environment,
): { readonly choice: EndpointChoice; readonly warnings: readonly string[] } {
  return chooseEndpoints({ ...config, region: regionOf(config, environment) }, environment);
}

/**
 * Holds a configuration against the network of this device before it comes into force.
 * @param accepted the one before, where there is one: an http endpoint that it has already goes on
 * @returns what the log should tell; empty for nothing
 * @throws EdgeError CONFIGURATION_INVALID that names the key
 */
export function checkNetwork(
  config: UploadConfig,
  accepted: UploadConfig | undefined,
  environment: Environment,
): string {
  const concerns = unseen(config, accepted);
  if (config.caFile !== undefined) readCertificates('caFile', config.caFile);
  const { warnings } = endpointsOf(config, environment);
  return [...warnings, ...plainHttp(config, accepted), ...concerns].join('; ');
}

/** Keys whose text goes to the disk or into a header as it is. */
const TEXTS = ['diskPath', 'spoolFolder', 'caFile', 'kmsKeyId'] as const;

/** A line end or a NUL in a path or a key is no one's wish: the file system or the store would refuse it, or obey it. */
function unseen(config: UploadConfig, accepted: UploadConfig | undefined): string[] {
  return TEXTS.flatMap((key) => {
    const value = config[key];
    if (value === undefined || !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(value)) return [];
    if (accepted?.[key] === value) return [`'${key}' holds control characters: write it anew`];
    throw new EdgeError(
      'CONFIGURATION_INVALID',
      `Cannot use '${key}' as it holds control characters: wanted printable text, current value is ${visibleLine(JSON.stringify(value)).slice(0, 80)}`,
      { field: key, nextStep: `Write '${key}' without line ends and other control characters` },
    );
  });
}

function plainHttp({ endpoint, allowHttp }: UploadConfig, accepted: UploadConfig | undefined): string[] {
  if (endpoint === undefined || allowHttp === true || !URL.canParse(endpoint)) return [];
  const { protocol, hostname } = new URL(endpoint);
  if (protocol !== 'http:' || isLoopback(hostname.replace(/^\[|\]$/g, ''))) return [];
  if (accepted?.endpoint === endpoint)
    return [
      `'endpoint' is plain http, so captures cross the network unprotected: use https, or set 'allowHttp' to true`,
    ];
  throw new EdgeError(
    'CONFIGURATION_INVALID',
    "Cannot use 'endpoint' as it is plain http, by which captures would cross the network unprotected",
    { field: 'endpoint', nextStep: "Use https, or set 'allowHttp' to true where the network is trusted" },
  );
}
