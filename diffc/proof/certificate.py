"""Certificates: what was checked of a program's derivatives, with what verdict, and what it rests on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from diffc.errors import DiffcError

__all__ = ["Certificate", "Check", "Judgement", "Verdict"]

Verdict = Literal["proved", "measured", "failed", "unknown", "unreached", "skipped"]
"""`proved` by algebra, `measured` on numbers; `unknown` where neither side was shown, `unreached` where the
budget was spent before."""

Judgement = Literal["holds", "refuted", "undecided"]
"""What a whole certificate says: every check holds; some check failed; none failed, some are open."""

_GOOD = ("proved", "measured", "skipped")
_VERDICTS = (*_GOOD, "failed", "unknown", "unreached")
_FORMAT = "diffc certificate 1"
_SHOWN = {"holds": "holds", "refuted": "DOES NOT HOLD", "undecided": "UNDECIDED"}


@dataclass(frozen=True)
class Check:
    """One line of a certificate.

    Attributes:
        kind: what was checked, such as "operation" or "equation, order 1"; lines are grouped by it.
        subject: the operation, node, rule or kernel.
        verdict: see `Verdict`.
        basis: what the verdict rests on.
        detail: for what failed: what differs, where and by how much.
    """

    kind: str
    subject: str
    verdict: Verdict
    basis: str
    detail: str = ""

    @property
    def ok(self) -> bool:
        """Whether the check holds. What was skipped says so, and is not held against the program."""
        return self.verdict in _GOOD


@dataclass(frozen=True)
class Certificate:
    """The checks of one program. `str` is a report: a line a group, and in full what failed or is open."""

    name: str
    checks: tuple[Check, ...]
    order: int = 1

    @property
    def ok(self) -> bool:
        """Whether there are checks and all of them hold: one that is left open does not."""
        return self.verdict == "holds"

    @property
    def verdict(self) -> Judgement:
        """Whether the derivatives hold, are refuted, or neither was shown: then `open` says of what."""
        if any(check.verdict == "failed" for check in self.checks):
            return "refuted"
        return "holds" if self.checks and not self.open else "undecided"

    @property
    def failures(self) -> tuple[Check, ...]:
        """The checks that failed, and those that are open."""
        return tuple(check for check in self.checks if not check.ok)

    @property
    def open(self) -> tuple[Check, ...]:
        """The checks that were not decided, or not reached."""
        return tuple(check for check in self.checks if check.verdict in ("unknown", "unreached"))

    def __str__(self) -> str:
        groups: dict[str, list[Check]] = {}
        for check in self.checks:
            groups.setdefault(check.kind, []).append(check)
        verdict = _SHOWN[self.verdict]
        lines = [f"certificate of {self.name}, derivatives to order {self.order}: {verdict}"]
        lines += [f"  {kind + ':':<26} {_counts(group)}" for kind, group in groups.items()]
        for kind, group in groups.items():
            late = [check for check in group if check.verdict == "unreached"]
            if late:
                lines.append(f"NOT REACHED {kind}: {len(late)} of {len(group)} ({late[0].basis})")
        for check in self.failures:
            if check.verdict == "unreached":
                continue
            lines.append(f"{check.verdict.upper()} {check.kind}: {check.subject}")
            lines += [f"    {line}" for text in (check.detail, check.basis) for line in text.splitlines()]
        return "\n".join(lines)

    def to_json(self) -> str:
        """Return the certificate as JSON; `from_json` reads it back."""
        checks = [asdict(check) for check in self.checks]
        table = {"format": _FORMAT, "name": self.name, "order": self.order, "ok": self.ok}
        return json.dumps({**table, "verdict": self.verdict, "checks": checks}, indent=1)

    @staticmethod
    def from_json(text: str) -> Certificate:
        """Return the certificate that a text of `to_json` holds; raise `DiffcError` for any other."""
        try:
            table: dict[str, Any] = json.loads(text)
            known = table["format"] == _FORMAT
            checks = tuple(_check(entry) for entry in table["checks"])
            name, order = str(table["name"]), int(table["order"])
        except (ValueError, TypeError, KeyError) as error:
            raise DiffcError(f"this text is no certificate: {error}") from None
        if not known:
            raise DiffcError(
                f"this text is no certificate: its format is {table['format']!r}, not {_FORMAT!r}"
            )
        return Certificate(name, checks, order)


def _check(entry: dict[str, Any]) -> Check:
    fields = {key: str(entry[key]) for key in ("kind", "subject", "basis", "detail")}
    if entry["verdict"] not in _VERDICTS:
        raise ValueError(f"there is no verdict {entry['verdict']!r}")
    return Check(verdict=entry["verdict"], **fields)


def _counts(checks: Sequence[Check]) -> str:
    """Return "12 proved (sympy.diff, exact: 10; ...)": the verdicts, and what they rest on."""
    parts: list[str] = []
    for verdict in _VERDICTS:
        bases = [check.basis for check in checks if check.verdict == verdict]
        if bases:
            name = "not reached" if verdict == "unreached" else verdict
            parts.append(f"{len(bases)} {name}" + (f" ({_tally(bases)})" if verdict in _GOOD else ""))
    return ", ".join(parts)


def _tally(bases: Iterable[str]) -> str:
    counts: dict[str, int] = {}
    for basis in bases:
        key = basis.split(";")[0]
        counts[key] = counts.get(key, 0) + 1
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    shown = [f"{basis}: {count}" if len(counts) > 1 else basis for basis, count in ordered[:4]]
    return "; ".join(shown) + (f"; {len(ordered) - 4} more" if len(ordered) > 4 else "")
