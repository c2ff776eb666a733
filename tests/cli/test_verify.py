"""`diffc verify`: certificates, and the exit status where one does not hold."""

from __future__ import annotations

import io
import json

from diffc.cli import verify
from diffc.proof import Certificate, Check


def test_a_model_holds(diffc, surface):
    result = diffc("verify", surface, "--order", "2")
    assert (result.status, result.err) == (0, "")
    assert result.out.startswith("certificate of surface, derivatives to order 2: holds")
    assert "operation:" in result.out


def test_json(diffc):
    result = diffc("verify", "a*b", "--order", "1", "--wrt", "a", "--json")
    report = json.loads(result.out)
    assert result.status == 0
    assert report["ok"] is True
    assert report["order"] == 1
    assert {"kind", "subject", "verdict", "basis", "detail"} == set(report["checks"][0])


def test_what_does_not_hold(diffc, monkeypatch):
    certificate = Certificate("f", (Check("equation", "%3", "failed", "sympy.diff", "2*x is not x"),), 2)
    monkeypatch.setattr(verify, "verify", lambda *_, **__: certificate)
    result = diffc("verify", "x**2")
    assert result.status == 1
    assert "DOES NOT HOLD" in result.out
    assert "2*x is not x" in result.out
    assert diffc("verify", "x**2", "--json").status == 1


def test_what_is_undecided_has_a_status_of_its_own(diffc, monkeypatch):
    certificate = Certificate("f", (Check("equation", "%3", "unknown", "the domain is empty"),), 2)
    monkeypatch.setattr(verify, "verify", lambda *_, **__: certificate)
    result = diffc("verify", "x**2")
    assert result.status == 3
    assert "UNDECIDED" in result.out
    assert "the domain is empty" in result.out
    report = diffc("verify", "x**2", "--json")
    assert report.status == 3
    assert (json.loads(report.out)["ok"], json.loads(report.out)["verdict"]) == (False, "undecided")


def test_a_budget(diffc):
    assert diffc("verify", "x**2", "--order", "1", "--budget", "600").status == 0
    result = diffc("verify", "x*sin(y)", "--budget", "1e-9")
    assert result.status == 3
    assert "NOT REACHED operation: " in result.out
    assert "(the budget of 1e-09 s was spent)" in result.out


def test_progress_is_shown_on_a_terminal_alone(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    for stream, shown in ((Terminal(), True), (io.StringIO(), False)):
        monkeypatch.setattr("sys.stderr", stream)
        with verify.shown_progress() as progress:
            assert (progress is not None) == shown
            if progress is not None:
                progress("reverse equation, order 1", 12)
        assert ("12 checks made, now: reverse equation, order 1" in stream.getvalue()) == shown
        assert stream.getvalue().endswith("\r" if shown else "")


def test_refused(refused, surface):
    refused("verify", surface, "--order", "9", says="order")
    refused("verify", surface, "--budget", "0", says="budget_s is a number of seconds above 0")
    refused("verify", surface, "--samples", "0", says="--samples is an integer from 1")
    refused("verify", surface, "--wrt", "q", says="no input 'q'")
    refused("verify", "sni(x)", says="did you mean 'sin'")
    refused("verify", "surface.tml", says="surface.tml: there is no such file")
