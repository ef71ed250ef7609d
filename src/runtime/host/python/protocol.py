"""What the frames of the host protocol hold, byte by byte: docs/protocol/host.md."""

import json
import struct

from frames import FrameError, aligned

VERSION = "1.0"
MAJOR = VERSION.split(".")[0]
FRAME_BYTES = 64 * 1024 * 1024
NO_DEADLINE = 2**64 - 1

HELLO, LOAD, RUN, CANCEL, UNLOAD, CAPTURE, MEMORY, DRAIN, STOP = range(0x01, 0x0A)
HOST_HELLO, DONE, RESULT, FAILED, CAPTURED = range(0x81, 0x86)

BLIND, CLOCK_SYNCHRONISED, OUTPUTS_NAMED, OUTPUT_FILE = 1, 2, 4, 8
NON_FINITE = 1
BY_POLICIES, ALWAYS, NEVER, HAND_OVER = range(4)
CAPTURED_NO, CAPTURED_YES, CAPTURED_PERHAPS = range(3)
INLINE, EXCHANGE = range(2)

DATATYPES = (
    None, "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16", "FP32", "FP64", "BYTES",
)  # fmt: skip
CODES = dict([(name, code) for code, name in enumerate(DATATYPES) if name])

# The codes of the reasons that this host gives: docs/errors.md.
CODE_OF_REASON = {
    "CLOSED": "UNAVAILABLE",
    "DATATYPE_UNSUPPORTED": "UNIMPLEMENTED",
    "DEADLINE_BEFORE_RUN": "DEADLINE_EXCEEDED",
    "ENGINE_MISSING": "FAILED_PRECONDITION",
    "EXCHANGE_FILE_REFUSED": "INVALID_ARGUMENT",
    "EXCHANGE_FOLDER_UNKNOWN": "INVALID_ARGUMENT",
    "EXCHANGE_FULL": "RESOURCE_EXHAUSTED",
    "HOST_UNCONFINED": "UNAVAILABLE",
    "INPUTS_REFUSED": "INVALID_ARGUMENT",
    "INTERNAL": "INTERNAL",
    "MEMORY_SHORT": "RESOURCE_EXHAUSTED",
    "MODEL_HOST_DIED": "UNAVAILABLE",
    "MODEL_REFUSED": "FAILED_PRECONDITION",
    "OUTPUT_ROOM_TOO_SMALL": "INVALID_ARGUMENT",
    "PACKAGE_CHANGED": "FAILED_PRECONDITION",
    "PACKAGE_REFUSED_CONTENT": "FAILED_PRECONDITION",
    "PACKAGE_REFUSED_MODEL": "FAILED_PRECONDITION",
    "TENSOR_INVALID": "INVALID_ARGUMENT",
}
FAILED_CHARS = 3000

SHORT = struct.Struct("<H")
RUN_HEAD = struct.Struct("<IQBI")
REGION = struct.Struct("<QQ")
TENSOR_HEAD = struct.Struct("<BBB")
WIDE = struct.Struct("<Q")
RESULT_HEAD = struct.Struct("<dBH")


class InputTensor:
    """One input as the request has it; `data` is its bytes where they came inline."""

    __slots__ = ("name", "datatype", "shape", "place", "size", "file", "offset", "data")


class Run:
    """A `run` frame's fields."""

    __slots__ = (
        "handle", "deadline_us", "capture_mode", "most_inline", "caller", "capture_id", "exchange_folder",
        "outputs", "output_file", "inputs", "blind", "clock_synchronised",
    )  # fmt: skip


def read_run(frame):
    """:raises FrameError: where its bytes are no run"""
    try:
        return Reader(frame).run()
    except (struct.error, UnicodeDecodeError, IndexError) as error:
        raise FrameError("a run can't be read: %s" % error)


class Reader:
    def __init__(self, frame):
        self._frame = frame
        self._bytes = bytes(frame.metadata)
        self._at = 0

    def run(self):
        frame, run = self._frame, Run()
        run.handle, run.deadline_us, run.capture_mode, run.most_inline = self._take(RUN_HEAD)
        run.caller = self._string()
        run.capture_id = self._string()
        run.exchange_folder = self._string()
        run.outputs = None
        if frame.flags & OUTPUTS_NAMED:
            run.outputs = [self._string() for _ in range(self._take(SHORT)[0])]
        run.output_file = None
        if frame.flags & OUTPUT_FILE:
            run.output_file = (self._string(),) + self._take(REGION)
        run.inputs = [self._tensor() for _ in range(self._take(SHORT)[0])]
        run.blind = bool(frame.flags & BLIND)
        run.clock_synchronised = bool(frame.flags & CLOCK_SYNCHRONISED)
        if self._at != len(self._bytes):
            raise FrameError("a run can't be read: %d bytes are left" % (len(self._bytes) - self._at))
        self._cut_payload(run.inputs)
        return run

    def _tensor(self):
        tensor = InputTensor()
        tensor.name = self._string()
        code, rank, tensor.place = self._take(TENSOR_HEAD)
        tensor.datatype = DATATYPES[code]
        *tensor.shape, tensor.size = self._take(struct.Struct("<%dQ" % (rank + 1)))
        tensor.file, tensor.offset, tensor.data = "", 0, None
        if tensor.place != INLINE:
            tensor.file = self._string()
            (tensor.offset,) = self._take(WIDE)
        if tensor.datatype is None or tensor.place > EXCHANGE:
            raise FrameError("a run can't be read: an input is of no known type or place")
        return tensor

    def _cut_payload(self, inputs):
        """A part for each input that has its bytes here; they must fill the payload."""
        payload, at = self._frame.payload, 0
        for tensor in inputs:
            if tensor.place != INLINE:
                continue
            tensor.data = payload[at : at + tensor.size]
            at += aligned(tensor.size)
        if at != len(payload):
            raise FrameError("a run can't be read: its payload has %d bytes, and its inputs %d" % (len(payload), at))

    def _string(self):
        begin = self._at + 2
        end = begin + SHORT.unpack_from(self._bytes, self._at)[0]
        if end > len(self._bytes):
            raise FrameError("a run can't be read: a string ends behind it")
        self._at = end
        return self._bytes[begin:end].decode("utf-8")

    def _take(self, layout):
        values = layout.unpack_from(self._bytes, self._at)
        self._at += layout.size
        return values


def read_json(frame):
    try:
        return json.loads(bytes(frame.metadata).decode("utf-8"))
    except ValueError as error:
        raise FrameError("a frame of kind %d can't be read: %s" % (frame.kind, error))


def write_json(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def write_result(run_ms, captured, outputs):
    """
    :param outputs: (name, datatype, shape, size, region) each; region: None, or (file, offset)
    """
    parts = [RESULT_HEAD.pack(run_ms, captured, len(outputs))]
    for name, datatype, shape, size, region in outputs:
        parts.append(string_bytes(name))
        place = INLINE if region is None else EXCHANGE
        parts.append(struct.pack("<BBB%dQ" % (len(shape) + 1), CODES[datatype], len(shape), place, *shape, size))
        if region is not None:
            parts.append(string_bytes(region[0]) + WIDE.pack(region[1]))
    return b"".join(parts)


def write_failed(failure):
    code = CODE_OF_REASON.get(failure.reason, "INTERNAL")
    texts = (code, failure.reason, failure.message, failure.field or "", failure.next_step or "")
    return b"".join([string_bytes(text[:FAILED_CHARS]) for text in texts])


def string_bytes(text):
    raw = text.encode("utf-8", "replace")
    return SHORT.pack(len(raw)) + raw
