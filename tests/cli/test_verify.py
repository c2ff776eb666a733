"""`diffc verify`: certificates, and the exit status where one does not hold."""

from __future__ import annotations

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


def test_refused(refused, surface):
    refused("verify", surface, "--order", "9", says="order")
    refused("verify", surface, "--samples", "0", says="--samples is an integer from 1")
    refused("verify", surface, "--wrt", "q", says="no input 'q'")
    refused("verify", "sni(x)", says="did you mean 'sin'")
    refused("verify", "surface.tml", says="surface.tml: there is no such file")
