"""Values in messages, however large they are."""

import reprlib

_SHORT = reprlib.Repr()
_SHORT.maxlevel = 1
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 60


def shown(value: object) -> str:
    """A value as Python writes it, cut to a length that fits into a sentence."""
    return _SHORT.repr(value)


def worded(value: object) -> str:
    """The same, but a text stands without its quotation marks."""
    return shown(value)[1:-1] if isinstance(value, str) else shown(value)
