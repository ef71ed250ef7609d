"""The control process's side of docs/protocol/host.md, as far as a check needs it: written from that page alone, so
that it is a second reader of it. Standard library and numpy."""

import json
import os
import socket
import struct
import subprocess
import tempfile
import time

import numpy

CODES = {
    "BOOL": 1, "UINT8": 2, "UINT16": 3, "UINT32": 4, "UINT64": 5, "INT8": 6, "INT16": 7, "INT32": 8, "INT64": 9,
    "FP16": 10, "FP32": 11, "FP64": 12, "BYTES": 13,
}  # fmt: skip
NAMES = dict([(code, name) for name, code in CODES.items()])
KINDS = {
    "BOOL": "?", "UINT8": "u1", "UINT16": "<u2", "UINT32": "<u4", "UINT64": "<u8", "INT8": "i1", "INT16": "<i2",
    "INT32": "<i4", "INT64": "<i8", "FP16": "<f2", "FP32": "<f4", "FP64": "<f8",
}  # fmt: skip
INLINE_BYTES = 64 * 1024


class Refused(Exception):
    """What the host answered by `failed`: code, reason, message, field, next step."""


class HostClient:
    """A host as a child process, with its exchange folder.

    :param program: arguments of the host, such as ["python3", "-I", "src/runtime/host/python"]
    """

    def __init__(self, program, environment=None, exchange_parent=None):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self.folder = tempfile.mkdtemp(prefix="host-check-", dir=exchange_parent or shared_memory())
        self._socket = ours
        self._id = 0
        number = theirs.fileno()

        def at_three():
            os.dup2(number, 3)

        env = {"ORT_DISABLE_TELEMETRY": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        env.update(environment or {})
        self.process = subprocess.Popen(
            program, preexec_fn=at_three, pass_fds=(3,), env=env, stdin=subprocess.DEVNULL, close_fds=True
        )
        theirs.close()
        self._send(0x01, 0, json_bytes({"protocol": "1.0", "limits": {"frameBytes": 64 * 1024 * 1024}}))
        try:
            self.hello = self._json(0x81)
        except Exception:
            self.close()
            raise

    def load(self, handle, verified):
        order = {"handle": handle, "key": verified["name"], "onlyConfined": False, "allowSpinning": False, "verified": verified}
        return self.call(0x02, json_bytes(order), 0x82)

    def call(self, kind, metadata, answer):
        self._send(kind, self._next(), metadata)
        return self._json(answer)

    def run(self, handle, inputs, outputs_bytes=0, blind=False):
        """
        :param inputs: arrays by name
        :param outputs_bytes: room for outputs in a file; 0: inline
        :returns: arrays by name, and milliseconds of the run alone
        """
        total = sum([array.nbytes for array in inputs.values()])
        forms, payload, offset = [], [], 0
        by_file = total > INLINE_BYTES
        if by_file:
            with open(os.path.join(self.folder, "in"), "wb") as file:
                for array in inputs.values():
                    file.write(array.tobytes())
        for name, array in inputs.items():
            place = string("in") + struct.pack("<Q", offset) if by_file else b""
            forms.append(
                string(name)
                + struct.pack("<BBB", CODES[datatype_of(array)], array.ndim, 1 if by_file else 0)
                + struct.pack("<%dQ" % (array.ndim + 1), *array.shape, array.nbytes)
                + place
            )
            offset += array.nbytes
            if not by_file:
                payload.append(array.tobytes())
        flags = (8 if outputs_bytes else 0) | (1 if blind else 0)
        if outputs_bytes:
            with open(os.path.join(self.folder, "out"), "ab") as file:
                file.truncate(outputs_bytes)
        head = struct.pack("<IQBI", handle, 2**64 - 1, 2, 0 if outputs_bytes else INLINE_BYTES)
        head += string("check") + string("") + string(self.folder)
        if outputs_bytes:
            head += string("out") + struct.pack("<QQ", 0, outputs_bytes)
        self._send(0x03, self._next(), head + struct.pack("<H", len(forms)) + b"".join(forms), payload, flags)
        return self._result()

    def _result(self):
        metadata, payload = self._frame(0x83)
        run_ms, _, count = struct.unpack_from("<dBH", metadata)
        at, here, outputs = 11, 0, {}
        for _ in range(count):
            name, at = take_string(metadata, at)
            code, rank, place = struct.unpack_from("<BBB", metadata, at)
            *shape, size = struct.unpack_from("<%dQ" % (rank + 1), metadata, at + 3)
            at += 3 + 8 * (rank + 1)
            if place == 0:
                data = payload[here : here + size]
                here += aligned(size)
            else:
                file, at = take_string(metadata, at)
                (offset,) = struct.unpack_from("<Q", metadata, at)
                at += 8
                with open(os.path.join(self.folder, file), "rb") as source:
                    source.seek(offset)
                    data = source.read(size)
            outputs[name] = data if NAMES[code] == "BYTES" else numpy.frombuffer(data, KINDS[NAMES[code]]).reshape(shape)
        assert at == len(metadata) and here == len(payload), "the result has bytes that nothing names"
        return outputs, run_ms

    def close(self):
        """:returns: the exit code"""
        self._socket.close()
        code = self.process.wait(timeout=30)
        for name in os.listdir(self.folder):
            os.unlink(os.path.join(self.folder, name))
        os.rmdir(self.folder)
        return code

    def _next(self):
        self._id += 1
        return self._id

    def _send(self, kind, id, metadata=b"", payload=(), flags=0):
        body = b"".join([part + b"\0" * (-len(part) % 8) for part in (metadata,) + tuple(payload)])
        self._socket.sendall(struct.pack("<IBBHII", len(body), kind, flags, 0, id, len(metadata)) + body)

    def _json(self, wanted):
        return json.loads(self._frame(wanted)[0].decode("utf-8"))

    def _frame(self, wanted):
        size, kind, _, _, _, metadata_bytes = struct.unpack("<IBBHII", self._exactly(16))
        body = self._exactly(size)
        metadata = body[:metadata_bytes]
        if kind == 0x84:
            texts, at = [], 0
            for _ in range(5):
                text, at = take_string(metadata, at)
                texts.append(text)
            raise Refused(*texts)
        assert kind == wanted, "wanted a frame of kind %d: current kind is %d" % (wanted, kind)
        return metadata, body[aligned(metadata_bytes) :]

    def _exactly(self, size):
        parts = bytearray()
        while len(parts) < size:
            part = self._socket.recv(size - len(parts))
            if not part:
                raise EOFError("the host has ended: its exit code is %s" % self.process.wait(timeout=30))
            parts += part
        return bytes(parts)


def shared_memory():
    return "/dev/shm" if os.path.isdir("/dev/shm") else None


def datatype_of(array):
    return dict([(numpy.dtype(kind), name) for name, kind in KINDS.items()])[array.dtype]


def json_bytes(value):
    return json.dumps(value).encode("utf-8")


def string(text):
    raw = text.encode("utf-8")
    return struct.pack("<H", len(raw)) + raw


def take_string(data, at):
    (size,) = struct.unpack_from("<H", data, at)
    return data[at + 2 : at + 2 + size].decode("utf-8"), at + 2 + size


def aligned(size):
    return (size + 7) & ~7


def p50_ms(act, times):
    """The median of how long `act` takes, after three that do not count."""
    took = []
    for turn in range(times + 3):
        begun = time.perf_counter()
        act()
        took.append((time.perf_counter() - begun) * 1000)
    return sorted(took[3:])[times // 2]
