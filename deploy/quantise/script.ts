/**
 * What Python runs: a task as JSON on standard input, an answer as JSON on standard output.
 *
 * Weights get seven bits of eight (reduce_range): with all eight, products of 8-bit numbers saturate on x86 without
 * VNNI and nowhere else, so that a model which agrees on a laptop would not on a device.
 */
export const SCRIPT = `
import json, sys

def run(task):
    try:
        import numpy, onnx, onnxruntime
        from onnxruntime import quantization as q
    except ImportError as error:
        return {"missing": str(error)}
    common = {
        "weight_type": q.QuantType.QInt8,
        "reduce_range": True,
        "per_channel": max((o.version for o in onnx.load(task["model"], load_external_data=False).opset_import
                            if o.domain in ("", "ai.onnx")), default=0) >= 13,
        "use_external_data_format": task["large"],
    }
    if task["mode"] == "dynamic-int8":
        q.quantize_dynamic(task["model"], task["out"], **common)
    else:
        class Reader(q.CalibrationDataReader):
            def __init__(self):
                self.cases = iter(task["cases"])

            def get_next(self):
                case = next(self.cases, None)
                if case is None:
                    return None
                return {t["name"]: numpy.fromfile(t["file"], t["type"]).reshape(t["shape"]) for t in case}

        q.quantize_static(task["model"], task["out"], Reader(), quant_format=q.QuantFormat.QDQ,
                          activation_type=q.QuantType.QUInt8, **common)
    return {"version": onnxruntime.__version__}

task = json.load(sys.stdin)
# The quantiser prints advice; standard output is the answer's.
answer_to, sys.stdout = sys.stdout, sys.stderr
try:
    answer = run(task)
except Exception as error:
    answer = {"failed": type(error).__name__ + ": " + str(error)}
json.dump(answer, answer_to)
`;
