/**
 * How a field of onnx.proto is written. `name` is text by which parts of a graph refer to each other, so that two
 * readers must agree on it; `text` and `bytes` mean nothing to the graph. `int32` are numbers that readers cut to
 * 32 bits.
 */
export type Scalar = 'integer' | 'int32' | 'enum' | 'float' | 'double' | 'name' | 'text' | 'bytes';

export interface FieldRule {
  readonly name: string;
  readonly kind: Scalar | MessageName;
  readonly repeated: boolean;
  /** At most one field of the message with this word may be there. */
  readonly oneOf?: string;
}

export type MessageRules = Readonly<Record<number, FieldRule>>;

const one = (name: string, kind: Scalar | MessageName, oneOf?: string): FieldRule => ({
  name,
  kind,
  repeated: false,
  ...(oneOf === undefined ? {} : { oneOf }),
});
const many = (name: string, kind: Scalar | MessageName): FieldRule => ({ name, kind, repeated: true });

const entries = (name: string): FieldRule => many(name, 'StringStringEntry');

export type MessageName =
  | 'Model'
  | 'TrainingInfo'
  | 'DeviceConfiguration'
  | 'OperatorSetId'
  | 'StringStringEntry'
  | 'Function'
  | 'Graph'
  | 'TensorAnnotation'
  | 'Node'
  | 'NodeDeviceConfiguration'
  | 'ShardingSpec'
  | 'IntIntListEntry'
  | 'ShardedDim'
  | 'SimpleShardedDim'
  | 'Attribute'
  | 'Tensor'
  | 'Segment'
  | 'SparseTensor'
  | 'ValueInfo'
  | 'Type'
  | 'TypeTensor'
  | 'TypeElement'
  | 'TypeMap'
  | 'TypeOpaque'
  | 'TensorShape'
  | 'Dimension';

/**
 * Every message and field of onnx.proto (ONNX 1.23, IR 14), by number. Complete: a field that ONNX Runtime reads
 * and this table lacks would be one that our check does not see. The test holds it to the fields of the npm
 * package onnx-proto and, where Python has it, of the package onnx.
 */
export const MESSAGES: Readonly<Record<MessageName, MessageRules>> = {
  Model: {
    1: one('ir_version', 'integer'),
    2: one('producer_name', 'text'),
    3: one('producer_version', 'text'),
    4: one('domain', 'text'),
    5: one('model_version', 'integer'),
    6: one('doc_string', 'text'),
    7: one('graph', 'Graph'),
    8: many('opset_import', 'OperatorSetId'),
    14: entries('metadata_props'),
    20: many('training_info', 'TrainingInfo'),
    25: many('functions', 'Function'),
    26: many('configuration', 'DeviceConfiguration'),
  },
  TrainingInfo: {
    1: one('initialization', 'Graph'),
    2: one('algorithm', 'Graph'),
    3: entries('initialization_binding'),
    4: entries('update_binding'),
  },
  DeviceConfiguration: {
    1: one('name', 'text'),
    2: one('num_devices', 'integer'),
    3: many('device', 'text'),
  },
  OperatorSetId: { 1: one('domain', 'name'), 2: one('version', 'integer') },
  StringStringEntry: { 1: one('key', 'text'), 2: one('value', 'text') },
  Function: {
    1: one('name', 'name'),
    4: many('input', 'name'),
    5: many('output', 'name'),
    6: many('attribute', 'name'),
    7: many('node', 'Node'),
    8: one('doc_string', 'text'),
    9: many('opset_import', 'OperatorSetId'),
    10: one('domain', 'name'),
    11: many('attribute_proto', 'Attribute'),
    12: many('value_info', 'ValueInfo'),
    13: one('overload', 'name'),
    14: entries('metadata_props'),
  },
  Graph: {
    1: many('node', 'Node'),
    2: one('name', 'name'),
    5: many('initializer', 'Tensor'),
    10: one('doc_string', 'text'),
    11: many('input', 'ValueInfo'),
    12: many('output', 'ValueInfo'),
    13: many('value_info', 'ValueInfo'),
    14: many('quantization_annotation', 'TensorAnnotation'),
    15: many('sparse_initializer', 'SparseTensor'),
    16: entries('metadata_props'),
  },
  TensorAnnotation: { 1: one('tensor_name', 'name'), 2: entries('quant_parameter_tensor_names') },
  Node: {
    1: many('input', 'name'),
    2: many('output', 'name'),
    3: one('name', 'name'),
    4: one('op_type', 'name'),
    5: many('attribute', 'Attribute'),
    6: one('doc_string', 'text'),
    7: one('domain', 'name'),
    8: one('overload', 'name'),
    9: entries('metadata_props'),
    10: many('device_configurations', 'NodeDeviceConfiguration'),
  },
  NodeDeviceConfiguration: {
    1: one('configuration_id', 'text'),
    2: many('sharding_spec', 'ShardingSpec'),
    3: one('pipeline_stage', 'integer'),
  },
  ShardingSpec: {
    1: one('tensor_name', 'name'),
    2: many('device', 'integer'),
    3: many('index_to_device_group_map', 'IntIntListEntry'),
    4: many('sharded_dim', 'ShardedDim'),
  },
  IntIntListEntry: { 1: one('key', 'integer'), 2: many('value', 'integer') },
  ShardedDim: { 1: one('axis', 'integer'), 2: many('simple_sharding', 'SimpleShardedDim') },
  SimpleShardedDim: {
    1: one('dim_value', 'integer', 'dim'),
    2: one('dim_param', 'name', 'dim'),
    3: one('num_shards', 'integer'),
  },
  Attribute: {
    1: one('name', 'name'),
    2: one('f', 'float'),
    3: one('i', 'integer'),
    4: one('s', 'bytes'),
    5: one('t', 'Tensor'),
    6: one('g', 'Graph'),
    7: many('floats', 'float'),
    8: many('ints', 'integer'),
    9: many('strings', 'bytes'),
    10: many('tensors', 'Tensor'),
    11: many('graphs', 'Graph'),
    13: one('doc_string', 'text'),
    14: one('tp', 'Type'),
    15: many('type_protos', 'Type'),
    20: one('type', 'enum'),
    21: one('ref_attr_name', 'name'),
    22: one('sparse_tensor', 'SparseTensor'),
    23: many('sparse_tensors', 'SparseTensor'),
  },
  Tensor: {
    1: many('dims', 'integer'),
    2: one('data_type', 'enum'),
    3: one('segment', 'Segment'),
    4: many('float_data', 'float'),
    5: many('int32_data', 'int32'),
    6: many('string_data', 'bytes'),
    7: many('int64_data', 'integer'),
    8: one('name', 'name'),
    9: one('raw_data', 'bytes'),
    10: many('double_data', 'double'),
    11: many('uint64_data', 'integer'),
    12: one('doc_string', 'text'),
    13: entries('external_data'),
    14: one('data_location', 'enum'),
    16: entries('metadata_props'),
  },
  Segment: { 1: one('begin', 'integer'), 2: one('end', 'integer') },
  SparseTensor: { 1: one('values', 'Tensor'), 2: one('indices', 'Tensor'), 3: many('dims', 'integer') },
  ValueInfo: {
    1: one('name', 'name'),
    2: one('type', 'Type'),
    3: one('doc_string', 'text'),
    4: entries('metadata_props'),
  },
  Type: {
    1: one('tensor_type', 'TypeTensor', 'value'),
    4: one('sequence_type', 'TypeElement', 'value'),
    5: one('map_type', 'TypeMap', 'value'),
    6: one('denotation', 'text'),
    7: one('opaque_type', 'TypeOpaque', 'value'),
    8: one('sparse_tensor_type', 'TypeTensor', 'value'),
    9: one('optional_type', 'TypeElement', 'value'),
  },
  TypeTensor: { 1: one('elem_type', 'enum'), 2: one('shape', 'TensorShape') },
  TypeElement: { 1: one('elem_type', 'Type') },
  TypeMap: { 1: one('key_type', 'enum'), 2: one('value_type', 'Type') },
  TypeOpaque: { 1: one('domain', 'name'), 2: one('name', 'name') },
  TensorShape: { 1: many('dim', 'Dimension') },
  Dimension: {
    1: one('dim_value', 'integer', 'value'),
    2: one('dim_param', 'name', 'value'),
    3: one('denotation', 'text'),
  },
};
