"""Kinds of lines that read or write places: gathers, scatters, and arrays from outside the function."""

from __future__ import annotations

from tests.fuzz.maker import Maker, Rejected

__all__ = ["captured", "gathers", "scatters"]


def _indices(m: Maker, extent: int, count: int, *, negative: bool = True) -> str:
    """Capture places of an axis, some of them twice, some from the back."""
    if not extent:
        raise Rejected
    least = -extent if negative and m.r.random() < 0.3 else 0
    places = [m.r.randrange(least, extent) for _ in range(count)]
    places[-1] = places[0]
    return m.capture(f"np.array({places})")


def gathers(m: Maker) -> None:
    """Elements and rows by places, with repeated ones."""
    x = m.pick(1, 3)
    axis = m.axis(x)
    form = m.r.choice(["{x}[{i}]", "{x}[..., {i}]", "np.take({x}, {i}, axis={a})", "np.take_along_axis({x}, np.argsort({x}, axis={a}), axis={a})",
                       "np.sort({x}, axis={a})", "{x}[{i}] * {x}[{j}]", "{x}[:, {i}]", "{x}[{i}, {j}]", "{x}[{i}[:, None]]", "{x}[np.arange({x}.shape[0]) // 2]",
                       "{x}[{x}.shape[0] - 1 - np.arange({x}.shape[0])]", "{x}[np.argmax({x}, 0)]", "np.searchsorted(np.sort({y}), {x}) * {x}"])  # fmt: skip
    place = {"{x}[{i}]": 0, "{x}[{i}] * {x}[{j}]": 0, "{x}[{i}, {j}]": 0, "{x}[{i}[:, None]]": 0, "{x}[..., {i}]": -1}.get(form, axis)
    count = m.r.choice([1, 2, 3, 5, 20])
    texts = {"x": x, "y": m.pick(1, 1) if "{y}" in form else "", "a": axis}
    if "{i}" in form:
        if not m.static(x, place):
            raise Rejected
        texts["i"] = _indices(m, m.shape(x)[place], count)
    if "{j}" in form:
        other = 1 if form == "{x}[{i}, {j}]" else place
        if m.rank(x) <= other or not m.static(x, other):
            raise Rejected
        texts["j"] = _indices(m, m.shape(x)[other], count)
    m.let(form.format(**texts))


def scatters(m: Maker) -> None:
    """Elements changed: added to, several times at one place, or set."""
    x = m.pick(1, 2)
    if not m.static(x, 0):
        m.let(f"dc.at({x}, 0).{m.r.choice(['set', 'add'])}(1.5)")
        return
    how = m.r.choice(["add", "add", "add", "set", "slice", "bincount"])
    extent = m.shape(x)[0]
    if how == "set":
        m.let(f"dc.at({x}, {m.r.randrange(extent) if extent else 0}).set({m.r.choice(['0.5', '1.5'])})")
    elif how == "slice":
        m.let(f"dc.at({x}, np.s_[1:]).{m.r.choice(['set', 'add', 'multiply'])}(0.5)")
    elif how == "bincount":
        if m.rank(x) != 1:
            raise Rejected
        m.let(f"np.bincount({_indices(m, 4, extent, negative=False) if extent else 'None'}, weights={x}, minlength=4)")
    else:
        count = m.r.choice([2, 3, 5])
        i = _indices(m, extent, count)
        y = m.pick(1, 2)
        value = m.r.choice([f"{x}[{i}] * 0.5", f"{y}[:{count}]", "0.25", f"np.sin({x}[{i}])"])
        m.let(f"dc.at({x}, {i}).add({value})")


def captured(m: Maker) -> None:
    """Arrays that the function closes over: beside a value, reshaped, multiplied, or changed by it."""
    x = m.pick(1, 3)
    shape = [e if m.static(x, k) else None for k, e in enumerate(m.shape(x))]
    whole = all(each is not None for each in shape)
    how = m.r.randrange(8)
    if how == 0:
        shape = [None if m.r.random() < 0.2 else each for each in shape]
    if how == 1 and whole:
        size = 1
        for each in shape:
            size *= each or 1
        return _let(m, f"{m.captured_like([size])}.reshape({x}.shape) * {x}")
    if how == 2 and whole:
        return _let(m, f"{m.captured_like(shape[::-1])}.T * {x}")
    if how == 3:
        return _let(m, f"np.vdot({m.captured_like(shape)}, {x})" if whole else f"np.sum({m.captured_like(shape)} * {x})")
    if how == 4 and len(shape) <= 2:
        last = shape[-1]
        return _let(m, f"{x} @ {m.captured_like([last, m.r.choice([2, 6, 20])])}")
    if how == 5 and whole and shape[0]:
        places = m.capture(f"np.array({[m.r.randrange(shape[0]) for _ in range(3)]})")
        return _let(m, f"dc.at({m.captured_like(shape)}, {places}).add({x}[:3])")
    if how == 6:
        large = m.captured_like([m.r.choice([4, 17, 40]), *shape])
        return _let(m, f"{large} * {x}" if m.r.random() < 0.5 else f"np.sum({large} * np.sin({x}), axis=0)")
    operator = m.r.choice(["*", "+", "-", "/ 2 +"])
    return _let(m, f"{m.captured_like(shape)} {operator} {x}")


def _let(m: Maker, text: str) -> None:
    m.let(text)
