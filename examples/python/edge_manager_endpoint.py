"""Calls the edge-manager agent by its local endpoint: a unix socket, without Greengrass IPC between.

One file, nothing but the standard library (Python 3.9 or newer); with numpy installed, arrays go in and come out.
Copy it into an app. The protocol is docs/protocol/framed.md; the agent opens the socket where its configuration has
`endpoint`.

    with EdgeManagerEndpoint("/greengrass/v2/work/org.edgemanager.AgentRuntime/endpoint.sock") as manager:
        prediction = manager.predict("SileroVad", {"input": samples, "state": state, "sr": rate})
        probability = prediction.outputs["output"]

A client may be used by many threads at once: their requests share one connection and are answered in any order.
Connections that are lost are made anew, and calls that the agent answers with UNAVAILABLE are repeated, within the
call's time.
"""

import collections
import errno
import json
import os
import random
import secrets
import socket
import struct
import threading
import time

try:
    import numpy
except ImportError:
    numpy = None

FIRST_BYTES = b"\0edgemgr"
HELLO, WELCOME, REQUEST, REPLY, ERROR, CANCEL = 1, 2, 3, 4, 5, 6
# Length of the body, kind, flags, zero, request id, length of the metadata.
HEADER = struct.Struct("<IBBHII")
MAX_FRAME_BYTES = 1024 * 1024
# Room for names and shapes beside the tensors of a frame.
HEAD_ROOM_BYTES = 128 * 1024
# Tensors of up to so many bytes are cheaper in the frame than by a file.
INLINE_BYTES = 64 * 1024
PAGE_BYTES = 4096
# A file that holds more than this goes after its request.
KEPT_BYTES = 64 * 1024 * 1024

# Why the exchange folder can't be used from here: then tensors go in the frame as far as it holds them.
FOLDER_FAULTS = {
    errno.ENOENT: ("FAILED_PRECONDITION", "EXCHANGE_FOLDER_UNSEEN", "mount the agent's exchangeFolder at the same path"),
    errno.EROFS: ("FAILED_PRECONDITION", "EXCHANGE_FOLDER_READ_ONLY", "mount the agent's exchangeFolder writable"),
    errno.EACCES: ("PERMISSION_DENIED", "FILE_DENIED", "run this app as the agent's user"),
    errno.EPERM: ("PERMISSION_DENIED", "FILE_DENIED", "run this app as the agent's user"),
    errno.ENOSPC: ("RESOURCE_EXHAUSTED", "EXCHANGE_FULL", "make room there, or give exchangeFolder a larger place"),
    errno.EDQUOT: ("RESOURCE_EXHAUSTED", "EXCHANGE_FULL", "make room there, or give exchangeFolder a larger place"),
}

NUMPY_NAMES = {
    "BOOL": "bool", "UINT8": "uint8", "UINT16": "uint16", "UINT32": "uint32", "UINT64": "uint64", "INT8": "int8",
    "INT16": "int16", "INT32": "int32", "INT64": "int64", "FP16": "float16", "FP32": "float32", "FP64": "float64",
}  # fmt: skip
DATATYPES = {numpy_name: datatype for datatype, numpy_name in NUMPY_NAMES.items()}

# What goes in where there is no numpy, and comes out then: `data` is bytes, little-endian and row-major; of BYTES each
# element has its length before it, four bytes little-endian (see `strings` and `elements`).
Tensor = collections.namedtuple("Tensor", "datatype shape data")
Prediction = collections.namedtuple("Prediction", "model version outputs capture_id queue_ms run_ms")


class EdgeManagerError(Exception):
    """The agent's answer to a request that failed; decide by `code` and `reason`, which docs/errors.md explains."""

    def __init__(self, code, message, reason=None, field=None, retry_after_ms=None):
        super().__init__(f"{code}: {message}")
        self.code = code
        self.reason = reason or code
        self.field = field
        self.retry_after_ms = retry_after_ms


class ConnectionLost(Exception):
    """The connection has ended; within this file only."""


def strings(shape, texts):
    """A tensor of BYTES from str or bytes, row-major."""
    encoded = [text.encode() if isinstance(text, str) else bytes(text) for text in texts]
    return Tensor("BYTES", list(shape), b"".join(struct.pack("<I", len(one)) + one for one in encoded))


def elements(data):
    """The elements of a tensor of BYTES, as bytes."""
    found, at = [], 0
    while at + 4 <= len(data):
        (size,) = struct.unpack_from("<I", data, at)
        found.append(bytes(data[at + 4 : at + 4 + size]))
        at += 4 + size
    return found


def aligned(size, to=8):
    return -(-size // to) * to


def encode_frame(kind, request_id, metadata=b"", payload=()):
    size = aligned(len(metadata)) + sum(aligned(len(part)) for part in payload)
    pieces = [HEADER.pack(size, kind, 0, 0, request_id, len(metadata))]
    for part in (metadata, *payload):
        pieces += [part, bytes(aligned(len(part)) - len(part))]
    return b"".join(pieces)


def error_of(metadata):
    error = json.loads(metadata)
    return EdgeManagerError(
        error["code"], error["message"], error.get("reason"), error.get("field"), error.get("retryAfterMs")
    )


class Connection:
    """One connection. Of the threads that wait for an answer one reads, for all: no thread stands between."""

    def __init__(self, path, hello, timeout):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._turn = threading.Condition()
        self._sending = threading.Lock()
        self._answers = {}
        self._is_read = False
        self._lost = None
        self._held = bytearray()
        self.folder = None
        try:
            self._socket.settimeout(timeout)
            self._socket.connect(path)
            self._send(FIRST_BYTES + encode_frame(HELLO, 0, json.dumps(hello).encode()), timeout)
        except BaseException:
            self._socket.close()
            raise

    def ask(self, request_id, frame, deadline):
        """Sends a request and gives (kind, metadata, payload) of its answer; None where its time is up."""
        with self._turn:
            if self._lost is not None:
                raise self._lost
            self._answers[request_id] = None
        try:
            self._send(frame, deadline - time.monotonic())
            answer = self._wait(request_id, deadline)
        finally:
            with self._turn:
                self._answers.pop(request_id, None)
        if answer is None:
            self._send(encode_frame(CANCEL, request_id), 1.0)
        return answer

    def close(self):
        self._end(ConnectionLost("it was closed"))

    def _send(self, frame, timeout):
        with self._sending:
            try:
                self._socket.settimeout(max(timeout, 0.001))
                self._socket.sendall(frame)
            except OSError as error:
                # A part of it may have gone out: what comes behind would be read as its rest.
                raise self._end(ConnectionLost(str(error))) from error

    def _wait(self, request_id, deadline):
        while True:
            with self._turn:
                while True:
                    if self._answers[request_id] is not None:
                        return self._answers[request_id]
                    if self._lost is not None:
                        raise self._lost
                    remaining = deadline - time.monotonic()
                    if remaining <= 0:
                        return None
                    if not self._is_read:
                        self._is_read = True
                        break
                    self._turn.wait(remaining)
            try:
                self._read(remaining)
            finally:
                with self._turn:
                    self._is_read = False
                    self._turn.notify_all()

    def _read(self, timeout):
        """Takes what has come, or waits for it so long."""
        try:
            self._socket.settimeout(timeout)
            chunk = self._socket.recv(256 * 1024)
        except socket.timeout:
            return
        except OSError as error:
            raise self._end(ConnectionLost(str(error))) from error
        if not chunk:
            raise self._end(ConnectionLost("the agent closed the connection"))
        self._held += chunk
        while len(self._held) >= HEADER.size:
            size, kind, _, _, request_id, metadata_size = HEADER.unpack_from(self._held)
            if size > 16 * MAX_FRAME_BYTES or metadata_size > size:
                raise self._end(ConnectionLost("the agent said what is no frame"))
            end = HEADER.size + size
            if len(self._held) < end:
                break
            body = bytes(self._held[HEADER.size : end])
            del self._held[:end]
            self._take(kind, request_id, body[:metadata_size], body[aligned(metadata_size) :])

    def _take(self, kind, request_id, metadata, payload):
        if request_id == 0:
            if kind == ERROR:
                # Of the connection: the agent closes it behind this.
                raise self._end(error_of(metadata))
            return
        with self._turn:
            # Nobody may wait for it any more.
            if request_id in self._answers and kind in (REPLY, ERROR):
                self._answers[request_id] = (kind, metadata, payload)

    def _end(self, why):
        with self._turn:
            if self._lost is None:
                self._lost = why
            self._turn.notify_all()
        # A thread that reads is woken by the end of the connection, where a mere close would leave it waiting.
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._socket.close()
        return self._lost


class ExchangeFile:
    """A file in the exchange folder for one request at a time: inputs in front, room for outputs behind."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.path = os.path.join(folder, name)
        self.held = 0
        with translated(self.path):
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)

    def lay(self, parts, output_bytes):
        """Regions of the parts and of the room for outputs, which is sparse and costs nothing until it is used."""
        regions, offset = [], 0
        with translated(self.path):
            for part in parts:
                view, at = memoryview(part), offset
                while view:
                    written = os.pwrite(self._descriptor, view, at)
                    view, at = view[written:], at + written
                regions.append({"name": self.name, "offset": offset, "byteSize": len(part)})
                offset = aligned(offset + len(part), PAGE_BYTES)
            if os.fstat(self._descriptor).st_size < offset + output_bytes:
                os.ftruncate(self._descriptor, offset + output_bytes)
        self.held = max(self.held, offset)
        return regions, {"name": self.name, "offset": offset, "byteSize": output_bytes}

    def read(self, region):
        self.held = max(self.held, region["offset"] + region["byteSize"])
        return os.pread(self._descriptor, region["byteSize"], region["offset"])

    @property
    def is_there(self):
        return os.fstat(self._descriptor).st_nlink > 0

    def remove(self):
        try:
            os.unlink(self.path)
        except OSError:
            pass
        os.close(self._descriptor)


class translated:
    """Faults of the exchange folder in the words of docs/errors.md."""

    def __init__(self, path):
        self._path = path

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if not isinstance(error, OSError):
            return
        code, reason, step = FOLDER_FAULTS.get(error.errno, ("FAILED_PRECONDITION", "FILE_UNUSABLE", "look at it"))
        sentence = f"Cannot pass tensors by {self._path} ({error.strerror}): {step}"
        raise EdgeManagerError(code, sentence, reason) from error


class EdgeManagerEndpoint:
    """Calls over the agent's local endpoint.

    `path`: of its socket. `name`: whom the agent counts this app as, 1 to 64 of A-Za-z0-9._-; without one each
    connection is a caller of its own. `timeout`: seconds for calls that name none, repeats included.
    """

    def __init__(self, path, name=None, timeout=10.0):
        self._path = path
        self._hello = {"protocol": 1, "session": secrets.token_hex(8)}
        if name is not None:
            self._hello["name"] = name
        self._timeout = timeout
        self._lock = threading.Lock()
        self._connecting = threading.Lock()
        self._connection = None
        self._counter = 0
        self._files = []
        self._is_closed = False
        # The exchange folder can't be used from here: large tensors go in the frame as far as it holds them.
        self._is_folderless = False
        # It was asked for anew, as it was not there: the agent lets go of the folders of whoever is silent.
        self._asked_anew = False
        # Models whose outputs are better in a file.
        self._roomy = set()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Ends the connection; calls under way fail with UNAVAILABLE (CLOSED)."""
        with self._lock:
            self._is_closed = True
            connection, self._connection = self._connection, None
            files, self._files = self._files, []
        if connection is not None:
            connection.close()
        for file in files:
            file.remove()

    def hello(self, timeout=None):
        """Who answers: agentVersion, thingName, fleet, exchangeFolder."""
        return self._call("hello", {"uid": os.getuid(), "session": self._hello["session"]}, timeout)

    def list_models(self, timeout=None):
        """All versions that the agent shows, pages joined."""
        models, cursor = [], None
        while True:
            page = self._call("list", {} if cursor is None else {"cursor": cursor}, timeout)
            models += page["models"]
            cursor = page.get("next")
            if cursor is None:
                return models

    def describe_model(self, model, version=None, label=None, timeout=None):
        """One version in full: inputs and outputs with datatypes and shapes, state, memory."""
        return self._call("describe", {"name": model, **given(version=version, label=label)}, timeout)

    def stats(self, model=None, timeout=None):
        """Counters since the agent's start, latencies in milliseconds, and what waits to be uploaded."""
        return self._call("stats", given(model=model), timeout)

    def load(self, model, version=None, path=None, pinned=None, timeout=None):
        """Where the agent's configuration has endpoint.control."""
        return self._call("load", {"name": model, **given(version=version, path=path, pinned=pinned)}, timeout)

    def unload(self, model, version=None, timeout=None):
        """Where the agent's configuration has endpoint.control."""
        self._call("unload", {"name": model, **given(version=version)}, timeout)

    def predict(self, model, inputs, version=None, label=None, outputs=None, capture=None, capture_id=None,
                timeout=None, max_output_bytes=64 * 1024 * 1024):  # fmt: skip
        """Runs a model. `inputs`: names to numpy arrays or Tensors; `outputs`: names of wanted ones, default all.

        `capture`: "always" or "never", default what the policies say. Returns a Prediction whose `outputs` are names to
        numpy arrays where numpy is installed (of BYTES: to Tensors), else to Tensors.
        """
        names = list(inputs)
        tensors = [tensor_of(inputs[name]) for name in names]
        more = given(version=version, label=label, outputs=outputs, capture=capture)
        # Whoever repeats a prediction repeats its capture id: it is not captured twice.
        more["captureId"] = capture_id or secrets.token_hex(16)

        def once(deadline, connection):
            parts = [tensor.data for tensor in tensors]
            with Laid(self, connection, parts, max_output_bytes, model in self._roomy, deadline) as laid:
                wire = [
                    {"name": name, "datatype": tensor.datatype, "shape": list(tensor.shape), **carrier}
                    for name, tensor, carrier in zip(names, tensors, laid.carriers)
                ]
                body = {"inputs": wire, **given(outputFile=laid.output), **more}
                reply, payload = self._ask(connection, "predict", body, deadline, laid.payload, model)
                if len(payload) > INLINE_BYTES and not self._is_folderless:
                    self._roomy.add(model)
                return prediction_of(reply, payload, laid)

        return self._repeat(once, timeout, lambda error: self._made_room(model, error))

    def capture(self, model, inputs=None, outputs=None, version=None, capture_id=None, timeout=None):
        """Edge Manager's CaptureData: keeps tensors of the app's own choice. Returns captureId and mode."""
        sides = [("inputTensors", inputs or {}), ("outputTensors", outputs or {})]
        named = [(side, name, tensor_of(value)) for side, tensors in sides for name, value in tensors.items()]
        more = {"modelName": model, "captureId": capture_id or secrets.token_hex(16), **given(version=version)}

        def once(deadline, connection):
            with Laid(self, connection, [tensor.data for *_, tensor in named], 0, False, deadline) as laid:
                body = {"inputTensors": [], "outputTensors": [], **more}
                for (side, name, tensor), carrier in zip(named, laid.carriers):
                    body[side].append({"name": name, "datatype": tensor.datatype, "shape": list(tensor.shape), **carrier})
                return self._ask(connection, "capture", body, deadline, laid.payload)[0]

        return self._repeat(once, timeout, lambda error: self._made_room(None, error))

    def capture_status(self, capture_id, timeout=None):
        """Edge Manager's GetCaptureDataStatus: status, and where the record is (`state`)."""
        return self._call("captureStatus", {"captureId": capture_id}, timeout)

    def _call(self, op, body, timeout):
        return self._repeat(lambda deadline, connection: self._ask(connection, op, body, deadline)[0], timeout)

    def _repeat(self, once, timeout, mended=lambda error: False):
        """Tries until it succeeds, fails for another reason than that the agent is away, or its time is up."""
        timeout = self._timeout if timeout is None else timeout
        deadline = time.monotonic() + timeout
        pause = 0.05
        while True:
            try:
                return once(deadline, self._connected(deadline))
            except ConnectionLost as lost:
                sentence = f"The agent's endpoint at {self._path} did not come back within {timeout} s: {lost}"
                failure = EdgeManagerError("UNAVAILABLE", sentence, "CONNECTION_LOST")
            except EdgeManagerError as error:
                if mended(error):
                    continue
                if error.code != "UNAVAILABLE" or error.reason == "CLOSED":
                    raise
                failure = error
            # All apps of a device meet the same restart: full jitter.
            delay = random.random() * pause
            if time.monotonic() + delay >= deadline:
                raise failure
            time.sleep(delay)
            pause = min(1.0, pause * 2)

    def _connected(self, deadline):
        with self._connecting:
            with self._lock:
                if self._is_closed:
                    raise EdgeManagerError("UNAVAILABLE", "The client was closed", "CLOSED")
                connection = self._connection
            if connection is not None and connection._lost is None:
                return connection
            try:
                made = Connection(self._path, self._hello, max(deadline - time.monotonic(), 0.001))
            except PermissionError as error:
                step = "run this app as the agent's user, or let its group in by 'endpoint.group'"
                raise EdgeManagerError(
                    "PERMISSION_DENIED", f"Cannot open {self._path}: {step}", "FILE_DENIED"
                ) from error
            except OSError as error:
                raise ConnectionLost(str(error)) from error
            with self._lock:
                self._connection = made
            return made

    def _ask(self, connection, op, body, deadline, payload=(), model=None):
        """The reply and its payload."""
        request_id = self._next()
        remaining = deadline - time.monotonic()
        head = {"op": op, "timeoutMs": max(1, min(600_000, int(remaining * 1000))), "body": body, **given(model=model)}
        frame = encode_frame(REQUEST, request_id, json.dumps(head).encode(), payload)
        if len(frame) - HEADER.size > MAX_FRAME_BYTES:
            raise EdgeManagerError("INVALID_ARGUMENT", "The request does not fit a frame", "MESSAGE_TOO_LARGE")
        answer = connection.ask(request_id, frame, deadline)
        if self._is_closed:
            raise EdgeManagerError("UNAVAILABLE", "The client was closed", "CLOSED")
        if answer is None:
            raise EdgeManagerError("DEADLINE_EXCEEDED", f"No reply to '{op}' in its time", "NO_REPLY")
        kind, metadata, payload = answer
        if kind == ERROR:
            raise error_of(metadata)
        return json.loads(metadata), payload

    def _next(self):
        with self._lock:
            # An id has 32 bits, and 0 is the connection's own.
            self._counter = self._counter % 0xFFFF_FFFF + 1
            return self._counter

    def _folder_of(self, connection, deadline):
        """The exchange folder goes with its connection."""
        if connection.folder is None:
            body = {"uid": os.getuid(), "session": self._hello["session"]}
            connection.folder = self._ask(connection, "hello", body, deadline)[0]["exchangeFolder"]
        return connection.folder

    def _take_file(self, connection, deadline):
        folder = self._folder_of(connection, deadline)
        while True:
            with self._lock:
                file = self._files.pop() if self._files else None
            if file is None:
                return ExchangeFile(folder, f"{self._hello['session']}-{self._next()}")
            if file.folder == folder and file.is_there:
                return file
            file.remove()

    def _give_file(self, file):
        with self._lock:
            self._asked_anew = False
            keep = not self._is_closed and file.held <= KEPT_BYTES
            if keep:
                self._files.append(file)
        if not keep:
            file.remove()

    def _made_room(self, model, error):
        """Whether another try goes another way: by a file, or without one."""
        if error.reason == "OUTPUT_ROOM_TOO_SMALL" and model not in self._roomy:
            self._roomy.add(model)
            return True
        if error.reason in ("EXCHANGE_FOLDER_UNSEEN", "EXCHANGE_FOLDER_UNKNOWN") and not self._asked_anew:
            self._asked_anew = True
            connection = self._connection
            if connection is not None:
                connection.folder = None
            return True
        if error.reason in ("EXCHANGE_FOLDER_UNSEEN", "EXCHANGE_FOLDER_READ_ONLY", "FILE_DENIED", "USER_DIFFERS"):
            return self._without_folder(model)
        return False

    def _without_folder(self, model):
        if self._is_folderless:
            return False
        self._is_folderless = True
        self._roomy.discard(model)
        return True


class Laid:
    """A request's parts on their way: in the frame while they are small, else in a file of the exchange folder."""

    def __init__(self, client, connection, parts, output_bytes, wants_room, deadline):
        self._client = client
        self.payload, self.output, self.file = [], None, None
        total = sum(len(part) for part in parts)
        limit = MAX_FRAME_BYTES - HEAD_ROOM_BYTES if client._is_folderless else INLINE_BYTES
        inline = total <= limit
        if inline:
            self.payload, self.carriers, offset = list(parts), [], 0
            for part in parts:
                self.carriers.append({"bytes": {"offset": offset, "byteSize": len(part)}})
                offset += aligned(len(part))
        if inline and not (wants_room and output_bytes):
            return
        self.file = client._take_file(connection, deadline)
        try:
            regions, output = self.file.lay([] if inline else parts, output_bytes)
        except BaseException:
            self.file.remove()
            raise
        if not inline:
            self.carriers = [{"file": region} for region in regions]
        if output_bytes:
            self.output = output

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.file is None:
            return
        # The agent may still read or write a file whose request failed.
        if kind is None:
            self._client._give_file(self.file)
        else:
            self.file.remove()


def given(**fields):
    return {name: value for name, value in fields.items() if value is not None}


def tensor_of(value):
    if isinstance(value, Tensor):
        return value
    if numpy is None:
        raise TypeError("A tensor must be a Tensor where numpy is not installed")
    array = numpy.asarray(value)
    if array.dtype.kind in "OSU":
        return strings(array.shape, array.reshape(-1).tolist())
    datatype = DATATYPES.get(array.dtype.name)
    if datatype is None:
        raise TypeError(f"No datatype of the agent's is numpy's {array.dtype.name}")
    return Tensor(datatype, list(array.shape), array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())


def prediction_of(reply, payload, laid):
    outputs = {}
    for wire in reply["outputs"]:
        if "bytes" in wire:
            region = wire["bytes"]
            data = payload[region["offset"] : region["offset"] + region["byteSize"]]
        else:
            data = laid.file.read(wire["file"])
        outputs[wire["name"]] = value_of(Tensor(wire["datatype"], wire["shape"], data))
    return Prediction(
        reply["model"], reply["version"], outputs, reply.get("captureId"), reply["queueMs"], reply["runMs"]
    )


def value_of(tensor):
    name = NUMPY_NAMES.get(tensor.datatype)
    if numpy is None or name is None:
        return tensor
    return numpy.frombuffer(tensor.data, numpy.dtype(name).newbyteorder("<")).reshape(tensor.shape)
