"""The Python host by its own protocol, from outside, and its parts that need no process.

    python3 test/engines/python_host_test.py

Needs numpy, onnx and onnxruntime.
"""

import hashlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import unittest

import numpy
from onnx import TensorProto, helper, save

from host_client import KINDS, HostClient, Refused, string

HOST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../src/runtime/host/python")
sys.path.insert(0, HOST)

import frames  # noqa: E402
import verified_file  # noqa: E402
from failures import Failure  # noqa: E402
from runtime import choose  # noqa: E402

ELEMENTS = {
    "BOOL": TensorProto.BOOL, "UINT8": TensorProto.UINT8, "UINT16": TensorProto.UINT16, "UINT32": TensorProto.UINT32,
    "UINT64": TensorProto.UINT64, "INT8": TensorProto.INT8, "INT16": TensorProto.INT16, "INT32": TensorProto.INT32,
    "INT64": TensorProto.INT64, "FP16": TensorProto.FLOAT16, "FP32": TensorProto.FLOAT, "FP64": TensorProto.DOUBLE,
    "BYTES": TensorProto.STRING,
}  # fmt: skip
SAMPLES = {
    "BOOL": [True, False, True], "UINT64": [0, 1, 2**64 - 1], "INT64": [-(2**63), 0, 2**63 - 1],
    "FP16": [0.5, -65504, numpy.inf], "FP32": [0.1, -0.0, 3e38], "FP64": [0.1, -0.0, 1e308],
}  # fmt: skip


def model(folder, nodes, inputs, outputs):
    """A model on disk, as the `verified` member of a load names it."""

    def values(forms):
        return [
            helper.make_tensor_value_info(name, ELEMENTS[kind], [None if size == -1 else size for size in shape])
            for name, kind, shape in forms
        ]

    graph = helper.make_graph(nodes, "test", values(inputs), values(outputs))
    path = os.path.join(folder, "model.onnx")
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    with open(path, "rb") as file:
        data = file.read()

    def forms_of(forms):
        return [{"name": name, "datatype": kind, "shape": shape} for name, kind, shape in forms]

    return {
        "digest": "a" * 64,
        "name": "Test",
        "version": "1.0.0",
        "model": {"path": path, "sha256": hashlib.sha256(data).hexdigest(), "byteSize": len(data)},
        "inputs": forms_of(inputs),
        "outputs": forms_of(outputs),
        "threads": 1,
        "providers": [{"name": "CPUExecutionProvider", "options": {}}],
    }


def identity(folder, kind, shape):
    node = helper.make_node("Identity", ["x"], ["y"])
    return model(folder, [node], [("x", kind, shape)], [("y", kind, shape)])


class HostCase(unittest.TestCase):
    """One host for all of a class, as its start is most of the time; each test loads its own models."""

    @classmethod
    def setUpClass(cls):
        cls.place = tempfile.TemporaryDirectory()
        cls.host = HostClient([sys.executable, "-I", "-B", HOST])

    @classmethod
    def tearDownClass(cls):
        code = cls.host.close()
        cls.place.cleanup()
        assert code == 0, "a host ends with 0 where its channel closes: its code is %d" % code

    def refused(self, reason, act, *arguments):
        with self.assertRaises(Refused) as caught:
            act(*arguments)
        self.assertEqual(caught.exception.args[1], reason, caught.exception.args)
        return caught.exception.args


class Values(HostCase):
    def test_numbers_of_each_type_come_back_bit_by_bit(self):
        for kind, numpy_kind in KINDS.items():
            with self.subTest(kind):
                self.host.load(1, identity(self.place.name, kind, [3]))
                given = numpy.array(SAMPLES.get(kind, [0, 1, 100]), numpy_kind)
                outputs, _ = self.host.run(1, {"x": given})
                self.assertEqual(outputs["y"].tobytes(), given.tobytes())

    def test_scalars_and_dimensions_of_size_zero_pass(self):
        self.host.load(1, identity(self.place.name, "FP32", []))
        self.assertEqual(self.host.run(1, {"x": numpy.array(4.5, "<f4")})[0]["y"].shape, ())
        self.host.load(2, identity(self.place.name, "FP64", [-1, 4]))
        self.assertEqual(self.host.run(2, {"x": numpy.empty((0, 4), "<f8")})[0]["y"].shape, (0, 4))

    def test_large_tensors_pass_by_files_there_and_back(self):
        self.host.load(1, identity(self.place.name, "FP32", [-1]))
        given = numpy.arange(1000000, dtype="<f4")
        outputs, _ = self.host.run(1, {"x": given}, outputs_bytes=given.nbytes)
        self.assertTrue((outputs["y"] == given).all())


class Refusals(HostCase):
    def test_a_file_that_is_not_what_was_verified_is_not_loaded(self):
        wanted = identity(self.place.name, "FP32", [3])
        wanted["model"]["sha256"] = "b" * 64
        self.refused("PACKAGE_CHANGED", self.host.load, 1, wanted)

    def test_a_model_with_another_signature_is_not_loaded(self):
        wanted = identity(self.place.name, "FP32", [3])
        wanted["inputs"][0]["datatype"] = "INT8"
        self.refused("PACKAGE_REFUSED_MODEL", self.host.load, 1, wanted)

    def test_what_is_no_model_is_not_loaded(self):
        wanted = identity(self.place.name, "FP32", [3])
        with open(wanted["model"]["path"], "wb") as file:
            file.write(b"no model")
        wanted["model"].update(sha256=hashlib.sha256(b"no model").hexdigest(), byteSize=8)
        self.refused("MODEL_REFUSED", self.host.load, 1, wanted)

    def test_a_provider_that_is_not_here_is_told_and_the_cpu_computes(self):
        wanted = identity(self.place.name, "FP32", [3])
        wanted["providers"] = [{"name": "NoSuchExecutionProvider", "options": {}}]
        report = self.host.load(1, wanted)
        self.assertEqual(report["provider"], "CPUExecutionProvider")
        self.assertIn("NoSuchExecutionProvider", report["missing"])

    def test_an_exchange_file_that_is_a_link_is_not_read(self):
        self.host.load(1, identity(self.place.name, "FP32", [-1]))
        # The client writes through it, so the bytes are there; the host must not follow.
        os.symlink(os.path.join(self.place.name, "elsewhere"), os.path.join(self.host.folder, "in"))
        self.refused("EXCHANGE_FILE_REFUSED", self.host.run, 1, {"x": numpy.zeros(100000, "<f4")}, 400000)

    def test_values_that_are_no_truth_values_are_refused(self):
        self.host.load(1, identity(self.place.name, "BOOL", [2]))
        self.refused("TENSOR_INVALID", self.host.run, 1, {"x": numpy.array([0, 2], "u1").view("?")})


class Process(unittest.TestCase):
    def test_a_device_without_packages_is_told_what_to_install(self):
        with self.assertRaises(Refused) as caught:
            HostClient([sys.executable, "-I", "-S", "-B", HOST])
        self.assertEqual(caught.exception.args[1], "ENGINE_MISSING")
        self.assertIn("numpy", caught.exception.args[2])

    def test_it_stays_where_the_group_is_told_to_end(self):
        host = HostClient([sys.executable, "-I", "-B", HOST])
        for number in (signal.SIGTERM, signal.SIGINT):
            os.kill(host.process.pid, number)
        self.assertEqual(host.call(0x08, b"", 0x82), {})
        self.assertEqual(host.close(), 0)

    def test_it_ends_with_2_where_what_comes_is_no_frame(self):
        host = HostClient([sys.executable, "-I", "-B", HOST])
        host._socket.sendall(struct.pack("<IBBHII", 7, 3, 0, 0, 1, 0))
        self.assertEqual(host.process.wait(30), 2)
        host.close()

    def test_it_describes_what_it_has(self):
        told = json.loads(subprocess.check_output([sys.executable, "-I", "-B", HOST, "--describe"]).decode())
        self.assertIn("CPUExecutionProvider", told["providers"])
        self.assertIn(os.path.dirname(os.path.realpath(numpy.__file__)), " ".join(told["folders"]))


class Parts(unittest.TestCase):
    def pair(self):
        ends = socket.socketpair()
        for end in ends:
            self.addCleanup(end.close)
        return ends

    def test_cuda_computes_without_tf32_unless_configuration_says_otherwise(self):
        class Runtime:
            __version__ = "1.31.1"

            def get_available_providers(self):
                return ["CUDAExecutionProvider", "CPUExecutionProvider"]

        def options(given):
            return choose(Runtime(), [("CUDAExecutionProvider", given)])[0][0][1]

        self.assertEqual(options({"device_id": "1"}), {"device_id": "1", "use_tf32": "0"})
        self.assertEqual(options({"use_tf32": "True"}), {"use_tf32": "True"})
        # Older ones know no such option, and refuse what they do not know.
        Runtime.__version__ = "1.17.0"
        self.assertEqual(options({}), {})

    def test_frames_are_put_together_from_single_bytes_and_taken_apart_from_one_piece(self):
        a, b = self.pair()
        sender, receiver = frames.Channel(a, 1024), frames.Channel(b, 1024)
        sender.send(3, 7, b"meta", [b"one", b"twotwotwo"])
        sender.send(4, 8)
        whole = b.recv(4096)
        threading.Thread(target=lambda: [a.send(whole[at : at + 1]) for at in range(len(whole))]).start()
        first = receiver.receive()
        self.assertEqual((first.kind, first.id, bytes(first.metadata)), (3, 7, b"meta"))
        self.assertEqual(bytes(first.payload), b"one\0\0\0\0\0twotwotwo" + b"\0" * 7)
        second = receiver.receive()
        self.assertEqual((second.kind, second.id, len(second.payload)), (4, 8, 0))
        a.close()
        self.assertIsNone(receiver.receive())

    def test_a_frame_that_claims_more_than_is_allowed_takes_no_memory(self):
        a, b = self.pair()
        a.sendall(struct.pack("<IBBHII", 2**31, 3, 0, 0, 1, 0))
        with self.assertRaises(frames.FrameError):
            frames.Channel(b, 1024).receive()

    def test_a_cancel_is_seen_behind_the_frame_that_it_cancels(self):
        a, b = self.pair()
        sender, receiver = frames.Channel(a, 1024), frames.Channel(b, 1024)
        sender.send(3, 7)
        self.assertEqual(receiver.receive().id, 7)
        self.assertFalse(receiver.holds(4, 7))
        sender.send(3, 8)
        sender.send(4, 7)
        self.assertTrue(receiver.holds(4, 7))
        self.assertFalse(receiver.holds(4, 8))

    def test_a_file_that_changed_after_its_check_is_not_believed(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "weights")
            with open(path, "wb") as file:
                file.write(b"1234")
            _, mark = verified_file.read_verified(folder, "weights", hashlib.sha256(b"1234").hexdigest(), 4, False)
            verified_file.check_unchanged(folder, "weights", mark)
            with open(path, "r+b") as file:
                file.write(b"9")
            with self.assertRaises(Failure):
                verified_file.check_unchanged(folder, "weights", mark)


if __name__ == "__main__":
    unittest.main()
