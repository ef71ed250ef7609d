"""What this device's Python has to run models with."""

import os
import platform
import sys

from failures import Failure

OLDEST_PYTHON = (3, 8)


def find_engine():
    """ONNX Runtime's package.

    :raises Failure: ENGINE_MISSING, with what to install
    """
    if sys.version_info < OLDEST_PYTHON:
        raise missing("it must be 3.8 or newer", "Install Python 3.8 or newer, and name its program in 'engines.python.interpreter'")
    try:
        import numpy  # noqa: F401
    except ImportError as error:
        raise missing("it has no numpy (%s)" % error, install("numpy"))
    try:
        from runtime import load_runtime

        return load_runtime()
    except ImportError as error:
        raise missing(
            "it has no onnxruntime (%s)" % error,
            install("onnxruntime") + ", or the wheel for its accelerator: docs/engines.md names them",
        )


def missing(reason, next_step):
    return Failure(
        "ENGINE_MISSING",
        "Cannot run models in Python as %s (Python %s) can't: %s" % (sys.executable, platform.python_version(), reason),
        next_step=next_step,
    )


def install(package):
    return "Run: %s -m pip install %s" % (sys.executable, package)


def describe():
    """What the agent asks before it starts a host, as JSON has it."""
    found = {"python": platform.python_version(), "program": sys.executable}
    try:
        runtime = find_engine()
    except Failure as failure:
        return dict(found, missing={"message": failure.message, "nextStep": failure.next_step})
    return dict(
        found,
        onnxruntime=runtime.__version__,
        providers=runtime.get_available_providers(),
        folders=folders(),
    )


def folders():
    """Files and folders that a confined host must be able to read: Python's own, packages, and what they loaded."""
    places = [path for path in sys.path + [os.path.join(sys.prefix, "pyvenv.cfg")] if os.path.exists(path)]
    with open("/proc/self/maps") as maps:
        libraries = [line[line.index("/") :].strip() for line in maps if ".so" in line]
    places += [os.path.dirname(path) for path in libraries]
    return sorted(set(places + [os.path.realpath(path) for path in places]))
