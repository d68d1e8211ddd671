"""How pytest comes under a sequencer. Each test runs a pytest of its own, which must not find a sequencer already."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import aseqd
from aseqd import _program

pytestmark = pytest.mark.skipif(
    not _program.is_linux() or _program.has_sequencer(),
    reason="there is a sequencer here already; run this file with --no-aseqd where the kernel has none",
)

OWN = f"aseqd: a sequencer of this run's own (aseqd {aseqd.__version__})"
ALREADY = "aseqd: the sequencer that was here already, /dev/snd/seq"

USES_IT = """
    def test_it(aseqd):
        assert aseqd.port("0:1").name == "Announce"
"""

Run = pytest.RunResult


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ASEQD_PYTEST", "ASEQD_VIA", "PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project that asks for a sequencer."""
    pytester.makepyprojecttoml("[tool.pytest.ini_options]\naseqd = true\n")
    return pytester


def test_the_configuration_asks(project: pytest.Pytester) -> None:
    project.makepyfile(USES_IT)
    result = project.runpytest_subprocess()
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines([OWN])
    assert result.ret == 0
    assert result.stderr.str() == ""


def test_ini_files_and_native_toml_ask_too(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(USES_IT)
    pytester.makeini("[pytest]\naseqd = true\naseqd_args = --no-realtime --clients 70")
    pytester.runpytest_subprocess().assert_outcomes(passed=1)
    (pytester.path / "tox.ini").unlink()
    if int(pytest.__version__.split(".")[0]) >= 9:
        pytester.makepyprojecttoml("[tool.pytest]\naseqd = true\naseqd_args = ['--no-realtime', '--clients', '70']")
        pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_options_ask_and_forbid(project: pytest.Pytester) -> None:
    project.makepyfile(USES_IT)
    result = project.runpytest_subprocess("--no-aseqd")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["there is no sequencer: /dev/snd/seq cannot be opened: *; `aseqd = true` in *"])
    result.stdout.no_fnmatch_line("aseqd: *")
    (project.path / "pyproject.toml").unlink()
    project.runpytest_subprocess().assert_outcomes(errors=1)
    project.runpytest_subprocess("--aseqd").assert_outcomes(passed=1)


@pytest.mark.parametrize("command", ["pytest", "py.test"])
def test_the_scripts_of_pytest(project: pytest.Pytester, command: str) -> None:
    script = Path(sys.executable).with_name(command)
    if not script.exists():
        pytest.skip(f"{script} is not installed")
    project.makepyfile(USES_IT)
    result = project.run(str(script), "-q", "-k", "test_it and not other")
    assert result.ret == 0


def test_options_of_python_and_words_with_spaces_are_kept(project: pytest.Pytester) -> None:
    project.makepyfile("""
        import sys

        def test_it(aseqd, pytestconfig):
            assert sys.flags.dont_write_bytecode == 1
            assert sys.warnoptions == ["ignore"]
            assert pytestconfig.getoption("keyword") == "it or other"
    """)
    result = project.run(sys.executable, "-W", "ignore", "-B", "-m", "pytest", "-k", "it or other")
    result.assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("test", "status"),
    [
        ("def test_it(): assert False", pytest.ExitCode.TESTS_FAILED),
        ("", pytest.ExitCode.NO_TESTS_COLLECTED),
        ("import no_such_module", pytest.ExitCode.INTERRUPTED),
        ("import os, pytest\ndef test_it(): pytest.exit('enough', 42)", 42),
        ("import os\ndef test_it(): os._exit(43)", 43),
        ("import os, signal\ndef test_it(): os.kill(os.getpid(), signal.SIGKILL)", 128 + signal.SIGKILL),
    ],
)
def test_the_exit_status_is_that_of_pytest(project: pytest.Pytester, test: str, status: int) -> None:
    project.makepyfile(test)
    assert project.runpytest_subprocess().ret == status


def test_an_unknown_option_is_wrong_usage_as_without(project: pytest.Pytester) -> None:
    result = project.runpytest_subprocess("--no-such-option")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*unrecognized arguments: --no-such-option"])


@pytest.mark.parametrize("capture", ["fd", "sys", "no", "tee-sys"])
def test_output_is_as_without(project: pytest.Pytester, capture: str) -> None:
    project.makepyfile("""
        import os, sys

        def test_it(aseqd, request):
            print("to stdout")
            print("to stderr", file=sys.stderr)
            if request.config.getoption("capture") != "no":
                out, err = request.getfixturevalue("capfd").readouterr()
    """)
    result = project.runpytest_subprocess(f"--capture={capture}")
    result.assert_outcomes(passed=1)
    shown = capture in ("no", "tee-sys")
    assert ("to stdout" in result.stdout.str()) == (capture == "no" or shown)
    assert ("to stderr" in result.stderr.str()) == shown


def test_standard_input_is_the_tests(project: pytest.Pytester) -> None:
    project.makepyfile("""
        import sys

        def test_it(aseqd):
            assert sys.stdin.read() == "typed"
    """)
    result = project.run(sys.executable, "-m", "pytest", "-s", stdin=b"typed")
    result.assert_outcomes(passed=1)


def test_conftest_is_loaded_once(project: pytest.Pytester) -> None:
    project.makeconftest("print('conftest is loaded')")
    project.makepyfile(USES_IT)
    result = project.runpytest_subprocess("-s")
    assert result.stdout.str().count("conftest is loaded") == 1


def test_help_starts_no_sequencer(project: pytest.Pytester) -> None:
    project.makeconftest("import os\nprint('again' if 'ASEQD_PYTEST' in os.environ else 'once')")
    result = project.runpytest_subprocess("-s", "--help")
    result.stdout.fnmatch_lines(["once", "*--no-aseqd*", "*aseqd_args (args)*"])


def test_workers_of_xdist_share_the_sequencer(project: pytest.Pytester) -> None:
    pytest.importorskip("xdist")
    project.makepyfile("""
        import os, pytest

        @pytest.mark.parametrize("number", range(2))
        def test_it(aseqd, number):
            own = aseqd.device(f"Worker {number}").plug()
            assert os.environ["PYTEST_XDIST_WORKER"] in ("gw0", "gw1")
            # Each waits for the other one, so both run at the same time.
            aseqd.wait_for_port(f"Worker {1 - number}", timeout=30)
            own.send(b"\\xf8")
            aseqd.send(f"Worker {1 - number}", b"\\xf8")
            assert own.wait(1, timeout=30)
    """)
    result = project.runpytest_subprocess(
        "-n", "2", "--dist", "each", "-k", "0 or 1", "--maxprocesses=2", "--dist=load"
    )
    result.assert_outcomes(passed=2)
    assert result.stdout.str().count(OWN) == 1


def test_the_plug_in_can_be_switched_off(project: pytest.Pytester) -> None:
    project.makepyfile(USES_IT)
    result = project.runpytest_subprocess("-p", "no:aseqd")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*fixture 'aseqd' not found"])


def test_the_plug_in_by_hand(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    project.makepyfile(USES_IT)
    project.runpytest_subprocess("-p", "aseqd.pytest_plugin").assert_outcomes(passed=1)


def test_a_sequencer_that_is_there_is_used(project: pytest.Pytester) -> None:
    project.makepyfile(USES_IT + "    import os; assert 'ASEQD_PYTEST' not in os.environ")
    program = _program.find_program()
    assert program is not None
    result = project.run(program, "run", "--", sys.executable, "-m", "pytest")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines([ALREADY])


def test_a_pytest_inside_of_a_test_uses_the_same_sequencer(project: pytest.Pytester) -> None:
    project.makepyfile("""
        import os, subprocess, sys

        def test_it(aseqd):
            aseqd.device("Outer").plug()
            if "INNER" in os.environ:
                assert len([port for port in aseqd.ports() if port.client_name == "Outer"]) == 2
            else:
                subprocess.run([sys.executable, "-m", "pytest"], check=True, env={**os.environ, "INNER": "1"})
    """)
    project.runpytest_subprocess().assert_outcomes(passed=1)


def test_there_is_no_third_start(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASEQD_PYTEST", "1")
    result = project.runpytest_subprocess()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: aseqd: pytest was started under `aseqd run`, but cannot open /dev/snd/seq"])


def test_main_without_arguments_starts_again(project: pytest.Pytester) -> None:
    project.makepyfile(USES_IT)
    project.run(sys.executable, "-c", "import pytest; raise SystemExit(pytest.main())").assert_outcomes(passed=1)


def test_main_with_arguments_leaves_its_program_alone(project: pytest.Pytester) -> None:
    project.makepyfile(test_it="def test_it(): pass")
    program = project.makepyfile(program="import pytest; print('once'); raise SystemExit(pytest.main(['-v']))")
    result = project.run(sys.executable, program)
    result.assert_outcomes(passed=1)
    assert result.stdout.str().count("once") == 1
    result.stdout.fnmatch_lines(["aseqd: no sequencer, because a program has called pytest.main(); start that *"])
    started = _program.find_program()
    assert started is not None
    result = project.run(started, "run", "--", sys.executable, program)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines([ALREADY])


def test_wrong_options_for_run_are_wrong_usage(project: pytest.Pytester) -> None:
    project.makepyprojecttoml("[tool.pytest.ini_options]\naseqd = true\naseqd_args = '--no-such-option'")
    result = project.runpytest_subprocess()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: aseqd can start no sequencer here: *--no-such-option*"])


def test_where_no_door_works_the_doctor_speaks(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    hide = ["unshare", "--mount", "sh", "-c", 'mount --bind /dev/null /dev/fuse && exec "$@"', "sh"]
    if subprocess.run([*hide, "true"], check=False, capture_output=True).returncode != 0:
        pytest.skip("/dev/fuse cannot be hidden: that needs root, mounts and /dev/fuse")
    monkeypatch.setenv("ASEQD_VIA", "fuse")
    result = project.run(*hide, sys.executable, "-m", "pytest")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: aseqd can start no sequencer here: aseqd: nothing can be mounted*", "Doors of `aseqd run`*"]
    )


def test_a_program_that_is_missing_is_wrong_usage(project: pytest.Pytester) -> None:
    play = "import aseqd._program as p; p.find_program = lambda: None; import pytest; raise SystemExit(pytest.main())"
    result = project.run(sys.executable, "-c", play)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: aseqd: this package has no program for {os.uname().machine}; *"])


def test_a_signal_interrupts_the_tests(project: pytest.Pytester) -> None:
    project.makepyfile("""
        import signal

        def test_it(aseqd, capfd):
            with capfd.disabled():
                print("ready", flush=True)
            signal.pause()
    """)
    with subprocess.Popen([sys.executable, "-m", "pytest", "-q"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while "ready" not in process.stdout.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        output = process.stdout.read()
    assert process.returncode == pytest.ExitCode.INTERRUPTED
    assert "KeyboardInterrupt" in output


def elsewhere(pytester: pytest.Pytester, system: str, code: str, *arguments: str) -> Run:
    """Run code as if on another system."""
    play = f"import sys, aseqd._program as p; p.PLATFORM = {system!r}; "
    return pytester.run(sys.executable, "-c", play + code, *arguments)


@pytest.mark.parametrize(("system", "name"), [("darwin", "macOS"), ("win32", "Windows")])
def test_other_systems_do_nothing_and_say_so_once(project: pytest.Pytester, system: str, name: str) -> None:
    project.makepyfile(USES_IT + "\n    def test_other(): pass")
    result = elsewhere(project, system, "import pytest; sys.exit(pytest.main())", "-rs")
    result.assert_outcomes(passed=1, skipped=1)
    assert result.stdout.str().count(f"aseqd: does nothing on {name}") == 1
    result.stdout.fnmatch_lines([f"SKIPPED * needs Linux's sequencer, and this is {name}"])


def test_on_other_systems_run_just_runs(pytester: pytest.Pytester) -> None:
    main = "from aseqd.__main__ import main; sys.exit(main())"
    command = [sys.executable, "-c", "import sys; print(sys.argv[1:]); sys.exit(7)", "-v", "a b"]
    for options in (["--"], ["--via", "fuse", "-v", "--"], ["--spin=5"], []):
        result = elsewhere(pytester, "darwin", main, "run", *options, *command)
        assert (result.ret, result.outlines) == (7, ["['-v', 'a b']"])
        assert result.errlines == ["aseqd: macOS has its own MIDI; aseqd does nothing here"]
    assert elsewhere(pytester, "darwin", main, "run", "--").ret == 2
    assert elsewhere(pytester, "darwin", main, "run", "no-such-command").ret == 127
    assert elsewhere(pytester, "darwin", main, "doctor").ret == 0
    assert elsewhere(pytester, "darwin", main, "ls").ret == 127


def test_the_module_is_the_program(pytester: pytest.Pytester) -> None:
    result = pytester.run(sys.executable, "-m", "aseqd", "--version")
    assert result.outlines == [f"aseqd {aseqd.__version__}"]
    result = pytester.run(sys.executable, "-m", "aseqd", "run", "--", sys.executable, "-m", "aseqd", "ls")
    result.stdout.fnmatch_lines(["*Midi Through*"])
