"""Why a command of the agent can't be answered, in its own terms."""


class Failure(Exception):
    """One refusal. `reason` is one of the agent's (docs/errors.md); the message is a sentence for people.

    >>> raise Failure("TENSOR_INVALID", "Cannot run the model as 'x' is missing", field="inputs")
    """

    def __init__(self, reason, message, field=None, next_step=None):
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.field = field
        self.next_step = next_step


def failure_of(error, action):
    """Any exception as a Failure: what is not one already is our fault."""
    if isinstance(error, Failure):
        return error
    if isinstance(error, MemoryError):
        return Failure("MEMORY_SHORT", "%s as memory is short: %s" % (action, error or "no room for an array"))
    return Failure("INTERNAL", "%s: %s" % (action, str(error) or type(error).__name__))
