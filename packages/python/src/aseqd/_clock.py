"""The clock of a run that has one of its own: `aseqd run --time`."""

from __future__ import annotations

import math
import os
import socket

# Set in such a run: the name of its control socket, after an @.
_VARIABLE = "ASEQD_CONTROL"


class NoVirtualTime(RuntimeError):
    """Time is real here, so it cannot be moved."""


def advance(seconds: float) -> None:
    """Let time pass. See `Sequencer.advance`."""
    if not (math.isfinite(seconds) and seconds >= 0):
        raise ValueError(f"cannot advance by {seconds!r} seconds")
    name = os.environ.get(_VARIABLE, "")
    if not name.startswith("@"):
        raise NoVirtualTime(
            f"cannot advance by {seconds:g} s: time is real here. Start the tests under `aseqd run --time virtual`, "
            "or pytest with --aseqd-time=virtual"
        )
    answer = _ask("\0" + name[1:], f"advance {round(seconds * 1e9)}\n")
    if not answer.startswith("ok "):
        raise NoVirtualTime(answer[len("error ") :].strip() if answer else "the run has ended")


def _ask(name: str, line: str) -> str:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as control:
        try:
            control.connect(name)
            control.sendall(line.encode())
            with control.makefile() as answers:
                return answers.readline()
        except OSError as error:
            raise NoVirtualTime(f"the run cannot be asked: {error.strerror}") from error
