"""What can go wrong while measuring.

BenchError
├── LabelError       a label file that cannot be read
├── PeerError        a peer whose environment cannot be made, or that died
├── ServerError      the server under test did not start, or died
├── UnavailableError an instrument that this machine cannot run
└── UnmetError       what was measured is not as it must be
"""


class BenchError(Exception):
    """Base of all errors of ocr-bench; the message says what was expected, what came and what to do."""


class LabelError(BenchError):
    """A label file does not follow PaddleOCR's formats, or names a picture that does not exist."""


class PeerError(BenchError):
    """A peer's environment could not be made, or its process ended early."""


class ServerError(BenchError):
    """The server under test did not become ready, or ended early."""


class UnavailableError(BenchError):
    """An instrument needs something that this machine lacks."""


class UnmetError(BenchError):
    """What was measured is not as it must be; the result files are written all the same.

    Attributes:
        section: the result as Markdown.
    """

    def __init__(self, message: str, section: str) -> None:
        super().__init__(message)
        self.section = section
