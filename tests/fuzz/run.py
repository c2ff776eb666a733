"""A run of the fuzzer: programs by consecutive seeds, what fails shrunk and kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from itertools import islice
from time import monotonic
from typing import Any

from tests.fuzz.check import Finding, check
from tests.fuzz.kinds import KINDS, kind_of, make
from tests.fuzz.program import Program
from tests.fuzz.report import as_test
from tests.fuzz.shrink import shrink

__all__ = ["Failure", "Summary", "fuzz"]


@dataclass(frozen=True)
class Failure:
    """A program that fails, as small as it became, and whether it fails again when it is tried again."""

    seed: int
    program: Program
    finding: Finding
    again: bool

    @property
    def test(self) -> str:
        return as_test(self.program, self.finding, self.seed)


@dataclass
class Summary:
    """What a run found: the outcomes by kind of program, the refusals and agreed differences by text."""

    outcomes: dict[str, Counter[str]] = field(default_factory=dict[str, "Counter[str]"])
    refusals: Counter[str] = field(default_factory=Counter[str])
    notes: Counter[str] = field(default_factory=Counter[str])
    failures: list[Failure] = field(default_factory=list[Failure])

    @property
    def programs(self) -> int:
        return sum(each.total() for each in self.outcomes.values())

    def as_json(self) -> dict[str, Any]:
        """Return it as what JSON can hold."""
        found = [
            {
                "seed": each.seed,
                "kind": each.finding.kind,
                "detail": each.finding.detail,
                "again": each.again,
                "test": each.test,
            }
            for each in self.failures
        ]
        counts = {"outcomes": self.outcomes, "refusals": self.refusals, "notes": self.notes}
        return {"programs": self.programs, **counts, "failures": found}


def fuzz(
    seed: int,
    *,
    kinds: Collection[str] = KINDS,
    programs: int | None = None,
    seconds: float | None = None,
    jax: bool = True,
    shrinking: int = 250,
    failures: int | None = None,
    each: Callable[[Summary, Failure | None], None] = lambda summary, failure: None,
) -> Summary:
    """Try programs from a seed on, as many as were asked for or until the time is over.

    Args:
        seed: run K tries the programs of the seeds from 1,000,000 K on.
        kinds: of which kinds programs are tried.
        programs: how many programs, at most.
        seconds: after how long no further program begins.
        jax: whether to compare with JAX where it is installed.
        shrinking: how many programs the shrinking of one failure may try.
        failures: after how many of them to stop.
        each: called after every program, with its failure if there is one.
    """
    summary, start = Summary(), monotonic()
    first = seed * 1_000_000
    seeds = (each for each in range(first, first + 10**6) if kind_of(each) in kinds)
    for current in islice(seeds, programs):
        if seconds is not None and monotonic() - start > seconds:
            break
        program = make(current)
        outcome = check(program, jax=jax)
        counts = summary.outcomes.setdefault(program.kind, Counter())
        summary.notes.update(outcome.notes)
        failure = None
        if outcome.finding is not None:
            counts[outcome.finding.kind] += 1
            failure = _shrunk(current, program, outcome.finding, jax, shrinking)
            summary.failures.append(failure)
        elif outcome.refusal:
            counts["refused"] += 1
            summary.refusals[outcome.refusal[:150]] += 1
        else:
            counts["right"] += 1
        each(summary, failure)
        if len(summary.failures) == failures:
            break
    return summary


def _shrunk(seed: int, program: Program, finding: Finding, jax: bool, most: int) -> Failure:
    """Return a failure made small; as it is where it does not fail again: it depends on what ran before."""
    with_jax = jax and finding.kind == "jax"

    def finding_of(each: Program) -> Finding | None:
        return check(each, jax=with_jax).finding

    def fails(each: Program) -> bool:
        found = finding_of(each)
        return found is not None and found.same_as == finding.same_as

    if not any(fails(program) for _ in range(3)):
        return Failure(seed, program, finding, again=False)
    small = shrink(program, fails, most)
    return Failure(seed, small, finding_of(small) or finding, again=True)
