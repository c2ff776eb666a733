"""What all commands share: help, exit statuses, no traceback, pipes, interrupts."""

from __future__ import annotations

import os
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


def test_a_leading_minus(diffc, refused):
    refused("derive", "-x**2", says="one that starts with '-' stands last, behind --")
    assert "df/dx = -2*x" in diffc("derive", "--wrt", "x", "--", "-x**2").out


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


def test_text_that_the_terminal_lacks(environment):
    done = start({**environment, "PYTHONIOENCODING": "ascii"}, "derive", "α**2")
    out, err = done.communicate(timeout=60)
    assert (done.returncode, err) == (0, "")
    assert "2*\\u03b1" in out


def test_main_returns_an_int():
    assert main(["--version"]) == 0
