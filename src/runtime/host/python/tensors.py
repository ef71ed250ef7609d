"""The tensors of the wire as numpy's arrays, and back: without copies, but for strings."""

import numpy

from failures import Failure

MAX_RANK = 16
MAX_TENSORS = 256
MAX_TENSOR_BYTES = 1024 * 1024 * 1024
LENGTH_BYTES = 4

# Little-endian, as the wire is: on a big-endian machine numpy turns them.
NUMPY_TYPES = {
    "BOOL": numpy.dtype("?"),
    "UINT8": numpy.dtype("u1"),
    "UINT16": numpy.dtype("<u2"),
    "UINT32": numpy.dtype("<u4"),
    "UINT64": numpy.dtype("<u8"),
    "INT8": numpy.dtype("i1"),
    "INT16": numpy.dtype("<i2"),
    "INT32": numpy.dtype("<i4"),
    "INT64": numpy.dtype("<i8"),
    "FP16": numpy.dtype("<f2"),
    "FP32": numpy.dtype("<f4"),
    "FP64": numpy.dtype("<f8"),
}
DATATYPES = dict([(kind, name) for name, kind in NUMPY_TYPES.items()])

RUNTIME_TYPES = {
    "tensor(bool)": "BOOL",
    "tensor(uint8)": "UINT8",
    "tensor(uint16)": "UINT16",
    "tensor(uint32)": "UINT32",
    "tensor(uint64)": "UINT64",
    "tensor(int8)": "INT8",
    "tensor(int16)": "INT16",
    "tensor(int32)": "INT32",
    "tensor(int64)": "INT64",
    "tensor(float16)": "FP16",
    "tensor(float)": "FP32",
    "tensor(double)": "FP64",
    "tensor(string)": "BYTES",
}


def element_count(shape, field):
    """Elements of a shape; each dimension and the product are bounded, as the agent bounds them."""
    if len(shape) > MAX_RANK:
        raise refused(field, "it must have at most %d dimensions: current rank is %d" % (MAX_RANK, len(shape)))
    count = 1
    for index, size in enumerate(shape):
        if size < 0 or size > MAX_TENSOR_BYTES:
            raise refused(
                "%s[%d]" % (field, index),
                "it must be an integer from 0 to %d: current value is %d" % (MAX_TENSOR_BYTES, size),
            )
        count *= size
        if count > MAX_TENSOR_BYTES:
            raise refused(field, "its dimensions must multiply to at most %d elements" % MAX_TENSOR_BYTES)
    return count


def byte_size(datatype, shape, field):
    """Bytes of a tensor of fixed-size elements; None for BYTES."""
    count = element_count(shape, field)
    return None if datatype == "BYTES" else count * NUMPY_TYPES[datatype].itemsize


def array_of(datatype, shape, data, field, name):
    """The bytes of a tensor as an array: a view on them, but for BYTES.

    :param data: whatever has a buffer; it must live as long as the array
    """
    count = element_count(shape, field + ".shape")
    if datatype == "BYTES":
        return strings_of(data, count, field).reshape(shape)
    kind = NUMPY_TYPES[datatype]
    size = len(data)
    if size != count * kind.itemsize:
        raise refused(
            field,
            "it must hold %d bytes (%s of shape [%s]): current size is %d"
            % (count * kind.itemsize, datatype, ", ".join(map(str, shape)), size),
        )
    if count == 0:
        return numpy.empty(shape, kind)
    if datatype == "BOOL":
        # ONNX Runtime takes any byte as a bool and then computes with it.
        if numpy.frombuffer(data, "u1").max() > 1:
            raise Failure("TENSOR_INVALID", "Cannot run the model as '%s' must hold only 0 and 1" % name, field)
    return numpy.frombuffer(data, kind).reshape(shape)


def strings_of(data, count, field):
    """The strings of a BYTES tensor, each with its length before it."""
    texts = numpy.empty(count, dtype=object)
    view = memoryview(data)
    size = len(view)
    offset = 0
    for index in range(count):
        begin = offset + LENGTH_BYTES
        end = begin + int.from_bytes(view[offset:begin], "little") if begin <= size else size + 1
        if end > size:
            raise refused(field, "element %d of %d must end within its %d bytes" % (index, count, size))
        texts[index] = text_of(bytes(view[begin:end]), index, field)
        offset = end
    if offset != size:
        raise refused(field, "it must end with its last element: %d bytes are left" % (size - offset))
    return texts


def text_of(raw, index, field):
    """ONNX Runtime's strings end at the first NUL: that, and what is no UTF-8, is refused rather than changed."""
    if b"\0" in raw:
        raise not_text(field, "element %d must not hold a NUL" % index)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise not_text(field, "element %d must be UTF-8" % index)


def bytes_of(array, name):
    """What ONNX Runtime gave, as the wire has it.

    :returns: datatype, shape, and something with a buffer of bytes
    """
    if not isinstance(array, numpy.ndarray):
        raise Failure("DATATYPE_UNSUPPORTED", "Cannot give output '%s' as it is no tensor" % name)
    shape = list(array.shape)
    if array.dtype == object or array.dtype.kind in "US":
        return "BYTES", shape, encoded_strings(array)
    datatype = DATATYPES.get(array.dtype.newbyteorder("<"))
    if datatype is None:
        raise Failure("DATATYPE_UNSUPPORTED", "Cannot give output '%s' as its type is %s" % (name, array.dtype))
    if array.size == 0:
        return datatype, shape, b""
    if not array.flags.c_contiguous or array.dtype != NUMPY_TYPES[datatype]:
        array = numpy.ascontiguousarray(array, NUMPY_TYPES[datatype])
    # A memoryview knows no half floats and no scalars as bytes: the same memory as bytes is one line of all of them.
    return datatype, shape, memoryview(array.reshape(-1).view("u1"))


def encoded_strings(array):
    parts = []
    for text in array.reshape(-1).tolist():
        raw = text if isinstance(text, bytes) else str(text).encode("utf-8", "replace")
        parts.append(len(raw).to_bytes(LENGTH_BYTES, "little"))
        parts.append(raw)
    return b"".join(parts)


def has_non_finite(arrays):
    """Whether any floating-point value of the arrays is NaN or an infinity."""
    return any(array.dtype.kind == "f" and not numpy.isfinite(array).all() for array in arrays)


def refused(field, reason):
    return Failure("TENSOR_INVALID", "Cannot read the tensor '%s' as %s" % (field, reason), field)


def not_text(field, reason):
    return Failure(
        "TENSOR_INVALID",
        "Cannot read the tensor '%s' as %s" % (field, reason),
        field,
        "BYTES holds text: give an encoded image or other bytes as UINT8 of shape [n], to a model that takes that, "
        "or decode it in the app",
    )
