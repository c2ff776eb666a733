"""Kinds of lines that go element by element: compositions of functions, and choices between values."""

from __future__ import annotations

from tests.fuzz.maker import Maker

__all__ = ["choices", "elementwise", "smooth"]

UNARY = ("np.sin({x})", "np.cos({x} * 2)", "np.tanh({x})", "np.exp(-{x} * {x})", "{x} ** 2", "{x} ** 3", "np.sqrt({x} * {x} + 0.5)",
         "np.log(1.5 + np.sin({x}))", "np.log1p(np.exp({x}))", "1 / (1 + np.exp(-{x}))", "np.arctan({x})", "-{x}", "2.5 * {x} + 1", "{x} / 3",
         "np.expm1({x} * 0.1)", "np.sinh({x} * 0.3)", "np.exp({x} * 0.2)", "np.square({x}) - {x}", "np.cbrt({x} + 4)", "np.arcsinh({x})",
         "(1 + {x} ** 2) ** 0.3", "np.abs({x}) + 0.1", "np.sinc({x})", "np.exp2({x} * 0.1)", "{x} * {x} * {x} - {x}", "np.log(np.abs({x}) + 1)")  # fmt: skip
BINARY = ("{x} + {y}", "{x} - {y}", "{x} * {y}", "{x} / (1 + {y} ** 2)", "{x} * np.sin({y})", "np.arctan2({x}, 2 + {y} ** 2)", "({x} - {y}) ** 2",
          "{x} * {y} - {y}", "np.exp(-({x} - {y}) ** 2)", "{x} * {x} + {y} * {y}", "(2 + {y} * {y}) ** (0.3 * np.sin({x}))", "np.logaddexp({x}, {y})")  # fmt: skip
CHOICES = ("np.where({x} > {k}, {x}, {y})", "np.where({x} > {y}, {x} ** 2, {y})", "np.maximum({x}, {y})", "np.minimum({x}, {k})", "np.clip({x}, -0.7, {k})",
           "np.abs({x} - {k})", "np.maximum({x}, 0)", "np.where({x} < {k}, 0.0, np.sqrt(np.maximum({x}, {k}) + 2))", "np.sign({x}) * {y}",
           "np.where(({x} > -0.5) & ({x} < {k}), {x}, -{x})", "np.fmax({x}, {y})", "np.heaviside({x}, 0.5) * {x}", "np.select([{x} > {k}, {x} < 0], [{x}, {y}], 0.1)",
           "np.mod({x}, 1.3)", "np.floor({x} * 2) + {x}", "({x} > {y}) * {x}", "np.where({x} > 0, np.log(np.where({x} > 0, {x}, 1.0)), {x})", "np.nan_to_num({x})")  # fmt: skip


def elementwise(m: Maker) -> None:
    """Functions of functions, and of two values that broadcast."""
    for _ in range(m.r.choice([1, 2, 3])):
        x = m.pick()
        m.let(m.r.choice(UNARY if m.r.random() < 0.5 else BINARY).format(x=x, y=m.pick()))


def smooth(m: Maker) -> None:
    """One function of one value."""
    m.let(m.r.choice(UNARY).format(x=m.pick()))


def choices(m: Maker) -> None:
    """One value or another, by a condition or by size."""
    m.let(m.r.choice(CHOICES).format(x=m.pick(), y=m.pick(), k=m.r.choice([0.1, 0.4, 0.9])))
