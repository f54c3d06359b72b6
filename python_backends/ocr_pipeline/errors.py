"""What the pipeline raises.

OcrError
├── InvalidInput       the request is at fault; Triton answers INVALID_ARG (HTTP 400) for it alone
│   ├── InvalidImage   bytes that are not a picture, or not a whole one
│   ├── ImageTooLarge  a picture above the pixel or byte limit
│   └── InvalidOption  an unknown, ill-typed or out-of-range option
└── InvalidModel       what convert/ should have installed is missing or does not fit together
"""


class OcrError(Exception):
    """Root of everything that the pipeline raises on purpose."""


class InvalidInput(OcrError):
    """The request cannot be answered, and sending it again will not help."""


class InvalidImage(InvalidInput):
    """The bytes are empty, not an image, truncated, or broken base64."""


class ImageTooLarge(InvalidInput):
    """The picture has more pixels or bytes than the server accepts."""


class InvalidOption(InvalidInput):
    """A request parameter is unknown, of the wrong type, or out of its range."""


class InvalidModel(OcrError):
    """A file of the model repository is missing, unreadable, or does not fit the others."""
