"""What can go wrong while converting.

ConvertError                    exit code 1: the conversion itself failed
├── ConversionError             paddle2onnx failed, or its graph is not one that can be fused
├── VerificationError           the fused ONNX does not answer as the model it was made from
└── UserError                   exit code 2: one sentence, and the repository is untouched
    ├── ModelSetError           unknown model set, or a list of model sets that cannot be read
    ├── SourceError             no source gave a network that can be used; a line for each
    ├── ModelFolderError        a folder without a model, or with one whose dictionary does not fit
    ├── PaddleNotInstalled      a network in Paddle's form, and no Paddle to convert it
    ├── RepositoryError         the model repository is not one that models can be installed into
    ├── StorageError            a folder has no more room, or cannot be written
    └── ExportError             the installed set cannot be written to the folder that was named
"""

import textwrap
from pathlib import Path


class ConvertError(Exception):
    """The base of every error of this package; `exit_code` is what the command line ends with."""

    exit_code = 1


class ConversionError(ConvertError):
    """paddle2onnx failed, or the graph it wrote is not one that can be fused."""


class VerificationError(ConvertError):
    """The fused ONNX differs from the model it was made from by more than the tolerance."""


class UserError(ConvertError):
    """Something the user can put right: an argument, a folder, a source."""

    exit_code = 2


class ModelSetError(UserError):
    """Unknown model set, or a list of model sets that cannot be read."""


class SourceError(UserError):
    """A source did not give the expected files, or none of a network's gave one that can be used."""


class ModelFolderError(UserError):
    """A folder without a model, or with a model whose parts do not fit together."""


class PaddleNotInstalled(UserError):
    """A network is in Paddle's form, and there is no Paddle to convert it with."""


class RepositoryError(UserError):
    """The model repository is not one that models can be installed into."""


def cannot_be_written(repository: Path, error: OSError) -> RepositoryError:
    """What to say of an error of the file system while something was written into a model repository."""
    reason = error.strerror or str(error)
    return RepositoryError(f"{repository} cannot be written: {reason}; free space or get rights there")


def in_one_line(error: object) -> str:
    """What somebody else's error says, as one line of bounded length."""
    return textwrap.shorten(" ".join(str(error).split()), 300, placeholder=" ...")


class StorageError(UserError):
    """A folder that work is done in has no more room, or cannot be written."""


class ExportError(UserError):
    """The installed set cannot be written to the folder that was named."""
