import { parseCaptureConfig, type CaptureConfig } from '../../capture/mod.js';
import { parseComponentConfiguration, type Parsed } from '../../component/configuration/mod.js';
import { EdgeError, toEdgeError } from '../../core/mod.js';
import type { PackageTrust } from '../../model/mod.js';
import { ALIASES } from './aliases.js';
import { checkEngines, engineSettingsOf, engineWarning } from './engines.js';
import { objectKeyWarning } from './object-keys.js';
import { ConfigurationSchema, type Configuration } from './schema.js';

/** Machines sold with 2 GB show less. */
const ROOM_FOR_SPARE_BYTES = 2e9;

/**
 * Reads the agent's effective configuration.
 * @throws EdgeError INVALID_ARGUMENT that names the key
 */
export function parseConfiguration(raw: unknown): Parsed<Configuration> {
  const spec = { schema: ConfigurationSchema, aliases: ALIASES, checkTogether };
  const parsed = parseComponentConfiguration(spec, raw);
  const { configuration } = parsed;
  const warnings = [parsed.warning, objectKeyWarning(configuration), engineWarning(configuration)].filter(
    (one) => one !== undefined,
  );
  return warnings.length === 0 ? parsed : { ...parsed, warning: warnings.join('; ') };
}

/**
 * What one model captures: its own entry, or the common one. Without `policies` where the configuration has none for
 * it: then those of the model's manifest are in force.
 */
export function captureOf({ capture }: Configuration, model: string): CaptureConfig {
  const { policies, redaction, inputs, outputs, hashSalt, models } = capture;
  const common = { policies, redaction, inputs, outputs, hashSalt };
  const own = Object.hasOwn(models, model) ? models[model] : undefined;
  const given = Object.entries(own ?? common).filter(([, value]) => value !== undefined);
  const { policies: parsed, ...rest } = parseCaptureConfig(Object.fromEntries(given));
  return (own ?? common).policies === undefined || parsed === undefined
    ? rest
    : { ...rest, policies: parsed };
}

/** By which rules a package is admitted, with these trusted keys (PEM texts). */
export function trustOf({ signature }: Configuration, keys: readonly string[]): PackageTrust {
  const { policy, keyRules, revoked } = signature;
  return {
    policy,
    keys,
    ...(keyRules === undefined ? {} : { keyRules }),
    ...(revoked?.keys === undefined ? {} : { revokedKeys: revoked.keys }),
    ...(revoked?.packages === undefined ? {} : { revokedPackages: revoked.packages }),
  };
}

/** What is fixed when model hosts are made: a change of it loads every model again. */
export function hostSettingsOf({
  isolation,
  profile,
  threadBudget,
  maxHostMb = 0,
  loadTimeoutMs,
  hostConfinement,
  exchangeFolder,
  spareHost,
  engines,
}: Configuration) {
  return {
    isolation,
    profile,
    threadBudget,
    maxHostMb,
    loadTimeoutMs,
    hostConfinement,
    exchangeFolder,
    ...(spareHost === undefined ? {} : { spareHost }),
    engines: engineSettingsOf(engines),
  };
}

/** Whether a model host is started ahead: by default where what it holds is little beside the machine's memory. */
export function wantsSpareHost(
  { spareHost }: Pick<Configuration, 'spareHost'>,
  memoryBytes: number,
): boolean {
  return spareHost ?? memoryBytes >= ROOM_FOR_SPARE_BYTES;
}

function checkCapture(configuration: Configuration): void {
  for (const model of ['', ...Object.keys(configuration.capture.models)]) {
    try {
      captureOf(configuration, model);
    } catch (thrown) {
      const error = toEdgeError(thrown);
      const prefix = model === '' ? 'capture' : `capture.models.${model}`;
      throw new EdgeError(
        'CONFIGURATION_INVALID',
        `Cannot read the configuration at '${prefix}': ${error.message}`,
        {
          field: error.field === undefined ? prefix : `${prefix}.${error.field}`,
          cause: thrown,
        },
      );
    }
  }
}

/** @throws EdgeError for times that are none, or of which the first comes last */
function checkKeyRules({ signature: { keyRules = [] } }: Configuration): void {
  for (const [index, { validFrom, validUntil }] of keyRules.entries()) {
    const [fromMs, untilMs] = [validFrom ?? 0, validUntil ?? Infinity].map((time) =>
      typeof time === 'number' ? time : Date.parse(time),
    );
    if (Number(fromMs) < Number(untilMs)) continue;
    throw new EdgeError(
      'CONFIGURATION_INVALID',
      `Cannot read the configuration at 'signature.keyRules[${index}]': 'validFrom' must be a time before 'validUntil': current values are ${validFrom ?? 'none'} and ${validUntil ?? 'none'}`,
      { field: `signature.keyRules[${index}]` },
    );
  }
}

function checkTogether(configuration: Configuration): void {
  const { models, probation } = configuration;
  checkCapture(configuration);
  checkKeyRules(configuration);
  checkEngines(configuration.engines);
  const names = new Set<string>();
  for (const [index, { name }] of (models ?? []).entries()) {
    if (names.has(name)) {
      throw new EdgeError(
        'CONFIGURATION_INVALID',
        `Cannot read the configuration as 'models' names ${name} twice`,
        {
          field: `models[${index}].name`,
        },
      );
    }
    names.add(name);
  }
  if (probation.enabled && probation.requests > 0 && probation.minimumRequests > probation.requests) {
    throw new EdgeError(
      'CONFIGURATION_INVALID',
      `Cannot read the configuration as 'probation.minimumRequests' must be at most 'probation.requests' (${probation.requests}): current value is ${probation.minimumRequests}`,
      { field: 'probation.minimumRequests' },
    );
  }
}
