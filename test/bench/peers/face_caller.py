"""A client of the agent's endpoint in a process of its own, asked by lines of JSON. `face_caller.py SOCKET`."""

import sys

from bodies import silero_inputs
from calling import serve_measurements
from edge_manager_endpoint import EdgeManagerEndpoint

manager = EdgeManagerEndpoint(sys.argv[1], timeout=30.0)


def act_of(question):
    with open(question["file"], "rb") as file:
        inputs = silero_inputs(file.read())

    def act():
        manager.predict("SileroVad", inputs, capture="never")
        return True

    return act


serve_measurements(act_of)
