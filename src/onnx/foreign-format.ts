/** Another format that is often found in place of an ONNX file. */
export interface ForeignFormat {
  /** The rest of a sentence that begins with "it is". */
  readonly what: string;
  readonly nextStep: string;
}

const EXPORT = 'Export the model to ONNX with the framework that made it, such as torch.onnx.export';
const FETCH = 'Fetch the model again: what was downloaded is the page that a server or a portal answered';

/** By the text that a file begins with, in latin1. */
const BEGINNINGS: readonly (readonly [begins: RegExp, format: ForeignFormat])[] = [
  [
    /^version https:\/\/(git-lfs\.github\.com|hawser\.github\.com)\/spec\//,
    {
      what: 'a Git LFS pointer, not the model itself',
      nextStep: 'Run git lfs pull where the model was cloned',
    },
  ],
  [
    /^(\.\.\/)*\.?\/?\.git\/annex\/objects\/|^\/annex\/objects\//,
    { what: 'a git-annex pointer, not the model itself', nextStep: 'Run git annex get on the model' },
  ],
  [/^\s*<(!doctype|html|\?xml)/i, { what: 'a web page or an XML document', nextStep: FETCH }],
  [/^PK\x03\x04/, { what: 'a zip archive, as PyTorch and Keras write', nextStep: EXPORT }],
  [/^\x1f\x8b/, { what: 'gzip', nextStep: 'Unpack it first: gzip -d' }],
  [/^\x89HDF/, { what: 'an HDF5 file, as Keras writes', nextStep: EXPORT }],
  [/^....TFL3/s, { what: 'a TensorFlow Lite model', nextStep: EXPORT }],
  [/^.{8}\{"/s, { what: 'a file of weights (safetensors)', nextStep: EXPORT }],
  [/^GGUF/, { what: 'a GGUF file', nextStep: EXPORT }],
];
const LONGEST_BEGINNING = 200;

/** What bytes that are no ONNX file seem to be; undefined: nothing that is known here. */
export function foreignFormatOf(bytes: Uint8Array): ForeignFormat | undefined {
  const text = Buffer.from(bytes.subarray(0, LONGEST_BEGINNING)).toString('latin1');
  return BEGINNINGS.find(([begins]) => begins.test(text))?.[1];
}
