import { spawnSync } from 'node:child_process';

/**
 * A Python that has the official device SDK; undefined, and said, where there is none. The interpreter itself: a
 * version manager's shim wants variables that a component does not get.
 */
export function pythonWithSdk(): string | undefined {
  const script = 'import awsiot.greengrasscoreipc.clientv2, sys; print(sys.executable)';
  const probe = spawnSync('python3', ['-c', script], { encoding: 'utf8' });
  if (probe.status === 0) return probe.stdout.trim();
  console.log('      skipped: python3 with the package awsiotsdk is not installed (pip install awsiotsdk)');
  return undefined;
}
