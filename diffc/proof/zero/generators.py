"""Generators, one for equal arguments, and exact views of a node as a sum of terms or a product of factors.

Two arguments with equal fingerprints share their generator, and the pair is kept in `merges` so that
the caller proves it.
"""

from __future__ import annotations

import math
import random
from fractions import Fraction
from functools import lru_cache
from typing import Any

import sympy
from sympy.polys.rings import PolyElement

from diffc.proof.budget import ask
from diffc.proof.zero.program import Gen, ModularProgram, TooLargeError, modular_root

__all__ = ["Factors", "Generators", "RescaleError", "UnsupportedError", "prime_powers"]

Factors = tuple[Fraction, list[tuple[int, int]]]
FACTOR_TERMS, FACTOR_SIZE = 60, 300
"""How many terms a polynomial has that is factored, and times its variables: the time grows with both."""


class UnsupportedError(Exception):
    """The expression has no reading as a real function (infinities, complex parts, unknown objects)."""


class RescaleError(Exception):
    """A generator needs a finer unit: start again with `Generators.scales` as updated."""


class Generators:
    """A program and the table of its generators."""

    def __init__(self, prime: int, seed: str, scales: dict[Any, Fraction]) -> None:
        """Start an empty program; ``scales`` is shared between attempts, see `RescaleError`."""
        self.program = ModularProgram(prime)
        self.seed = seed
        self.scales = scales
        self.merges: list[tuple[int, int]] = []  # nodes found equal by fingerprint only
        self.inexact_roots = False  # a radicand was not factored, or holds a root itself
        self._table: dict[Any, tuple[int, tuple[int, ...]]] = {}
        self._factors: dict[int, Factors] = {}

    def generator(
        self,
        head: str,
        args: tuple[int, ...],
        *,
        scale: Fraction = Fraction(1),
        positive: bool = False,
        q: int = 0,
    ) -> int:
        """Return the generator ``head(args)``, the same for equal arguments."""
        p = self.program
        key = (head, scale, tuple(p.values[n] for n in args))
        if key in self._table:
            node, known = self._table[key]
            self.merges += [(a, b) for a, b in zip(args, known, strict=True) if a != b]
            return node
        if q:
            value = modular_root(p.values[args[0]], q, p.prime)
        else:
            value = random.Random(f"{self.seed}|{p.prime}|{key}").randrange(2, p.prime)
            value = value * value % p.prime if positive else value
        node = p.gen(Gen(head, args, scale, positive, (q, args[0]) if q else None), value)
        self._table[key] = (node, args)
        return node

    def _up_to_sign(self, head: str, n: int) -> tuple[int, int]:
        """Return the generator ``head(n)`` and 1, or ``head(-n)`` and -1 where that is there already."""
        opposite = -self.program.values[n] % self.program.prime
        if (head, Fraction(1), (opposite,)) in self._table:
            return self.generator(head, (self.program.neg(n),)), -1
        return self.generator(head, (n,)), 1

    def _gen(self, n: int) -> Gen | None:
        kind, index, _ = self.program.ops[n]
        return self.program.gens[index] if kind == "g" else None

    def _unit(self, head: str, n: int, c: Fraction) -> Fraction:
        """Return the unit of a term's coefficients, a common divisor of all that were met and of ``c``."""
        key = (head, self.program.values[n])
        unit = self.scales.setdefault(key, abs(c))
        if (c / unit).denominator != 1:
            over = math.lcm(unit.denominator, c.denominator)
            self.scales[key] = Fraction(math.gcd(int(unit * over), int(c * over)), over)
            raise RescaleError
        return unit

    # Exact views of an argument

    def _poly(self, poly: PolyElement, gens: list[int]) -> int:
        p, rows = self.program, list[int]()
        for exponents, c in poly.terms():
            powers = [
                p.power(p.interned["g", g, 0], int(e)) for g, e in zip(gens, exponents, strict=False) if e
            ]
            rows.append(p.mul([*powers, p.const(Fraction(int(c.numerator), int(c.denominator)))]))
        return p.add(rows)

    def terms(self, n: int) -> list[tuple[Fraction, int]]:
        """Return ``n`` as a sum of rational multiples of terms; equal terms have equal fingerprints."""
        p = self.program
        if p.ops[n][0] == "c":
            return [(p.ops[n][1], p.const(1))]
        if p.ops[n][0] == "g":
            return [(Fraction(1), n)]
        try:
            form, gens = p.rational(n)
        except TooLargeError:
            return [(Fraction(1), n)]
        numer: Any = form.numer
        denom: Any = form.denom
        whole, rest = numer.div(denom)
        out = list[tuple[Fraction, int]]()
        for exponents, c in [*whole.terms()]:
            monomial = numer.ring.term_new(exponents, sympy.QQ(1))
            out.append((Fraction(int(c.numerator), int(c.denominator)), self._poly(monomial, gens)))
        for exponents, c in rest.terms():
            part: Any = form.field(numer.ring.term_new(exponents, c)) / form.field(denom)
            c = part.numer.LC / part.denom.LC
            bottom = p.power(self._poly(part.denom.monic(), gens), -1)
            term = p.mul((self._poly(part.numer.monic(), gens), bottom))
            out.append((Fraction(int(c.numerator), int(c.denominator)), term))
        return out

    def factor(self, n: int) -> Factors:
        """Return ``n`` as a rational times powers of distinct irreducible factors."""
        p = self.program
        if p.values[n] == 0:
            raise UnsupportedError("zero where a nonzero factor is needed")
        if p.ops[n][0] == "c":
            return p.ops[n][1], []
        if p.ops[n][0] == "g":
            return Fraction(1), [(n, 1)]
        if p.ops[n][0] == "^":
            c, factors = self.factor(p.ops[n][1])
            power = p.ops[n][2]
            return c**power, [(f, k * power) for f, k in factors]
        if n not in self._factors:
            self._factors[n] = self._factor(n)
        return self._factors[n]

    def _factor(self, n: int) -> Factors:
        try:
            form, gens = self.program.rational(n)
            terms = len(form.numer) + len(form.denom)
            if terms > FACTOR_TERMS or terms * len(gens) > FACTOR_SIZE:
                raise TooLargeError
        except TooLargeError:
            self.inexact_roots = True
            return Fraction(1), [(n, 1)]
        content, out = Fraction(1), list[tuple[int, int]]()
        sides: list[tuple[Any, int]] = [(form.numer, 1), (form.denom, -1)]
        for side, sign in sides:
            c, parts = _factors_of(side)
            content *= Fraction(int(c.numerator), int(c.denominator)) ** sign
            for part, k in parts:
                inner, whole = part.primitive()
                content *= Fraction(int(inner.numerator), int(inner.denominator)) ** (sign * k)
                out.append((self._poly(whole, gens), sign * k))
        return content, out


@lru_cache(maxsize=4096)
def _factors_of(poly: PolyElement) -> tuple[Any, Any]:
    ask()
    return poly.factor_list()


def prime_powers(c: Fraction) -> list[tuple[int, int]]:
    """Return the factors of a positive rational; a part too large to factor counts as prime."""
    out = list[tuple[int, int]]()
    for side, sign in ((c.numerator, 1), (c.denominator, -1)):
        out += [(int(b), sign * int(k)) for b, k in sympy.factorint(side, limit=10**5).items() if b != 1]
    return out
