"""A Silero window as raw bytes, as placeOf of servers.ts writes it: window and state, one behind the other."""

import numpy as np

STATE = 256


def silero_inputs(body):
    samples = len(body) // 4 - STATE
    return {
        "input": np.frombuffer(body, np.float32, samples).reshape(1, samples),
        "state": np.frombuffer(body, np.float32, STATE, samples * 4).reshape(2, 1, 128),
        "sr": np.array(16000, dtype=np.int64),
    }
