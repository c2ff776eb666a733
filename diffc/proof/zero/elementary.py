"""Exponentials, logarithms, roots and circular functions as rational functions over generators."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import sympy

from diffc.proof.zero.generators import prime_powers
from diffc.proof.zero.signs import Signs
from diffc.proof.zero.walk import Visit

__all__ = ["Elementary"]


class Elementary(Signs):
    """The elementary functions of nodes."""

    def exp(self, n: int) -> int:
        """Return ``exp(n)`` as a power product."""
        p, out = self.program, list[int]()
        for c, term in self.terms(n):
            gen = self._gen(term)
            if gen is not None and gen.head == "log":
                out.append(self.abs_power(gen.args[0], c))
            elif gen is not None and gen.head == "head:LambertW":  # w exp(w) is x
                out.append(self.root_power(p.div(gen.args[0], term), c))
            else:
                scale = self._unit("exp", term, c)
                base = self.generator("exp", (term,), scale=scale, positive=True)
                out.append(p.power(base, int(c / scale)))
        return p.mul(out)

    def log(self, n: int) -> int:
        """Return ``log|n|`` as a sum over the factors of ``n``."""
        p = self.program
        self.require_positive(n, False)
        c, factors = self.factor(n)
        out = list[int]()
        for prime, k in prime_powers(abs(c)):
            out.append(p.mul((p.const(k), self.generator("log", (p.const(prime),)))))
        for f, k in factors:
            gen = self._gen(f)
            if gen is not None and gen.head == "exp":
                part = p.mul((gen.args[0], p.const(gen.scale)))
            elif gen is not None and gen.root is not None:
                part = p.mul((self.log(gen.root[1]), p.const(Fraction(1, gen.root[0]))))
            else:
                part = self._up_to_sign("log", f)[0]
            out.append(p.mul((part, p.const(k))))
        return p.add(out)

    def abs_power(self, f: int, c: Fraction) -> int:
        """Return ``|f|**c`` for an irreducible factor or a positive constant."""
        p = self.program
        gen = self._gen(f)
        if gen is not None and gen.head == "exp":
            return self.exp(p.mul((gen.args[0], p.const(c * gen.scale))))
        if gen is not None and gen.root is not None:
            return self.abs_power(gen.root[1], c / gen.root[0])
        even = c.denominator == 1 and c.numerator % 2 == 0
        positive = f if even or p.ops[f][0] == "c" or self._factor_sign(f) > 0 else p.neg(f)
        unit = self._unit("root", positive, Fraction(1, c.denominator))
        if unit == 1:
            return p.power(positive, int(c))
        indices = [p.ops[n][1] for n in p.closure(positive) if p.ops[n][0] == "g"]
        self.inexact_roots |= any(p.gens[i].root for i in indices)
        root = self.generator("root", (positive,), scale=unit, positive=True, q=unit.denominator)
        return p.power(root, int(c / unit))

    def root_power(self, n: int, c: Fraction) -> int:
        """Return ``n**c`` for positive ``n`` and a rational that is no integer."""
        p = self.program
        self.require_positive(n, True)
        content, factors = self.factor(n)
        out = [self.abs_power(p.const(prime), k * c) for prime, k in prime_powers(abs(content))]
        return p.mul([*out, *(self.abs_power(f, k * c) for f, k in factors)])

    def sin_cos(self, n: int) -> Visit[Any]:
        """Return the nodes of ``sin(n)`` and ``cos(n)``, by rotation through each term of ``n``."""
        p = self.program
        sine, cosine = p.const(0), p.const(1)
        for c, term in self.terms(n):
            if (gen := self._gen(term)) is not None and gen.head == "pi":
                angle = sympy.Rational(c.numerator, c.denominator) * sympy.pi
                s, t = sympy.sin(angle), sympy.cos(angle)
                if not s.has(sympy.sin, sympy.cos) and not t.has(sympy.sin, sympy.cos):
                    s, t = (yield s), (yield t)
                    sine, cosine = self._rotate((sine, cosine), (s, t))
                    continue
            scale = self._unit("tan", term, c)
            half = self.generator("tan", (term,), scale=scale)
            square = p.power(half, 2)
            below = p.power(p.add((p.const(1), square)), -1)
            one = (p.mul((p.const(2), half, below)), p.mul((p.sub(p.const(1), square), below)))
            turns = int(c / scale)
            if turns < 0:
                one = (p.neg(one[0]), one[1])
            left = abs(turns)
            while left:
                if left % 2:
                    sine, cosine = self._rotate((sine, cosine), one)
                left //= 2
                if left:
                    one = self._rotate(one, one)
        return sine, cosine

    def _rotate(self, a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
        p = self.program
        sine = p.add((p.mul((a[0], b[1])), p.mul((a[1], b[0]))))
        return sine, p.sub(p.mul((a[1], b[1])), p.mul((a[0], b[0])))
