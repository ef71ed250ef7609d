"""A model in ONNX Runtime."""

import re

import tensors
from failures import Failure
from load_error import load_failure
from runtime import CPU, LOG_ERRORS_ONLY, choose, preload

MAX_SYMBOL_CHARS = 256


class Session:
    """One loaded model: what it wants and gives, and where it runs.

    :param model: its bytes, or the path of its file
    :param options: threads, spinning (bool), weights_folder (or None), providers: list of (name, options)
    """

    def __init__(self, runtime, model, options):
        chosen, self.missing = choose(runtime, options["providers"])
        preload(runtime, chosen)
        self._session = self._create(runtime, model, options, chosen)
        self.providers = list(self._session.get_providers())
        for name, _ in chosen:
            if name not in self.providers:
                self.missing.setdefault(name, "it could not be started: the host's log lines say why")
        self.nodes = nodes_by_provider(self._session)
        self.inputs = metadata_of(self._session.get_inputs(), "input")
        self.outputs = metadata_of(self._session.get_outputs(), "output")

    def _create(self, runtime, model, options, chosen):
        """Without the providers that fail to start; a model that fails on the CPU too is refused."""
        while True:
            try:
                session = runtime.InferenceSession(
                    model,
                    sess_options=session_options(runtime, options),
                    providers=[name for name, _ in chosen],
                    provider_options=[values for _, values in chosen],
                    enable_fallback=0,
                )
                # Else a provider that fails in a run would be taken out in silence.
                session.disable_fallback()
                return session
            except Exception as error:
                name = chosen[0][0]
                if name == CPU:
                    raise load_failure(error)
                self.missing[name] = "it could not be started: %s" % first_line(error)
                del chosen[0]

    def run(self, feeds, wanted):
        """
        :param feeds: arrays by name, checked
        :param wanted: names of outputs
        """
        if not wanted:
            return []
        try:
            return self._session.run(wanted, feeds)
        except MemoryError:
            raise
        except Exception as error:
            raise run_failure(error)

    def close(self):
        self._session = None


def session_options(runtime, options):
    settings = runtime.SessionOptions()
    settings.intra_op_num_threads = options["threads"]
    settings.inter_op_num_threads = 1
    settings.execution_mode = runtime.ExecutionMode.ORT_SEQUENTIAL
    settings.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_ALL
    settings.log_severity_level = LOG_ERRORS_ONLY
    spinning = "1" if options["spinning"] else "0"
    entries = {
        # Left alone, ONNX Runtime takes any bytes with ORTM at offset 4 for its own format.
        "session.load_model_format": "ONNX",
        "session.intra_op.allow_spinning": spinning,
        "session.inter_op.allow_spinning": spinning,
        # Which provider has which node; older versions ignore it.
        "session.record_ep_graph_assignment_info": "1",
    }
    if options["weights_folder"] is not None:
        entries["session.model_external_initializers_file_folder_path"] = options["weights_folder"]
        # Packed anew for this CPU, weights that are mapped would be in memory twice.
        entries["session.disable_prepacking"] = "1"
    for key, value in entries.items():
        settings.add_session_config_entry(key, value)
    return settings


def nodes_by_provider(session):
    """How many nodes of the graph each provider computes; None where this ONNX Runtime does not tell."""
    tell = getattr(session, "get_provider_graph_assignment_info", None)
    if tell is None:
        return None
    counts = {}
    try:
        for part in tell():
            counts[part.ep_name] = counts.get(part.ep_name, 0) + len(part.get_nodes())
    except Exception:
        return None
    return counts


def metadata_of(values, kind):
    found, seen = [], set()
    for value in values:
        datatype = tensors.RUNTIME_TYPES.get(value.type)
        if datatype is None:
            element = re.match(r"tensor\((.*)\)$", value.type)
            raise unfit(kind, value.name, "its type is %s" % (element.group(1) if element else "not a tensor"))
        if value.name in seen:
            raise unfit(kind, value.name, "its name is there twice")
        seen.add(value.name)
        found.append({"name": value.name, "datatype": datatype, "shape": [dimension_of(size) for size in value.shape]})
    return found


def dimension_of(size):
    if isinstance(size, int):
        return size
    named = isinstance(size, str) and 0 < len(size) <= MAX_SYMBOL_CHARS
    return size if named else -1


def run_failure(error):
    said = str(error) or type(error).__name__
    if re.search(r"bad_alloc|bad allocation|[Ff]ailed to allocate|out of memory", said):
        return Failure("MEMORY_SHORT", "Cannot run the model as memory is short: %s" % said)
    return Failure("INPUTS_REFUSED", "Cannot run the model on these inputs: %s" % said, "inputs")


def first_line(error):
    return (str(error) or type(error).__name__).split("\n", 1)[0][:500]


def unfit(kind, name, reason):
    return Failure("MODEL_REFUSED", "Cannot load the model: %s '%s' cannot be used as %s" % (kind, name, reason))
