"""`python -m aseqd`, and the command `aseqd` of the wheel without the program.

On Linux it becomes the program. On other systems `aseqd run -- CMD` runs CMD as it is, so that the same line works
everywhere.
"""

from __future__ import annotations

import os
import subprocess
import sys

from aseqd import _program

# Options of `aseqd run` whose value is a word of its own.
_WITH_VALUE = frozenset({"--via", "--join", "--clients", "--color", "--ump"})

_FAILED = 127
_WRONG_USAGE = 2


def main() -> int:
    """Run the program with the arguments of this process, and return its exit status."""
    arguments = sys.argv[1:]
    if _program.is_linux():
        program = _program.find_program()
        if program is None:
            print(f"aseqd: {_program.why_no_program()}", file=sys.stderr)
            return _FAILED
        os.execv(program, ["aseqd", *arguments])
    print(f"aseqd: {_program.system_name()} has its own MIDI; aseqd does nothing here", file=sys.stderr)
    if arguments[:1] == ["run"]:
        return _run(arguments[1:])
    # What needs no sequencer is no failure.
    return 0 if arguments[:1] in (["doctor"], ["help"], ["--help"], ["-h"], ["--version"], ["-V"]) else _FAILED


def _run(arguments: list[str]) -> int:
    """Run a command without a sequencer."""
    command = list(arguments)
    while command and command[0].startswith("-"):
        option = command.pop(0)
        if option == "--":
            break
        if option in _WITH_VALUE and command:
            command.pop(0)
    if not command:
        print("aseqd: there is no command to run", file=sys.stderr)
        return _WRONG_USAGE
    try:
        status = subprocess.call(command)
    except OSError as error:
        print(f"aseqd: cannot run {command[0]}: {error.strerror}", file=sys.stderr)
        return _FAILED if isinstance(error, FileNotFoundError) else _FAILED - 1
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main())
