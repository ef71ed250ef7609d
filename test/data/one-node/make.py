"""Writes models.jsonl: a hundred models of one node each, with inputs for it, made with onnx.helper.

Run it with the onnx and numpy of .ci/requirements.txt after a change; a test holds the file to it.
Each line is in the form that test/lib/onnx-suite/cases.ts reads.
"""

import base64
import json
import sys

import numpy as np
from onnx import TensorProto as T
from onnx import helper, numpy_helper

IR_VERSION = 10
OPSETS = {"": 20, "ai.onnx.ml": 4}
CODES = {
    "f": np.float32,
    "d": np.float64,
    "h": np.float16,
    "b": np.bool_,
    "i": np.int32,
    "l": np.int64,
    "c": np.int8,
    "s": np.int16,
    "B": np.uint8,
    "S": np.uint16,
    "I": np.uint32,
    "L": np.uint64,
}


def values(code, shape, start=-3, step=0.75):
    """Numbers that differ, are exact in each type, and need no generator of random ones."""
    count = int(np.prod(shape, dtype=np.int64))
    line = start + step * (np.arange(count) % 17)
    if code == "b":
        return (np.arange(count) % 3 == 0).reshape(shape)
    if code in "BSIL":
        line = np.abs(line)
    return line.astype(CODES[code]).reshape(shape)


def strings(*given):
    return np.array(given, dtype=object)


def element_type(array):
    return T.STRING if array.dtype == object else helper.np_dtype_to_tensor_dtype(array.dtype)


def feed(name, array):
    found = {"name": name, "elementType": element_type(array), "shape": list(array.shape)}
    if array.dtype == object:
        return {**found, "strings": [str(one) for one in array.ravel()]}
    data = np.ascontiguousarray(array).tobytes()
    return {**found, "data": base64.b64encode(data).decode()}


def info(name, array, open_shape):
    shape = [f"{name}{axis}" for axis in range(array.ndim)] if open_shape else array.shape
    return helper.make_tensor_value_info(name, element_type(array), shape)


def line(name, operator, inputs, outputs, weights=(), domain="", open_shape=False, **attributes):
    """@param outputs element types; @param weights arrays that follow the inputs as constants of the model"""
    names = [f"x{index}" for index in range(len(inputs))]
    constants = [f"w{index}" for index in range(len(weights))]
    results = [f"y{index}" for index in range(len(outputs))]
    node = helper.make_node(operator, names + constants, results, domain=domain, **attributes)
    graph = helper.make_graph(
        [node],
        "one-node",
        [info(*pair, open_shape) for pair in zip(names, inputs)],
        [helper.make_tensor_value_info(*pair, None) for pair in zip(results, outputs)],
        [numpy_helper.from_array(array, called) for called, array in zip(constants, weights)],
    )
    imports = [helper.make_opsetid(domain, OPSETS[domain])]
    model = helper.make_model(graph, opset_imports=imports, ir_version=IR_VERSION)
    model.producer_name = "edge-manager"
    feeds = [feed(*pair) for pair in zip(names, inputs)]
    return {
        "name": name,
        "model": base64.b64encode(model.SerializeToString(deterministic=True)).decode(),
        "inputs": feeds,
    }


def elementwise():
    floats = "Abs Neg Exp Sigmoid Tanh Relu Elu Softplus Softsign HardSigmoid HardSwish Gelu Mish Erf Sin"
    for operator in f"{floats} Floor Ceil Round Sign Reciprocal LeakyRelu".split():
        yield line(operator, operator, [values("f", (2, 5), 0.5)], [T.FLOAT], open_shape=operator < "H")
    for operator in "Sqrt Log".split():
        yield line(operator, operator, [values("d", (7,), 0.25)], [T.DOUBLE])
    for operator, code, kind in [("Not", "b", T.BOOL), ("IsNaN", "f", T.BOOL)]:
        yield line(operator, operator, [values(code, (3, 3))], [kind])


def pairs():
    for operator in "Add Sub Mul Div Pow Max Min".split():
        yield line(operator, operator, [values("f", (2, 3), 1), values("f", (3,), 0.5)], [T.FLOAT])
    for code in "dhil":
        made = [values(code, (4, 2)), values(code, (4, 1), 1)]
        yield line(f"Add {code}", "Add", made, [element_type(made[0])])
    for operator in "Equal Greater Less GreaterOrEqual LessOrEqual".split():
        yield line(operator, operator, [values("l", (5,)), values("l", (5,), 1, -0.5)], [T.BOOL])
    for operator in "And Or Xor".split():
        yield line(operator, operator, [values("b", (2, 3)), values("b", (3,))], [T.BOOL])
    for operator in "BitwiseAnd BitwiseOr BitwiseXor".split():
        yield line(operator, operator, [values("I", (4,)), values("I", (4,), 9, 1)], [T.UINT32])
    yield line("Mod", "Mod", [values("i", (6,)), values("i", (1,), 4)], [T.INT32])
    yield line("Where", "Where", [values("b", (4,)), values("f", (4,)), values("f", (4,), 9)], [T.FLOAT])


def identities():
    for code in CODES:
        array = values(code, (2, 3))
        yield line(f"Identity {code}", "Identity", [array], [element_type(array)], open_shape=code in "fl")
    yield line("Identity strings", "Identity", [strings("pump", "", "Ölpumpe ✓")], [T.STRING])
    yield line("Identity scalar", "Identity", [values("f", ())], [T.FLOAT])
    yield line("Identity of nothing", "Identity", [values("f", (0, 4))], [T.FLOAT], open_shape=True)
    yield line("Identity rank 16", "Identity", [values("f", (1,) * 15 + (2,))], [T.FLOAT])


def shapes():
    image = values("f", (1, 2, 4, 4))
    ints = np.array
    yield line("Transpose", "Transpose", [values("f", (2, 3, 4))], [T.FLOAT], perm=[2, 0, 1])
    yield line("Reshape", "Reshape", [values("f", (2, 6))], [T.FLOAT], [ints([3, -1])])
    yield line("Concat", "Concat", [values("B", (2, 2)), values("B", (1, 2), 8)], [T.UINT8], axis=0)
    yield line("Split", "Split", [values("f", (2, 6))], [T.FLOAT, T.FLOAT], axis=1, num_outputs=2)
    yield line("Slice", "Slice", [values("s", (5, 4))], [T.INT16], [ints([1, 0]), ints([4, 3])])
    yield line("Gather", "Gather", [values("f", (4, 3)), ints([3, 0])], [T.FLOAT])
    yield line("Pad", "Pad", [image], [T.FLOAT], [ints([0, 0, 1, 1, 0, 0, 1, 1])])
    yield line("Tile", "Tile", [values("f", (2, 2))], [T.FLOAT], [ints([1, 3])])
    yield line("Expand", "Expand", [values("f", (3, 1))], [T.FLOAT], [ints([2, 3, 4])])
    yield line("DepthToSpace", "DepthToSpace", [values("f", (1, 4, 2, 2))], [T.FLOAT], blocksize=2)
    yield line("NonZero", "NonZero", [values("b", (3, 4))], [T.INT64])
    yield line("TopK", "TopK", [values("f", (2, 6))], [T.FLOAT, T.INT64], [ints([3])])
    yield line("Cast", "Cast", [values("f", (4,))], [T.FLOAT16], to=T.FLOAT16)
    yield line("Shape", "Shape", [image], [T.INT64], open_shape=True)


def layers():
    image = values("f", (1, 2, 5, 5))
    yield line("Conv", "Conv", [image], [T.FLOAT], [values("f", (3, 2, 3, 3)), values("f", (3,))], pads=[1, 1, 1, 1])
    yield line("ConvTranspose", "ConvTranspose", [image], [T.FLOAT], [values("f", (2, 1, 2, 2))], strides=[2, 2])
    yield line("MaxPool", "MaxPool", [image], [T.FLOAT], kernel_shape=[2, 2])
    yield line("AveragePool", "AveragePool", [image], [T.FLOAT], kernel_shape=[3, 3])
    yield line("GlobalAveragePool", "GlobalAveragePool", [image], [T.FLOAT])
    yield line("Gemm", "Gemm", [values("f", (2, 4))], [T.FLOAT], [values("f", (4, 3)), values("f", (3,))], alpha=0.5)
    yield line("MatMul", "MatMul", [values("f", (2, 3, 4)), values("f", (4, 2))], [T.FLOAT])
    yield line("MatMulInteger", "MatMulInteger", [values("B", (2, 4)), values("B", (4, 3))], [T.INT32])
    yield line("Softmax", "Softmax", [values("f", (2, 5))], [T.FLOAT])
    yield line("LayerNormalization", "LayerNormalization", [values("f", (2, 8))], [T.FLOAT], [values("f", (8,))])
    yield line("ReduceSum", "ReduceSum", [values("f", (2, 3, 4))], [T.FLOAT], [np.array([1])], keepdims=0)
    yield line("ArgMax", "ArgMax", [values("f", (3, 6))], [T.INT64], axis=1)
    yield line("CumSum", "CumSum", [values("f", (2, 5))], [T.FLOAT], [np.array(1)])
    weights = [values("f", (1, 12, 4), -0.5, 0.0625), values("f", (1, 12, 3), -0.5, 0.0625)]
    yield line("GRU", "GRU", [values("f", (4, 1, 4))], [T.FLOAT], [w[:, :9] for w in weights], hidden_size=3)
    yield line("LSTM", "LSTM", [values("f", (4, 1, 4))], [T.FLOAT] * 3, weights, hidden_size=3)


def tables():
    ml = {"domain": "ai.onnx.ml"}
    x = values("f", (3, 2))
    yield line("Scaler", "Scaler", [x], [T.FLOAT], offset=[1.0, 2.0], scale=[0.5, 2.0], **ml)
    yield line("Normalizer", "Normalizer", [x], [T.FLOAT], norm="L2", **ml)
    yield line("LinearRegressor", "LinearRegressor", [x], [T.FLOAT], coefficients=[0.5, -2.0], intercepts=[1.0], **ml)
    words = {"keys_strings": ["off", "on"], "values_int64s": [0, 1], "default_int64": -1}
    yield line("LabelEncoder", "LabelEncoder", [strings("on", "off", "?")], [T.INT64], **words, **ml)
    yield line("OneHotEncoder", "OneHotEncoder", [strings("a", "c")], [T.FLOAT], cats_strings=["a", "b", "c"], **ml)
    tree = {
        "nodes_treeids": [0, 0, 0],
        "nodes_nodeids": [0, 1, 2],
        "nodes_featureids": [1, 0, 0],
        "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"],
        "nodes_values": [0.25, 0.0, 0.0],
        "nodes_truenodeids": [1, 0, 0],
        "nodes_falsenodeids": [2, 0, 0],
        "target_treeids": [0, 0],
        "target_nodeids": [1, 2],
        "target_ids": [0, 0],
        "target_weights": [10.0, 20.0],
    }
    yield line("TreeEnsembleRegressor", "TreeEnsembleRegressor", [x], [T.FLOAT], n_targets=1, **tree, **ml)


def lines():
    for made in (elementwise, pairs, identities, shapes, layers, tables):
        for one in made():
            yield json.dumps(one, ensure_ascii=False)


if __name__ == "__main__":
    sys.stdout.write("".join(f"{one}\n" for one in lines()))
