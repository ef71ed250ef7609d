"""A request held against what the model wants, before any native code sees it: ONNX Runtime's own errors do not say
which of the request's fields is meant."""

from failures import Failure


def check_input_forms(wanted, inputs):
    """:param wanted: the model's inputs, as dicts of name, datatype and shape
    :param inputs: the request's, with attributes of these names
    """
    known = dict([(one["name"], one) for one in wanted])
    given = set()
    for index, tensor in enumerate(inputs):
        field = "inputs[%d]" % index
        want = known.get(tensor.name)
        if want is None:
            names = ", ".join(known)
            raise refused(
                field + ".name", "'%s' must be an input of the model: known inputs are %s" % (tensor.name, names)
            )
        if tensor.name in given:
            raise refused(field + ".name", "'%s' must be given once" % tensor.name)
        given.add(tensor.name)
        check_form(want, tensor, field)
    for name in known:
        if name not in given:
            raise refused("inputs", "'%s' is missing" % name)


def check_form(want, tensor, field):
    if tensor.datatype != want["datatype"]:
        raise refused(
            field + ".datatype",
            "'%s' must be %s: current value is %s" % (tensor.name, want["datatype"], tensor.datatype),
        )
    if not fits(want["shape"], tensor.shape):
        raise refused(
            field + ".shape",
            "'%s' must have the shape [%s]: current shape is [%s]"
            % (tensor.name, ", ".join(map(str, want["shape"])), ", ".join(map(str, tensor.shape))),
        )


def fits(wanted, shape):
    """`[]` stands for a scalar and for an input of any rank alike, and ONNX Runtime then takes any rank."""
    if not wanted:
        return True
    return len(wanted) == len(shape) and all(
        isinstance(size, str) or size < 0 or size == shape[axis] for axis, size in enumerate(wanted)
    )


def check_outputs(known, wanted):
    """The wanted outputs by name; all where the caller names none (None)."""
    names = [one["name"] for one in known]
    if wanted is None:
        return names
    seen = set()
    for index, name in enumerate(wanted):
        field = "outputs[%d]" % index
        if name not in names:
            raise refused(
                field, "'%s' must be an output of the model: known outputs are %s" % (name, ", ".join(names))
            )
        if name in seen:
            raise refused(field, "'%s' must be named once" % name)
        seen.add(name)
    return list(wanted)


def refused(field, reason):
    return Failure("TENSOR_INVALID", "Cannot run the model as %s" % reason, field)
