"""What a model that a step has asked answers, where that is an error."""

from __future__ import annotations

import re
from typing import Any

from ocr_contract.errors import NotServing

# Triton's words for a server that is being stopped, and for a Python step that has died: ocr-serve starts it anew.
_NOT_SERVING = re.compile(
    r"Server not ready|Server is stopping|stopped accepting new|Stub process '[^']*' is not healthy"
)


def check(model: str, response: Any) -> None:
    """See that an answer is none of an error.

    Raises:
        NotServing: the server is being stopped, or the model has died.
        RuntimeError: the model failed.
    """
    if response.has_error():
        said = response.error().message()
        if _NOT_SERVING.search(said):
            raise NotServing("the server is being stopped or started anew; send the request again")
        raise RuntimeError(f"{model} failed: {said}")
