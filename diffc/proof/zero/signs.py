"""Signs of nodes in one case: read off, settled before, or taken from the case's path."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from diffc.proof.zero.generators import Generators
from diffc.proof.zero.program import TooLargeError

__all__ = ["OutOfDomainError", "Signs", "SplitError"]


class OutOfDomainError(Exception):
    """The case at hand contradicts the domain of a root, a logarithm or a condition."""


class SplitError(Exception):
    """One more sign is needed than the case's path provides."""


class Signs(Generators):
    """Generators in the case that ``path`` names.

    The path lists the signs of the factors asked about, in the order of asking, which does not depend on
    the random point; so the cases of all paths cover every sign pattern even where each has its own point.
    """

    def __init__(self, prime: int, seed: str, path: Sequence[int], scales: dict[Any, Fraction]) -> None:
        """Start an empty program in the case of ``path``."""
        super().__init__(prime, seed, scales)
        self.signs: dict[int, int] = {}  # factor fingerprint -> sign
        self.atoms: dict[int, tuple[int, int]] = {}  # fingerprint -> (factor node, sign) used in this case
        self._path = list(reversed(path))

    def sign(self, n: int) -> int:
        """Return the sign of ``n`` in this case (0 when identically zero); may raise `SplitError`."""
        p = self.program
        if p.values[n] == 0:
            self.merges.append((n, p.const(0)))
            return 0
        c, factors = self.factor(n)
        out = 1 if c > 0 else -1
        for f, k in factors:
            out *= self._factor_sign(f) if k % 2 else 1
        return out

    def _known_sign(self, f: int) -> int:
        """Return the sign of a factor where it is clear or settled by the case, else 0."""
        p = self.program
        if (gen := self._gen(f)) is not None and gen.positive:
            return 1
        for value, turn in ((p.values[f], 1), (p.prime - p.values[f], -1)):
            if value in self.signs:
                node = f if turn > 0 else p.neg(f)
                known, sign = self.atoms.setdefault(value, (node, self.signs[value]))
                self.merges += [(node, known)] if node != known else []
                return turn * sign
        try:
            form, gens = p.rational(f)
        except TooLargeError:
            return 0
        found = {(c > 0) - (c < 0) for e, c in form.numer.terms() if not self._square_like(e, gens)}
        rest = {(c > 0) - (c < 0) for e, c in form.numer.terms() if self._square_like(e, gens)}
        return rest.pop() if not found and len(rest) == 1 and form.denom == 1 else 0

    def _square_like(self, exponents: tuple[int, ...], gens: list[int]) -> bool:
        return all(e % 2 == 0 or self.program.gens[g].positive for g, e in zip(gens, exponents, strict=False))

    def _factor_sign(self, f: int) -> int:
        sign = self._known_sign(f)
        if sign == 0:
            if not self._path:
                raise SplitError
            sign = self._path.pop()
            self._settle(f, sign)
        return sign

    def _settle(self, f: int, sign: int) -> None:
        value = self.program.values[f]
        self.signs[value] = sign
        self.atoms[value] = (f, sign)

    def require_positive(self, n: int, split: bool) -> None:
        """Restrict the case to ``n > 0``; with two or more factors of open sign, only if ``split``."""
        c, factors = self.factor(n)
        sign, unknown = (1 if c > 0 else -1), list[int]()
        for f, k in factors:
            known = self._known_sign(f) if k % 2 else 1
            sign *= known or 1
            unknown += [f] if known == 0 else []
        while len(unknown) > 1 and split:
            sign *= self._factor_sign(unknown.pop(0))
        if len(unknown) == 1:
            self._settle(unknown[0], sign)
        elif not unknown and sign < 0:
            raise OutOfDomainError
