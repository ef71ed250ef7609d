import assert from 'node:assert/strict';
import { hostSettingsOf, parseConfiguration } from '../../../src/runtime/config/mod.js';

const CUDA = 'CUDAExecutionProvider';

function withModel(model: object): object {
  return { engines: { models: { Det: { engine: 'python', ...model } } } };
}

describe('engines in the configuration', () => {
  it('are the agent’s own where none are named', () => {
    const { configuration, warning } = parseConfiguration({});
    assert.deepEqual(hostSettingsOf(configuration).engines, { interpreter: 'python3', models: {} });
    assert.equal(warning, undefined);
  });

  it('go to hosts with providers in order and options as text', () => {
    const { configuration, warning } = parseConfiguration(
      withModel({
        providers: [CUDA, 'OpenVINOExecutionProvider'],
        providerOptions: { [CUDA]: { device_id: 1, use_tf32: false } },
        requireProvider: CUDA,
      }),
    );
    assert.equal(warning, undefined);
    assert.deepEqual(hostSettingsOf(configuration).engines.models, {
      Det: {
        providers: [
          { name: CUDA, options: { device_id: '1', use_tf32: 'False' } },
          { name: 'OpenVINOExecutionProvider', options: {} },
        ],
        requireProvider: CUDA,
      },
    });
  });

  it('leave out models of the agent’s own', () => {
    const { configuration } = parseConfiguration({ engines: { models: { Det: { engine: 'node' } } } });
    assert.deepEqual(hostSettingsOf(configuration).engines.models, {});
  });

  it('pass options on that nobody here knows, with a warning', () => {
    const given = withModel({ providers: [CUDA], providerOptions: { [CUDA]: { new_option: 'x' } } });
    const { configuration, warning } = parseConfiguration(given);
    assert.match(warning ?? '', /engines\.models\.Det\.providerOptions\.CUDAExecutionProvider\.new_option/);
    assert.deepEqual(hostSettingsOf(configuration).engines.models['Det']?.providers[0]?.options, {
      new_option: 'x',
    });
  });

  for (const [title, model, field] of [
    [
      'a required provider that is not named',
      { requireProvider: CUDA },
      'engines.models.Det.requireProvider',
    ],
    [
      'options of a provider that is not named',
      { providerOptions: { [CUDA]: {} } },
      'engines.models.Det.providerOptions',
    ],
    [
      'a number that is none',
      { providers: [CUDA], providerOptions: { [CUDA]: { device_id: 'first' } } },
      `engines.models.Det.providerOptions.${CUDA}.device_id`,
    ],
    [
      'a truth value that is none',
      { providers: [CUDA], providerOptions: { [CUDA]: { use_tf32: 'perhaps' } } },
      `engines.models.Det.providerOptions.${CUDA}.use_tf32`,
    ],
  ] as const) {
    it(`refuse ${title}`, () => {
      assert.throws(() => parseConfiguration(withModel(model)), { code: 'INVALID_ARGUMENT', field });
    });
  }
});
