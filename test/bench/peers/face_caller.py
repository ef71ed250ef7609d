"""A client of the agent's endpoint in a process of its own, asked by lines of JSON. `face_caller.py SOCKET`."""

import sys

import numpy as np

from calling import serve_measurements
from edge_manager_endpoint import EdgeManagerEndpoint

manager = EdgeManagerEndpoint(sys.argv[1], timeout=30.0)


def act_of(question):
    with open(question["file"], "rb") as file:
        body = file.read()
    # As serving.py takes it apart.
    samples = len(body) // 4 - 256
    inputs = {
        "input": np.frombuffer(body, np.float32, samples).reshape(1, samples),
        "state": np.frombuffer(body, np.float32, 256, samples * 4).reshape(2, 1, 128),
        "sr": np.array(16000, dtype=np.int64),
    }

    def act():
        manager.predict("SileroVad", inputs, capture="never")
        return True

    return act


serve_measurements(act_of)
