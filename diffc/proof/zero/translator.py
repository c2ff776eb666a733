"""SymPy expressions as rational functions over generators, the algebra under `decide_zero`.

Every transcendental subterm becomes a generator, chosen so that the identities of real analysis turn
into identities of rational functions:

* ``sin`` and ``cos`` of a Q-linear combination of terms are rational in ``tan(c * term / 2)``;
* ``exp`` of such a combination is a power product of positive generators ``exp(c * term)``;
* ``log`` of a product is the sum of ``log|f|`` over its irreducible factors, ``log(exp(t)) = t``;
* ``b**(p/q)`` is a product of positive roots ``|f|**(1/Q)``, one for each irreducible factor ``f`` of ``b``;
* ``b**y`` is ``exp(y * log(b))``; any other head is opaque, keyed by its arguments.

The result is a straight-line program (`program`), never expanded. Each node carries its value at one
random point modulo a random prime, a fingerprint: two arguments with equal fingerprints share their
generator, and the pair is kept in `Generators.merges` so that the caller proves it. Where a sign
matters (``Abs``, ``Max``, ``Piecewise``, even roots), `SplitError` asks the caller for a longer path.
A statement holds on the open set where every part is real, finite and off the switching surfaces.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import sympy
from sympy.core.function import Application, AppliedUndef
from sympy.core.numbers import NumberSymbol

from diffc.proof.zero.elementary import Elementary
from diffc.proof.zero.generators import UnsupportedError
from diffc.proof.zero.signs import OutOfDomainError
from diffc.proof.zero.walk import Visit, walk

__all__ = ["Translator"]

_STEPS = (sympy.floor, sympy.ceiling, sympy.sign, sympy.Heaviside)
_UNREAL = (sympy.nan, sympy.oo, -sympy.oo, sympy.zoo, sympy.I)


class Translator(Elementary):
    """Translates expressions into one program, in the case that ``path`` names."""

    def __init__(self, prime: int, seed: str, path: Sequence[int], scales: dict[Any, Fraction]) -> None:
        """Start an empty program in the case of ``path``."""
        super().__init__(prime, seed, path, scales)
        self._memo: dict[int, tuple[int, sympy.Basic]] = {}

    def translate(self, expr: sympy.Basic) -> int:
        """Return the node of ``expr``."""
        return walk(expr, self._visit, self._memo)

    def assume(self, condition: sympy.Basic) -> None:
        """Restrict the case to ``condition``, a conjunction of comparisons."""
        for part in sympy.And.make_args(condition):
            if isinstance(part, sympy.Ne) or part is sympy.true:
                continue  # holds on an open dense set
            if not isinstance(part, sympy.Gt | sympy.Ge | sympy.Lt | sympy.Le):
                raise UnsupportedError(f"condition {part}")
            self.require_positive(self.program.sub(self.translate(part.gts), self.translate(part.lts)), True)

    def _visit(self, e: sympy.Basic) -> Visit[Any]:
        if e.args:
            return (yield from self._compound(e))
        if not isinstance(e, sympy.Expr) or e in _UNREAL:
            raise UnsupportedError(f"{e}")
        if isinstance(e, sympy.Rational | sympy.Float):
            r: Any = sympy.Rational(e)
            return self.program.const(Fraction(int(r.p), int(r.q)))
        if isinstance(e, sympy.Symbol):
            return self._symbol(e)
        if e is sympy.E:
            return self.exp(self.program.const(1))
        if isinstance(e, NumberSymbol):
            return self.generator(str(e), (), positive=True)
        raise UnsupportedError(f"{e}")

    def _compound(self, e: sympy.Basic) -> Visit[Any]:
        p = self.program
        if isinstance(e, sympy.Pow):
            return (yield from self._pow(e))
        if isinstance(e, sympy.Piecewise):
            pieces: Any = e.args
            for value, condition in pieces:
                if (yield from self._holds(condition)):
                    return (yield value)
            raise OutOfDomainError
        if not isinstance(e, sympy.Expr) or e.is_commutative is False:
            raise UnsupportedError(f"{type(e).__name__}")
        if isinstance(e, Application) and (other := _rewritten(e)) is not None:
            return (yield other)
        if _is_derivative_of_step(e):
            return p.const(0)
        if not isinstance(e, sympy.Add | sympy.Mul | Application):
            return self.generator("opaque:" + sympy.srepr(e), ())
        nodes = list[int]()
        for a in e.args:
            nodes.append((yield a))
        if isinstance(e, sympy.Add | sympy.Mul):
            return p.add(nodes) if isinstance(e, sympy.Add) else p.mul(nodes)
        return (yield from self._function(e, nodes))

    def _symbol(self, e: sympy.Symbol) -> int:
        if e.is_extended_real is False or e.is_commutative is False or e.is_finite is False:
            raise UnsupportedError(f"symbol {e}")
        name = f"symbol:{sympy.srepr(e)}"
        node = self.generator(name, (), positive=bool(e.is_extended_nonnegative or e.is_extended_nonpositive))
        return self.program.neg(node) if e.is_extended_nonpositive else node

    def _pow(self, e: sympy.Pow) -> Visit[Any]:
        base, exponent = e.args
        if base is sympy.E:
            return self.exp((yield exponent))
        node = yield base
        if isinstance(exponent, sympy.Float):
            exponent = sympy.Rational(exponent)
        if isinstance(exponent, sympy.Integer):
            return self.program.power(node, int(exponent))
        if isinstance(exponent, sympy.Rational):
            return self.root_power(node, Fraction(int(exponent.p), int(exponent.q)))
        return self.exp(self.program.mul(((yield exponent), self.log(node))))

    def _holds(self, condition: sympy.Basic) -> Visit[Any]:
        """Decide a Boolean in this case, off the switching surfaces."""
        if condition in (sympy.true, sympy.false):
            return condition is sympy.true
        if isinstance(condition, sympy.Not):
            return not (yield from self._holds(condition.args[0]))
        if isinstance(condition, sympy.And | sympy.Or):
            for part in condition.args:
                if (yield from self._holds(part)) != isinstance(condition, sympy.And):
                    return isinstance(condition, sympy.Or)
            return isinstance(condition, sympy.And)
        if not isinstance(condition, sympy.core.relational.Relational):
            raise UnsupportedError(f"condition {condition}")
        gap = self.program.sub((yield condition.lhs), (yield condition.rhs))
        if isinstance(condition, sympy.Eq | sympy.Ne):
            same = self.program.values[gap] == 0
            if same:
                self.merges.append((gap, self.program.const(0)))
            return same == isinstance(condition, sympy.Eq)
        sign = self.sign(gap)
        if sign == 0:
            return isinstance(condition, sympy.Ge | sympy.Le)
        return (sign > 0) == isinstance(condition, sympy.Gt | sympy.Ge)

    def _function(self, e: Application, a: list[int]) -> Visit[Any]:
        p = self.program
        head: Any = type(e)
        if head is sympy.exp:
            return self.exp(a[0])
        if head is sympy.log and len(a) == 1:
            return self.log(a[0])
        if head in (sympy.sin, sympy.cos, sympy.tan):
            sine, cosine = yield from self.sin_cos(a[0])
            return sine if head is sympy.sin else cosine if head is sympy.cos else p.div(sine, cosine)
        if (switched := self._switch(head, a)) is not None:
            return switched
        name = f"function:{e.func}" if isinstance(e, AppliedUndef) else f"head:{head.__name__}"
        odd = (sympy.erf, sympy.erfi, sympy.atan, sympy.asin)
        if head in odd:
            node, turn = self._up_to_sign(name, a[0])
            return node if turn > 0 else p.neg(node)
        return self.generator(name, tuple(a))

    def _switch(self, head: Any, a: list[int]) -> int | None:
        """Return the value of a head that switches on a sign, off its switching surface, else None."""
        p = self.program
        if head is sympy.Abs:
            return p.mul((a[0], p.const(self.sign(a[0]))))
        if head is sympy.sign:
            return p.const(self.sign(a[0]))
        if head is sympy.Heaviside:
            return p.const(Fraction(1 + self.sign(a[0]), 2))
        if head is sympy.DiracDelta:
            return p.const(0)
        if head not in (sympy.Max, sympy.Min):
            return None
        best, turn = a[0], 1 if head is sympy.Max else -1
        for n in a[1:]:
            best = best if turn * self.sign(p.sub(best, n)) >= 0 else n
        return best


def _is_derivative_of_step(e: sympy.Basic) -> bool:
    """Tell whether ``e`` is a derivative that SymPy leaves, of a function that is flat off its switches."""
    inner = e.args[0] if isinstance(e, sympy.Subs) else e
    return isinstance(inner, sympy.Derivative) and isinstance(inner.args[0], _STEPS)


def _rewritten(e: Application) -> sympy.Expr | None:
    """Return ``e`` in terms of heads that `Translator` knows, valid where ``e`` is real, or None."""
    rule = _REWRITES.get(type(e).__name__)
    return rule(*e.args) if rule else None


_REWRITES: dict[str, Callable[..., Any]] = {
    "log": lambda x, b=None: sympy.log(x) / sympy.log(b) if b is not None else None,
    "sec": lambda x: 1 / sympy.cos(x),
    "csc": lambda x: 1 / sympy.sin(x),
    "cot": lambda x: sympy.cos(x) / sympy.sin(x),
    "sinc": lambda x: sympy.sin(x) / x,
    "sinh": lambda x: (sympy.exp(x) - sympy.exp(-x)) / 2,
    "cosh": lambda x: (sympy.exp(x) + sympy.exp(-x)) / 2,
    "tanh": lambda x: 1 - 2 / (sympy.exp(2 * x) + 1),
    "coth": lambda x: 1 + 2 / (sympy.exp(2 * x) - 1),
    "sech": lambda x: 2 / (sympy.exp(x) + sympy.exp(-x)),
    "csch": lambda x: 2 / (sympy.exp(x) - sympy.exp(-x)),
    "asinh": lambda x: sympy.log(x + sympy.sqrt(x**2 + 1)),
    "acosh": lambda x: sympy.log(x + sympy.sqrt(x - 1) * sympy.sqrt(x + 1)),
    "atanh": lambda x: sympy.log((1 + x) / (1 - x)) / 2,
    "acos": lambda x: sympy.pi / 2 - sympy.asin(x),
    "acot": lambda x: sympy.atan(1 / x),
    "erfc": lambda x: 1 - sympy.erf(x),
    "erfcinv": lambda x: sympy.erfinv(1 - x),
    "digamma": lambda x: sympy.polygamma(0, x),
    "expm1": lambda x: sympy.exp(x) - 1,
    "log1p": lambda x: sympy.log(x + 1),
    "exp2": lambda x: sympy.exp(x * sympy.log(2)),
    "log2": lambda x: sympy.log(x) / sympy.log(2),
    "log10": lambda x: sympy.log(x) / sympy.log(10),
    "Sqrt": sympy.sqrt,
    "Cbrt": lambda x: x ** sympy.Rational(1, 3),
    "hypot": lambda x, y: sympy.sqrt(x**2 + y**2),
    "fma": lambda x, y, z: x * y + z,
    "Mod": lambda x, y: x - y * sympy.floor(x / y),
}
