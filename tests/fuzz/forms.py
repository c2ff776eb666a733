"""Expressions as people write them, one a line: `x` and `y` are values so far, `a` an axis, `k` a number.

What does not fit the shapes that were drawn is drawn again, so that a line needs no condition.
"""

from __future__ import annotations


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.strip().splitlines())


UNARY = _lines("""
    np.sin({x})
    np.cos({x} * 2)
    np.tanh({x})
    np.exp(-{x} * {x})
    {x} ** 2
    {x} ** 3
    np.sqrt({x} * {x} + 0.5)
    np.log(1.5 + np.sin({x}))
    np.log1p(np.exp({x}))
    1 / (1 + np.exp(-{x}))
    np.arctan({x})
    -{x}
    2.5 * {x} + 1
    {x} / 3
    np.expm1({x} * 0.1)
    np.sinh({x} * 0.3)
    np.exp({x} * 0.2)
    np.square({x}) - {x}
    np.cbrt({x} + 4)
    np.arcsinh({x})
    (1 + {x} ** 2) ** 0.3
    np.abs({x}) + 0.1
    np.sinc({x})
    np.exp2({x} * 0.1)
    {x} * {x} * {x} - {x}
    np.log(np.abs({x}) + 1)
""")

BINARY = _lines("""
    {x} + {y}
    {x} - {y}
    {x} * {y}
    {x} / (1 + {y} ** 2)
    {x} * np.sin({y})
    np.arctan2({x}, 2 + {y} ** 2)
    ({x} - {y}) ** 2
    {x} * {y} - {y}
    np.exp(-({x} - {y}) ** 2)
    {x} * {x} + {y} * {y}
    (2 + {y} * {y}) ** (0.3 * np.sin({x}))
    np.logaddexp({x}, {y})
""")

CHOICES = _lines("""
    np.where({x} > {k}, {x}, {y})
    np.where({x} > {y}, {x} ** 2, {y})
    np.maximum({x}, {y})
    np.minimum({x}, {k})
    np.clip({x}, -0.7, {k})
    np.abs({x} - {k})
    np.maximum({x}, 0)
    np.where({x} < {k}, 0.0, np.sqrt(np.maximum({x}, {k}) + 2))
    np.sign({x}) * {y}
    np.where(({x} > -0.5) & ({x} < {k}), {x}, -{x})
    np.fmax({x}, {y})
    np.heaviside({x}, 0.5) * {x}
    np.select([{x} > {k}, {x} < 0], [{x}, {y}], 0.1)
    np.mod({x}, 1.3)
    np.floor({x} * 2) + {x}
    ({x} > {y}) * {x}
    np.where({x} > 0, np.log(np.where({x} > 0, {x}, 1.0)), {x})
    np.nan_to_num({x})
""")

OF_DISTANCES = _lines("""
    np.exp(-{x} ** 2)
    1 / (1 + {x} ** 2)
    np.sqrt({x} ** 2 + 0.1)
    ({x} ** 2 + 1.0) ** -3
    np.where({x} > 0.5, {x}, 0.1 * {x} ** 2)
    np.tanh({x}) ** 3
    {x} ** 3
""")

MIXTURES = _lines("""
    np.log(np.sum(np.exp({x}), axis={a}))
    np.logaddexp.reduce({x}, axis={a})
    np.logaddexp({x}, {y})
    -np.log1p(np.exp(-{x}))
    np.log(np.mean(np.exp({x} - {y}), axis={a}))
""")

STEPS = _lines("""
    np.tanh({x} * 0.5 + {y})
    {x} + 0.1 * np.sin({x} * {y})
    {x} - 0.1 * {x} ** 3
    0.5 * ({x} + np.roll({x}, 1, -1))
""")

RUNNING = _lines("""
    np.cumsum({x}, axis={a})
    np.cumprod({x}, axis={a})
    np.cumsum({x}[::-1], axis=0)[::-1] * {y}
    np.stack([np.sin(k * {x}) for k in range({k})], axis=-1)
    np.stack([k * {x} for k in range(3)])
    sum({x} ** k / (k + 1.0) for k in range({k}))
""")

STENCILS = _lines("""
    {x}[1:] - {x}[:-1]
    {x}[2:] - 2 * {x}[1:-1] + {x}[:-2]
    np.roll({x}, 1, 0) + np.roll({x}, -1, 0) - 2 * {x}
    {x}[1:-1, 1:-1] * 4 - {x}[:-2, 1:-1] - {x}[2:, 1:-1]
    {x}[:, :1] + {x}[:, -1:]
    {x}[:1] + {x}[-1:]
    np.pad({x}, {p})
    np.pad({x}, {p}, mode='edge')
    np.pad({x}, {p}, constant_values=1.5)
    np.pad({x}, {p}) + np.pad({x}, {q})
    np.pad({x} * {x}, {p}) - np.pad({y}, {q})
    np.pad({x}, {p}) * np.pad({y}, {p})
    np.pad(np.pad({x}, {p}), {q})
    np.pad({x}, {p})[1:] * 0.5 + np.pad({x}, {p})[:-1]
    np.sum({x}[:{k}]) + np.sum(np.sin({x}[{k}:]))
    2 * np.sum({x}[..., :1]) + np.sum({x}[..., 1:] ** 2)
    {x}[::2] * 0.5
    {x}[..., 1::3]
    {x}[..., ::-1] * {x}
    {x}[..., {k}:]
    {x}[..., :{k}]
    {x}[-{k}:]
    np.diff({x}, axis={a})
    np.roll({x}, {k})
    np.roll({x}, -{k}, axis={a})
    np.gradient({x}, axis=0)
    np.flip({x}, {a})
""")

PADS = _lines("""
    1
    (1, 2)
    (0, 2)
    (2, 0)
    ((0, 2), (1, 0))
    ((1, 1), (0, 0))
    ((0, 0), (0, 2))
""")

STATISTICS = _lines("""
    np.cov({x})
    np.cov({x}, rowvar=False)
    np.average({x}, axis={a}, weights=np.abs({x}) + 0.1)
    np.quantile({x}, 0.3, axis={a})
    np.any({x} > 0.5, axis={a}) * {y}
    np.count_nonzero({x} > 0, axis={a}) * 0.5
    np.nansum({x}, axis={a})
    np.trapezoid({x}, axis={a})
    ({x} - np.mean({x}, {a}, keepdims=True)) / (0.3 + np.std({x}, {a}, keepdims=True))
    np.argmax({x}, axis={a}) * 0.5
""")

NORMS = _lines("""
    np.linalg.norm({x})
    np.linalg.norm({x}, axis={a})
    {x} / (1 + np.linalg.norm({x}, axis={a}, keepdims=True))
    np.linalg.norm({x}, 1, axis={a})
    np.sqrt(np.sum({x} ** 2, axis={a}) + 1e-2)
    np.hypot({x}, {y})
    ({x} - np.mean({x}, {a}, keepdims=True)) / np.sqrt(np.var({x}, {a}, keepdims=True) + 0.01)
""")

LINEAR_ALGEBRA = _lines("""
    np.linalg.solve({m}, {y})
    np.linalg.solve({m}, {x})
    np.linalg.solve({m}, {x} * 2)
    np.linalg.inv({m})
    np.linalg.inv({m}) @ {x}
    np.linalg.cholesky({m})
    np.linalg.slogdet({m})[1]
    np.log(np.linalg.det({m}))
    np.linalg.eigvalsh({m})
    np.trace({m})
""")

JOINS = _lines("""
    np.concatenate([{x}, {y}], axis={a})
    np.concatenate([{x}, {x} * 2, {y}], axis={a})
    np.concatenate([{x}[:1], {x}, {x}[-1:]])
    np.concatenate([{x}[1:], {x}])[:{k}]
    np.concatenate([{x}[2:], np.zeros(2), {x}[:2]])
    np.concatenate([np.zeros((1, *{x}.shape[1:])), np.cumsum({x}, 0)])
    np.stack([{x}, {y}], axis={a})
    np.tile({x}, {k})
    np.tile({x}, (2, {k}))
    np.repeat({x}, {k}, axis={a})
    np.hstack([{x}, {y}])
    np.vstack([{x}, {y}])
    np.append({x}, {y})
    np.split({x}, 2, axis={a})[1]
    np.kron({x}, {y})
    np.outer({x}, {y})
    np.broadcast_to({x}, (2, *{x}.shape)) * 0.5
""")

PRODUCTS = _lines("""
    {x} @ {y}
    {x} @ {y}.T
    {x}.T @ {y}
    {x} @ {x}.T
    {x}.T @ {x}
    np.dot({x}, {y})
    np.matmul({x}, np.swapaxes({x}, -1, -2))
    np.tanh({x} @ {y} + 0.5)
    np.inner({x}, {y})
    np.tensordot({x}, {y}, 1)
    np.vdot({x}, {y})
""")

LAYERS = _lines("""
    {x} @ {w}
    np.tanh({x} @ {w})
    np.maximum({x} @ {w}, 0) @ {w}.T
""")

REARRANGEMENTS = _lines("""
    {x}.reshape(-1)
    {x}.ravel()
    {x}.T
    np.transpose({x})
    {x}[..., None]
    np.moveaxis({x}, 0, -1)
    np.swapaxes({x}, 0, -1)
    {x}.reshape(-1, 1)
    {x}.reshape(1, -1)
    {x}.reshape({k}, -1)
    {x}.reshape(-1, {k}).T
    {x}.T.reshape(-1)
    {x}.T.ravel() * 2
    np.squeeze({x})
    np.expand_dims({x}, 1)
""")

GATHERS = _lines("""
    {x}[{i}]
    {x}[..., {i}]
    {x}[:, {i}]
    {x}[{i}] * {x}[{j}]
    {x}[{i}[:, None]]
    {x}[{i}, {j}]
    np.take({x}, {i}, axis={a})
    np.take_along_axis({x}, np.argsort({x}, axis={a}), axis={a})
    np.sort({x}, axis={a})
    {x}[np.arange({x}.shape[0]) // 2]
    {x}[{x}.shape[0] - 1 - np.arange({x}.shape[0])]
    {x}[np.argmax({x}, 0)]
    np.searchsorted(np.sort({y}), {x}) * {x}
""")

SCATTERS = _lines("""
    dc.at({x}, {i}).add({x}[{i}] * 0.5)
    dc.at({x}, {i}).add(np.sin({x}[{j}]))
    dc.at({x}, {i}).add(0.25)
    dc.at({x}, {i}).add({y}[:{n}])
    dc.at({x}, 0).set(1.5)
    dc.at({x}, -1).add(0.5)
    dc.at({x}, np.s_[1:]).set(0.5)
    dc.at({x}, np.s_[1:]).add({x}[:-1])
    dc.at({x}, np.s_[:-1]).multiply(0.5)
    np.bincount({i}, weights={x}[:{n}], minlength={x}.shape[0])
""")

CAPTURED = _lines("""
    {c} * {x}
    {c} + {x}
    {c} - {x}
    {c} / 2 + {x}
    {flat}.reshape({x}.shape) * {x}
    {turned}.T * {x}
    np.vdot({c}, {x})
    {c} * {x}.T.reshape({x}.shape)
    np.take_along_axis({c}, np.argsort({x}, axis={a}), axis={a})
    {flat} @ {x}.reshape(-1)
    np.tensordot({large}, {x}, {x}.ndim)
    np.vdot({large}, {large} * {x})
    np.kron({c}, {x})
    np.outer({large}, {x})
    np.inner({large}, {x})
    np.tensordot({c}, {x}, {x}.ndim)
    np.sum({c} * {x}, axis={a})
    {x} @ {w}
    dc.at({c}, {i}).add({x}[{i}])
    {x}[{i}] * {c}[{i}]
    np.sum({large} * np.sin({x}), axis=0)
    {large} * {x}
    np.concatenate([{c}, {x}])
    np.maximum({c}, {x})
""")

EINSUMS = {
    (1,): "i-> i->i",
    (2,): "ij->ji ij->i ij->j ij-> ii->i ii ji",
    (3,): "ijk->kji ijk->ik ijk->j iij->j",
    (1, 1): "i,i-> i,j->ij i,i->i",
    (1, 2): "i,ij->j j,ij->i i,jk->ijk i,ij->ij",
    (2, 1): "ij,j->i ij,i->ij ij,j->ij ij,k->ikj",
    (2, 2): "ij,jk->ik ij,ij->i ij,kj->ik ij,kj->ki ij,ij-> ij,ji-> ij,kj->ikj ij,jk->",
    (3, 2): "bij,jk->bik ijk,jk->i ijk,ij->k bij,bi->bj",
    (2, 3): "jk,bij->bik ij,bij->b bi,bij->bj",
    (3, 3): "bij,bjk->bik bij,bkj->bik bij,bij->b bij,bij->ij",
}
"""Subscripts by the ranks of the operands."""
