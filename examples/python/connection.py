"""A connection to Greengrass IPC that comes back, with the official device SDK (`pip install awsiotsdk`).

The SDK's client neither reconnects nor survives that a restarted nucleus lite has forgotten this component's SVCUID.
So the socket is asked first, in plain frames: it must accept the SVCUID, and where it closes without a word, it is
asked by the component's name, which nucleus lite answers to the processes of the component's own unit.
"""

import concurrent.futures
import json
import os
import random
import socket
import struct
import threading
import zlib

import awsiot.greengrasscoreipc
from awscrt.exceptions import AwsCrtError
from awsiot.eventstreamrpc import ConnectionClosedError, LifecycleHandler, StreamClosedError
from awsiot.greengrasscoreipc.clientv2 import GreengrassCoreIPCClientV2
from awsiot.greengrasscoreipc.model import BinaryMessage, PublishMessage

SOCKET = "AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT"
# The token exchange knows a component by its SVCUID.
IDENTITY = ("SVCUID", "AWS_CONTAINER_AUTHORIZATION_TOKEN")
ANSWER_SECONDS = 10.0
MAX_FRAME_BYTES = 64 * 1024
CONNECT, CONNECT_ACK, ACCEPTED = 4, 5, 1
# How long the nucleus may take to confirm that a stream or the connection ends.
CLOSE_SECONDS = 3.0
# All components of a nucleus that restarts lose it at the same moment: full jitter. Callers wait meanwhile.
BASE_SECONDS, CAP_SECONDS = 0.2, 1.0


# What the SDK says of a connection that is gone; a refusal of the nucleus is none of these.
GONE = (ConnectionClosedError, StreamClosedError, AwsCrtError, concurrent.futures.TimeoutError)


class NotConnected(Exception):
    """The nucleus is away; the connection is being made anew."""


def frame(words):
    """A connect message of event-stream RPC."""
    headers = b"".join(
        [number(":message-type", CONNECT), number(":message-flags", 0), number(":stream-id", 0), text(":version", "0.1.0")]
    )
    payload = json.dumps(words).encode()
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + payload
    return message + struct.pack(">I", zlib.crc32(message))


def number(name, value):
    return bytes([len(name)]) + name.encode() + b"\x04" + struct.pack(">i", value)


def text(name, value):
    return bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()


def headers_of(data):
    """Integer and text headers of one whole frame; ValueError for any other."""
    at, end = 12, 12 + struct.unpack(">I", data[4:8])[0]
    headers = {}
    while at < end:
        size = data[at]
        name, kind = data[at + 1 : at + 1 + size].decode(), data[at + 1 + size]
        at += 2 + size
        if kind == 4:
            headers[name], at = struct.unpack(">i", data[at : at + 4])[0], at + 4
        elif kind == 7:
            length = struct.unpack(">H", data[at : at + 2])[0]
            headers[name], at = data[at + 2 : at + 2 + length].decode(), at + 2 + length
        else:
            raise ValueError(f"A header of the nucleus has the kind {kind}")
    return headers


def greet(words):
    """The headers of the nucleus's answer to a connect message; None where it closes without a word."""
    with socket.socket(socket.AF_UNIX) as nucleus:
        nucleus.settimeout(ANSWER_SECONDS)
        nucleus.connect(os.environ[SOCKET])
        try:
            nucleus.sendall(frame(words))
            data = b""
            while len(data) < 4 or len(data) < struct.unpack(">I", data[:4])[0]:
                if len(data) > MAX_FRAME_BYTES:
                    raise ValueError("The nucleus's answer is too long")
                chunk = nucleus.recv(4096)
                if not chunk:
                    return None
                data += chunk
        except (BrokenPipeError, ConnectionResetError):
            return None
        return headers_of(data)


def is_accepted(headers):
    return headers is not None and headers[":message-type"] == CONNECT_ACK and headers[":message-flags"] & ACCEPTED != 0


def prove_identity(component):
    """Returns when the nucleus accepts this component, with a new SVCUID where it has forgotten the old one."""
    if is_accepted(answer := greet({"authToken": os.environ["SVCUID"]})):
        return
    if answer is None and is_accepted(named := greet({"componentName": component})) and "svcuid" in named:
        for name in IDENTITY:
            os.environ[name] = named["svcuid"]
        return
    # A full table of connections closes without a word too: then the SVCUID stays as it is.
    raise NotConnected("The nucleus does not take this component's connection")


class Lost(LifecycleHandler):
    def __init__(self, tell):
        self._tell = tell

    def on_disconnect(self, reason):
        self._tell()

    def on_error(self, error):
        return True


class Connection:
    """Publishes and subscribes for one component; one loop at any time makes a lost connection anew."""

    def __init__(self, component):
        self._component = component
        self._lock = threading.Lock()
        self._subscriptions = []
        self._closed = threading.Event()
        self._client = None
        self._open()

    def publish(self, topic, message):
        client = self._client
        if client is None:
            raise NotConnected(f"Cannot publish to {topic} as Greengrass IPC is not connected")
        publish_message = PublishMessage(binary_message=BinaryMessage(message=message))
        try:
            client.publish_to_topic_async(topic=topic, publish_message=publish_message).result(ANSWER_SECONDS)
        except GONE as error:
            raise NotConnected(f"Cannot publish to {topic} as the connection was lost") from error

    def subscribe(self, topic, on_event):
        """Kept over all connections."""
        self._subscribe(self._client, topic, on_event)
        self._subscriptions.append((topic, on_event))

    def close(self):
        self._closed.set()
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            end(client)

    def _open(self):
        prove_identity(self._component)
        lost = threading.Event()
        gone = Lost(lambda: (lost.set(), self._lost(client)))
        client = None
        raw = awsiot.greengrasscoreipc.connect(lifecycle_handler=gone)
        # Replies are only noted down: the SDK's own thread does that, and no executor is left to end.
        client = GreengrassCoreIPCClientV2(client=raw, executor=None)
        try:
            for topic, on_event in self._subscriptions:
                self._subscribe(client, topic, on_event)
            with self._lock:
                if self._closed.is_set() or lost.is_set():
                    raise NotConnected("The connection was lost while it was made")
                self._client = client
        except BaseException:
            end(client)
            raise

    @staticmethod
    def _subscribe(client, topic, on_event):
        if client is None:
            raise NotConnected(f"Cannot subscribe to {topic} as Greengrass IPC is not connected")
        activated, _operation = client.subscribe_to_topic_async(
            topic=topic,
            on_stream_event=on_event,
            on_stream_error=lambda error: False,
            on_stream_closed=lambda: None,
        )
        activated.result(ANSWER_SECONDS)

    def _lost(self, client):
        with self._lock:
            if client is None or self._client is not client or self._closed.is_set():
                return
            self._client = None
        # Not here: this is the SDK's own thread.
        threading.Thread(target=self._reconnect, args=(client,), daemon=True).start()

    def _reconnect(self, former):
        end(former)
        attempt = 0
        while not self._closed.wait(random.random() * min(CAP_SECONDS, BASE_SECONDS * 2**attempt)):
            attempt = min(attempt + 1, 10)
            try:
                return self._open()
            except Exception:  # Whatever it is, the nucleus is not there yet.
                continue


def end(client):
    """Always returns."""
    try:
        client.close().result(CLOSE_SECONDS)
    except Exception:
        pass
