"""Files of a package, held to the digests that the agent verified: what is hashed is what is loaded."""

import errno
import hashlib
import os
import stat

from failures import Failure

CHUNK_BYTES = 1024 * 1024


def read_verified(folder, name, sha256, size, keep):
    """Reads a regular file once and compares its digest.

    :param keep: whether its bytes are wanted
    :returns: the very bytes that were hashed (or None), and a mark that tells this very file with this very content
    """
    file = open_plain(os.path.join(folder, name), name)
    try:
        info = os.fstat(file)
        if not stat.S_ISREG(info.st_mode):
            raise refused(name, "it is not a regular file")
        if info.st_size != size:
            raise changed(name, "it must hold %d bytes: current size is %d" % (size, info.st_size))
        mark = mark_of(info)
        found, data = hash_file(file, name, size, keep)
        if mark_of(os.fstat(file)) != mark:
            raise refused(name, "it changed while it was read")
    finally:
        os.close(file)
    if found != sha256:
        raise changed(name, "its SHA-256 must be %s: current value is %s" % (sha256, found))
    return data, mark


def check_unchanged(folder, name, mark):
    """For files that ONNX Runtime opens by their path: whether it is still the very file, before its content counts."""
    try:
        found = mark_of(os.lstat(os.path.join(folder, name)))
    except OSError as error:
        raise refused(name, "it can't be looked at (%s)" % error.strerror)
    if found != mark:
        raise refused(name, "it changed after it was checked")


def mark_of(info):
    """The kernel changes it with each write, whoever writes."""
    return (info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns)


def open_plain(path, name):
    try:
        # O_NONBLOCK: opening a pipe must not wait for a writer.
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        reasons = {
            errno.ELOOP: "it is a symbolic link",
            errno.ENOENT: "it is missing",
            errno.ENXIO: "it is not a regular file",
        }
        raise refused(name, reasons.get(error.errno, "it can't be opened (%s)" % error.strerror))


def hash_file(file, name, size, keep):
    digest = hashlib.sha256()
    # ONNX Runtime takes `bytes` only: read at once where they are kept, as a copy would be the model twice.
    step = size if keep else CHUNK_BYTES
    pieces = []
    done = 0
    while done < size:
        piece = os.pread(file, min(step, size - done), done)
        if not piece:
            raise refused(name, "it became shorter while it was read")
        digest.update(piece)
        if keep:
            pieces.append(piece)
        done += len(piece)
    if os.pread(file, 1, size):
        raise refused(name, "it grew while it was read")
    return digest.hexdigest(), (pieces[0] if len(pieces) == 1 else b"".join(pieces)) if keep else None


def refused(name, reason):
    return Failure(
        "PACKAGE_REFUSED_CONTENT", "Cannot open the package as %s is not acceptable: %s" % (name, reason), name
    )


def changed(name, reason):
    return Failure("PACKAGE_CHANGED", "Cannot load the model as %s is not what was verified: %s" % (name, reason), name)
