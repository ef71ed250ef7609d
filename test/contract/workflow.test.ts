import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';

const folder = new URL('../../../.github/workflows/', import.meta.url);

interface Step {
  readonly uses?: string;
  readonly run?: string;
}
interface Job {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly 'timeout-minutes'?: number;
  readonly steps: readonly Step[];
}
interface Workflow {
  readonly permissions: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}

describe('the workflows', () => {
  const workflows = readdirSync(folder).map(
    (name) => parse(readFileSync(new URL(name, folder), 'utf8')) as Workflow,
  );
  const jobs = workflows.flatMap((workflow) => Object.entries(workflow.jobs));
  const steps = jobs.flatMap(([, job]) => job.steps);

  it('run actions by the digest of a commit, as a tag can be moved', () => {
    for (const { uses } of steps) if (uses !== undefined) assert.match(uses, /@[0-9a-f]{40}$/);
  });

  it('give no right to all jobs, and the right to write only to a job that runs no code of ours', () => {
    for (const { permissions } of workflows) assert.deepEqual(permissions, {});
    const writing = jobs.filter(([, { permissions = {} }]) => Object.values(permissions).includes('write'));
    assert.deepEqual(
      writing.map(([name]) => name),
      ['publish'],
    );
    for (const { uses = '', run = '' } of writing.flatMap(([, job]) => job.steps))
      assert.doesNotMatch(`${uses} ${run}`, /actions\/checkout|npm (ci|install|run)|\.ci\//);
    for (const [name, job] of jobs) assert.ok(job['timeout-minutes'] !== undefined, name);
  });

  it('let nobody write commands by the name of a branch: expressions stand in no script', () => {
    for (const { run } of steps) assert.doesNotMatch(run ?? '', /\$\{\{/);
  });

  it('run what CI runs, and make a release as anybody can make it again', () => {
    const scripts = steps.map(({ run }) => run ?? '');
    assert.ok(scripts.includes('.ci/run'));
    assert.ok(scripts.includes('npm run release -- --again'));
    assert.ok(scripts.some((run) => run.includes('--provenance')));
  });
});
