import onnxProto from 'onnx-proto';

const { onnx } = onnxProto;
type Attribute = onnxProto.onnx.IAttributeProto;

/** Scores by class, as skl2onnx, onnxmltools and CatBoost write a classifier: the second output is maps of ZipMap. */
export function classifier(
  classes: readonly (string | number)[],
  more: 'plain' | 'sequence' = 'plain',
): Uint8Array {
  const tensor = (name: string) => ({ name, type: { tensorType: { elemType: 1 } } });
  const texts = classes.every((one) => typeof one === 'string');
  const labels: Attribute = texts
    ? { name: 'classlabels_strings', type: 8, strings: classes.map((one) => Buffer.from(String(one))) }
    : { name: 'classlabels_int64s', type: 7, ints: classes.map(Number) };
  const maps = {
    sequenceType: {
      elemType: { mapType: { keyType: texts ? 8 : 7, valueType: { tensorType: { elemType: 1 } } } },
    },
  };
  const rows = {
    tensorType: { elemType: 1, shape: { dim: [{ dimParam: 'n' }, { dimValue: classes.length }] } },
  };
  const list = { sequenceType: { elemType: { tensorType: { elemType: 1 } } } };
  return onnx.ModelProto.encode({
    irVersion: 8,
    producerName: 'test',
    opsetImport: [
      { domain: '', version: 17 },
      { domain: 'ai.onnx.ml', version: 1 },
    ],
    graph: {
      name: 'classifier',
      input: [{ name: 'x', type: rows }],
      output: [
        tensor('label'),
        { name: 'scores', type: maps },
        ...(more === 'sequence' ? [{ name: 'list', type: list }] : []),
      ],
      node: [
        { opType: 'Softmax', input: ['x'], output: ['rows'] },
        { opType: 'ReduceMax', input: ['rows'], output: ['label'] },
        { opType: 'ZipMap', input: ['rows'], output: ['scores'], domain: 'ai.onnx.ml', attribute: [labels] },
        ...(more === 'sequence'
          ? [{ opType: 'SequenceConstruct', input: ['x', 'rows'], output: ['list'] }]
          : []),
      ],
    },
  }).finish();
}
