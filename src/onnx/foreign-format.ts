/** Another format that is often found in place of an ONNX file. */
export interface ForeignFormat {
  /** The rest of a sentence that begins with "it is". */
  readonly what: string;
  readonly nextStep: string;
}

const EXPORT = 'Export the model to ONNX with the framework that made it, such as torch.onnx.export';
const FETCH = 'Fetch the model again: what was downloaded is the page that a server or a portal answered';

/** By how a file begins, in latin1: a pattern, or bytes at an offset. */
const BEGINNINGS: readonly (readonly [begins: RegExp | string, offset: number, format: ForeignFormat])[] = [
  [
    /^version https:\/\/(git-lfs\.github\.com|hawser\.github\.com)\/spec\//,
    0,
    {
      what: 'a Git LFS pointer, not the model itself',
      nextStep: 'Run git lfs pull where the model was cloned',
    },
  ],
  [
    /^(\.\.\/)*\.?\/?\.git\/annex\/objects\/|^\/annex\/objects\//,
    0,
    { what: 'a git-annex pointer, not the model itself', nextStep: 'Run git annex get on the model' },
  ],
  [/^\s*<(!doctype|html|\?xml)/i, 0, { what: 'a web page or an XML document', nextStep: FETCH }],
  ['PK\x03\x04', 0, { what: 'a zip archive, as PyTorch and Keras write', nextStep: EXPORT }],
  ['\x1f\x8b', 0, { what: 'gzip', nextStep: 'Unpack it first: gzip -d' }],
  ['\x89HDF', 0, { what: 'an HDF5 file, as Keras writes', nextStep: EXPORT }],
  ['TFL3', 4, { what: 'a TensorFlow Lite model', nextStep: EXPORT }],
  ['{"', 8, { what: 'a file of weights (safetensors)', nextStep: EXPORT }],
  ['GGUF', 0, { what: 'a GGUF file', nextStep: EXPORT }],
];
const LONGEST_BEGINNING = 200;

/** What bytes that are no ONNX file seem to be; undefined: nothing that is known here. */
export function foreignFormatOf(bytes: Uint8Array): ForeignFormat | undefined {
  const text = Buffer.from(bytes.subarray(0, LONGEST_BEGINNING)).toString('latin1');
  return BEGINNINGS.find(([begins, offset]) =>
    typeof begins === 'string' ? text.startsWith(begins, offset) : begins.test(text),
  )?.[2];
}
