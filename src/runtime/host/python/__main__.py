"""A model host in this device's own Python, with whichever ONNX Runtime it has: docs/protocol/host.md.

It finds its end of the channel as descriptor 3. With the argument `--describe` it says what it has, as JSON on its
standard output, and ends.
"""

import gc
import json
import os
import signal
import socket
import sys

from device import describe, find_engine
from failures import Failure
from frames import Channel, FrameError
from protocol import FAILED, FRAME_BYTES, write_failed

CHANNEL = 3
ENDED, UNABLE, MISFIT = 0, 1, 2


def main():
    if sys.argv[1:] == ["--describe"]:
        print(json.dumps(describe()))
        return
    # The control process decides when a host ends: a nucleus that stops the component signals the whole group, and
    # requests that are being drained still need their host.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        code = serve(Channel(socket.socket(fileno=CHANNEL), FRAME_BYTES))
    except (BrokenPipeError, ConnectionResetError):
        code = ENDED
    sys.stdout.flush()
    sys.stderr.flush()
    # At once: libraries of accelerators may hang or crash where they are taken down in order.
    os._exit(code)


def serve(channel):
    try:
        runtime = find_engine()
    except Failure as absence:
        channel.send(FAILED, 0, write_failed(absence))
        return UNABLE
    from host import Host

    # What is loaded by now stays: the collector need not look at it again.
    gc.freeze()
    host = Host(channel, runtime)
    host.hello()
    try:
        host.serve()
        return ENDED
    except FrameError as error:
        print("Cannot go on with the control process as %s" % error, file=sys.stderr)
        return MISFIT


if __name__ == "__main__":
    main()
