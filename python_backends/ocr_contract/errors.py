"""What every reader raises, in process or over a network.

OcrError
├── InvalidInput       the request is at fault; Triton answers INVALID_ARG (HTTP 400) for it alone
│   ├── InvalidImage   bytes that are not a picture, or not a whole one
│   ├── ImageTooLarge  a picture above the pixel or byte limit
│   ├── TooMuchText    a picture with more text lines, or more text, than the server has memory for
│   ├── InvalidOption  an unknown, ill-typed or out-of-range option
│   └── BudgetExceeded a picture that takes more time than the operator gives to one
├── Overloaded         too many requests are under way; Triton answers UNAVAILABLE (HTTP 503)
│   └── OutOfMemory    the request needs more memory than there is at the moment
├── NotServing         the server is being stopped or started anew; Triton answers UNAVAILABLE (HTTP 503)
├── DeadlineExceeded   the time that the request gave itself has passed; Triton answers CANCELLED (400 over HTTP)
├── InvalidResult      fields of a result that do not belong together
└── InvalidModel       what ocr-convert should have installed is missing or does not fit together
"""

import traceback

TIME_HAS_PASSED = "the time that this request gave itself, its timeout, has passed"  # over HTTP it looks like a refusal
# The setting that a server names where it takes no request because as many are under way as it takes.
LIMIT_SETTING = "max_in_flight"
INSTALL_HINT = "run ocr-convert to install a model set"  # ends the messages about files that it installs


def server_fault(request_id: str) -> str:
    """What whoever asked hears of an error that nobody foresaw; what it was stands in the server's log."""
    return "the server failed on this request; its log says why" + (f" (request_id {request_id})" if request_id else "")


def fault_entry(error: Exception, request_id: str) -> str:
    """What the server's log says of such an error."""
    return f"request_id {request_id!r}: {''.join(traceback.format_exception(error))}"


class OcrError(Exception):
    """Root of everything that is raised on purpose."""


class InvalidInput(OcrError):
    """The request cannot be answered, and sending it again will not help."""


class InvalidImage(InvalidInput):
    """The bytes are empty, not an image, truncated, or broken base64."""


class ImageTooLarge(InvalidInput):
    """The picture has more pixels or bytes than the server accepts."""


class TooMuchText(InvalidInput):
    """The picture has more text than the server's bounds allow; nothing of it is read."""


class InvalidOption(InvalidInput):
    """An option is unknown, of the wrong type, or out of its range."""


class BudgetExceeded(InvalidInput):
    """A picture takes more time than the operator gives to one; it would the next time."""


class Overloaded(OcrError):
    """Too many requests are under way; the same one may be answered a moment later."""


class OutOfMemory(Overloaded):
    """The request needs more memory than there is at the moment."""


class NotServing(OcrError):
    """The server is being stopped or started anew; the same request may be answered a moment later."""


class DeadlineExceeded(OcrError):
    """The time that the request gave itself has passed; whoever sent it no longer waits."""


class InvalidResult(OcrError):
    """A field of a result is missing, or lengths and shapes disagree."""


class InvalidModel(OcrError):
    """A file of the model repository is missing, unreadable, or does not fit the others."""
