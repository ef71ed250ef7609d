"""Measures calls, each after a pause, as the other processes of the bench do."""

import json
import sys
import time


def serve_measurements(act_of):
    """Answers each line `{"count": …, "pauseMs": …, …}`: how long each call took that was answered, in milliseconds."""
    print("ready", flush=True)
    for line in sys.stdin:
        question = json.loads(line)
        act = act_of(question)
        samples = []
        for _ in range(question["count"]):
            time.sleep(question.get("pauseMs", 0) / 1000)
            begun = time.perf_counter()
            if act():
                samples.append((time.perf_counter() - begun) * 1000)
        print(json.dumps({"samplesMs": samples}), flush=True)
