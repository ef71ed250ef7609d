import assert from 'node:assert/strict';
import type { Profile } from '../../../src/local/nucleus/mod.js';
import {
  planDeployment,
  type PlannedComponent,
  type PresentComponent,
} from '../../../src/local/nucleus/plan.js';

const component = (name: string, version = '1', installPrint = 'i', restPrint = 'r'): PlannedComponent => ({
  name,
  version,
  installPrint,
  restPrint,
});
const present = (name: string, isBroken = false, isSettled = false): PresentComponent => ({
  ...component(name),
  isBroken,
  isSettled,
});

/** A plan in one line. */
function planOf(
  profile: Profile,
  now: readonly PresentComponent[],
  wanted: readonly PlannedComponent[],
  configured: readonly string[] = [],
): string {
  return planDeployment({ profile, present: now, wanted, configured: new Set(configured) })
    .map((step) => {
      switch (step.kind) {
        case 'configure':
          return step.kind;
        case 'await':
          return `await ${step.names.join('+')}`;
        case 'start':
          return step.install ? `install&start ${step.name}` : `start ${step.name}`;
        case 'install':
        case 'stop':
        case 'remove':
        case 'rerun':
          return `${step.kind} ${step.name}`;
      }
    })
    .join(', ');
}

describe('the plan of a deployment', () => {
  it('runs a startup step that is done again on lite, also for a component that nothing changes', () => {
    const now = [present('a', false, true), present('b')];
    const wanted = [component('a'), component('b')];
    assert.equal(planOf('lite', now, wanted), 'configure, rerun a, await a+b');
    assert.equal(planOf('nucleus', now, wanted), 'configure, await a+b');
  });

  it('stops in reverse order what goes or changes, and starts in order, on the nucleus', () => {
    assert.equal(
      planOf(
        'nucleus',
        [present('a'), present('b'), present('c')],
        [component('a', '2'), component('b'), component('d')],
      ),
      'stop c, stop a, remove c, configure, install&start a, install&start d, await a+b+d',
    );
  });

  it('restarts for a changed script, reinstalls for a changed install script or a broken component', () => {
    assert.equal(
      planOf(
        'nucleus',
        [present('a'), present('b'), present('c', true)],
        [component('a', '1', 'i', 'other'), component('b', '1', 'other'), component('c')],
      ),
      'stop c, stop b, stop a, configure, start a, install&start b, install&start c, await a+b+c',
    );
  });

  it('does nothing but configure where nothing changes on the nucleus', () => {
    assert.equal(planOf('nucleus', [present('a')], [component('a')], ['a']), 'configure, await a');
  });

  it('installs before it stops, and removes last, on lite', () => {
    assert.equal(
      planOf('lite', [present('a'), present('b')], [component('a', '2'), component('c')]),
      'configure, install a, install c, stop a, start a, start c, await a+c, stop b, remove b',
    );
  });

  it('restarts on lite what is configured or broken', () => {
    assert.equal(
      planOf(
        'lite',
        [present('a'), present('b', true), present('c')],
        [component('a'), component('b'), component('c')],
        ['a'],
      ),
      'configure, install a, install b, stop b, stop a, start a, start b, await a+b+c',
    );
  });
});
