"""What the backend raises.

BackendError
├── InvalidConfig   a config.pbtxt that asks for something this backend or this machine does not have
└── InvalidModel    a model file that ONNX Runtime cannot load, or whose tensors are not those of config.pbtxt
"""


class BackendError(Exception):
    """Root of everything that the backend raises on purpose; the model is not loaded."""


class InvalidConfig(BackendError):
    """An unknown accelerator, an ill-typed parameter, or an execution provider that is not installed."""


class InvalidModel(BackendError):
    """The ONNX file is missing or corrupt, or its inputs and outputs differ from the configuration."""
