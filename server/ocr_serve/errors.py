"""What ocr-serve raises; each ends it with exit code 2 and one sentence.

ServeError
├── UnsupportedPlatform   Python, libc or processor for which there is no server outside a container
├── ServerNotFound        no tritonserver on this machine
└── EnvironmentProblem    a package, a port, shared memory or a GPU that the server needs is not as it must be

What is wrong with the model repository is an ocr_contract.errors.InvalidModel, and a precision that this machine lacks
an onnxruntime_backend.errors.InvalidConfig: both are an OcrError, and end it alike.
"""


class ServeError(Exception):
    """Root of everything that ocr-serve raises on purpose."""


class UnsupportedPlatform(ServeError):
    """This machine can only run the container."""


class ServerNotFound(ServeError):
    """Neither the container's tritonserver nor the wheel's is here."""


class EnvironmentProblem(ServeError):
    """Something around the server has to be put right first."""
