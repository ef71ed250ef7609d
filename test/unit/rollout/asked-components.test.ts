import assert from 'node:assert/strict';
import { askedTogether } from '../../../deploy/rollout/asked-components.js';
import { diffComponents, type ComponentSet } from '../../../deploy/rollout/components.js';

const AGENT = 'org.edgemanager.AgentRuntime';
const UPLOADER = 'org.edgemanager.CaptureUploader';
const set = (value: number, versions: Readonly<Record<string, string>>): ComponentSet =>
  Object.fromEntries(
    Object.entries(versions).map(([name, componentVersion]) => [
      name,
      { componentVersion, configurationUpdate: { merge: { value } } },
    ]),
  );
const warnings = (before: Readonly<Record<string, string>>, after = before): readonly string[] =>
  askedTogether(diffComponents(set(1, before), set(2, after)));

describe('components that the classic nucleus asks together', () => {
  it('are warned of where one of them does not answer', () => {
    const [warning = ''] = warnings({ [AGENT]: '1.0.0', 'com.example.App': '1.0.0' });
    assert.match(warning, /of org\.edgemanager\.AgentRuntime together .*\(com\.example\.App\): .*two/);
  });

  it('are no concern where all answer, none is asked, or a new version comes anyway', () => {
    assert.deepEqual(warnings({ [AGENT]: '1.0.0', [UPLOADER]: '1.0.0' }), []);
    assert.deepEqual(warnings({ 'com.example.App': '1.0.0', 'com.example.Other': '1.0.0' }), []);
    const before = { [AGENT]: '1.0.0', 'com.example.App': '1.0.0' };
    assert.deepEqual(warnings(before, { ...before, 'com.example.App': '2.0.0' }), []);
  });
});
