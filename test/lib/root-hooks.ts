import { relative } from 'node:path';
import { quietSdk } from '../../src/net/mod.js';
import { systemClock } from '../../src/system/mod.js';
import { account, cpuMs } from './test-account.js';

/** Mocha's root hooks (see .mocharc.json): with --parallel, those for all tests run once a file. */
export const mochaHooks = rootHooks();
// Each of the tests' own clients would print its lines between theirs, and programs that tests start theirs too.
quietSdk();

function rootHooks(): Mocha.RootHookObject {
  const dist = new URL('../../', import.meta.url).pathname;
  const begun = { wallMs: 0, cpuMs: 0 };
  /** What was told of so far, since this process began. */
  const told = { wallMs: systemClock.monotonicMs(), cpuMs: 0 };
  const now = (): { wallMs: number; cpuMs: number } => ({
    wallMs: systemClock.monotonicMs(),
    cpuMs: cpuMs(),
  });
  const seen = { file: '' };
  return {
    beforeEach() {
      Object.assign(begun, now());
    },
    afterEach(this: Mocha.Context) {
      const test = this.currentTest;
      if (test === undefined) return;
      const { wallMs, cpuMs: cpu } = now();
      seen.file = relative(dist, test.file ?? '');
      const cost = { wallMs: wallMs - begun.wallMs, cpuMs: cpu - begun.cpuMs };
      const attempt = attemptOf(test);
      account({ file: seen.file, title: test.fullTitle(), ...cost, attempt });
      told.wallMs += cost.wallMs;
      told.cpuMs += cost.cpuMs;
    },
    afterAll() {
      const { wallMs, cpuMs: cpu } = now();
      const rest = { wallMs: wallMs - told.wallMs, cpuMs: cpu - told.cpuMs };
      account({ file: seen.file, title: '(loading, hooks)', ...rest, attempt: 0 });
      Object.assign(told, { wallMs, cpuMs: cpu });
    },
  };
}

/** Mocha counts retries, but its types do not say so. */
function attemptOf(test: Mocha.Test): number {
  const { _currentRetry: attempt } = test as unknown as { _currentRetry?: number };
  return attempt ?? 0;
}
