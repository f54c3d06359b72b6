"""Keeps other users of the machine out of what the server writes, the regions in shared memory above all.

A region holds the pixels of pictures. Triton's Python backend gives each the mode 0644, and where the umask has made it
0600, the library that it uses (Boost.Interprocess) calls fchmod to have 0644 after all. So fchmod is taken from the
server: the kernel refuses calls that would give anything to group or others (seccomp(2)). From its first moment a
region is this user's alone.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Sequence

from ocr_serve.prctl import PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, prctl

_SECCOMP_MODE_FILTER = 2
_RET_ALLOW, _RET_ERRNO = 0x7FFF0000, 0x00050000
# What the kernel calls the machine (AUDIT_ARCH_...), and its number of fchmod.
_FCHMOD = {"x86_64": (0xC000003E, 91), "aarch64": (0xC00000B7, 52)}
# Offsets of struct seccomp_data; the second argument of the call is its mode.
_NUMBER, _MACHINE, _MODE = 0, 4, 24
# Classic BPF: load a word, jump if equal, jump if a bit is set, return.
_LOAD, _IF_EQUAL, _IF_ANY, _RETURN = 0x20, 0x15, 0x45, 0x06
_INSTRUCTION = struct.Struct("=HBBI")  # what to do, how many to skip if so, if not, and a number


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def keep_private() -> None:
    """What this process, and all that it starts, creates from now on is out of reach of other users.

    Raises:
        OSError: the kernel does not take the filter, or the filter knows no such processor.
    """
    os.umask(0o077)
    if platform.machine() not in _FCHMOD:
        raise OSError(errno.ENOSYS, "no filter for", platform.machine())
    machine, fchmod = _FCHMOD[platform.machine()]
    instructions = _packed(
        [
            (_LOAD, 0, 0, _MACHINE),
            (_IF_EQUAL, 0, 5, machine),
            (_LOAD, 0, 0, _NUMBER),
            (_IF_EQUAL, 0, 3, fchmod),
            (_LOAD, 0, 0, _MODE),
            (_IF_ANY, 0, 1, 0o077),
            (_RETURN, 0, 0, _RET_ERRNO | errno.EPERM),
            (_RETURN, 0, 0, _RET_ALLOW),
        ]
    )
    program = _Program(len(instructions) // _INSTRUCTION.size, instructions)
    prctl(PR_SET_NO_NEW_PRIVS, 1)  # without which only root may install a filter
    prctl(PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(program))


def _packed(instructions: Sequence[tuple[int, int, int, int]]) -> bytes:
    return b"".join(_INSTRUCTION.pack(*each) for each in instructions)
