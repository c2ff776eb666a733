"""The time that a proof may take: what is not reached is said, and nothing is believed for it."""

import json

import pytest

import diffc as dc
from diffc.errors import DiffcError
from diffc.proof import Certificate, Check
from diffc.proof.budget import ask, attempt, limited

NAMES = [f"x{k}" for k in range(14)]
FOURTEEN = "*".join(f"({'+'.join(NAMES[: k + 1])})" for k in range(1, 14))
"""Fourteen symbols, and a Hessian of millions of terms when it is written out."""

GOOD = Check("equation", "%0", "proved", "exact")


def expired(monkeypatch):
    """Make every clock of the budget say that its time is over from the second look on."""
    looks = iter([0.0])
    monkeypatch.setattr("diffc.proof.budget.monotonic", lambda: next(looks, 1e9))


def test_what_is_not_reached_is_said(monkeypatch):
    expired(monkeypatch)
    certificate = dc.verify(dc.parse("x*sin(y)"), order=1, budget_s=5)
    assert certificate.verdict == "undecided"
    assert not certificate.ok
    late = [check for check in certificate.checks if check.verdict == "unreached"]
    assert {check.basis for check in late} == {"the budget of 5 s was spent"}
    kinds = {check.kind for check in late}
    assert {"operation", "reverse equation, order 1", "whole expression", "kernel, value"} <= kinds
    text = str(certificate)
    assert text.startswith("certificate of f, derivatives to order 1: UNDECIDED")
    assert "NOT REACHED kernel, value: 1 of 1 (the budget of 5 s was spent)" in text
    assert json.loads(certificate.to_json())["verdict"] == "undecided"
    assert Certificate.from_json(certificate.to_json()) == certificate


def test_a_refutation_counts_whatever_was_not_reached():
    bad, late = Check("e", "%1", "failed", "witness"), Check("e", "%2", "unreached", "the budget was spent")
    assert Certificate("f", (GOOD, late)).verdict == "undecided"
    assert Certificate("f", (GOOD, bad, late)).verdict == "refuted"
    assert Certificate("f", (GOOD, Check("e", "%1", "unknown", "too large"))).verdict == "undecided"
    assert Certificate("f", (GOOD,)).verdict == "holds"
    assert Certificate("f", ()).verdict == "undecided"


def test_a_long_check_ends_at_its_next_step(monkeypatch):
    now = iter(range(100))
    monkeypatch.setattr("diffc.proof.budget.monotonic", lambda: float(next(now)))
    steps = []

    def long() -> Check:
        while True:
            ask()
            steps.append(1)

    with limited(10):
        assert attempt("equation", "%0", long).verdict == "unreached"
        assert attempt("equation", "%1", lambda: GOOD).verdict == "unreached"
    assert 5 < len(steps) < 10
    assert attempt("equation", "%0", lambda: GOOD) == GOOD


def test_progress_is_told_of_every_check():
    told: list[tuple[str, int]] = []
    certificate = dc.verify(dc.parse("a*b"), order=1, progress=lambda kind, done: told.append((kind, done)))
    assert [done for _, done in told] == list(range(len(told)))
    assert {"operation", "whole expression", "kernel, gradient"} <= {kind for kind, _ in told}
    assert certificate.ok


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), True])
def test_a_budget_is_a_positive_number(seconds):
    with pytest.raises(DiffcError, match="budget_s is a number of seconds above 0"):
        dc.verify(dc.parse("a*b"), budget_s=seconds)


def test_what_sympy_does_not_follow_is_unknown_and_other_faults_are_seen():
    def fails() -> Check:
        raise TypeError("Invalid NaN comparison")

    found = attempt("equation", "%0", fails, algebra=True)
    assert found.verdict == "unknown"
    assert found.basis == "SymPy does not follow: TypeError: Invalid NaN comparison"
    with pytest.raises(TypeError):
        attempt("kernel", "f", fails)


def test_fourteen_symbols_are_not_written_out():
    certificate = dc.verify(dc.parse(FOURTEEN), order=2)
    assert certificate.ok, str(certificate)
    whole = [check for check in certificate.checks if check.kind == "whole expression"]
    assert any("others were looked at" in check.basis for check in whole)
    assert all(check.verdict in ("proved", "skipped") for check in whole)


def test_a_budget_that_is_spent_at_once_leaves_everything_open():
    certificate = dc.verify(dc.parse(FOURTEEN), order=2, budget_s=1e-9)
    assert certificate.verdict == "undecided"
    immediate = {"gradient", "hessian", "rewrite"}
    assert {check.verdict for check in certificate.checks if check.kind not in immediate} <= {
        "unreached", "proved", "skipped",
    }  # fmt: skip
    whole = [check for check in certificate.checks if check.kind == "whole expression"]
    assert {check.verdict for check in whole} == {"unreached", "skipped"}
