"""Regions of files in a caller's exchange folder, by the agent's rules: a plain name, a regular file with one hard
link, in the folder itself, that holds the region. Read and written, never mapped: a caller that cuts its file would
end a process that has it mapped. Errors name the file, never the folder, whose name is the caller's secret."""

import errno
import json
import os
import re
import stat

from failures import Failure

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z")
# O_NONBLOCK: a FIFO must not make us wait for its other end.
OPEN_FLAGS = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC

OPEN_REASONS = {
    errno.ELOOP: "it is a symbolic link",
    errno.ENOENT: "there is no such file",
    errno.ENXIO: "it is not a regular file",
    errno.EISDIR: "it is a folder",
    # A confined host may open no folder, and is told no more of one.
    errno.EACCES: "it may not be opened: it is a folder, or its rights forbid it",
}


def read_region(folder, name, offset, size, field):
    """The region's bytes, in memory of our own."""
    with Region(folder, name, offset, size, os.O_RDONLY, field) as region:
        data = bytearray(size)
        view = memoryview(data)
        done = 0
        while done < size:
            count = os.preadv(region.file, [view[done:]], offset + done)
            if count == 0:
                raise refused(field, name, "it became shorter while it was read")
            done += count
        now = os.fstat(region.file).st_size
        if now != region.size:
            raise refused(field, name, "its size changed while it was read: from %d to %d" % (region.size, now))
        return data


def write_region(folder, name, offset, size, parts, field):
    """Writes the parts one behind the other; nothing where they do not fit.

    :returns: where each one begins
    """
    total = sum(len(part) for part in parts)
    if total > size:
        raise refused(field + ".byteSize", name, "the region must hold %d bytes: current size is %d" % (total, size))
    offsets = []
    with Region(folder, name, offset, size, os.O_WRONLY, field) as region:
        for part in parts:
            offsets.append(offset)
            write_all(region.file, part, offset)
            offset += len(part)
    return offsets


def write_all(file, part, offset):
    view = memoryview(part)
    done = 0
    try:
        while done < len(view):
            done += os.pwrite(file, view[done:], offset + done)
    except OSError as error:
        raise Failure("EXCHANGE_FULL", "Cannot write the outputs: %s" % error, "outputFile")


class Region:
    """An open, checked file."""

    def __init__(self, folder, name, offset, size, access, field):
        if not NAME.match(name):
            raise refused(field, name, "its name must be a plain file name")
        try:
            self.file = os.open(os.path.join(folder, name), access | OPEN_FLAGS)
        except OSError as error:
            code = errno.errorcode.get(error.errno, error.errno)
            raise refused(field, name, OPEN_REASONS.get(error.errno, "it can't be opened (%s)" % code))
        try:
            self.size = check_file(os.fstat(self.file), name, offset + size, field)
        except Failure:
            os.close(self.file)
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.file)


def check_file(info, name, end, field):
    if not stat.S_ISREG(info.st_mode):
        raise refused(field, name, "it is not a regular file")
    if info.st_nlink != 1:
        raise refused(field, name, "it must have one hard link: current number is %d" % info.st_nlink)
    if end > info.st_size:
        raise refused(field, name, "it must hold %d bytes: current size is %d" % (end, info.st_size))
    return info.st_size


def refused(field, name, reason):
    return Failure(
        "EXCHANGE_FILE_REFUSED", "Cannot use the exchange file %s as %s" % (json.dumps(name, ensure_ascii=False), reason), field
    )
