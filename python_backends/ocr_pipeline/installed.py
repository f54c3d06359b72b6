"""`python -m ocr_pipeline.installed REPOSITORY` prints the name of the installed model set, for make and other scripts.

It prints nothing where none is installed. One that cannot be read ends it with exit code 1 and a message: it may be
somebody's own, and is not to be overwritten unasked.
"""

import sys
from pathlib import Path

from ocr_contract.errors import InvalidModel
from ocr_pipeline.repository import ModelRepository


def main(repository: ModelRepository) -> None:
    """Print the name of what is installed in `repository`."""
    if repository.has_set():
        try:
            sys.stdout.write(f"{repository.installed().name}\n")
        except InvalidModel as error:
            sys.exit(str(error))


if __name__ == "__main__":
    main(ModelRepository(Path(sys.argv[1])))
