"""Finds the program `aseqd`, and the sequencer that is there without it."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterator

# Variables so that tests can play another system.
PLATFORM = sys.platform
DEVICE = "/dev/snd/seq"


def is_linux() -> bool:
    """Return whether this system can have a sequencer at all."""
    return PLATFORM == "linux"


def system_name() -> str:
    """Return what people call this system."""
    return {"darwin": "macOS", "win32": "Windows"}.get(PLATFORM, PLATFORM)


def has_sequencer() -> bool:
    """Return whether this process can open a sequencer: the kernel's, a served one, or that of `aseqd run`."""
    try:
        os.close(os.open(DEVICE, os.O_RDWR | os.O_CLOEXEC))
    except OSError:
        return False
    return True


def find_program() -> str | None:
    """Return the path of the program `aseqd`: this package's, or else the one on the `PATH`.

    It returns `None` if there is none, as on a system that is not Linux.
    """
    return next((path for path in _candidates() if _is_program(path)), None)


def why_no_program() -> str:
    """Return a sentence for people about a program that is not there."""
    machine = os.uname().machine if hasattr(os, "uname") else "this machine"
    return (
        f"this package has no program for {machine}; put one on the PATH (cargo install aseqd), "
        "or install a wheel for x86_64 or aarch64"
    )


def _candidates() -> Iterator[str]:
    yield os.path.join(sysconfig.get_path("scripts"), "aseqd")
    yield os.path.join(sysconfig.get_path("scripts", f"{os.name}_user"), "aseqd")
    # pip install --target DIR puts it into DIR/bin.
    package = os.path.dirname(os.path.abspath(__file__))
    yield os.path.join(os.path.dirname(package), "bin", "aseqd")
    # Not the first one alone: that may be the script of the wheel without the program.
    for folder in os.get_exec_path():
        yield os.path.join(folder, "aseqd")


def _is_program(path: str) -> bool:
    """Returns whether a file is the program, and not the script that the wheel for other systems installs."""
    try:
        with open(path, "rb") as file:
            return file.read(4) == b"\x7fELF" and os.access(path, os.X_OK)
    except OSError:
        return False
