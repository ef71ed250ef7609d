import type * as Runtime from 'onnxruntime-node';

export type { Runtime };

/**
 * The native library, loaded when called. Since 1.29 it contacts its vendor from each process with a session and
 * writes into /tmp and HOME, unless this variable stands in the environment before it is loaded: no process of
 * ours loads it another way.
 */
export async function loadRuntime(): Promise<typeof Runtime> {
  process.env['ORT_DISABLE_TELEMETRY'] = '1';
  return await import('onnxruntime-node');
}
