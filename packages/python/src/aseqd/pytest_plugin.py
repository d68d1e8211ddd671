"""The pytest plug-in: runs the tests under a sequencer of their own, and gives them the fixture `aseqd`.

If the project asks for a sequencer (`aseqd = true`, or `--aseqd`) and there is none, pytest starts itself again under
`aseqd run`, once, before it has loaded any test.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from aseqd import _program

if TYPE_CHECKING:
    from aseqd import Sequencer

# Set for the pytest that was started again, to the version of the package. It is inherited by workers of xdist.
_MARK = "ASEQD_PYTEST"

# A Python program that ends well if it can open the sequencer. -I and -S: as fast as Python starts.
_PROBE = ("-I", "-S", "-c", f"import os; os.open({_program.DEVICE!r}, os.O_RDWR)")

# Seconds. aseqd gives up a door after less.
_PROBE_TIMEOUT = 60

_LINE = pytest.StashKey[str]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options to pytest's."""
    group = parser.getgroup("aseqd", "MIDI sequencer (aseqd)")
    group.addoption(
        "--aseqd",
        action="store_true",
        default=None,
        dest="aseqd",
        help="Run the tests under a sequencer of their own, unless there is one already",
    )
    group.addoption(
        "--no-aseqd", action="store_false", dest="aseqd", help="Start no sequencer, whatever the configuration says"
    )
    group.addoption(
        "--aseqd-time",
        metavar="CLOCK",
        help="Give that sequencer and the tests another clock, as `aseqd run --time` does: virtual, step or xN",
    )
    parser.addini("aseqd_time", "Another clock for the sequencer and the tests: virtual, step or xN", default="")
    parser.addini("aseqd", "Run the tests under a sequencer of their own: true or false", type="bool", default=False)
    parser.addini("aseqd_args", "Options for `aseqd run`, for example --card", type="args", default=[])


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    """Start pytest again under `aseqd run`, if it is asked for and needed.

    This hook runs around that of pytest's capture, so standard output and standard error are still the process's own.
    """
    line = _prepare(early_config)
    if line is not None:
        early_config.stash[_LINE] = line
    yield


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say which sequencer the tests use."""
    line = config.stash.get(_LINE, None)
    return None if line is None else f"aseqd: {line}"


@pytest.fixture
def aseqd(pytestconfig: pytest.Config) -> Iterator[Sequencer]:
    """The sequencer: lists and connects ports, sends, makes monitors and fake devices, and cleans up."""
    if not _program.is_linux():
        pytest.skip(f"needs Linux's sequencer, and this is {_program.system_name()}")
    from aseqd import NoSequencer, Sequencer

    try:
        sequencer = Sequencer()
    except NoSequencer as error:
        advice = pytestconfig.stash.get(
            _LINE, "`aseqd = true` in pytest's configuration, or pytest --aseqd, starts one"
        )
        pytest.fail(f"there is no sequencer: {error.strerror}; {advice}", pytrace=False)
    with sequencer:
        yield sequencer


def _prepare(config: pytest.Config) -> str | None:
    """Returns what the header says; `None` if no sequencer is asked for. Does not return if pytest starts again."""
    options = config.known_args_namespace
    asked = config.getini("aseqd") if options.aseqd is None else options.aseqd
    if not asked or getattr(options, "help", False) or getattr(options, "version", 0):
        return None
    if not _program.is_linux():
        return f"does nothing on {_program.system_name()}, which has its own MIDI"
    started_again = os.environ.get(_MARK)
    if _program.has_sequencer():
        if started_again is not None:
            return f"a sequencer of this run's own (aseqd {started_again})"
        return f"the sequencer that was here already, {_program.DEVICE}"
    if started_again is not None:
        raise pytest.UsageError(f"aseqd: pytest was started under `aseqd run`, but cannot open {_program.DEVICE}")
    if not _owns_process(config):
        return "no sequencer, because a program has called pytest.main(); start that program with `aseqd run --`"
    program = _program.find_program()
    if program is None:
        raise pytest.UsageError(f"aseqd: {_program.why_no_program()}")
    time = options.aseqd_time or config.getini("aseqd_time")
    clock = ["--time", time] if time else []
    run = [program, "run", *clock, *config.getini("aseqd_args"), "--", sys.executable]
    _check(program, run)
    _start_again(program, run)


def _owns_process(config: pytest.Config) -> bool:
    """Returns whether this process does nothing but run pytest, with the arguments of its command line.

    Another program, such as a notebook or an editor's helper, would be lost if it became a new pytest.
    """
    return bool(sys.executable) and list(config.invocation_params.args) == sys.argv[1:]


def _check(program: str, run: list[str]) -> None:
    """Raise pytest's error for wrong usage unless Python can open the sequencer under `aseqd run`."""
    try:
        probe = _output([*run, *_PROBE])
        if probe.returncode == 0:
            return
        reason = probe.stderr.strip()
        # 2: wrong options, which no door mends.
        advice = "" if probe.returncode == 2 else _output([program, "doctor"]).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        reason, advice = str(error), ""
    raise pytest.UsageError(f"aseqd can start no sequencer here: {reason}\n\n{advice}".rstrip())


def _output(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=_PROBE_TIMEOUT,
        check=False,
        encoding="utf-8",
        errors="replace",
    )


def _start_again(program: str, run: list[str]) -> NoReturn:
    """Become `aseqd run` with the command of this process."""
    from aseqd import __version__

    os.environ[_MARK] = __version__
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(program, [*run, *_own_arguments()])


def _own_arguments() -> list[str]:
    """Returns the arguments with which Python was started, its own options too."""
    # sys.orig_argv is there since Python 3.10.
    known: Any = getattr(sys, "orig_argv", None)
    if known is not None:
        return list(known[1:])
    with open("/proc/self/cmdline", "rb") as file:
        return [os.fsdecode(word) for word in file.read().split(b"\0")[1:-1]]
