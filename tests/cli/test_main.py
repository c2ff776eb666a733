"""What all commands share: help, exit statuses, no traceback, pipes, interrupts."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys

import pytest

from diffc.cli import derive, main

COMMANDS = ("derive", "build", "inspect", "verify", "run")


def start(environment, *arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "diffc", *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def test_help_of_all(diffc):
    result = diffc("--help")
    assert result.status == 0
    assert all(command in result.out for command in COMMANDS)
    assert "example: diffc derive" in result.out


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example(diffc, command):
    result = diffc(command, "--help")
    assert result.status == 0
    assert f"example: diffc {command} " in result.out
    assert "--json" in result.out


def test_version(diffc):
    assert diffc("--version").out.startswith("diffc ")


@pytest.mark.parametrize(
    "arguments", [[], ["derive"], ["dervie", "x"], ["derive", "x", "--nope"], ["build", "x"]]
)
def test_usage_errors(refused, arguments):
    refused(*arguments, says="usage: diffc")


@pytest.mark.parametrize(
    "arguments", [("-x**2",), ("-x**2", "--wrt", "x", "--at", "x=-1"), ("--wrt", "x", "--", "-x**2")]
)
def test_a_leading_minus(diffc, arguments):
    result = diffc("derive", *arguments)
    assert "f(x) = -x**2\n" in result.out
    assert "df/dx = -2*x" in result.out


@pytest.mark.parametrize("formula", ["-h*x", "-o*x", "-x", "-2*x", "-json + x", "--2*x", "-(x)", "-inf*x"])
def test_a_formula_is_no_option(diffc, formula):
    assert f") = {formula}\n" in diffc("derive", formula).out.splitlines(keepends=True)[0]


def test_a_leading_minus_in_the_other_commands(diffc, tmp_path):
    assert diffc("verify", "-x**2").status == 0
    assert "square %x" in diffc("inspect", "-x**2", "--stage", "ir").out
    assert diffc("build", "-x**2", "-o", tmp_path / "built").status == 0


def test_a_formula_behind_the_options(refused):
    refused("derive", "--wrt", "x", "x**2", says="FORMULA; it stands before the options")


def test_a_path_that_no_system_takes(refused):
    refused("run", "a" * 5000, says="File name too long")


def test_an_internal_error_is_one_line(diffc, monkeypatch):
    def fail(*_):
        raise ZeroDivisionError("secret\nsecond line")

    monkeypatch.setattr(derive, "derivatives_of", fail)
    result = diffc("derive", "x")
    assert result.status == 70
    assert result.out == ""
    assert result.err.count("\n") == 1
    assert "internal error (ZeroDivisionError: secret); please report" in result.err
    monkeypatch.setenv("DIFFC_DEBUG", "1")
    assert "Traceback" in diffc("derive", "x").err


@pytest.mark.parametrize(
    ("error", "status"), [(KeyboardInterrupt(), 130), (MemoryError(), 2), (BrokenPipeError(), 0)]
)
def test_other_ends(diffc, monkeypatch, error, status):
    def fail(*_):
        raise error

    monkeypatch.setattr(derive, "derivatives_of", fail)
    monkeypatch.setattr("diffc.cli._close_stdout", lambda: None)
    assert diffc("derive", "x").status == status


def test_warnings_are_one_line(diffc, monkeypatch, tmp_path, recwarn):
    import warnings

    warnings.simplefilter("always")
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DIFFC_CACHE_DIR", str(tmp_path / "file"))
    result = diffc("derive", "x*3.25")
    assert result.status == 0
    assert result.err.startswith("diffc: warning: diffc compiles without a cache")
    assert result.err.count("\n") == 1


def test_in_a_process_of_its_own(environment):
    done = start(environment, "derive", "((a+b)*c)**2", "--wrt", "a", "b", "--at", "a=1", "b=2", "c=2")
    out, err = done.communicate(timeout=60)
    assert (done.returncode, err) == (0, "")
    assert "df/da = 2*(a + b)*c**2" in out
    assert "df/da = 24.0" in out
    assert "def kernel(a, b, c, f, d_a, d_b, work):" in out


def test_a_closed_pipe_is_quiet(environment):
    done = start(environment, "inspect", "sin(x)*exp(x)*cosh(x)", "--stage", "llvm")
    done.stdout.close()
    err = done.stderr.read()
    done.stderr.close()
    done.wait(timeout=60)
    assert err == ""


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_an_interrupt(environment):
    script = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell's background job ignores it
        "from diffc.cli import derive, main\n"
        "derive.derivatives_of = lambda *_: (print('ready', flush=True), time.sleep(60))\n"
        "sys.exit(main(['derive', 'x']))"
    )
    done = subprocess.Popen(
        [sys.executable, "-c", script],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert done.stdout.readline() == "ready\n"
    done.send_signal(signal.SIGINT)
    _, err = done.communicate(timeout=60)
    assert (done.returncode, err) == (130, "")


ENDINGS = [
    (("derive", "x**2"), 2), (("derive", "x**2", "--json"), 2), (("--version",), 2), (("--help",), 2),
    (("derive", "x*"), 2), (("derive",), 2),
]  # fmt: skip


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a disk that is full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(("arguments", "status"), ENDINGS[:4], ids=str)
def test_a_full_disk(environment, arguments, status, unbuffered):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "diffc", *arguments],
            env={**environment, "PYTHONUNBUFFERED": unbuffered},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == status
    assert done.stderr == "diffc: error: the output cannot be written: No space left on device\n"


@pytest.mark.skipif(os.name != "posix", reason="a shell")
@pytest.mark.parametrize(("arguments", "status"), ENDINGS, ids=str)
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "2>/dev/full"])
def test_streams_that_are_closed(environment, arguments, status, closed):
    command = f"{shlex.join([sys.executable, '-m', 'diffc', *arguments])} {closed}"
    done = subprocess.run(["sh", "-c", command], env=environment, capture_output=True, text=True)
    fails = arguments in (("derive", "x*"), ("derive",))
    assert done.returncode == (status if fails or closed.startswith(">") else 0)
    if closed == ">&-":
        assert done.stderr.startswith("usage" if arguments == ("derive",) else "diffc: error: ")
        assert fails or done.stderr.count("\n") == 1
    else:
        assert done.stderr == ""
    if fails or closed.startswith(">"):
        assert done.stdout == ""


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("module", ["argparse", "diffc.cli.parser", "numpy"])
def test_an_interrupt_while_modules_are_loaded(environment, module):
    script = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from diffc.cli import main\n"
        "class Finder:\n"
        "    def find_spec(self, name, *_):\n"
        f"        if name == {module!r}:\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Finder())\n"
        f"for each in [each for each in sys.modules if each.split('.')[0] == {module!r}]:\n"
        "    del sys.modules[each]\n"
        "sys.exit(main(['derive', 'x']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_an_interrupt_that_became_another_error(diffc, monkeypatch):
    def fail(*_):
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            raise ImportError("half a module") from None

    monkeypatch.setattr(derive, "derivatives_of", fail)
    assert diffc("derive", "x").status == 130


def test_the_version_needs_no_other_module(environment):
    script = (
        "import sys\nfrom diffc.cli import main\nmain(['--version'])\n"
        "print([each for each in ('numpy', 'argparse', 'typing') if each in sys.modules])"
    )
    command = [sys.executable, "-S", "-c", script]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.stdout.endswith("\n[]\n"), done.stderr


def test_text_that_the_terminal_lacks(environment):
    done = start({**environment, "PYTHONIOENCODING": "ascii"}, "derive", "α**2")
    out, err = done.communicate(timeout=60)
    assert (done.returncode, err) == (0, "")
    assert "2*\\u03b1" in out


def test_main_returns_an_int():
    assert main(["--version"]) == 0
