"""Straight-line programs over generators: evaluated modulo primes, bounded, and brought to normal form.

A `ModularProgram` is never expanded. Each node carries its residue at one random point modulo the program's
prime, which serves as its fingerprint.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import sympy
from sympy.polys.fields import FracElement, FracField
from sympy.polys.orderings import lex
from sympy.polys.rings import PolyRing

from diffc.proof.budget import ask
from diffc.proof.zero.fractions import Quotient, TooLargeError, reduced

__all__ = [
    "EXACT_TERMS",
    "Gen",
    "Instruction",
    "ModularProgram",
    "TooLargeError",
    "UnluckyError",
    "modular_root",
]

# ("c", Fraction, 0), ("g", generator index, 0), ("+" or "*", nodes, 0), ("^", node, power)
Instruction = tuple[str, Any, int]

EXACT_NODES, EXACT_GENS, EXACT_TERMS, EXACT_POWER = 300, 24, 250, 64


class UnluckyError(Exception):
    """The random point meets a pole, or a radicand without a root there: draw another."""


@dataclass(frozen=True)
class Gen:
    """A generator; with ``root = (q, base)`` it satisfies ``gen**q == base`` and is positive."""

    head: str
    args: tuple[int, ...]
    scale: Fraction
    positive: bool
    root: tuple[int, int] | None


def modular_root(value: int, q: int, prime: int) -> int:
    """Return the q-th root of ``value`` that is a square, for a prime as `random_prime` makes them."""
    odd_order = (prime - 1) // 2
    if pow(value, odd_order, prime) != 1 or math.gcd(q, odd_order) != 1:
        raise UnluckyError
    return pow(value, pow(q, -1, odd_order), prime)


@dataclass
class ModularProgram:
    """A straight-line program over generators; ``values`` are the nodes' residues modulo ``prime``."""

    prime: int
    ops: list[Instruction] = field(default_factory=list[Instruction])
    values: list[int] = field(default_factory=list[int])
    gens: list[Gen] = field(default_factory=list[Gen])
    interned: dict[Instruction, int] = field(default_factory=dict[Instruction, int])

    def _node(self, op: Instruction, value: Callable[[], int]) -> int:
        if op not in self.interned:
            self.values.append(value() % self.prime)
            self.interned[op] = len(self.ops)
            self.ops.append(op)
        return self.interned[op]

    def const(self, c: Fraction | int) -> int:
        """Return the node of a rational number."""
        c = Fraction(c)
        if c.denominator % self.prime == 0:
            raise UnluckyError
        return self._node(("c", c, 0), lambda: c.numerator * pow(c.denominator, -1, self.prime))

    def gen(self, gen: Gen, value: int) -> int:
        """Return the node of a new generator with the given residue."""
        self.gens.append(gen)
        return self._node(("g", len(self.gens) - 1, 0), lambda: value)

    def add(self, nodes: Iterable[int]) -> int:
        """Return the node of a sum."""
        return self._nary("+", nodes, Fraction(0), lambda a, b: a + b)

    def mul(self, nodes: Iterable[int]) -> int:
        """Return the node of a product."""
        return self._nary("*", nodes, Fraction(1), lambda a, b: a * b)

    def _nary(self, kind: str, nodes: Iterable[int], unit: Fraction, join: Callable[[Any, Any], Any]) -> int:
        constant, rest = unit, list[int]()
        for n in nodes:
            if self.ops[n][0] == "c":
                constant = join(constant, self.ops[n][1])
            else:
                rest.append(n)
        if kind == "*" and constant == 0:
            return self.const(0)
        if constant != unit or not rest:
            rest.append(self.const(constant))
        if len(rest) == 1:
            return rest[0]

        def value() -> int:
            total: int = int(unit)
            for n in rest:
                total = join(total, self.values[n]) % self.prime
            return total

        return self._node((kind, tuple(sorted(rest)), 0), value)

    def power(self, n: int, k: int) -> int:
        """Return the node of an integer power."""
        if k == 1:
            return n
        if self.ops[n][0] == "^":
            return self.power(self.ops[n][1], self.ops[n][2] * k)
        if k == 0 or (self.ops[n][0] == "c" and abs(self.ops[n][1]) == 1):
            return self.const(1 if k % 2 == 0 else self.ops[n][1])
        if k < 0 and self.values[n] == 0:
            raise UnluckyError
        return self._node(("^", n, k), lambda: pow(self.values[n], k, self.prime))

    def neg(self, n: int) -> int:
        """Return the node of ``-n``."""
        return self.mul((n, self.const(-1)))

    def sub(self, a: int, b: int) -> int:
        """Return the node of ``a - b``."""
        return self.add((a, self.neg(b)))

    def div(self, a: int, b: int) -> int:
        """Return the node of ``a / b``."""
        return self.mul((a, self.power(b, -1)))

    def closure(self, root: int) -> list[int]:
        """Return the nodes under ``root``, bases of roots included, in evaluation order."""
        seen, stack = set[int](), [root]
        while stack:
            n = stack.pop()
            if n in seen:
                continue
            seen.add(n)
            kind, a, _ = self.ops[n]
            if kind in "+*":
                stack.extend(a)
            elif kind == "^":
                stack.append(a)
            elif kind == "g" and (relation := self.gens[a].root):
                stack.append(relation[1])
        return sorted(seen)

    def evaluate(self, prime: int, rng: random.Random) -> list[int]:
        """Return all nodes' residues at a fresh random point modulo another prime; raises `UnluckyError`."""
        out = list[int]()
        ask()
        for kind, a, k in self.ops:
            if kind == "c":
                if a.denominator % prime == 0:
                    raise UnluckyError
                v = a.numerator * pow(a.denominator, -1, prime)
            elif kind == "+":
                v = sum(out[n] for n in a)
            elif kind == "*":
                v = 1
                for n in a:
                    v = v * out[n] % prime
            elif kind == "^":
                if k < 0 and out[a] == 0:
                    raise UnluckyError
                v = pow(out[a], k, prime)
            elif relation := self.gens[a].root:
                v = modular_root(out[relation[1]], relation[0], prime)
            else:
                v = rng.randrange(2, prime)
                v = v * v if self.gens[a].positive else v
            out.append(v % prime)
        return out

    def bounds(self) -> list[tuple[int, int, int, int]]:
        """Return per node (degree, log2 of the coefficients' 1-norm) of its numerator and denominator."""
        out = list[tuple[int, int, int, int]]()
        for kind, a, k in self.ops:
            if kind == "c":
                out.append((0, a.numerator.bit_length(), 0, a.denominator.bit_length()))
            elif kind == "^":
                n = abs(k)
                d, h, e, g = (n * b for b in out[a])
                out.append((d, h, e, g) if k > 0 else (e, g, d, h))
            elif kind == "g":
                relation = self.gens[a].root
                base = out[relation[1]] if relation else (0, 0, 0, 0)
                out.append((1 + base[0] + base[2], 1 + base[1] + base[3], 0, 0))
            else:
                parts = [out[n] for n in a]
                e, g = sum(b[2] for b in parts), sum(b[3] for b in parts)
                if kind == "*":
                    out.append((sum(b[0] for b in parts), sum(b[1] for b in parts), e, g))
                else:
                    d = max(b[0] + e - b[2] for b in parts)
                    h = len(parts).bit_length() + max(b[1] + g - b[3] for b in parts)
                    out.append((d, h, e, g))
        return out

    def vanishes(self, root: int) -> bool:
        """Tell whether a node is zero, the roots' relations considered. Raises `TooLargeError`."""
        nodes, gens = self._exact(root)
        ring: Any = PolyRing([f"g{i}" for i in gens] or ["g"], sympy.QQ, lex)
        forms: dict[int, Quotient] = {}
        for n in nodes:
            kind, a, k = self.ops[n]
            if kind == "c":
                forms[n] = Quotient(ring(sympy.QQ(a.numerator, a.denominator)), {})
            elif kind == "g":
                forms[n] = Quotient(ring.gens[gens.index(a)], {})
            elif kind == "^":
                forms[n] = forms[a] ** k
            else:
                forms[n] = forms[a[0]]
                for m in a[1:]:
                    forms[n] = forms[n] + forms[m] if kind == "+" else forms[n] * forms[m]
        top = forms[root].top
        for position in range(len(gens) - 1, -1, -1):
            relation = self.gens[gens[position]].root
            if relation is not None:
                top = reduced(top, position, relation[0], forms[relation[1]])
        return bool(top == 0)

    def _exact(self, root: int) -> tuple[list[int], list[int]]:
        """Return the nodes under a node and the generators among them; raise `TooLargeError` for many."""
        nodes = self.closure(root)
        gens = sorted(self.ops[n][1] for n in nodes if self.ops[n][0] == "g")
        if len(nodes) > EXACT_NODES or len(gens) > EXACT_GENS:
            raise TooLargeError
        return nodes, gens

    def rational(self, root: int) -> tuple[FracElement, list[int]]:
        """Return the exact normal form of a node, its numerator reduced by the roots' relations.

        Also returns the generator indices, in the order of the form's variables. Raises `TooLargeError`.
        """
        nodes, gens = self._exact(root)
        rationals: Any = FracField([f"g{i}" for i in gens] or ["g"], sympy.QQ, lex)
        forms: dict[int, Any] = {}
        for n in nodes:
            ask()
            kind, a, k = self.ops[n]
            if kind == "c":
                form = rationals(sympy.QQ(a.numerator, a.denominator))
            elif kind == "g":
                form = rationals.gens[gens.index(a)]
            elif kind == "^":
                form = _bounded_power(forms[a], k)
            else:
                form = forms[a[0]]
                for m in a[1:]:
                    form = form + forms[m] if kind == "+" else _bounded(form, forms[m])
                    if len(form.numer) + len(form.denom) > EXACT_TERMS:
                        raise TooLargeError
            forms[n] = form
        return self._reduce(forms, root, gens), gens

    def _reduce(self, forms: dict[int, Any], root: int, gens: list[int]) -> FracElement:
        """Apply ``gen**q = base`` to a form's numerator, outermost root first."""
        form = forms[root]
        for position in range(len(gens) - 1, -1, -1):
            relation = self.gens[gens[position]].root
            if relation is None:
                continue
            q, base = relation[0], forms[relation[1]]
            numer, out = form.numer, form.field.zero
            for exponents, c in numer.terms():
                times, left = divmod(exponents[position], q)
                kept = (*exponents[:position], left, *exponents[position + 1 :])
                out += form.field(numer.ring.term_new(kept, c)) * _bounded_power(base, times)
            form = out / form.field(form.denom)
        return form


def _bounded(a: Any, b: Any) -> Any:
    if max(len(a.numer) * len(b.numer), len(a.denom) * len(b.denom)) > 20 * EXACT_TERMS:
        raise TooLargeError
    return a * b


def _bounded_power(a: Any, k: int) -> Any:
    terms = max(len(a.numer), len(a.denom))
    degree = max((sum(e) for side in (a.numer, a.denom) for e in side.itermonoms()), default=0)
    if degree * abs(k) > 4 * EXACT_POWER:
        raise TooLargeError
    if terms > 1 and (abs(k) > EXACT_POWER or math.comb(abs(k) + terms - 1, terms - 1) > 20 * EXACT_TERMS):
        raise TooLargeError
    return a**k
