"""The kinds of programs that people write: each adds the lines that are typical of it.

A kind takes the maker and adds lines; whatever does not fit is `Rejected` there and drawn again.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.fuzz.elementwise import choices, elementwise, smooth
from tests.fuzz.maker import Maker, Rejected
from tests.fuzz.places import captured, gathers, scatters
from tests.fuzz.program import Program

__all__ = ["KINDS", "make"]


def pairwise(m: Maker) -> None:
    """Differences of all pairs: squared distances, kernels, potentials."""
    x = m.pick(1, 2)
    y = m.pick(1, 2, such=lambda n: m.rank(n) == m.rank(x)) if m.r.random() < 0.3 else x
    at = ", :" if m.rank(x) == 2 else ""
    d = m.let(f"{x}[:, None{at}] - {m.r.choice([f'{y}[None, :{at}]', y])}")
    if at:
        d = m.let(m.r.choice([f"np.sum({d} ** 2, axis=-1)", f"np.sum({d} * {d}, -1)", f"np.einsum('ijk,ijk->ij', {d}, {d})"]))
    form = m.r.choice(["np.exp(-{0} ** 2)", "1 / (1 + {0} ** 2)", "np.sqrt({0} ** 2 + 0.1)", "({0} ** 2 + 1.0) ** -3",
                       "np.where({0} > 0.5, {0}, 0.1 * {0} ** 2)", "np.tanh({0}) ** 3", "{0} ** 3"])  # fmt: skip
    d = m.let(form.format(d))
    if m.r.random() < 0.5:
        m.let(m.r.choice([f"np.sum({d}, axis={m.axes(d)})", f"{d} * (1 - np.eye({d}.shape[0]))", f"{d} @ {x}"]))


def attention(m: Maker) -> None:
    """Scores of queries and keys, a softmax in one of its spellings, and what it weighs."""
    q = m.pick(2, 3)
    k = m.pick(2, 3, such=lambda n: m.rank(n) == m.rank(q) and m.shape(n)[-1] == m.shape(q)[-1])
    kt = m.r.choice([f"{k}.T", f"np.swapaxes({k}, -1, -2)"]) if m.rank(k) == 2 else f"np.swapaxes({k}, -1, -2)"
    s = m.let(f"{q} @ {kt}{m.r.choice(['', f' / np.sqrt({q}.shape[-1] * 1.0)', ' * 0.5'])}")
    if m.r.random() < 0.3:
        s = m.let(f"np.where(np.arange({s}.shape[-1]) <= np.arange({s}.shape[-2])[:, None], {s}, -30.0)")
    axis = m.r.choice([-1, -1, -1, 0, -2])
    e = m.r.choice([f"np.exp({s} - np.max({s}, axis={axis}, keepdims=True))", f"np.exp({s})"])
    e = m.let(e)
    m.let(m.r.choice([f"{e} / np.sum({e}, axis={axis}, keepdims=True)", f"{e} / {e}.sum({axis}, keepdims=True)"]))
    if m.r.random() < 0.6:
        m.let(f"{m.names[-1]} @ {k}")


def mixtures(m: Maker) -> None:
    """Logarithms of sums of exponentials."""
    x = m.pick(1, 3)
    if m.r.random() < 0.4:
        x = m.let(f"{x} - 0.5 * ({x} - {m.r.choice([0.3, 1.0])}) ** 2")
    axis = m.axis(x)
    if m.r.random() < 0.4:
        top = m.let(f"np.max({x}, axis={axis}, keepdims=True)")
        m.let(f"np.log(np.sum(np.exp({x} - {top}), axis={axis}, keepdims=True)) + {top}")
    else:
        m.let(m.r.choice([f"np.log(np.sum(np.exp({x}), axis={axis}))", f"np.logaddexp.reduce({x}, axis={axis})",
                          f"np.logaddexp({x}, {m.pick()})", f"-np.log1p(np.exp(-{x}))"]))  # fmt: skip


def recurrences(m: Maker) -> None:
    """Loops of a fixed length, and running sums and products."""
    x = m.pick(1, 3)
    how = m.r.randrange(5)
    if how == 0:
        h = m.let(f"np.tanh({x})")
        step = m.r.choice(["np.tanh({h} * 0.5 + {x})", "{h} + 0.1 * np.sin({h} * {x})", "{h} - 0.1 * {h} ** 3", "0.5 * ({h} + np.roll({h}, 1, -1))"])  # fmt: skip
        m.run(f"for _ in range({m.r.choice([1, 2, 3, 5])}): {h} = {step.format(h=h, x=x)}", h)
    elif how == 1:
        m.let(f"np.{m.r.choice(['cumsum', 'cumsum', 'cumprod'])}({x}, axis={m.axis(x)})")
    elif how == 2:
        m.let(f"np.stack([np.sin(k * {x}) for k in range({m.r.choice([1, 2, 3])})], axis={m.r.choice([0, -1])})")
    elif how == 3:
        m.let(f"np.cumsum({x}[::-1], axis=0)[::-1] * {m.r.choice([x, '0.5'])}")
    else:
        m.let(f"sum({x} ** k / (k + 1.0) for k in range({m.r.choice([2, 3, 4])}))")


def stencils(m: Maker) -> None:
    """Slices beside each other, pads and rolls."""
    x = m.pick(1, 3)
    a = m.r.randrange(1, 4)
    forms = [
        "{x}[1:] - {x}[:-1]", "{x}[2:] - 2 * {x}[1:-1] + {x}[:-2]", "np.roll({x}, 1, 0) + np.roll({x}, -1, 0) - 2 * {x}",
        "np.pad({x}, {p})", "np.pad({x}, {p}, mode='edge')", "{x}[::2] * 0.5", "{x}[..., ::-1] * {x}", "{x}[..., {a}:]",
        "{x}[..., :{a}]", "np.diff({x}, axis={axis})", "np.pad({x}, {p}) + np.pad({x}, {q})", "np.pad({x} * {x}, {p}) - np.pad({y}, {p})",
        "np.pad(np.pad({x}, {p}), {q})", "{x}[..., 1::3]", "np.roll({x}, {a})", "np.gradient({x}, axis=0)", "{x}[-{a}:]",
        "np.flip({x}, {axis})", "np.pad({x}, {p}, constant_values=1.5)", "np.pad({x}, {p})[1:] * 0.5 + np.pad({x}, {p})[:-1]",
    ]  # fmt: skip
    if m.rank(x) == 1:
        kernel = m.captured_like([a])
        forms += [f"np.convolve({{x}}, {kernel}, '{mode}')" for mode in ("same", "full", "valid")]
    if m.rank(x) == 2:
        forms += ["{x}[1:-1, 1:-1] * 4 - {x}[:-2, 1:-1] - {x}[2:, 1:-1]", "{x}[:, :1] + {x}[:, -1:]", "{x}[:1] + {x}[-1:]"]
    p = m.r.choice(["1", "(1, 2)", "(0, 2)", "(2, 0)"])
    if m.rank(x) == 2 and m.r.random() < 0.5:
        p = m.r.choice(["((0, 2), (1, 0))", "((1, 1), (0, 0))", "((0, 0), (0, 2))"])
    q = m.r.choice([p, "1", "(2, 1)"])
    m.let(m.r.choice(forms).format(x=x, y=m.pick(1, 3), a=a, axis=m.axis(x), p=p, q=q))


def einsums(m: Maker) -> None:
    """Sums of products, by letters."""
    x, y = m.pick(1, 3), m.pick(1, 3)
    one = {1: ["i->", "i->i"], 2: ["ij->ji", "ij->i", "ij->j", "ij->", "ii->i", "ii", "ji"], 3: ["ijk->kji", "ijk->ik", "ijk->j", "iij->j"]}
    two = {
        (1, 1): ["i,i->", "i,j->ij", "i,i->i"], (1, 2): ["i,ij->j", "j,ij->i", "i,jk->ijk", "i,ij->ij"],
        (2, 1): ["ij,j->i", "ij,i->ij", "ij,j->ij", "ij,k->ikj"],
        (2, 2): ["ij,jk->ik", "ij,ij->i", "ij,kj->ik", "ij,kj->ki", "ij,ij->", "ij,ji->", "ij,kj->ikj", "ij,jk->"],
        (3, 2): ["bij,jk->bik", "ijk,jk->i", "ijk,ij->k", "bij,bi->bj"], (2, 3): ["jk,bij->bik", "ij,bij->b", "bi,bij->bj"],
        (3, 3): ["bij,bjk->bik", "bij,bkj->bik", "bij,bij->b", "bij,bij->ij"],
    }  # fmt: skip
    if m.r.random() < 0.3:
        m.let(f"np.einsum('{m.r.choice(one[m.rank(x)])}', {x})")
    else:
        if m.r.random() < 0.25:
            shape = [e if m.static(y, k) else None for k, e in enumerate(m.shape(y))]
            y = m.captured_like(shape)
        m.let(f"np.einsum('{m.r.choice(two.get((m.rank(x), m.rank(y)), ['i,j->ij']))}', {x}, {y})")


def reductions(m: Maker) -> None:
    """Sums, means, extremes and spreads over one axis or several."""
    x = m.pick(1, 3)
    how = m.r.choice(["sum", "sum", "mean", "max", "min", "prod", "var", "std", "ptp", "median", "amax"])
    axis = m.axes(x)
    keep = ", keepdims=True" if m.r.random() < 0.4 else ""
    text = f"np.{how}({x}, axis={axis}{keep})"
    if how in ("std", "var"):
        text = f"np.{how}({x}, axis={axis}{keep})" if how == "var" else f"np.sqrt(np.var({x}, axis={axis}{keep}) + 0.1)"
    m.let(f"{x} - {text}" if m.r.random() < 0.3 else text)


def norms(m: Maker) -> None:
    """Norms and what is divided by them."""
    x = m.pick(1, 3)
    axis = m.axis(x)
    form = m.r.choice(["np.linalg.norm({x})", "np.linalg.norm({x}, axis={a})", "{x} / (1 + np.linalg.norm({x}, axis={a}, keepdims=True))",
                       "np.linalg.norm({x}, 1, axis={a})", "np.sqrt(np.sum({x} ** 2, axis={a}) + 1e-2)", "np.hypot({x}, {y})",
                       "({x} - np.mean({x}, {a}, keepdims=True)) / np.sqrt(np.var({x}, {a}, keepdims=True) + 0.01)"])  # fmt: skip
    m.let(form.format(x=x, y=m.pick(), a=axis))


def linear_algebra(m: Maker) -> None:
    """Systems, inverses and factors of well conditioned matrices."""
    x = m.pick(2, 2)
    n = f"{x}.shape[0]"
    a = m.let(f"{x} @ {x}.T + {m.r.choice([2, 3])} * np.eye({n})")
    b = m.pick(1, 2)
    form = m.r.choice(["np.linalg.solve({a}, {b})", "np.linalg.inv({a})", "np.linalg.cholesky({a})", "np.linalg.slogdet({a})[1]",
                       "np.log(np.linalg.det({a}))", "np.linalg.solve({a}, {x})", "np.linalg.eigvalsh({a})", "np.trace({a})",
                       "np.linalg.inv({a}) @ {x}", "np.linalg.solve({a}, {x} * 2)"])  # fmt: skip
    m.let(form.format(a=a, b=b, x=x))


def joins(m: Maker) -> None:
    """Arrays joined, stacked, tiled and repeated."""
    x, y = m.pick(1, 3), m.pick(1, 3)
    a = m.axis(x)
    form = m.r.choice(["np.concatenate([{x}, {y}], axis={a})", "np.concatenate([{x}, {x} * 2, {y}], axis={a})", "np.stack([{x}, {y}], axis={a})",
                       "np.tile({x}, {k})", "np.tile({x}, (2, {k}))", "np.repeat({x}, {k}, axis={a})", "np.hstack([{x}, {y}])", "np.vstack([{x}, {y}])",
                       "np.concatenate([{x}[:1], {x}, {x}[-1:]])", "np.concatenate([{x}[1:], {x}])[:{k}]", "np.split({x}, 2, axis={a})[1]", "np.kron({x}, {y})",
                       "np.concatenate([{x}[2:], np.zeros(2), {x}[:2]])", "np.append({x}, {y})", "np.broadcast_to({x}, (2, *{x}.shape)) * 0.5",
                       "np.concatenate([np.zeros((1, *{x}.shape[1:])), np.cumsum({x}, 0)])", "np.outer({x}, {y})"])  # fmt: skip
    m.let(form.format(x=x, y=y, a=a, k=m.r.choice([1, 2, 3])))


def products(m: Maker) -> None:
    """Matrix products, and layers of them."""
    x, y = m.pick(1, 3), m.pick(1, 3)
    form = m.r.choice(["{x} @ {y}", "{x} @ {y}.T", "{x}.T @ {y}", "np.dot({x}, {y})", "np.matmul({x}, np.swapaxes({x}, -1, -2))", "np.tanh({x} @ {y} + 0.5)",
                       "np.inner({x}, {y})", "np.tensordot({x}, {y}, 1)", "np.vdot({x}, {y})", "{x} @ {x}.T", "{x}.T @ {x}"])  # fmt: skip
    if m.r.random() < 0.35:
        inner = m.shape(x)[-1] if m.static(x, -1) else None
        form = m.r.choice(["{x} @ {w}", "np.tanh({x} @ {w})", "np.maximum({x} @ {w}, 0) @ {w}.T"])
        w = m.captured_like([inner, m.r.choice([1, 3, 5])])
        m.let(form.format(x=x, w=w))
    else:
        m.let(form.format(x=x, y=y))


def rearrangements(m: Maker) -> None:
    """Reshapes that mix axes, and transpositions."""
    x = m.pick(1, 3)
    size = m.shape(x)
    forms = ["{x}.reshape(-1)", "{x}.ravel()", "{x}.T", "np.transpose({x})", "{x}[..., None]", "np.moveaxis({x}, 0, -1)", "{x}.reshape(-1, 1)",
             "np.swapaxes({x}, 0, -1)", "np.squeeze({x})", "np.expand_dims({x}, 1)", "{x}.T.reshape(-1)", "{x}.reshape(1, -1)", "{x}.T.ravel() * 2"]  # fmt: skip
    total = 1
    for each in size:
        total *= each
    if all(m.static(x, k) for k in range(len(size))):
        cuts = [k for k in (2, 3, 4, 5) if total % k == 0 and total]
        forms += [f"{{x}}.reshape({k}, -1)" for k in cuts] + [f"{{x}}.reshape(-1, {k}).T" for k in cuts]
    m.let(m.r.choice(forms).format(x=x))


KINDS: dict[str, Callable[[Maker], None]] = {
    each.__name__: each
    for each in (
        pairwise, attention, mixtures, recurrences, stencils, einsums, gathers, scatters, captured, reductions,
        norms, linear_algebra, joins, choices, products, rearrangements, elementwise,
    )
}  # fmt: skip
"""The kinds by name; the order decides which seed makes what."""


def make(seed: int) -> Program:
    """Return the program of a seed: the lines of its kind, among some lines of other kinds."""
    names = list(KINDS)
    kind = names[seed % len(names)]
    attempt = 0
    while True:
        m = Maker(seed * 1009 + attempt)
        attempt += 1
        others = [m.r.choice([elementwise, smooth, *KINDS.values()]) for _ in range(m.r.choice([0, 1, 1, 2, 3]))]
        plan = [*others, KINDS[kind]]
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
