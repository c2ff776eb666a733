"""Cases of signs that cannot occur: strict inequalities that contradict each other."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from diffc.proof.budget import ask
from diffc.proof.zero.program import TooLargeError
from diffc.proof.zero.signs import Signs

__all__ = ["infeasible"]


def infeasible(case: Signs) -> bool:
    """Tell whether the case's strict inequalities contradict each other, monomials taken as variables.

    Fourier-Motzkin elimination over the rationals; False when it does not contradict or grows too large.
    """
    rows = list[dict[Any, Fraction]]()
    p = case.program
    for node, sign in case.atoms.values():
        try:
            form, gens = p.rational(node)
        except TooLargeError:
            continue
        if form.denom != 1:
            continue
        row: dict[Any, Fraction] = {}
        for exponents, c in form.numer.terms():
            powers = [(g, e) for g, e in zip(gens, exponents, strict=False) if e]
            row[tuple(powers)] = sign * Fraction(int(c.numerator), int(c.denominator))
            if all(e % 2 == 0 or p.gens[g].positive for g, e in powers):
                rows.append({tuple(powers): Fraction(1)})
        rows.append(row)
    for variable in {v for row in rows for v in row}:
        ask()
        above = [r for r in rows if r.get(variable, 0) > 0]
        below = [r for r in rows if r.get(variable, 0) < 0]
        rows = [r for r in rows if variable not in r]
        if len(above) * len(below) > 2000:
            return False
        for a in above:
            for b in below:
                x, y = a[variable], b[variable]
                mixed = {v: a.get(v, Fraction(0)) / x - b.get(v, Fraction(0)) / y for v in a | b}
                rows.append({v: c for v, c in mixed.items() if c})
    return any(not row for row in rows)
