import { EdgeError, messageOf } from '../core/mod.js';

/** What ONNX Runtime says of a model that it does not load, by its own words. */
const REASONS: readonly (readonly [pattern: RegExp, say: (found: RegExpExecArray) => Reason])[] = [
  [
    /Unsupported model IR version: (\d+), max supported IR version: (\d+)/,
    ([, has = '', takes = '']) => ({
      sentence: `its IR version is ${has}, and this ONNX Runtime reads up to ${takes}`,
      nextStep: `Set model.ir_version = ${takes} before onnx.save, or give ir_version=${takes} to onnx.helper.make_model, or export with an older version of onnx`,
    }),
  ],
  [
    /Opset (\d+) is under development[^]*for domain (\S+) is till opset (\d+)/,
    ([, has = '', domain = '', takes = '']) => ({
      sentence: `it is of opset ${has} of ${domain}, and this ONNX Runtime runs up to ${takes}`,
      nextStep: lowerOpset(domain, takes),
    }),
  ],
  [
    /Failed to construct locale with name:(\S+?):/,
    ([, locale = '']) => ({
      sentence: `its StringNormalizer needs the locale ${locale}, which this machine does not have`,
      nextStep: `Install it here and on the devices (locale-gen ${locale}), or export without it, such as TfidfVectorizer(lowercase=False), and lower the text in the app`,
    }),
  ],
];

interface Reason {
  readonly sentence: string;
  readonly nextStep: string;
}

/**
 * A refusal of ONNX Runtime as one of ours. Models that are newer than the runtime are told how to become older.
 */
export function loadError(error: unknown): EdgeError {
  const said = messageOf(error);
  for (const [pattern, say] of REASONS) {
    const found = pattern.exec(said);
    if (found === null) continue;
    const { sentence, nextStep } = say(found);
    return new EdgeError('MODEL_REFUSED', `Cannot load the model as ${sentence}`, { nextStep, cause: error });
  }
  return new EdgeError('MODEL_REFUSED', `Cannot load the model: ${said}`, {
    nextStep: 'Export it again so that ONNX Runtime for the CPU loads it: its sentence names what it lacks',
    cause: error,
  });
}

function lowerOpset(domain: string, takes: string): string {
  if (domain !== 'ai.onnx') {
    return `Export it with target_opset={'': 17, '${domain}': ${takes}} where the exporter is skl2onnx or onnxmltools`;
  }
  return `Export it with opset_version=${takes} (torch.onnx.export) or target_opset=${takes} (skl2onnx), or lower it: onnx.version_converter.convert_version(model, ${takes})`;
}
