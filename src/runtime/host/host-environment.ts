import { SPARE_VARIABLE } from './confinement/mod.js';

/** A model host's environment. Nothing else: no SVCUID, no AWS_*, no NODE_OPTIONS. */
export function hostEnvironment(
  native: Readonly<Record<string, string>>,
  isSpare: boolean,
): Record<string, string> {
  return {
    // glibc's arenas keep what ONNX Runtime frees.
    MALLOC_ARENA_MAX: '1',
    MALLOC_TRIM_THRESHOLD_: '65536',
    ORT_DISABLE_TELEMETRY: '1',
    // It lies in another place with each Node; a host needs nothing of it.
    OPENSSL_CONF: '/dev/null',
    ...native,
    ...(isSpare ? { [SPARE_VARIABLE]: '1' } : {}),
  };
}
