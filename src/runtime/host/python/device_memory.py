"""Memory that this process holds on accelerators, where the kernel does not count it."""

import ctypes
import os

MOST_PROCESSES = 256
LIBRARY = "libnvidia-ml.so.1"


class ProcessInfo(ctypes.Structure):
    """`nvmlProcessInfo_t` of version 2 and 3 of the call."""

    _fields_ = [
        ("pid", ctypes.c_uint),
        ("used", ctypes.c_ulonglong),
        ("gpu_instance", ctypes.c_uint),
        ("compute_instance", ctypes.c_uint),
    ]


def device_bytes():
    """Of NVIDIA's cards, by their management library; 0 where there is none, or it does not tell (Jetson's memory is
    the machine's own)."""
    try:
        library = ctypes.CDLL(LIBRARY)
        if library.nvmlInit_v2() != 0:
            return 0
        try:
            return sum([used_on(library, index) for index in range(device_count(library))])
        finally:
            library.nvmlShutdown()
    except (OSError, AttributeError):
        return 0


def device_count(library):
    count = ctypes.c_uint()
    return count.value if library.nvmlDeviceGetCount_v2(ctypes.byref(count)) == 0 else 0


def used_on(library, index):
    device = ctypes.c_void_p()
    if library.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(device)) != 0:
        return 0
    count = ctypes.c_uint(MOST_PROCESSES)
    found = (ProcessInfo * MOST_PROCESSES)()
    if library.nvmlDeviceGetComputeRunningProcesses_v3(device, ctypes.byref(count), found) != 0:
        return 0
    # All ones where the driver does not tell.
    sizes = [one.used for one in found[: count.value] if one.pid == os.getpid()]
    return sum([size for size in sizes if size != 2**64 - 1])
