"""Makes the models that no registry has: trained here, exported as their libraries do by default.

make.py OUT writes OUT/NAME.onnx, with OUT/NAME.json: inputs for it, and what Python's own ONNX Runtime gives of the
outputs that are maps. make.py OUT WHEELS also takes models out of wheels: OUT/PACKAGE/PATH.
"""

import base64
import json
import os
import sys
import warnings
import zipfile

warnings.filterwarnings("ignore")

import numpy as np  # noqa: E402
import onnxruntime  # noqa: E402
from onnx import helper  # noqa: E402

SEED = 7
ROWS = 5


def feed(name, array):
    found = {"name": name, "shape": list(array.shape)}
    if array.dtype.kind in "OU":
        return {**found, "elementType": 8, "strings": [str(one) for one in array.ravel()]}
    code = helper.np_dtype_to_tensor_dtype(array.dtype)
    data = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
    return {**found, "elementType": code, "data": data}


def maps_of(model, feeds):
    """Outputs that are lists of maps, as [{class: score}], by name."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_outputs()]
    found = dict(zip(names, session.run(names, feeds)))
    return {
        name: [{str(key): float(score) for key, score in row.items()} for row in value]
        for name, value in found.items()
        if isinstance(value, list) and value and isinstance(value[0], dict)
    }


def write(out, name, model, *cases):
    with open(os.path.join(out, f"{name}.onnx"), "wb") as file:
        file.write(model)
    made = [
        {"inputs": [feed(*pair) for pair in case.items()], "maps": maps_of(model, case)} for case in cases
    ]
    with open(os.path.join(out, f"{name}.json"), "w", encoding="utf-8") as file:
        json.dump(made, file)


def halves(x, name):
    return {name: x[:ROWS]}, {name: x[-1:]}


def sklearn_models(out):
    from skl2onnx import to_onnx
    from sklearn.datasets import load_diabetes, load_iris, load_wine
    from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression

    x, y = load_iris(return_X_y=True)
    x = x.astype(np.float32)
    model = LogisticRegression(max_iter=500).fit(x, y)
    write(out, "iris-logistic", to_onnx(model, x[:1]).SerializeToString(), *halves(x, "X"))

    wine = load_wine()
    x = wine.data.astype(np.float32)
    named = np.array([str(name) for name in wine.target_names])[wine.target]
    model = RandomForestClassifier(40, random_state=SEED).fit(x, named)
    write(out, "wine-forest", to_onnx(model, x[:1]).SerializeToString(), *halves(x, "X"))

    x, y = load_diabetes(return_X_y=True)
    x = x.astype(np.float32)
    model = GradientBoostingRegressor(random_state=SEED).fit(x, y)
    write(out, "diabetes-boosting", to_onnx(model, x[:1]).SerializeToString(), *halves(x, "X"))


def pump_model(out):
    """Text and numbers in one table: a category, and two measurements."""
    import pandas
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    random = np.random.default_rng(SEED)
    kinds = np.array(["rotary", "piston", "diaphragm"])[random.integers(0, 3, 300)]
    numbers = random.normal(size=(300, 2)).astype(np.float32)
    state = np.where(numbers[:, 0] + (kinds == "piston") > 0.5, "worn", "sound")
    table = pandas.DataFrame({"kind": kinds, "vibration": numbers[:, 0], "heat": numbers[:, 1]})
    parts = [("text", OneHotEncoder(), ["kind"]), ("numbers", StandardScaler(), ["vibration", "heat"])]
    model = make_pipeline(ColumnTransformer(parts), LogisticRegression()).fit(table, state)
    types = [("kind", StringTensorType([None, 1]))]
    types += [(name, FloatTensorType([None, 1])) for name in ("vibration", "heat")]
    case = {
        "kind": kinds[:ROWS, None].astype(object),
        "vibration": numbers[:ROWS, :1],
        "heat": numbers[:ROWS, 1:],
    }
    write(out, "pump-pipeline", to_onnx(model, initial_types=types).SerializeToString(), case)


def text_model(out):
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import StringTensorType
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    words = {
        "alarm": ["pump is too hot", "pressure far too high", "bearing is hot and loud", "leak at the valve"],
        "fine": ["pump runs well", "pressure is normal", "bearing is quiet", "valve closes well"],
    }
    texts = [text for group in words.values() for text in group]
    labels = [label for label, group in words.items() for _ in group]
    # In lower case as it is: ONNX Runtime lowers text only where a machine has the locale en_US.UTF-8.
    model = make_pipeline(TfidfVectorizer(lowercase=False), LogisticRegression()).fit(texts, labels)
    converted = to_onnx(model, initial_types=[("text", StringTensorType([None, 1]))])
    case = np.array([["valve is hot"], ["all is quiet and normal"]], dtype=object)
    write(out, "alarm-texts", converted.SerializeToString(), {"text": case})


def boosted_models(out):
    import catboost
    import lightgbm
    import xgboost
    from onnxmltools import convert_lightgbm, convert_xgboost
    from onnxmltools.convert.common.data_types import FloatTensorType
    from sklearn.datasets import load_breast_cancer, load_iris, load_wine

    x, y = load_breast_cancer(return_X_y=True)
    x = x.astype(np.float32)
    model = xgboost.XGBClassifier(n_estimators=30, max_depth=4, random_state=SEED).fit(x, y)
    types = [("input", FloatTensorType([None, x.shape[1]]))]
    write(out, "cancer-xgboost", convert_xgboost(model, initial_types=types).SerializeToString(), *halves(x, "input"))

    x, y = load_wine(return_X_y=True)
    x = x.astype(np.float32)
    model = lightgbm.LGBMClassifier(n_estimators=30, random_state=SEED, verbose=-1).fit(x, y)
    types = [("input", FloatTensorType([None, x.shape[1]]))]
    write(out, "wine-lightgbm", convert_lightgbm(model, initial_types=types).SerializeToString(), *halves(x, "input"))

    x, y = load_iris(return_X_y=True)
    x = x.astype(np.float32)
    model = catboost.CatBoostClassifier(iterations=30, random_seed=SEED, verbose=0, allow_writing_files=False).fit(x, y)
    path = os.path.join(out, "iris-catboost.onnx")
    model.save_model(path, format="onnx")
    with open(path, "rb") as file:
        write(out, "iris-catboost", file.read(), *halves(x, "features"))


def unpack(wheels, out):
    for name in sorted(os.listdir(wheels)):
        if not name.endswith(".whl"):
            continue
        with zipfile.ZipFile(os.path.join(wheels, name)) as wheel:
            for path in wheel.namelist():
                if path.endswith(".onnx"):
                    wheel.extract(path, os.path.join(out, "wheels"))


if __name__ == "__main__":
    _, folder, *rest = sys.argv
    for make in (sklearn_models, pump_model, text_model, boosted_models):
        try:
            make(folder)
        except ImportError as error:
            print(f"left out: {make.__name__}: {error}", file=sys.stderr)
    for wheels in rest:
        unpack(wheels, folder)
