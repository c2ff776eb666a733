"""The rewrites, by family, in the order in which they are tried at a node."""

from diffc.optimize.rewrite import Rewrite
from diffc.optimize.rule import Rule
from diffc.optimize.rules import (
    algebra,
    constants,
    derivative,
    fast,
    logarithms,
    logic,
    parts,
    powers,
    roots,
    shape,
    spectra,
    stable,
    systems,
)

__all__ = ["ABSORB", "ALGEBRA", "ALL", "DERIVATIVE", "POWERS", "RULES", "SHAPE", "SPECTRA", "STABLE"]

SHAPE: tuple[Rewrite, ...] = (
    *constants.STRUCTURAL,
    *shape.STRUCTURAL,
    *parts.STRUCTURAL,
    *logic.STRUCTURAL,
    *systems.STRUCTURAL,
)
ALGEBRA: tuple[Rewrite, ...] = (*SHAPE, *algebra.RULES, *logic.RULES, *fast.RULES)
STABLE: tuple[Rewrite, ...] = (*ALGEBRA, *stable.RULES, *logarithms.STRUCTURAL, *roots.STRUCTURAL)
DERIVATIVE: tuple[Rewrite, ...] = (*STABLE, *derivative.RULES)
POWERS: tuple[Rewrite, ...] = (*powers.RULES, *DERIVATIVE)

ABSORB: tuple[Rewrite, ...] = (constants.fold, *algebra.ABSORB)

SPECTRA: tuple[Rewrite, ...] = spectra.SPECTRA

ALL: tuple[Rewrite, ...] = (*POWERS, *algebra.ABSORB, *SPECTRA)
"""Every rewrite."""

RULES: tuple[Rule, ...] = tuple(each for each in ALL if isinstance(each, Rule))
"""Those that are data."""
