"""Lists the models, runs SileroVad on silence, and captures the result; prints one JSON object."""

import json
import secrets
import struct
import sys

from edge_manager import EdgeManager

COMPONENT = "org.edgemanager.example.Python"


def main():
    manager = EdgeManager(COMPONENT)
    try:
        models = manager.list_models()
        state = bytes(2 * 1 * 128 * 4)
        inputs = [
            ("input", "FP32", [1, 576], bytes(576 * 4)),
            ("state", "FP32", [2, 1, 128], state),
            ("sr", "INT64", [], struct.pack("<q", 16000)),
        ]
        reply = manager.predict("SileroVad", inputs)
        outputs = {tensor["name"]: tensor for tensor in reply["outputs"]}
        (probability,) = struct.unpack("<f", outputs["output"]["data"])
        capture_id = secrets.token_hex(16)
        manager.capture("SileroVad", capture_id, outputs=[("output", "FP32", [1, 1], outputs["output"]["data"])])
        status = manager.capture_status(capture_id)
        print(
            json.dumps(
                {
                    "models": [f"{model['name']} {model['version']}" for model in models],
                    "version": reply["version"],
                    "probability": probability,
                    "stateBytes": len(outputs["stateN"]["data"]),
                    "captureId": capture_id,
                    "captureStatus": status["status"],
                }
            ),
            flush=True,
        )
    finally:
        manager.close()


if __name__ == "__main__":
    sys.exit(main())
