import { EdgeError } from '../../core/mod.js';
import type { EngineSettings, PythonModel } from '../host/port/mod.js';
import type { Configuration } from './schema.js';

type Engines = Configuration['engines'];
type Option = string | number | boolean;

/** Options that a provider documents, with what each takes. Others are passed on with a warning: wheels differ. */
const KNOWN: Readonly<Record<string, Readonly<Record<string, 'number' | 'truth' | 'text'>>>> = {
  CUDAExecutionProvider: {
    device_id: 'number',
    gpu_mem_limit: 'number',
    arena_extend_strategy: 'text',
    cudnn_conv_algo_search: 'text',
    cudnn_conv_use_max_workspace: 'truth',
    do_copy_in_default_stream: 'truth',
    enable_cuda_graph: 'truth',
    prefer_nhwc: 'truth',
    use_tf32: 'truth',
  },
  TensorrtExecutionProvider: {
    device_id: 'number',
    trt_max_workspace_size: 'number',
    trt_max_partition_iterations: 'number',
    trt_min_subgraph_size: 'number',
    trt_builder_optimization_level: 'number',
    trt_dla_core: 'number',
    trt_dla_enable: 'truth',
    trt_fp16_enable: 'truth',
    trt_int8_enable: 'truth',
  },
  OpenVINOExecutionProvider: {
    device_type: 'text',
    precision: 'text',
    num_of_threads: 'number',
    num_streams: 'number',
    disable_dynamic_shapes: 'truth',
    enable_opencl_throttling: 'truth',
    model_priority: 'text',
    load_config: 'text',
  },
  QNNExecutionProvider: {
    backend_path: 'text',
    backend_type: 'text',
    device_id: 'number',
    enable_htp_fp16_precision: 'truth',
    htp_arch: 'text',
    htp_graph_finalization_optimization_mode: 'number',
    htp_performance_mode: 'text',
    soc_model: 'text',
    vtcm_mb: 'number',
  },
};
const TRUTHS: readonly unknown[] = [true, false, 0, 1, '0', '1', 'true', 'false', 'True', 'False'];

/** As hosts want it: the models that run in Python, each with its providers' options. */
export function engineSettingsOf({ python, models }: Engines): EngineSettings {
  const ofPython = Object.entries(models).filter(([, { engine }]) => engine === 'python');
  return {
    interpreter: python.interpreter,
    models: Object.fromEntries(ofPython.map(([name, model]) => [name, pythonModelOf(model)])),
  };
}

function pythonModelOf({
  providers = [],
  providerOptions = {},
  requireProvider,
}: Engines['models'][string]): PythonModel {
  return {
    providers: providers.map((name) => ({ name, options: textsOf(providerOptions[name] ?? {}) })),
    ...(requireProvider === undefined ? {} : { requireProvider }),
  };
}

/** ONNX Runtime takes all options as text, and of truth values the words that each provider reads. */
function textsOf(options: Readonly<Record<string, Option>>): Record<string, string> {
  const text = (value: Option): string =>
    typeof value === 'boolean' ? (value ? 'True' : 'False') : String(value);
  return Object.fromEntries(Object.entries(options).map(([name, value]) => [name, text(value)]));
}

/** @throws EdgeError INVALID_ARGUMENT naming the key whose value a provider can't take */
export function checkEngines({ models }: Engines): void {
  for (const [model, { providers = [], providerOptions = {}, requireProvider }] of Object.entries(models)) {
    const at = `engines.models.${model}`;
    if (requireProvider !== undefined && !providers.includes(requireProvider))
      throw refused(`${at}.requireProvider`, `one of 'providers'`, requireProvider);
    for (const [provider, options] of Object.entries(providerOptions)) {
      if (!providers.includes(provider))
        throw refused(`${at}.providerOptions`, `options of those that 'providers' names`, provider);
      for (const [name, value] of Object.entries(options))
        checkOption(`${at}.providerOptions.${provider}.${name}`, KNOWN[provider]?.[name], value);
    }
  }
}

function checkOption(field: string, wanted: string | undefined, value: Option): void {
  if (wanted === 'number' && (value === '' || !Number.isFinite(Number(value)) || typeof value === 'boolean'))
    throw refused(field, 'a number', value);
  if (wanted === 'truth' && !TRUTHS.includes(value)) throw refused(field, 'true or false', value);
}

function refused(field: string, wanted: string, value: Option): EdgeError {
  return new EdgeError(
    'CONFIGURATION_INVALID',
    `Cannot read the configuration as '${field}' must be ${wanted}: current value is ${JSON.stringify(value)}`,
    { field },
  );
}

/** Options that this version does not know; they are passed on. Undefined where there are none. */
export function engineWarning({ engines: { models } }: Configuration): string | undefined {
  const unknown = Object.entries(models).flatMap(([model, { providerOptions = {} }]) =>
    Object.entries(providerOptions).flatMap(([provider, options]) =>
      Object.keys(options)
        .filter((name) => KNOWN[provider]?.[name] === undefined)
        .map((name) => `engines.models.${model}.providerOptions.${provider}.${name}`),
    ),
  );
  if (unknown.length === 0) return undefined;
  return `Passed on to ONNX Runtime without a check, as this version does not know them: ${unknown.join(', ')}`;
}
