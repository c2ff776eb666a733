"""Random primes modulo which roots behave as those of positive reals do."""

from __future__ import annotations

import random
from functools import lru_cache

import sympy

__all__ = ["random_prime"]

_STEP = 120120  # 8 * 3 * 5 * 7 * 11 * 13, see `random_prime`


@lru_cache(maxsize=256)
def random_prime(bits: int, label: str) -> int:
    """Return a prime of ``bits`` bits that is -1 modulo 120120, drawn by a generator seeded with ``label``.

    Modulo such a prime -1 is no square, the primes up to 13 are squares, and every square has exactly one
    root that is a square, of each order whose prime factors are at most 13: as with positive reals.
    """
    rng = random.Random(f"prime/{bits}/{label}")
    low, high = 2 ** (bits - 1) // _STEP + 1, 2**bits // _STEP
    while not sympy.isprime(candidate := rng.randrange(low, high) * _STEP - 1):
        pass
    return candidate
