"""What ONNX Runtime says of a model that it does not load, as one of the agent's sentences: models that are newer
than the runtime are told how to become older."""

import re

from failures import Failure


def load_failure(error):
    said = str(error) or type(error).__name__
    for pattern, say in REASONS:
        found = pattern.search(said)
        if found:
            sentence, next_step = say(*found.groups())
            return Failure("MODEL_REFUSED", "Cannot load the model as %s" % sentence, next_step=next_step)
    return Failure("MODEL_REFUSED", "Cannot load the model: %s" % said)


def old_ir(has, takes):
    return (
        "its IR version is %s, and this ONNX Runtime reads up to %s" % (has, takes),
        "Set model.ir_version = %s before onnx.save, or give ir_version=%s to onnx.helper.make_model, "
        "or export with an older version of onnx" % (takes, takes),
    )


def old_opset(has, domain, takes):
    sentence = "it is of opset %s of %s, and this ONNX Runtime runs up to %s" % (has, domain, takes)
    if domain != "ai.onnx":
        return sentence, (
            "Export it with target_opset={'': 17, '%s': %s} where the exporter is skl2onnx or onnxmltools"
            % (domain, takes)
        )
    return sentence, (
        "Export it with opset_version=%s (torch.onnx.export) or target_opset=%s (skl2onnx), or lower it: "
        "onnx.version_converter.convert_version(model, %s)" % (takes, takes, takes)
    )


def no_locale(locale):
    return (
        "its StringNormalizer needs the locale %s, which this machine does not have" % locale,
        "Install it here and on the devices (locale-gen %s), or export without it, such as "
        "TfidfVectorizer(lowercase=False), and lower the text in the app" % locale,
    )


REASONS = (
    (re.compile(r"Unsupported model IR version: (\d+), max supported IR version: (\d+)"), old_ir),
    (re.compile(r"Opset (\d+) is under development[\s\S]*for domain (\S+) is till opset (\d+)"), old_opset),
    (re.compile(r"Failed to construct locale with name:(\S+?):"), no_locale),
)
