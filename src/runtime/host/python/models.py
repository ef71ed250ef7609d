"""A model as the agent verified it: from its files to a session that is what the package promises."""

import os
import time

from failures import Failure
from runtime import CPU
from session import Session
from verified_file import check_unchanged, read_verified

# A file beyond this is loaded by its path: its bytes and the session's would be the model twice.
BY_PATH_ABOVE_BYTES = 256 * 1024 * 1024


class Model:
    """:param wanted: the `verified` member of a load
    :param spinning: whether the engine's threads may spin while they wait
    """

    def __init__(self, runtime, wanted, spinning):
        begun = time.monotonic()
        self.name = wanted["name"]
        self.version = wanted["version"]
        self.digest = wanted["digest"]
        self._marks = []
        session = self._load(runtime, wanted, spinning)
        self.check_files()
        check_signature(wanted, session)
        self._session = session
        self.inputs = session.inputs
        self.outputs = session.outputs
        self.report = report_of(session, wanted, (time.monotonic() - begun) * 1000)
        # ONNX Runtime reads a model's file whole and keeps nothing of it; weights stay mapped.
        self._marks = [mark for mark in self._marks if mark[1] != os.path.basename(wanted["model"]["path"])]

    def _load(self, runtime, wanted, spinning):
        file, weights = wanted["model"], wanted.get("weights", [])
        by_path = file["byteSize"] > BY_PATH_ABOVE_BYTES
        folder = os.path.dirname(file["path"])
        options = {
            "threads": wanted["threads"],
            "spinning": spinning,
            "weights_folder": folder if weights else None,
            "providers": [(one["name"], one.get("options", {})) for one in wanted.get("providers", [])],
        }
        for one in weights:
            self._verify(one, False)
        data = self._verify(file, not by_path)
        return Session(runtime, file["path"] if by_path else data, options)

    def _verify(self, file, keep):
        folder, name = os.path.split(file["path"])
        data, mark = read_verified(folder, name, file["sha256"], file["byteSize"], keep)
        if not keep:
            self._marks.append((folder, name, mark))
        return data

    def check_files(self):
        """Holds files that ONNX Runtime opened itself to what was verified, before an answer counts."""
        for folder, name, mark in self._marks:
            check_unchanged(folder, name, mark)

    def run(self, feeds, wanted):
        outputs = self._session.run(feeds, wanted)
        self.check_files()
        return outputs

    def close(self):
        self._session.close()


def report_of(session, wanted, load_ms):
    report = {
        "loadMs": load_ms,
        "cacheHit": False,
        "provider": computing(session),
        "providers": session.providers,
        "inputs": session.inputs,
        "outputs": session.outputs,
    }
    if session.nodes is not None:
        report["nodes"] = session.nodes
    if session.missing:
        report["missing"] = session.missing
    return report


def computing(session):
    """The provider with the most of the graph, where ONNX Runtime tells; else the first that it took."""
    if session.nodes:
        return max(session.nodes, key=session.nodes.get)
    return session.providers[0] if session.providers else CPU


def check_signature(wanted, session):
    for field in ("inputs", "outputs"):
        check_tensors(field, wanted[field], getattr(session, field))


def check_tensors(field, wanted, found):
    has = dict([(one["name"], one) for one in found])
    if len(wanted) != len(found) or any(one["name"] not in has for one in wanted):
        raise refused(
            "its %s must be those that the manifest says (%s): ONNX Runtime has %s"
            % (field, ", ".join([one["name"] for one in wanted]), ", ".join(has)),
            field,
        )
    for want in wanted:
        got = has[want["name"]]
        if want["datatype"] != got["datatype"] or not compatible(want["shape"], got["shape"]):
            raise refused(
                "'%s' must be %s as the manifest says: ONNX Runtime has %s"
                % (want["name"], described(want), described(got)),
                field,
            )


def compatible(want, got):
    """An open dimension fits any; no shape at all, which looks like a scalar's, fits any rank."""
    if not want or not got:
        return True
    return len(want) == len(got) and all(
        is_open(size) or is_open(other) or size == other for size, other in zip(want, got)
    )


def is_open(size):
    return isinstance(size, str) or size < 0


def described(one):
    return "%s [%s]" % (one["datatype"], ", ".join(map(str, one["shape"])))


def refused(reason, field):
    return Failure("PACKAGE_REFUSED_MODEL", "Cannot load the model as %s" % reason, field)
