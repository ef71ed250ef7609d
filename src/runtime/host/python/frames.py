"""Length-prefixed binary frames over a stream socket: 16 bytes of header, metadata, payload. All numbers are
little-endian, and the payload and its parts begin at multiples of 8.

header: u32 bytes that follow it (a multiple of 8), u8 kind, u8 flags, u16 zero, u32 id, u32 bytes of metadata
"""

import mmap
import struct
from socket import MSG_DONTWAIT
HEADER = struct.Struct("<IBBHII")
HEADER_BYTES = HEADER.size
BUFFER_BYTES = 256 * 1024
# A header here, and the body behind it at a multiple of 64 of every frame: where an input lies decides how sums over
# it round, so the same request must find it at the same place.
BEGIN = 64 - HEADER_BYTES


def aligned(size):
    """The next multiple of 8."""
    return (size + 7) & ~7


class FrameError(Exception):
    """What came is no frame: the stream has no meaning any more."""


class Frame:
    """`metadata` and `payload` are views that hold until the next frame is asked for."""

    __slots__ = ("kind", "flags", "id", "metadata", "payload")

    def __init__(self, kind, flags, id, metadata, payload):
        self.kind = kind
        self.flags = flags
        self.id = id
        self.metadata = metadata
        self.payload = payload


class Channel:
    """
    :param most_bytes: of a frame's body; one that claims more is refused before memory is taken for it
    """

    def __init__(self, socket, most_bytes):
        self._socket = socket
        self._most_bytes = most_bytes
        # A page of its own, so that its addresses are multiples of 64.
        self._buffer = memoryview(mmap.mmap(-1, BUFFER_BYTES))
        self._held = 0
        self._used = 0

    def receive(self):
        """The next frame, waited for; None where the stream has ended.

        :raises FrameError: where what comes is none, or the stream ends inside one
        """
        self._drop_used()
        buffer = self._buffer
        while self._held < HEADER_BYTES:
            if not self._more():
                if self._held:
                    raise FrameError("the stream ended inside a header")
                return None
        size, kind, flags, zero, id, metadata_bytes = HEADER.unpack_from(buffer, BEGIN)
        if size % 8 or zero or metadata_bytes > size:
            raise FrameError("what came is no header of a frame")
        if size > self._most_bytes:
            raise FrameError("a frame may hold at most %d bytes: current size is %d" % (self._most_bytes, size))
        body = self._small(size) if BEGIN + HEADER_BYTES + size <= BUFFER_BYTES else self._large(size)
        return Frame(kind, flags, id, body[:metadata_bytes], body[min(aligned(metadata_bytes), size) :])

    def _small(self, size):
        end = HEADER_BYTES + size
        while self._held < end:
            if not self._more():
                raise FrameError("the stream ended inside a frame")
        self._used = end
        return self._buffer[BEGIN + HEADER_BYTES : BEGIN + end]

    def _large(self, size):
        """A body that has memory of its own."""
        body = memoryview(mmap.mmap(-1, size))
        here = self._held - HEADER_BYTES
        body[:here] = self._buffer[BEGIN + HEADER_BYTES : BEGIN + self._held]
        while here < size:
            count = self._socket.recv_into(body[here:])
            if count == 0:
                raise FrameError("the stream ended inside a frame")
            here += count
        self._used = self._held
        return body

    def holds(self, kind, id):
        """Whether a frame of this kind and id without a body waits behind the one that was received last."""
        try:
            self._held += self._socket.recv_into(self._buffer[BEGIN + self._held :], 0, MSG_DONTWAIT)
        except (BlockingIOError, ValueError):
            pass
        at = BEGIN + self._used
        while at + HEADER_BYTES <= BEGIN + self._held:
            size, other, _, _, other_id, _ = HEADER.unpack_from(self._buffer, at)
            if other == kind and other_id == id:
                return True
            at += HEADER_BYTES + size
        return False

    def _more(self):
        count = self._socket.recv_into(self._buffer[BEGIN + self._held :])
        self._held += count
        return count > 0

    def _drop_used(self):
        rest = self._held - self._used
        if rest and self._used:
            self._buffer[BEGIN : BEGIN + rest] = bytes(self._buffer[BEGIN + self._used : BEGIN + self._held])
        self._held = rest
        self._used = 0

    def send(self, kind, id, metadata=b"", payload=(), flags=0):
        """
        :param payload: parts with a buffer of bytes each; each begins at a multiple of 8
        """
        size = aligned(len(metadata)) + sum([aligned(len(part)) for part in payload])
        pieces = [HEADER.pack(size, kind, flags, 0, id, len(metadata)) + padded(metadata)]
        for part in payload:
            pieces.append(part)
            rest = len(part) % 8
            if rest:
                pieces.append(PADDING[rest])
        self._send_all(pieces)

    def _send_all(self, pieces):
        pieces = [piece for piece in pieces if len(piece)]
        while pieces:
            sent = self._socket.sendmsg(pieces[:MOST_PIECES])
            while pieces and sent >= len(pieces[0]):
                sent -= len(pieces.pop(0))
            if sent:
                pieces[0] = memoryview(pieces[0])[sent:]


# What one call of the kernel takes (IOV_MAX is 1024).
MOST_PIECES = 512
PADDING = [b"\0" * (-rest % 8) for rest in range(8)]


def padded(data):
    rest = len(data) % 8
    return bytes(data) + PADDING[rest] if rest else bytes(data)
