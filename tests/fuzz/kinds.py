"""The kinds of programs that people write: each adds the lines that are typical of it.

A kind takes the maker and adds lines; whatever does not fit is `Rejected` there and drawn again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.fuzz import forms
from tests.fuzz.maker import Maker, Rejected
from tests.fuzz.places import captured, gathers, scatters
from tests.fuzz.program import Program

__all__ = ["KINDS", "kind_of", "make"]


def _drawn(m: Maker, table: Sequence[str], x: str | None = None) -> str:
    """Add a line of a table, about a variable that is given or drawn."""
    x = x or m.pick(1, 3)
    values = {"x": x, "y": m.pick(), "k": m.r.choice([1, 2, 3]), "a": m.axis(x) if m.rank(x) else None}
    return m.let(m.r.choice(table).format(**values))


def pairwise(m: Maker) -> None:
    """Differences of all pairs: squared distances, kernels, potentials."""
    x = m.pick(1, 2)
    y = m.pick(1, 2, such=lambda n: m.rank(n) == m.rank(x)) if m.r.random() < 0.3 else x
    at = ", :" if m.rank(x) == 2 else ""
    d = m.let(f"{x}[:, None{at}] - {m.r.choice([f'{y}[None, :{at}]', y])}")
    if at:
        squares = (
            f"np.sum({d} ** 2, axis=-1)",
            f"np.sum({d} * {d}, -1)",
            f"np.einsum('ijk,ijk->ij', {d}, {d})",
        )
        d = m.let(m.r.choice(squares))
    d = _drawn(m, forms.OF_DISTANCES, d)
    if m.r.random() < 0.5:
        m.let(
            m.r.choice([f"np.sum({d}, axis={m.axes(d)})", f"{d} * (1 - np.eye({d}.shape[0]))", f"{d} @ {x}"])
        )


def attention(m: Maker) -> None:
    """Scores of queries and keys, a softmax in one of its spellings, and what it weighs."""
    q = m.pick(2, 3)
    k = m.pick(2, 3, such=lambda n: m.rank(n) == m.rank(q) and m.shape(n)[-1] == m.shape(q)[-1])
    turned = f"{k}.T" if m.rank(k) == 2 and m.r.random() < 0.5 else f"np.swapaxes({k}, -1, -2)"
    s = m.let(f"{q} @ {turned}{m.r.choice(['', f' / np.sqrt({q}.shape[-1] * 1.0)', ' * 0.5'])}")
    if m.r.random() < 0.3:
        later = f"np.arange({s}.shape[-1]) <= np.arange({s}.shape[-2])[:, None]"
        s = m.let(f"np.where({later}, {s}, -30.0)")
    axis = m.r.choice([-1, -1, -1, 0, -2])
    e = m.let(m.r.choice([f"np.exp({s} - np.max({s}, axis={axis}, keepdims=True))", f"np.exp({s})"]))
    total = m.r.choice([f"np.sum({e}, axis={axis}, keepdims=True)", f"{e}.sum({axis}, keepdims=True)"])
    p = m.let(f"{e} / {total}")
    if m.r.random() < 0.6:
        m.let(f"{p} @ {k}")


def mixtures(m: Maker) -> None:
    """Logarithms of sums of exponentials."""
    x = m.pick(1, 3)
    if m.r.random() < 0.4:
        x = m.let(f"{x} - 0.5 * ({x} - {m.r.choice([0.3, 1.0])}) ** 2")
    if m.r.random() < 0.4:
        axis = m.axis(x)
        top = m.let(f"np.max({x}, axis={axis}, keepdims=True)")
        m.let(f"np.log(np.sum(np.exp({x} - {top}), axis={axis}, keepdims=True)) + {top}")
    else:
        _drawn(m, forms.MIXTURES, x)


def recurrences(m: Maker) -> None:
    """Loops of a fixed length, and running sums and products."""
    if m.r.random() < 0.6:
        _drawn(m, forms.RUNNING)
        return
    x = m.pick(1, 3)
    h = m.let(f"np.tanh({x})")
    step = m.r.choice(forms.STEPS).format(x=h, y=x)
    m.run(f"for _ in range({m.r.choice([1, 2, 3, 5])}): {h} = {step}", h)


def stencils(m: Maker) -> None:
    """Slices beside each other, pads, rolls and convolutions."""
    x = m.pick(1, 3)
    if m.rank(x) == 1 and m.r.random() < 0.2:
        kernel = m.captured_like([m.r.choice([1, 2, 3])])
        m.let(f"np.convolve({x}, {kernel}, '{m.r.choice(['same', 'full', 'valid'])}')")
        return
    p = m.r.choice(forms.PADS)
    q = p if m.r.random() < 0.5 else m.r.choice(forms.PADS)
    values = {"x": x, "y": m.pick(1, 3), "k": m.r.choice([1, 2, 3]), "a": m.axis(x), "p": p, "q": q}
    m.let(m.r.choice(forms.STENCILS).format(**values))


def einsums(m: Maker) -> None:
    """Sums of products, by letters."""
    x, y = m.pick(1, 3), m.pick(1, 3)
    if m.r.random() < 0.3:
        m.let(f"np.einsum('{m.r.choice(forms.EINSUMS[m.rank(x),].split())}', {x})")
        return
    if m.r.random() < 0.25:
        y = m.captured_like(m.static_shape(y))
    subscripts = forms.EINSUMS.get((m.rank(x), m.rank(y)))
    if subscripts is None:
        raise Rejected
    m.let(f"np.einsum('{m.r.choice(subscripts.split())}', {x}, {y})")


def reductions(m: Maker) -> None:
    """Sums, means, extremes and spreads over one axis or several."""
    if m.r.random() < 0.2:
        _drawn(m, forms.STATISTICS)
        return
    x = m.pick(1, 3)
    keep = ", keepdims=True" if m.r.random() < 0.4 else ""
    how = m.r.choice(["sum", "sum", "mean", "max", "min", "prod", "var", "ptp", "median"])
    text = f"np.{how}({x}, axis={m.axes(x)}{keep})"
    text = f"np.sqrt({text} + 0.1)" if how == "var" else text
    m.let(f"{x} - {text}" if m.r.random() < 0.3 else text)


def norms(m: Maker) -> None:
    """Norms and what is divided by them."""
    _drawn(m, forms.NORMS)


def linear_algebra(m: Maker) -> None:
    """Systems, inverses and factors of well conditioned matrices."""
    x = m.pick(2, 2)
    matrix = m.let(f"{x} @ {x}.T + {m.r.choice([2, 3])} * np.eye({x}.shape[0])")
    m.let(m.r.choice(forms.LINEAR_ALGEBRA).format(m=matrix, x=x, y=m.pick(1, 2)))


def joins(m: Maker) -> None:
    """Arrays joined, stacked, tiled and repeated."""
    _drawn(m, forms.JOINS)


def products(m: Maker) -> None:
    """Matrix products, and layers of them."""
    if m.r.random() < 0.65:
        _drawn(m, forms.PRODUCTS)
        return
    x = m.pick(1, 3)
    w = m.captured_like([m.static_shape(x)[-1], m.r.choice([1, 3, 5])])
    m.let(m.r.choice(forms.LAYERS).format(x=x, w=w))


def rearrangements(m: Maker) -> None:
    """Reshapes that mix axes, and transpositions."""
    _drawn(m, forms.REARRANGEMENTS)


def elementwise(m: Maker) -> None:
    """Functions of functions, and of two values that broadcast."""
    for _ in range(m.r.choice([1, 2, 3])):
        _drawn(m, forms.UNARY if m.r.random() < 0.5 else forms.BINARY, m.pick())


def choices(m: Maker) -> None:
    """One value or another, by a condition or by size."""
    m.let(m.r.choice(forms.CHOICES).format(x=m.pick(), y=m.pick(), k=m.r.choice([0.1, 0.4, 0.9])))


KINDS: dict[str, Callable[[Maker], None]] = {
    each.__name__: each
    for each in (
        *(pairwise, attention, mixtures, recurrences, stencils, einsums, gathers, scatters, captured),
        *(reductions, norms, linear_algebra, joins, choices, products, rearrangements, elementwise),
    )
}
"""The kinds by name; the order decides which seed makes what."""


def kind_of(seed: int) -> str:
    """Return the kind of a seed's program."""
    return list(KINDS)[seed % len(KINDS)]


def make(seed: int) -> Program:
    """Return the program of a seed: the lines of its kind, among some lines of other kinds."""
    kind = kind_of(seed)
    attempt = 0
    while True:
        m = Maker(seed * 1009 + attempt)
        attempt += 1
        count = m.r.choice([0, 1, 1, 2, 3])
        plan = [*(m.r.choice([elementwise, *KINDS.values()]) for _ in range(count)), KINDS[kind]]
        m.r.shuffle(plan)
        try:
            for each in plan:
                _add(m, each)
            return m.program(kind)
        except Rejected:
            continue


def _add(m: Maker, kind: Callable[[Maker], None]) -> None:
    """Add the lines of a kind; what is rejected halfway leaves the lines before it."""
    for _ in range(12):
        try:
            return kind(m)
        except Rejected:
            continue
    raise Rejected
