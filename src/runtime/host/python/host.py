"""What a model host does with the frames of the control process: one after the other, each answered once."""

import json
import os
import platform
import sys
import time

import prediction
import protocol
import tensors
from device_memory import device_bytes
from failures import Failure, failure_of
from frames import FrameError
from models import Model
from runtime import ON_CUDA

UNCONFINED = {"phrase": "none: started without its launcher", "isHeld": False}


def confinement_here():
    """What was done to this process, as its launcher left it."""
    told = os.environ.get("EDGE_MANAGER_CONFINEMENT")
    return UNCONFINED if told is None else json.loads(told)


class Host:
    """:param runtime: the package onnxruntime"""

    def __init__(self, channel, runtime):
        self._channel = channel
        self._runtime = runtime
        self._models = {}
        self._most_bytes = protocol.FRAME_BYTES
        self._confinement = confinement_here()
        self._answers = {
            protocol.LOAD: ("load", self._load),
            protocol.RUN: ("run", self._run),
            protocol.UNLOAD: ("unload", self._unload),
            protocol.CAPTURE: ("set the capture of", self._capture),
            protocol.MEMORY: ("measure", self._memory),
            protocol.DRAIN: ("drain", self._drain),
        }

    def hello(self):
        self._send_json(
            protocol.HOST_HELLO,
            0,
            {
                "protocol": protocol.VERSION,
                "engine": "onnxruntime",
                "engineVersion": self._runtime.__version__,
                "language": "python %s" % platform.python_version(),
                "providers": self._runtime.get_available_providers(),
                "captures": "control",
                "limits": {"frameBytes": protocol.FRAME_BYTES},
                "confinement": self._confinement,
            },
        )

    def serve(self):
        """Until the control process says stop or closes the channel.

        :raises FrameError: where the two do not fit together
        """
        first = self._channel.receive()
        if first is None:
            return
        self._most_bytes = min(protocol.FRAME_BYTES, check_hello(first))
        while True:
            frame = self._channel.receive()
            if frame is None or frame.kind == protocol.STOP:
                return
            if frame.kind != protocol.CANCEL:
                self._answer(frame)

    def _answer(self, frame):
        if frame.kind not in self._answers:
            raise FrameError("a host takes no frame of kind %d" % frame.kind)
        action, answer = self._answers[frame.kind]
        try:
            answer(frame)
        except FrameError:
            raise
        except Exception as error:
            failure = failure_of(error, "Cannot %s the model" % action)
            self._channel.send(protocol.FAILED, frame.id, protocol.write_failed(failure))

    def _send_json(self, kind, id, value):
        self._channel.send(kind, id, protocol.write_json(value))

    def _load(self, frame):
        order = protocol.read_json(frame)
        if order.get("onlyConfined") and not self._confinement["isHeld"]:
            raise not_confined(self._confinement)
        wanted = order.get("verified")
        if wanted is None:
            raise FrameError("a load names no verified model, and this host opens no packages")
        model = Model(self._runtime, wanted, bool(order.get("allowSpinning")))
        self._models[order["handle"]] = model
        self._send_json(protocol.DONE, frame.id, model.report)

    def _unload(self, frame):
        model = self._models.pop(protocol.read_json(frame)["handle"], None)
        if model is not None:
            model.close()
        self._send_json(protocol.DONE, frame.id, {})

    def _capture(self, frame):
        """The control process decides what is captured and asks with each run."""
        protocol.read_json(frame)
        self._send_json(protocol.DONE, frame.id, {})

    def _memory(self, frame):
        self._send_json(protocol.DONE, frame.id, {"deviceBytes": self._device_bytes()})

    def _device_bytes(self):
        """Not asked for where no model is on such a device: the library alone takes some megabytes."""
        on_card = any(name in ON_CUDA for model in self._models.values() for name in model.report["providers"])
        return device_bytes() if on_card else 0

    def _drain(self, frame):
        self._send_json(protocol.DONE, frame.id, {})

    def _run(self, frame):
        run = protocol.read_run(frame)
        model = self._model_for(run, frame.id)
        names = prediction.check_request(run, model)
        wall_ms = int(time.time() * 1000)
        feeds = prediction.feeds_of(run)
        begun = time.perf_counter()
        arrays = model.run(feeds, names)
        run_ms = (time.perf_counter() - begun) * 1000
        outputs = prediction.outputs_of(names, arrays)
        captured = protocol.CAPTURED_YES if run.capture_mode == protocol.HAND_OVER else protocol.CAPTURED_NO
        placed, payload = ([], []) if run.blind else prediction.place_outputs(outputs, run)
        unfit = tensors.has_non_finite(arrays) and not tensors.has_non_finite(feeds.values())
        metadata = protocol.write_result(run_ms, captured, placed)
        self._channel.send(protocol.RESULT, frame.id, metadata, payload, protocol.NON_FINITE if unfit else 0)
        if captured:
            self._hand_over(run, model, wall_ms, feeds, outputs)

    def _model_for(self, run, id):
        if run.deadline_us != protocol.NO_DEADLINE and time.clock_gettime(time.CLOCK_MONOTONIC) * 1e6 >= run.deadline_us:
            raise Failure(
                "DEADLINE_BEFORE_RUN", "Cannot run the model as the deadline passed before its turn"
            )
        if self._channel.holds(protocol.CANCEL, id):
            raise Failure("CLOSED", "Cannot run the model as the request was cancelled")
        model = self._models.get(run.handle)
        if model is None:
            raise Failure("MODEL_HOST_DIED", "Cannot use model %d as it is not loaded here" % run.handle)
        return model

    def _hand_over(self, run, model, wall_ms, feeds, outputs):
        """The whole inference for the control process, which decides what of it is captured, and redacts."""
        inputs = [(name,) + tensors.bytes_of(array, name) for name, array in feeds.items()]
        payload = [one[3] for one in inputs + outputs]
        record = {
            "captureId": run.capture_id,
            "model": model.name,
            "modelVersion": model.version,
            "packageDigest": model.digest,
            "reasons": [],
            "priority": "sample",
            "inferenceTimeMs": wall_ms,
            "clockSynchronised": run.clock_synchronised,
            "inputs": [form_of(one) for one in inputs],
            "outputs": [form_of(one) for one in outputs],
            "redactions": [],
        }
        metadata = protocol.write_json(record)
        if sum([len(part) + 8 for part in payload]) + len(metadata) > self._most_bytes:
            print("The record of %s is larger than a frame: it is not captured" % run.capture_id, file=sys.stderr)
            return
        self._channel.send(protocol.CAPTURED, 0, metadata, payload)


def form_of(one):
    name, datatype, shape, data = one
    return {"name": name, "datatype": datatype, "shape": shape, "byteSize": len(data)}


def check_hello(frame):
    """:returns: the largest body that the control process takes"""
    if frame.kind != protocol.HELLO:
        raise FrameError("the first frame must be a hello: current kind is %d" % frame.kind)
    hello = protocol.read_json(frame)
    version = str(hello.get("protocol"))
    if version.split(".")[0] != protocol.MAJOR:
        raise FrameError("the protocol must be %s.x: the control process speaks %s" % (protocol.MAJOR, version))
    return hello.get("limits", {}).get("frameBytes", protocol.FRAME_BYTES)


def not_confined(confinement):
    return Failure(
        "HOST_UNCONFINED",
        "Cannot load the model as its host must be held to its own files: it has %s" % confinement["phrase"],
        next_step="Use a kernel with Landlock (5.13 or newer, 'landlock' in its list of security modules), or set "
        "'hostConfinement' to 'if-possible'",
    )
