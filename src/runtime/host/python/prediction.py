"""One prediction: its inputs from the frame and from files, and its outputs to where they go."""

import exchange
import tensors
from checks import check_input_forms, check_outputs
from failures import Failure
from protocol import EXCHANGE, INLINE

# What a tensor costs in a message beside its bytes and its name.
TENSOR_OVERHEAD_BYTES = 64


def check_request(run, model):
    """What can be refused before any file is read.

    :returns: names of the wanted outputs
    """
    if len(run.inputs) > tensors.MAX_TENSORS:
        raise Failure(
            "TENSOR_INVALID",
            "Cannot read 'inputs' as it must hold at most %d tensors: current number is %d"
            % (tensors.MAX_TENSORS, len(run.inputs)),
            "inputs",
        )
    check_input_forms(model.inputs, run.inputs)
    if sum([tensor.size for tensor in run.inputs]) > tensors.MAX_TENSOR_BYTES:
        raise Failure(
            "TENSOR_INVALID",
            "Cannot read the inputs as they must total at most %d bytes" % tensors.MAX_TENSOR_BYTES,
            "inputs",
        )
    wanted = check_outputs(model.outputs, run.outputs)
    if not run.blind and run.output_file is None:
        named = dict([(one["name"], one) for one in model.outputs])
        check_room([(name, least_bytes(named[name])) for name in wanted], run)
    return wanted


def feeds_of(run):
    """The request's inputs as arrays by name."""
    return dict([(tensor.name, array_of(tensor, index, run)) for index, tensor in enumerate(run.inputs)])


def array_of(tensor, index, run):
    field = "inputs[%d]" % index
    data = tensor.data
    if tensor.place != INLINE:
        data = read_file(tensor, run.exchange_folder, field)
    return tensors.array_of(tensor.datatype, tensor.shape, data, field, tensor.name)


def read_file(tensor, folder, field):
    wanted = tensors.byte_size(tensor.datatype, tensor.shape, field + ".shape")
    if wanted is not None and wanted != tensor.size:
        raise Failure(
            "TENSOR_INVALID",
            "Cannot read the tensor '%s' as its file region must hold %d bytes: current size is %d"
            % (field, wanted, tensor.size),
            field + ".file.byteSize",
        )
    check_folder(folder, field + ".file")
    return exchange.read_region(folder, tensor.file, tensor.offset, tensor.size, field + ".file")


def outputs_of(names, arrays):
    """(name, datatype, shape, bytes) of each."""
    return [(name,) + tensors.bytes_of(array, name) for name, array in zip(names, arrays)]


def place_outputs(outputs, run):
    """Where the outputs go: into the frame while they fit, else into the caller's file.

    :returns: what the result's metadata says of them, and the parts of its payload
    """
    sizes = [(name, len(data)) for name, _, _, data in outputs]
    if fits(sizes, run):
        placed = [(name, datatype, shape, len(data), None) for name, datatype, shape, data in outputs]
        return placed, [data for _, _, _, data in outputs]
    if run.output_file is None:
        raise room_too_small(sizes)
    check_folder(run.exchange_folder, "outputFile")
    file, offset, size = run.output_file
    if sum([count for _, count in sizes]) > size:
        raise room_too_small(sizes)
    begins = exchange.write_region(
        run.exchange_folder, file, offset, size, [data for _, _, _, data in outputs], "outputFile"
    )
    return [
        (name, datatype, shape, len(data), (file, begin)) for (name, datatype, shape, data), begin in zip(outputs, begins)
    ], []


def check_room(sizes, run):
    if not fits(sizes, run):
        raise room_too_small(sizes)


def fits(sizes, run):
    cost = sum([size + len(name.encode("utf-8", "replace")) + TENSOR_OVERHEAD_BYTES for name, size in sizes])
    return cost <= run.most_inline


def room_too_small(sizes):
    return Failure(
        "OUTPUT_ROOM_TOO_SMALL",
        "Cannot reply inline as the outputs take %d bytes: give 'outputFile' a region of that size"
        % sum([size for _, size in sizes]),
        "outputFile",
    )


def least_bytes(output):
    """0 where a size is known only at run time, and for BYTES."""
    if output["datatype"] == "BYTES":
        return 0
    total = tensors.NUMPY_TYPES[output["datatype"]].itemsize
    for size in output["shape"]:
        total *= size if isinstance(size, int) and size >= 0 else 0
    return total


def check_folder(folder, field):
    if not folder:
        raise Failure(
            "EXCHANGE_FOLDER_UNKNOWN",
            "Cannot use exchange files as the caller has no exchange folder",
            field,
            "Call 'hello' first: it gives the folder",
        )
