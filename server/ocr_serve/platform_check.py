"""Can this machine run the server without a container? Standard library only: `make` runs it before anything else.

`python platform_check.py ENVIRONMENT` names the folder that the environment is to lie in.
"""

import ctypes
import os
import platform
import re
import sys

PYTHONS = ((3, 10), (3, 12))  # first and last with a stub in the wheel and packages in the lock
GLIBC = (2, 35)  # what the wheel's tritonserver was linked against
MACHINE = "x86_64"
PLAIN_PATH = re.compile(r"[\w@%+=:,./-]+")
CONTAINER = "use the container instead (docker compose up, see README.md)"


def problem():
    # type: () -> str | None
    """One sentence that says what stands in the way, or None."""
    python = sys.version_info[:2]
    if not PYTHONS[0] <= python <= PYTHONS[1]:
        return "Python {}.{} is not supported, only {}.{} to {}.{}; make PYTHON=... takes another one, or {}".format(
            *python, *PYTHONS[0], *PYTHONS[1], CONTAINER
        )
    if platform.system() != "Linux" or platform.machine() != MACHINE:
        return f"{platform.system()} on {platform.machine()} is not supported, only Linux on {MACHINE}; {CONTAINER}"
    libc = _libc()
    if not libc.startswith("glibc ") or tuple(int(part) for part in libc[6:].split(".")[:2]) < GLIBC:
        wanted = "glibc {}.{} or newer (Ubuntu 22.04, Debian 12)".format(*GLIBC)
        return f"{libc} is not supported, only {wanted}; {CONTAINER}"
    return None


def _libc():
    # type: () -> str
    """Name and version of the C library, such as "glibc 2.36"."""
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or "an unknown libc"
    except (ValueError, OSError):
        return "a libc other than glibc"


def path_problem(environment):
    # type: (str) -> str | None
    """One sentence that says that Triton cannot hand the path of its Python stub to a shell, unquoted, or None."""
    if PLAIN_PATH.fullmatch(environment):
        return None
    return (
        f"the environment is at {environment!r}: from a path with spaces or shell characters Triton cannot start its "
        "Python steps; choose a path of letters, digits and @%+=:,./-_, for instance with make VENV=/opt/ocr-env"
    )


def missing_library():
    # type: () -> str | None
    """One sentence that says which library converting models needs, or None."""
    try:
        ctypes.CDLL("libgomp.so.1")
    except OSError:
        return "libgomp.so.1 is missing, which Paddle needs to convert models; run apt-get install libgomp1"
    return None


if __name__ == "__main__":
    sentence = problem() or path_problem(os.path.abspath(sys.argv[1])) or missing_library()  # noqa: PTH100
    if sentence:
        sys.exit(sentence)
