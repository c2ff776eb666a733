"""Kinds of lines that read or write places: gathers, scatters, and arrays from outside the function."""

from __future__ import annotations

from math import prod
from string import Formatter

from tests.fuzz import forms
from tests.fuzz.maker import Maker, Rejected

__all__ = ["captured", "gathers", "scatters"]


def _indices(m: Maker, extent: int | None, count: int, *, negative: bool = True) -> str:
    """Return places of an axis, some of them twice, some from the back: an argument, or a captured array."""
    if negative and "i" in m.names and m.r.random() < 0.6:
        return "i"
    if not extent:
        raise Rejected
    least = -extent if negative and m.r.random() < 0.3 else 0
    places = [m.r.randrange(least, extent) for _ in range(count)]
    places[-1] = places[0]
    return m.capture(f"np.array({places})")


def _names(form: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(form) if name}


def gathers(m: Maker) -> None:
    """Elements and rows by places, with repeated ones."""
    x = m.pick(1, 3)
    a = m.axis(x)
    form = m.r.choice(forms.GATHERS)
    axis = {"[...": -1, "[:, ": 1, "np.t": a}.get(form.removeprefix("{x}")[:4], 0)
    other = 1 if form == "{x}[{i}, {j}]" else axis
    if max(axis, other) >= m.rank(x):
        raise Rejected
    shape, count = m.static_shape(x), m.r.choice([1, 2, 3, 5, 20])
    values = {"x": x, "y": m.pick(1, 1) if "{y}" in form else x, "a": a}
    for name, place in (("i", axis), ("j", other)):
        if name in _names(form):
            values[name] = _indices(m, shape[place], count)
    m.let(form.format(**values))


def scatters(m: Maker) -> None:
    """Elements changed: added to, several times at one place, or set."""
    x = m.pick(1, 2)
    form = m.r.choice(forms.SCATTERS)
    count = m.r.choice([2, 3, 5])
    values = {"x": x, "y": m.pick(1, 2), "n": count}
    for name in ("i", "j"):
        if name in _names(form):
            values[name] = _indices(m, m.static_shape(x)[0], count, negative="bincount" not in form)
    m.let(form.format(**values))


def captured(m: Maker) -> None:
    """Arrays that the function closes over: beside a value, reshaped, multiplied, or changed by it."""
    x = m.pick(1, 3)
    form = m.r.choice(forms.CAPTURED)
    shape = m.static_shape(x)
    if None in shape and _names(form) & {"flat", "turned"}:
        raise Rejected
    made = {
        "c": lambda: m.captured_like([None if m.r.random() < 0.1 else each for each in shape]),
        "flat": lambda: m.captured_like([prod(each or 0 for each in shape)]),
        "turned": lambda: m.captured_like(shape[::-1]),
        "large": lambda: m.captured_like([m.r.choice([4, 17, 40]), *shape]),
        "w": lambda: m.captured_like([shape[-1], m.r.choice([2, 6, 20])]),
        "i": lambda: _indices(m, shape[0], m.r.choice([1, 3, 6])),
    }
    values = {name: made[name]() for name in made if name in _names(form)}
    m.let(form.format(x=x, a=m.axis(x), **values))
