"""A small client of the Edge Manager agent for Python apps on AWS IoT Greengrass v2.

Needs only the official device SDK (`pip install awsiotsdk`), and connection.py beside it. The wire is docs/protocol/asyncapi.json:
JSON in binary messages of at most 7,000 bytes; larger tensors go through a file in the exchange folder
that `hello` names. An app that has only small ones, say in a container, needs no such folder.
"""

import base64
import errno
import json
import os
import random
import secrets
import threading
import time

from connection import Connection, NotConnected

PREFIX = "edgemanager/v1"
# The id of a message of the agent that answers no request: it was started, or its connection is back.
AGENT_RETURNED = "agent:returned"
# Tensors of so many bytes and so many parts fit a message.
INLINE_MAX_BYTES = 4400
INLINE_MAX_PARTS = 16
MESSAGE_MAX_BYTES = 7000
# What a message has beside a request's body.
ENVELOPE_BYTES = 700
# Room in a file for a request's or reply's body that no message holds: hundreds of tensors with names and shapes.
BODY_ROOM_BYTES = 1024 * 1024

# Why a tensor can't be laid into the exchange folder: code, reason and the next step, as docs/errors.md has them.
FAULTS = {
    errno.ENOENT: (
        "FAILED_PRECONDITION",
        "EXCHANGE_FOLDER_UNSEEN",
        "this app does not see the agent's folder; mount the agent's exchangeFolder at the same path",
    ),
    errno.EROFS: ("FAILED_PRECONDITION", "EXCHANGE_FOLDER_READ_ONLY", "mount the agent's exchangeFolder writable"),
    errno.EACCES: ("PERMISSION_DENIED", "FILE_DENIED", "run this app as the agent's user"),
    errno.EPERM: ("PERMISSION_DENIED", "FILE_DENIED", "run this app as the agent's user"),
    errno.ENOSPC: ("RESOURCE_EXHAUSTED", "EXCHANGE_FULL", "make room there, or give exchangeFolder a larger place"),
    errno.EDQUOT: ("RESOURCE_EXHAUSTED", "EXCHANGE_FULL", "make room there, or give exchangeFolder a larger place"),
}


class EdgeManagerError(Exception):
    """The agent's answer to a request that failed; decide by `code` and `reason`, which docs/errors.md explains.

    An older agent names no reason: then it is the code.
    """

    def __init__(self, code, message, field=None, retry_after_ms=None, reason=None):
        super().__init__(f"{code}: {message}")
        self.code = code
        self.reason = reason or code
        self.field = field
        self.retry_after_ms = retry_after_ms


def error_of(error):
    """The error object of a reply as an exception; fields that are not known here are ignored."""
    return EdgeManagerError(
        error["code"], error["message"], error.get("field"), error.get("retryAfterMs"), error.get("reason")
    )


def no_reply(op, timeout, is_sent):
    """Why a request has no answer in its time."""
    if is_sent:
        return EdgeManagerError("DEADLINE_EXCEEDED", f"No reply to '{op}' within {timeout} s", reason="NO_REPLY")
    sentence = f"The connection to Greengrass did not come back for '{op}' within {timeout} s"
    return EdgeManagerError("UNAVAILABLE", sentence, reason="CONNECTION_LOST")


def laying_failed(error, path):
    """One sentence with the next step for an OSError of a file in the exchange folder."""
    code, reason, step = FAULTS.get(error.errno, ("FAILED_PRECONDITION", "FILE_UNUSABLE", "look at the folder"))
    return EdgeManagerError(code, f"Cannot pass tensors by {path} ({error.strerror}): {step}", reason=reason)


def write_all(descriptor, data, offset):
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, offset)
        view, offset = view[written:], offset + written


def read_region(path, region):
    with open(path, "rb") as file:
        file.seek(region["offset"])
        return file.read(region["byteSize"])


def remove(path):
    """The agent may have removed the folder meanwhile."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def wants_room(error):
    """Whether the request or its outputs did not fit the message; an older agent names only the field."""
    if error.reason == "INVALID_ARGUMENT":
        return error.field == "outputFile"
    return error.reason in ("OUTPUT_ROOM_TOO_SMALL", "MESSAGE_TOO_LARGE", "REPLY_TOO_LARGE")


class EdgeManager:
    """Calls of one component. `component` is its name, as in its recipe: its policy allows replies to itself only."""

    def __init__(self, component):
        self._ipc = Connection(component)
        self._reply_to = f"{PREFIX}/reply/{component}/{secrets.token_hex(16)}"
        self._session = secrets.token_hex(8)
        self._pending = {}
        self._lock = threading.Lock()
        self._counter = 0
        self._folder = None
        self._roomy = set()
        self._ipc.subscribe(self._reply_to, self._on_reply)

    def close(self):
        self._ipc.close()

    def hello(self, timeout=5.0):
        return self._request("hello", f"{PREFIX}/control/hello", {"uid": os.getuid(), "session": self._session}, timeout)

    def list_models(self, timeout=5.0):
        models, cursor = [], None
        while True:
            page = self._request("list", f"{PREFIX}/control/list", {"cursor": cursor} if cursor else {}, timeout)
            models += page["models"]
            cursor = page.get("next")
            if cursor is None:
                return models

    def predict(self, model, inputs, timeout=10.0, max_output_bytes=16 * 1024 * 1024):
        """Runs a model; inputs and outputs travel in the message where they fit, else by file.

        `inputs`: list of (name, datatype, shape, bytes), bytes little-endian and row-major, datatypes of the
        Open Inference Protocol (FP32, INT64, ...). Returns the reply with `data` (bytes) in each output.
        """
        topic = f"{PREFIX}/models/{model}/predict"
        deadline = time.monotonic() + timeout
        # Whoever repeats a prediction repeats its capture id: it is not captured twice.
        capture_id = secrets.token_hex(16)
        fits = len(inputs) <= INLINE_MAX_PARTS and sum(len(data) for *_, data in inputs) <= INLINE_MAX_BYTES
        if fits and model not in self._roomy:
            try:
                body = {"inputs": [self._inline(tensor) for tensor in inputs], "captureId": capture_id}
                return self._with_data(self._request("predict", topic, body, timeout), None)
            except EdgeManagerError as error:
                if not wants_room(error):
                    raise
            self._roomy.add(model)
        try:
            try:
                return self._predict_by_file(topic, inputs, capture_id, deadline, max_output_bytes)
            except EdgeManagerError as error:
                # The agent was restarted or has swept the folder: hello gives another one.
                if error.reason not in ("EXCHANGE_FOLDER_UNKNOWN", "EXCHANGE_FILE_REFUSED"):
                    raise
            self._folder = None
            return self._predict_by_file(topic, inputs, capture_id, deadline, max_output_bytes)
        except EdgeManagerError:
            # Perhaps the next outputs fit the message.
            self._roomy.discard(model)
            raise

    def _predict_by_file(self, topic, inputs, capture_id, deadline, max_output_bytes):
        path, tensors, output = self._lay(inputs, max_output_bytes, deadline)
        try:
            body = {"inputs": tensors, "outputFile": output, "captureId": capture_id}
            body, files = self._lay_body(path, output, body)
            return self._with_data(self._request("predict", topic, body, deadline - time.monotonic(), files), path)
        finally:
            remove(path)

    def _with_data(self, reply, path):
        for tensor in reply["outputs"]:
            tensor["data"] = self._bytes_of(tensor, path)
        return reply

    def capture(self, model, capture_id, inputs=(), outputs=(), timeout=10.0):
        """Edge Manager's CaptureData for small tensors (they go inline)."""
        body = {
            "modelName": model,
            "captureId": capture_id,
            "inputTensors": [self._inline(tensor) for tensor in inputs],
            "outputTensors": [self._inline(tensor) for tensor in outputs],
        }
        return self._request("capture", f"{PREFIX}/capture/submit", body, timeout)

    def capture_status(self, capture_id, timeout=5.0):
        return self._request("captureStatus", f"{PREFIX}/capture/status", {"captureId": capture_id}, timeout)

    def _inline(self, tensor):
        name, datatype, shape, data = tensor
        return {"name": name, "datatype": datatype, "shape": list(shape), "b64": base64.b64encode(data).decode()}

    def _lay(self, inputs, max_output_bytes, deadline):
        """A file with the inputs and room for outputs; none is left where that fails."""
        if self._folder is not None and not os.path.isdir(self._folder):
            self._folder = None
        if self._folder is None:
            self._folder = self.hello(deadline - time.monotonic())["exchangeFolder"]
        name = f"{self._session}-{self._next_id()}"
        path = os.path.join(self._folder, name)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise laying_failed(error, path) from error
        try:
            tensors, offset = [], 0
            for tensor_name, datatype, shape, data in inputs:
                write_all(descriptor, data, offset)
                region = {"name": name, "offset": offset, "byteSize": len(data)}
                tensors.append({"name": tensor_name, "datatype": datatype, "shape": list(shape), "file": region})
                offset += -(-len(data) // 4096) * 4096
            # Sparse: room for outputs costs nothing until the agent writes there.
            os.ftruncate(descriptor, offset + max_output_bytes + 2 * BODY_ROOM_BYTES)
        except OSError as error:
            remove(path)
            raise laying_failed(error, path) from error
        finally:
            os.close(descriptor)
        return path, tensors, {"name": name, "offset": offset, "byteSize": max_output_bytes}

    @staticmethod
    def _lay_body(path, output, body):
        """The body as a message holds it, and where what it does not hold lies or may go: behind the outputs."""
        request = {"name": output["name"], "offset": output["offset"] + output["byteSize"], "byteSize": BODY_ROOM_BYTES}
        reply = {**request, "offset": request["offset"] + BODY_ROOM_BYTES}
        data = json.dumps(body).encode()
        if len(data) <= MESSAGE_MAX_BYTES - ENVELOPE_BYTES:
            return body, {"replyFile": reply}
        if len(data) > BODY_ROOM_BYTES:
            raise EdgeManagerError("INVALID_ARGUMENT", f"A request's body may have {BODY_ROOM_BYTES} bytes")
        with open(path, "r+b") as file:
            file.seek(request["offset"])
            file.write(data)
        return {}, {"bodyFile": {**request, "byteSize": len(data)}, "replyFile": reply}

    @staticmethod
    def _bytes_of(tensor, path):
        region = tensor.get("file")
        return base64.b64decode(tensor["b64"]) if region is None else read_region(path, region)

    def _next_id(self):
        with self._lock:
            self._counter += 1
            return self._counter

    def _request(self, op, topic, body, timeout, files=None):
        """The reply's body. An agent that is stopping or starting says UNAVAILABLE: it is asked again in time.

        `files`: regions of the request's file for bodies that no message holds.
        """
        deadline = time.monotonic() + timeout
        pause = 0.05
        while True:
            try:
                return self._ask(op, topic, {"body": body, **(files or {})}, deadline, timeout)
            except EdgeManagerError as error:
                # All apps of a device meet the same restart: full jitter.
                delay = random.random() * pause
                if error.code != "UNAVAILABLE" or time.monotonic() + delay >= deadline:
                    raise
            time.sleep(delay)
            pause = min(1.0, pause * 2)

    def _ask(self, op, topic, fields, deadline, timeout):
        """Under one id: the agent acts once for it, however often it hears it."""
        request_id = f"{self._session}-{self._next_id()}"
        waiting = {"event": threading.Event(), "reply": None}
        self._pending[request_id] = waiting
        is_sent = True
        try:
            while True:
                waiting["event"].clear()
                if waiting["reply"] is not None:
                    break
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    raise no_reply(op, timeout, is_sent)
                # Greengrass loses messages in silence, and an agent that is killed what it had heard: ask again.
                is_sent = self._publish(topic, request_id, op, fields, remaining)
                # Ends early where the agent says that it is back.
                waiting["event"].wait(min(remaining, 2.0 if is_sent else 0.2))
        finally:
            del self._pending[request_id]
        reply = waiting["reply"]
        if not reply["ok"]:
            raise error_of(reply["error"])
        region = reply.get("bodyFile")
        if region is None:
            return reply["body"]
        return json.loads(read_region(os.path.join(self._folder, region["name"]), region))

    def _publish(self, topic, request_id, op, fields, remaining):
        """False where it could not go out now."""
        envelope = {
            "v": 1,
            "id": request_id,
            "replyTo": self._reply_to,
            "timeoutMs": max(1, int(remaining * 1000)),
            "op": op,
            **fields,
        }
        message = json.dumps(envelope).encode()
        if len(message) > MESSAGE_MAX_BYTES:
            sentence = f"A message holds {MESSAGE_MAX_BYTES} bytes: this one has {len(message)}"
            raise EdgeManagerError("INVALID_ARGUMENT", sentence, reason="MESSAGE_TOO_LARGE")
        try:
            self._ipc.publish(topic, message)
            return True
        except NotConnected:
            # The connection is being made anew: the request waits for it within its time.
            return False

    def _on_reply(self, event):
        reply = json.loads(event.binary_message.message)
        if reply.get("id") == AGENT_RETURNED:
            # What has no answer yet may have been lost with the agent.
            for waiting in list(self._pending.values()):
                waiting["event"].set()
            return
        waiting = self._pending.get(reply.get("id"))
        if waiting is not None:
            waiting["reply"] = reply
            waiting["event"].set()
