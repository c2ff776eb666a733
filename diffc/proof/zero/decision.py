"""Deciding whether a real expression is identically zero, with the basis of the verdict stated.

The expression becomes a rational function over generators (`translator`), split into cases where signs
matter. In each case it is evaluated twice at random points modulo random primes. If it vanishes and is
small, its exact normal form must vanish too. Points at 50 digits check every verdict. ``simplify`` plays
no part.

**Error bound.** Let the program have degree ``D`` and coefficients below ``2**H``, bounded without
expansion, and let its roots have conjugates ``Q`` in number; the norm of a nonzero element then has
degree at most ``Q*D`` and height at most ``Q*(H+D)`` bits. By Schwartz and Zippel a random point of the
quadratic residues modulo ``p`` is a zero with probability at most ``2*Q*D/p``, times ``2**k`` for ``k``
radicands conditioned to have roots; and of the more than ``2**(b-32)`` primes of ``b`` bits that are -1
modulo 120120, at most ``Q*(H+D)/b`` divide all coefficients. ``b`` is chosen so that the sum is below
2**-60 for each evaluation. The generator is seeded, hence reproducible: the bound is over seeds.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import sympy

from diffc.proof.budget import ODD_INPUT, ask
from diffc.proof.zero.contradiction import infeasible
from diffc.proof.zero.generators import RescaleError, UnsupportedError
from diffc.proof.zero.primes import random_prime
from diffc.proof.zero.program import ModularProgram, TooLargeError, UnluckyError
from diffc.proof.zero.signs import OutOfDomainError, SplitError
from diffc.proof.zero.translator import Translator
from diffc.proof.zero.witness import CHECK_POINTS, ZeroResult, find_witness

__all__ = ["decide_zero", "equal"]

MAX_CASES, MAX_ATTEMPTS, MAX_PRIME_BITS, MARGIN = 2**10, 500, 4096, 60
WITNESS_TRIES = 200


def decide_zero(expr: Any, conditions: Sequence[Any] = (), *, seed: int = 0) -> ZeroResult:
    """Decide whether ``expr`` is identically zero as a real function of its symbols.

    Args:
        expr: A SymPy expression; symbols and undefined functions are read as real, floats as exact.
        conditions: Comparisons that restrict the domain, for instance ``x > y``; ``Ne`` is always granted.
        seed: Seed of the random points and primes.

    Returns:
        "zero" with an algebraic basis, "nonzero" with a numeric witness, else "unknown". The statement
        is about the open set where all parts are real and finite and no switch (``Abs``, ``Max``) ties.
    """
    try:
        expr = sympy.sympify(expr)
        condition = sympy.And(*conditions)
        if not isinstance(expr, sympy.Expr):
            raise UnsupportedError(f"{type(expr).__name__} is no expression")
        return _decide(expr, condition, seed)
    except UnsupportedError as error:
        return ZeroResult("unknown", f"no reading as a real function: {error}")
    except ODD_INPUT as error:
        return ZeroResult("unknown", f"not understood: {type(error).__name__}: {error}")


def equal(a: Any, b: Any, conditions: Sequence[Any] = (), *, seed: int = 0) -> ZeroResult:
    """Decide whether two expressions are the same real function; see `decide_zero`."""
    try:
        difference = sympy.Add(sympy.sympify(a), sympy.Mul(-1, sympy.sympify(b)))
    except ODD_INPUT as error:
        return ZeroResult("unknown", f"not understood: {type(error).__name__}: {error}")
    return decide_zero(difference, conditions, seed=seed)


def _decide(expr: sympy.Expr, condition: sympy.Basic, seed: int) -> ZeroResult:
    cases = exact = 0
    generators, error = 0, -math.inf
    try:
        for case, root in _cases(expr, condition, seed):
            cases += 1
            proof = _prove(case, root, seed)
            if isinstance(proof, str):
                if not infeasible(case):
                    return _search(expr, condition, seed, proof)
                continue
            exact += proof == -math.inf
            error = max(error, proof)
            generators = max(generators, len(case.program.gens))
    except UnsupportedError as reason:
        return _search(expr, condition, seed, f"no algebraic reading: {reason}")
    if cases == 0:
        return ZeroResult("unknown", "the domain is empty: no case satisfies the conditions and the roots")
    split = f", in each of {cases} cases of sign" if cases > 1 else ""
    if error == -math.inf:
        basis = f"exact: rational normal form over {generators} generators{split}"
    else:
        basis = f"probabilistic: 2 evaluations modulo random primes, error < 2^{math.ceil(error)}{split}"
    found = find_witness(expr, condition, seed, CHECK_POINTS)
    if found.witness is not None:
        return ZeroResult("unknown", f"evidence disagrees: {basis}; but {found.basis}")
    return ZeroResult("zero", f"{basis}; {found.basis}")


def _search(expr: sympy.Expr, condition: sympy.Basic, seed: int, reason: str) -> ZeroResult:
    """Return "nonzero" if a witness turns up, else "unknown" for the given reason."""
    found = find_witness(expr, condition, seed, WITNESS_TRIES)
    if found.witness is not None:
        return found
    return ZeroResult("unknown", f"{reason}; {found.basis}")


def _cases(expr: sympy.Expr, condition: sympy.Basic, seed: int) -> list[tuple[Translator, int]]:
    """Return the expression's program for every case of signs, each at a point where its roots exist."""
    scales: dict[Any, Fraction] = {}
    for _ in range(MAX_ATTEMPTS):
        try:
            return _cases_at(expr, condition, seed, scales)
        except RescaleError:
            continue
    raise UnsupportedError("the coefficients of its terms have no common unit")


def _cases_at(
    expr: sympy.Expr, condition: sympy.Basic, seed: int, scales: dict[Any, Fraction]
) -> list[tuple[Translator, int]]:
    pending: list[tuple[int, ...]] = [()]
    done = list[tuple[Translator, int]]()
    unlucky = 0
    while pending:
        ask()
        path = pending.pop()
        prime = random_prime(128, f"{seed}/{unlucky // 8}")
        case = Translator(prime, f"{seed}/{unlucky}", path, scales)
        try:
            case.assume(condition)
            done.append((case, case.translate(expr)))
        except OutOfDomainError:
            continue
        except SplitError:
            pending += [(*path, -1), (*path, 1)]
        except UnluckyError:
            unlucky += 1
            pending.append(path)
        if len(done) + len(pending) > MAX_CASES:
            raise UnsupportedError(f"more than {MAX_CASES} cases")
        if unlucky > MAX_ATTEMPTS:
            raise UnsupportedError("no point found where all parts exist")
    return done


def _prove(case: Translator, root: int, seed: int) -> float | str:
    """Return log2 of the error of "zero here" (-inf when exact), or why that is not proved."""
    p = case.program
    if p.values[root] != 0:
        return "nonzero modulo a prime"
    pairs = [(root, p.const(0)), *case.merges]
    log_error = _modular(p, pairs, seed)
    if isinstance(log_error, str):
        return log_error
    try:
        if all(p.vanishes(p.sub(a, b)) for a, b in dict.fromkeys(pairs)):
            return -math.inf
        return "zero modulo primes, but not in normal form"
    except TooLargeError:
        pass
    if case.inexact_roots:
        return "zero modulo primes, but its roots may depend on each other"
    return log_error if log_error <= -MARGIN else "the degree is too large for an error bound"


def _modular(p: ModularProgram, pairs: Sequence[tuple[int, int]], seed: int) -> float | str:
    """Compare the pairs at two random points modulo random primes; return log2 of the error, or why not."""
    bounds = p.bounds()
    roots = [g.root[0] for g in p.gens if g.root]
    size = 1 + max(sum(bounds[a]) + sum(bounds[b]) for a, b in pairs)
    work = math.prod(roots) * 2 ** (len(roots) + 2) * size
    bits = max(128, work.bit_length() + MARGIN + 34 + 2)
    if bits > MAX_PRIME_BITS:
        return "the degree is too large for an error bound"
    found = 0
    for attempt in range(MAX_ATTEMPTS):
        label = f"{seed}/check/{found}/{attempt // 8}"
        try:
            prime = random_prime(bits, label)
            values = p.evaluate(prime, random.Random(f"{label}/{attempt}"))
        except UnluckyError:
            continue
        if any(values[a] != values[b] for a, b in pairs):
            return "nonzero modulo a prime"
        found += 1
        if found == 2:
            return work.bit_length() + 34 - bits
    return "no point found where all roots exist"
