"""Prints the cases of ONNX's own backend suite (node, simple, pytorch-*), one JSON object a line."""

import base64
import json
import os
import sys
import warnings

warnings.filterwarnings("ignore")

import numpy  # noqa: E402
import onnx  # noqa: E402
from onnx import numpy_helper  # noqa: E402
from onnx.backend.test import loader  # noqa: E402


def text_of(data):
    return base64.b64encode(data).decode()


def tensor_of(name, proto):
    strings = [one.decode("utf-8", "replace") for one in proto.string_data]
    found = {"name": name, "elementType": proto.data_type, "shape": list(proto.dims)}
    if proto.data_type == onnx.TensorProto.STRING:
        return {**found, "strings": strings}
    array = numpy_helper.to_array(proto)
    return {**found, "data": text_of(numpy.ascontiguousarray(array).tobytes())}


def element_type(info):
    return info.type.tensor_type.elem_type


def given(info, value):
    """One input of a node case; None where it is no tensor."""
    if isinstance(value, onnx.TensorProto):
        return tensor_of(info.name, value)
    if not info.type.HasField("tensor_type") or isinstance(value, (list, dict)) or value is None:
        return None
    array = numpy.asarray(value)
    if element_type(info) == onnx.TensorProto.STRING:
        strings = [one.decode() if isinstance(one, bytes) else str(one) for one in array.ravel()]
        return {
            "name": info.name,
            "elementType": element_type(info),
            "shape": list(array.shape),
            "strings": strings,
        }
    return tensor_of(info.name, numpy_helper.from_array(array))


def show(name, model, inputs):
    print(json.dumps({"name": name, "model": text_of(model), "inputs": inputs}))


def real_inputs(graph):
    weights = {one.name for one in graph.initializer}
    return [one for one in graph.input if one.name not in weights]


def node_cases():
    for case in loader.load_model_tests(kind="node"):
        infos = real_inputs(case.model.graph)
        values = case.data_sets[0][0] if case.data_sets else []
        inputs = [given(info, value) for info, value in zip(infos, values)]
        complete = len(inputs) == len(infos) and None not in inputs
        show(case.name, case.model.SerializeToString(), inputs if complete else None)


def file_cases(kind):
    for case in sorted(loader.load_model_tests(kind=kind), key=lambda one: one.name):
        if case.model_dir is None:
            continue
        with open(os.path.join(case.model_dir, "model.onnx"), "rb") as file:
            model = file.read()
        infos = real_inputs(onnx.load_model_from_string(model).graph)
        inputs = [from_file(case.model_dir, index, info) for index, info in enumerate(infos)]
        show(f"{kind}/{case.name}", model, None if None in inputs else inputs)


def from_file(folder, index, info):
    if not info.type.HasField("tensor_type"):
        return None
    path = os.path.join(folder, "test_data_set_0", f"input_{index}.pb")
    if not os.path.exists(path):
        return None
    proto = onnx.TensorProto()
    with open(path, "rb") as file:
        proto.ParseFromString(file.read())
    return tensor_of(info.name, proto)


if __name__ == "__main__":
    for kind in sys.argv[1:]:
        node_cases() if kind == "node" else file_cases(kind)
