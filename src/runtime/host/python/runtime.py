"""This device's ONNX Runtime, whichever wheel that is."""

import os

# Errors come as exceptions; warnings about a graph are the packager's business.
LOG_ERRORS_ONLY = 3


def load_runtime():
    """The package, without telemetry: since 1.29 it contacts its vendor from each process with a session and writes
    into /tmp and HOME, unless this variable stands in the environment before it is loaded.

    :raises ImportError: where the device has no wheel
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    disable = getattr(onnxruntime, "disable_telemetry_events", None)
    if disable is not None:
        disable()
    onnxruntime.set_default_logger_severity(LOG_ERRORS_ONLY)
    return onnxruntime


CPU = "CPUExecutionProvider"
ON_CUDA = ("CUDAExecutionProvider", "TensorrtExecutionProvider")


def preload(runtime, providers):
    """CUDA's and cuDNN's libraries from where pip installs them (nvidia-*-cu12, -cu13), which the linker does not
    search: `onnxruntime.preload_dlls` knows the places. JetPack's lie where the linker finds them."""
    wanted = any(name in ON_CUDA for name, _ in providers)
    load = getattr(runtime, "preload_dlls", None)
    if wanted and load is not None:
        load()


def choose(runtime, wanted):
    """The providers to ask for, and why others can't be had.

    :param wanted: list of (name, options); the CPU is added as the last one
    :returns: list of (name, options), and a dict from name to sentence
    """
    available = runtime.get_available_providers()
    chosen, missing = [], {}
    for name, options in wanted:
        if name in available:
            chosen.append((name, {**exact_options(runtime, name), **options}))
        else:
            missing[name] = "this onnxruntime has no %s: it has %s" % (name, ", ".join(available))
    if not any(name == CPU for name, _ in chosen):
        chosen.append((CPU, {}))
    return chosen, missing


def exact_options(runtime, name):
    """What makes a provider compute as the CPU does, where whoever configured it says nothing of it.

    TF32 rounds factors to 10 bits of mantissa: 30 windows of a recurrent model ended 0.026 beside the CPU's on an
    H100, and 0.00002 without it. ONNX Runtime knows the option since 1.18, and refuses those that it does not know.
    """
    if name != "CUDAExecutionProvider" or version_of(runtime) < (1, 18):
        return {}
    return {"use_tf32": "0"}


def version_of(runtime):
    major, minor = runtime.__version__.split(".")[:2]
    return int(major), int(minor)
