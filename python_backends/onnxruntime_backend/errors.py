"""What the backend raises.

OcrError (ocr_contract.errors)
└── BackendError
    ├── InvalidConfig    asks for something that this backend or this machine does not have
    └── ModelLoadError   a model file that ONNX Runtime cannot load, or whose tensors are not those of config.pbtxt
"""

from ocr_contract.errors import OcrError


class BackendError(OcrError):
    """Root of everything that the backend raises on purpose; the model is not loaded."""


class InvalidConfig(BackendError):
    """An unknown device, accelerator or precision, an ill-typed parameter, or what is not there on this machine."""


class ModelLoadError(BackendError):
    """The ONNX file is missing or corrupt, or its inputs and outputs differ from the configuration."""
