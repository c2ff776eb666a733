"""Calls of NumPy's functions on traced arrays: what docs/numpy-reference.md lists and the tests run.

A call is its own text, read by `Call`. The arrays that it names are those of `ARRAYS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Any

import numpy as np

import diffc as dc
from diffc.frontends.numpy.in_place import CHANGES
from diffc.ops import evaluate

_RANDOM = np.random.default_rng(20240229)


def _between(low: float, high: float, *shape: int) -> Any:
    return _RANDOM.uniform(low, high, shape)


def _with_nan(array: Any) -> Any:
    array[0, 1] = array[2, 0] = np.nan
    return array


ARRAYS: dict[str, Any] = {
    "x": _between(-2, 2, 3, 4),
    "y": _between(-2, 2, 3, 4),
    "u": _between(0.1, 0.9, 3, 4),
    "v": _between(-2, 2, 5),
    "w": _between(0.2, 2, 5),
    "a": _between(-2, 2, 4, 4),
    "b": _between(-2, 2, 4, 5),
    "t": _between(-2, 2, 2, 3, 4),
    "r": _between(-2, 2, 3),
    "s": _between(0.5, 2),
    "z": _with_nan(_between(-2, 2, 3, 4)),
    "i": np.array([[2, 0, 1], [1, 1, 2]]),
    "k": np.array([3, 0, 4, 1, 1]),
    "c": np.array([True, False, True, True, False]),
    "points": np.array([-1.5, -0.4, 0.3, 1.2, 1.7]),
}
"""The arrays of the calls: floats x, y (3 x 4), u (3 x 4, in (0, 1)), v, w > 0 (5), a (4 x 4), b (4 x 5),
t (2 x 3 x 4), r (3), s (a number), z (3 x 4, with NaN), points (5, ascending);
integers i (2 x 3), k (5); truth values c (5)."""

CALLS: tuple[str, ...] = (
    # in place
    "np.copyto(x, y)", "np.copyto(x, r[:, None], where=y > 0)", "np.fill_diagonal(a, s)",
    "np.place(v, c, r)", "np.put(v, [0, -2], s)", "np.put(x, i, r)", "np.putmask(v, w > 1, r)",
    "np.put_along_axis(x, i.T[:, :1], s, 1)",
    # reductions
    "np.sum(x)", "np.sum(t, axis=(0, -1), keepdims=True)", "np.sum(x, axis=0, where=x > 0, initial=2.0)",
    "np.sum(c)", "np.sum(i, axis=1)", "np.sum(x, dtype=np.float32)",
    "np.prod(x, axis=1)", "np.prod(t, axis=(0, 2))", "np.prod(x, where=x > 0, initial=3.0)", "np.prod(i)",
    "np.mean(x)", "np.mean(t, axis=(1, 2), keepdims=True)", "np.mean(x, axis=1, where=y > -1)", "np.mean(i)",
    "np.max(x, axis=1)", "np.max(x, initial=0.5, where=x < 1)", "np.max(i)", "np.max(c)",
    "np.amax(t, axis=(0, 1))", "np.min(x, axis=-1, keepdims=True)", "np.min(i, axis=0)", "np.min(c)",
    "np.min(i, axis=0, initial=9, where=i > 0)", "np.amin(x)", "np.ptp(x, axis=0)",
    "np.any(x > 1.5, axis=1)", "np.all(c)", "np.all(x > -1, axis=(0,), keepdims=True)",
    "np.count_nonzero(x > 0, axis=0)", "np.count_nonzero(k)",
    "np.nansum(z, axis=0)", "np.nanprod(z, axis=1)", "np.nanmean(z, axis=1)", "np.nanmax(z, axis=0)",
    "np.nanmin(z)", "np.nanvar(z, axis=1, ddof=1)", "np.nanstd(z)", "np.nanargmax(z, axis=1)",
    "np.nanargmin(z, axis=0)", "np.nancumsum(z, axis=1)", "np.nancumprod(z, axis=0)",
    "np.nanmedian(z, axis=0)", "np.nanquantile(z, 0.3, axis=1)", "np.nanpercentile(z, [20, 70])",
    # statistics
    "np.var(x)", "np.var(t, axis=(0, 2), ddof=1, keepdims=True)", "np.var(x, axis=0, where=y > -1.5)",
    "np.std(x, axis=1)", "np.std(x, ddof=1)", "np.std(x, correction=1)",
    "np.average(x, axis=1)", "np.average(x, weights=u)", "np.average(v, weights=w, returned=True)",
    "np.average(t, axis=(0, 1), weights=x[:2, :3])", "np.average(x, axis=0, weights=r, keepdims=True)",
    "np.cov(x)", "np.cov(x, y, rowvar=False, bias=True)", "np.cov(v, w)", "np.cov(x, fweights=[1, 2, 1, 3])",
    "np.cov(x, aweights=[0.5, 1.0, 2.0, 0.3], ddof=0)", "np.cov(v)",
    "np.corrcoef(x)", "np.corrcoef(v, w)", "np.corrcoef(x, rowvar=False)",
    "np.median(v)", "np.median(x, axis=1)", "np.median(t, axis=(0, 2), keepdims=True)",
    "np.median(z, axis=1)",
    "np.quantile(v, 0.3)", "np.quantile(x, [0.0, 0.25, 0.9], axis=1)", "np.quantile(x, 0.37, method='hazen')",
    "np.quantile(x, 0.37, method='nearest')", "np.quantile(x, 0.37, method='lower')",
    "np.quantile(x, 0.37, axis=0, method='higher')", "np.quantile(x, 0.37, method='midpoint')",
    "np.quantile(x, 0.37, method='weibull')", "np.quantile(x, [[0.1, 0.8]], method='median_unbiased')",
    "np.quantile(x, 0.37, method='normal_unbiased', keepdims=True)",
    "np.quantile(x, 0.37, method='interpolated_inverted_cdf')", "np.quantile(v, u[0])",
    "np.percentile(x, 40, axis=0)", "np.percentile(v, [10, 50])",
    # running sums, differences, integrals
    "np.cumsum(x)", "np.cumsum(t, axis=1)", "np.cumsum(i, axis=1)", "np.cumprod(x, axis=-1)", "np.cumprod(k)",
    "np.cumulative_sum(x, axis=1, include_initial=True)", "np.cumulative_prod(v)",
    "np.diff(x)", "np.diff(x, n=2, axis=0)", "np.diff(v, prepend=0.0, append=v[:2])", "np.diff(c)",
    "np.ediff1d(x)", "np.ediff1d(v, to_begin=1.0, to_end=v[:2])",
    "np.gradient(v)", "np.gradient(x, 0.5, axis=1)", "np.gradient(x, 0.5, s, edge_order=2)",
    "np.gradient(v, points)", "np.gradient(v, w.cumsum(), edge_order=2)",
    "np.trapezoid(x)", "np.trapezoid(x, dx=0.5, axis=0)", "np.trapezoid(v, points)",
    "np.trapezoid(x, u, axis=1)",
    "np.unwrap(4 * v)", "np.unwrap(x, period=1.5, axis=0)", "np.unwrap(4 * v, discont=4.0)",
    # products
    "np.dot(x, b)", "np.dot(v, w)", "np.dot(t, b)", "np.dot(x, 3.0)", "np.dot(t, t[:, 0, :].T)",
    "np.dot(i, i.T)",
    "np.vdot(x, y)", "np.inner(x, y)", "np.inner(v, w)", "np.outer(v, w)", "np.outer(x, v)",
    "np.matmul(x, b)", "np.matmul(t, b)", "np.matmul(v, w)", "np.matmul(i, k[:3])", "np.matmul(i.T, i)",
    "np.vecdot(x, y)", "np.vecdot(t, x)", "np.matvec(t, x[0])",
    "np.matvec(a, x)", "np.vecmat(x, a)", "np.vecmat(r, t)",
    "np.tensordot(x, b, 1)", "np.tensordot(t, x, axes=([1, 2], [0, 1]))", "np.tensordot(t, y, axes=(1, 0))",
    "np.tensordot(v, w, 0)",
    "np.einsum('ij,jk->ik', x, b)", "np.einsum('ij,jk', x, b)", "np.einsum('ij->ji', x)",
    "np.einsum('ii->i', a)",
    "np.einsum('ii', a)", "np.einsum('i,i', v, w)", "np.einsum('i,j->ji', v, w)", "np.einsum('ij->', x)",
    "np.einsum('...j,jk->...k', t, b)", "np.einsum('...ij,...ij', t, x)", "np.einsum('ijk,jk->i', t, x)",
    "np.einsum('bij,bkj->bik', t, t)", "np.einsum('ij,ij->j', x, y)", "np.einsum('ij,jk,kl->il', x, a, b)",
    "np.einsum('ij,kj,kl->i', x, y, y, optimize='optimal')", "np.einsum(x, [0, 1], b, [1, 2], [2, 0])",
    "np.einsum('i,ij,j->', r, x, x[0])", "np.einsum('ij,ik->jk', i, i)", "np.einsum('iij->j', t[:, :2])",
    "np.einsum('ij,j,jk->k', x, x[0], b, optimize=['einsum_path', (0, 1), (0, 1)])",
    "np.kron(x, y)", "np.kron(v, x)", "np.cross(r, r[::-1])", "np.cross(x.T, r)",
    "np.cross(x, y, axis=0)", "np.trace(a)", "np.trace(t, 1, axis1=1, axis2=2)",
    # linear algebra
    "np.linalg.inv(a)", "np.linalg.det(a)", "np.linalg.slogdet(a)", "np.linalg.solve(a, b)",
    "np.linalg.cholesky(a @ a.T)", "np.linalg.eigh(a + a.T)", "np.linalg.eigvalsh(a + a.T)",
    "np.linalg.qr(b.T)",
    "np.linalg.svd(x, full_matrices=False)", "np.linalg.svdvals(x)", "np.linalg.pinv(x)",
    "np.linalg.lstsq(x.T, v[:4])[0]", "np.linalg.cond(a)", "np.linalg.norm(x)", "np.linalg.norm(x, axis=1)",
    "np.linalg.matrix_norm(t)", "np.linalg.vector_norm(t, axis=(0, 1))", "np.linalg.matrix_power(a, 3)",
    "np.linalg.matrix_rank(x)", "np.linalg.multi_dot([x, a, b])", "np.linalg.tensorinv(a.reshape((2, 2, 4)))",
    "np.linalg.tensorsolve(a, x[0])", "np.linalg.cross(x.T, y.T)", "np.linalg.diagonal(a)",
    "np.linalg.matmul(x, b)", "np.linalg.matrix_transpose(t)", "np.linalg.outer(v, w)",
    "np.linalg.tensordot(x, b, axes=1)", "np.linalg.trace(a)", "np.linalg.vecdot(x, y)",
    # shapes
    "np.transpose(t)", "np.transpose(t, (1, 2, 0))", "np.matrix_transpose(t)",
    "np.permute_dims(t, (2, 0, 1))",
    "np.swapaxes(t, 0, -1)", "np.moveaxis(t, 0, -1)", "np.moveaxis(t, [0, 1], [-1, 0])", "np.rollaxis(t, 2)",
    "np.rollaxis(t, 0, 3)", "np.reshape(x, (2, -1))", "np.reshape(x, -1)", "np.reshape(t, (4, 6), order='F')",
    "np.ravel(t)", "np.ravel(x, order='F')", "np.squeeze(x[:, :1])", "np.squeeze(x[None, :1], axis=(0, 1))",
    "np.expand_dims(x, (0, -1))", "np.atleast_1d(s)", "np.atleast_1d(v, s)", "np.atleast_2d(v)",
    "np.atleast_3d(x)",
    "np.broadcast_to(r[:, None], (2, 3, 4))", "np.broadcast_arrays(x, r[:, None])",
    "np.flip(x)", "np.flip(t, axis=(0, 2))", "np.fliplr(x)", "np.flipud(x)", "np.rot90(x)",
    "np.rot90(x, k=2)",
    "np.rot90(t, k=-1, axes=(1, 2))", "np.resize(x, (5, 3))", "np.resize(v, (2, 2))",
    # joining and splitting
    "np.concatenate([x, y])", "np.concatenate((x, t[0], 2 * x), axis=1)", "np.concatenate([x, v], axis=None)",
    "np.concat([x, y], axis=-1)", "np.concatenate([i, x[:2, :3]])", "np.stack([x, y], axis=-1)",
    "np.stack([s, 2 * s, 1.0])", "np.vstack([v, w])", "np.hstack([v, w])", "np.hstack([x, y])",
    "np.dstack([x, y])",
    "np.column_stack([r, x])", "np.block([[x, r[:, None]], [y, np.ones((3, 1))]])", "np.block([v, s])",
    "np.append(v, [1.0, 2.0])", "np.append(x, y, axis=1)", "np.split(x, 2, axis=1)", "np.split(v, [1, 3])",
    "np.array_split(v, 3)", "np.array_split(x, [1, -1], axis=1)", "np.hsplit(x, 2)", "np.vsplit(a, 2)",
    "np.dsplit(t, [1])", "np.unstack(x)", "np.unstack(x, axis=1)", "np.tile(x, (2, 3))", "np.tile(v, 2)",
    # places
    "np.take(x, 1)", "np.take(x, [0, 2], axis=1)", "np.take(v, k)", "np.take(x, i, axis=0)",
    "np.take(v, [0, 3, -1])", "np.take(v, [7, -3], mode='clip')", "np.take(v, 2 * k, mode='clip')",
    "np.take_along_axis(x, np.argsort(x, axis=1), axis=1)", "np.take_along_axis(v, k, None)",
    "np.compress([True, False, True], x, axis=0)", "np.extract([1, 0, 0, 1, 1], v)",
    "np.repeat(x, 2)", "np.repeat(x, 2, axis=1)", "np.repeat(x, [1, 0, 2], axis=0)",
    "np.roll(v, 2)", "np.roll(x, -1)", "np.roll(x, (1, -2), axis=(0, 1))", "np.roll(x, 7, axis=1)",
    "np.delete(v, 2)", "np.delete(x, [0, -1], axis=1)", "np.delete(v, slice(0, 4, 2))",
    "np.insert(v, 2, s)", "np.insert(v, [1, 3], [s, 2.0])", "np.insert(x, 1, r, axis=1)",
    "np.insert(x, -1, v[:4], axis=0)",
    "np.pad(v, 2)", "np.pad(x, ((1, 0), (0, 2)), constant_values=3.0)", "np.pad(x, 1, mode='edge')",
    "np.pad(v, (2, 3), mode='reflect')", "np.pad(x, ((1, 2), (2, 1)), mode='symmetric')",
    "np.pad(v, 2, mode='wrap')",
    "np.pad(v, 9, mode='reflect')", "np.pad(v, 9, mode='wrap')", "np.pad(v, (0, 2), constant_values=(0, s))",
    "np.ix_(k, k)", "np.ravel_multi_index((i[0], i[1]), (3, 4))", "np.unravel_index(k, (2, 3))",
    "np.fft.fftshift(v)", "np.fft.ifftshift(x, axes=1)",
    # diagonals
    "np.diag(v)", "np.diag(v, -2)", "np.diag(x)", "np.diag(x, 1)", "np.diag(a, -1)", "np.diagflat(x, 1)",
    "np.diagonal(a)", "np.diagonal(t, -1, 1, 2)", "np.tril(x)", "np.tril(t, -1)", "np.triu(a, 1)",
    "np.tril(v)",
    "np.tril_indices_from(a)", "np.triu_indices_from(x, 1)", "np.diag_indices_from(a)",
    "np.vander(v)", "np.vander(v, 3, increasing=True)",
    # new arrays
    "np.zeros_like(x)", "np.ones_like(x, dtype=np.float32)", "np.full_like(x, s)",
    "np.empty_like(x, shape=(0,))",
    "np.copy(x)", "np.astype(x, np.float32)", "np.astype(x, np.int64)", "np.real(x)", "np.imag(x)",
    "np.real_if_close(x)",
    "np.linspace(s, 3.0, 7)", "np.linspace(s, v, 4, axis=1)",
    "np.linspace(0, s, 5, endpoint=False, retstep=True)",
    "np.linspace(s, 2 * s, 1)", "np.logspace(s, 2.0, 4)", "np.logspace(0, s, 3, base=2.0)",
    "np.geomspace(s, 30.0, 5)",
    "np.geomspace(-s, -20.0, 4, endpoint=False)", "np.meshgrid(v, r)",
    "np.meshgrid(v, r, w, indexing='ij', sparse=True)",
    "np.meshgrid(r, v, r)",
    # order
    "np.sort(x)", "np.sort(x, axis=0)", "np.sort(x, axis=None)", "np.sort(z)", "np.argsort(x)",
    "np.argsort(x, axis=0)",
    "np.partition(v, 2)[2]", "np.argpartition(v, 2)[2]", "np.lexsort((k, k[::-1]))", "np.lexsort((x, y))",
    "np.argmax(x)", "np.argmax(x, axis=1)", "np.argmin(x, axis=0, keepdims=True)", "np.argmin(z)",
    "np.searchsorted(points, v)", "np.searchsorted(np.sort(w), v, side='right')",
    "np.digitize(v, [-1.0, 0.0, 1.0])",
    "np.digitize(x, [1.0, 0.0, -1.0], right=True)", "np.searchsorted([3.0, 1.0, 2.0], v, sorter=[1, 2, 0])",
    # choices
    "np.where(x > 0, x, y)", "np.where(c, v, 0)", "np.select([v > 1, v > 0], [v**2, w], 3.0)",
    "np.choose(k % 3, [v, w, 1.0])", "np.choose(k, [v, w], mode='clip')", "np.choose(k, [v, w], mode='wrap')",
    "np.piecewise(v, [v < 0, v > 1], [-1.0, s, 2.0])", "np.clip(x, -1, 1)", "np.clip(x, None, u)",
    "np.clip(x, min=-u, max=0.5)",
    "np.nan_to_num(z, nan=3.0)", "np.isclose(x, y, rtol=0.5)", "np.isclose(z, z, equal_nan=True)",
    "np.allclose(x, x)",
    "np.array_equal(x, y)", "np.array_equal(z, z, equal_nan=True)", "np.array_equal(x, v)",
    "np.array_equiv(x, x[0])",
    "np.isin(k, [1, 3])", "np.isin(k, [1, 3], invert=True)", "np.isposinf(1 / z)", "np.isneginf(x)",
    "np.isreal(x)", "np.iscomplex(x)",
    "np.round(x)", "np.round(x, 1)", "np.around(100 * x, -1)", "np.fix(x)", "np.sinc(x)",
    # sampled functions
    "np.convolve(v, r)", "np.convolve(r, v, 'same')", "np.convolve(v, w[:4], 'same')",
    "np.convolve(v, r, 'valid')",
    "np.convolve(np.tile(v, 9), np.tile(w, 5))", "np.correlate(v, r)", "np.correlate(r, v, 'full')",
    "np.correlate(v, w[:2], 'same')",
    "np.correlate(r, v, 'same')", "np.correlate(w[:2], v)", "np.interp(x, points, v)",
    "np.interp(v, np.sort(w), v, left=-1.0, right=s)",
    "np.interp(v, points, w, period=3.0)", "np.bincount([0, 2, 2, 1, 0], weights=v, minlength=5)",
    # polynomials
    "np.polyval(v, x)", "np.polyadd(v, r)", "np.polysub(r, v)", "np.polymul(v, r)", "np.polyder(v)",
    "np.polyder(v, 2)", "np.polyfit(v, w, 2)", "np.polyfit(v[:4], x.T, 1, w=r[0] + v[:4] ** 2)",
    "np.polyint(v)", "np.polyint(v, 2, k=[1.0, 2.0])", "np.poly(r)",
    # facts
    "np.shape(x)", "np.size(x)", "np.size(x, 1)", "np.ndim(x)", "np.result_type(x, np.float32)",
    "np.common_type(x)",
    "np.can_cast(x, np.float32)", "np.iscomplexobj(x)", "np.isrealobj(x)", "np.may_share_memory(x, y)",
    "np.shares_memory(x, y)",
)  # fmt: skip

_UFUNC_ARGUMENTS: dict[str, str] = {
    "arccosh": "1 + u", "power": "u, y", "float_power": "u, y", "invert": "c", "bitwise_and": "c, v > 0",
    "bitwise_or": "c, v > 0", "bitwise_xor": "c, v > 0", "bitwise_count": "k", "gcd": "k, k", "lcm": "k, k",
    "left_shift": "k, k", "right_shift": "k, k", "ldexp": "v, k",
}  # fmt: skip
"""What a ufunc is called with where `(u)` or `(x, y)` is outside its domain."""
REFUSED_UFUNCS: tuple[str, ...] = (
    "bitwise_count", "frexp", "gcd", "isnat", "lcm", "ldexp", "left_shift", "nextafter", "right_shift",
    "spacing",
)  # fmt: skip
"""The elementwise ufuncs that cannot be traced."""


def _ufunc_calls() -> dict[str, str]:
    """Return a call of each ufunc in `numpy` that takes its arguments element by element."""
    found = {each.__name__: each for each in vars(np).values() if isinstance(each, np.ufunc)}
    return {
        name: f"np.{name}({_UFUNC_ARGUMENTS.get(name) or ('u' if found[name].nin == 1 else 'x, y')})"
        for name in sorted(found)
        if found[name].signature is None
    }


UFUNC_CALLS = tuple(text for name, text in _ufunc_calls().items() if name not in REFUSED_UFUNCS)
"""A call of each elementwise ufunc that is supported."""

UFUNC_REFUSALS = tuple(text for name, text in _ufunc_calls().items() if name in REFUSED_UFUNCS)
"""A call of each that is not."""

REFUSALS: tuple[str, ...] = (
    "np.vander(v, -1)",
    "np.sum(x, out=x)", "np.max(x, where=x > 0)", "np.max(x[:0])", "np.quantile(x, 0.5, weights=u)",
    "np.quantile(x, 0.5, method='inverted_cdf')", "np.pad(x, 1, mode='mean')",
    "np.pad(x, 1, mode='reflect', reflect_type='odd')",
    "np.where(x > 0)", "np.compress(x[0] > 0, x, axis=1)", "np.extract(c, v)", "np.repeat(v, k)",
    "np.delete(v, k)",
    "np.insert(v, k, 1.0)", "np.roll(v, k[0])", "np.piecewise(v, [v < 0], [np.sin, np.cos])",
    "np.bincount(k)", "np.cross(v[:2], w[:2])",
    "np.linspace(0, 1, k[0])", "np.split(v, 2)", "np.round(k, -1)", "np.convolve(x, y)",
    "np.einsum('ij,jk', x, v)", "np.take(v, k, mode='wrap')",
    "np.reshape(x, (5, -1))", "np.tile(v, k[0])", "np.sort(x, order='f')", "np.astype(x, complex)",
    "np.sum(x, dtype=np.float16)",
)  # fmt: skip
"""Calls of supported functions with arguments that are refused."""


class _NoArrayError(Exception):
    """A function has returned a type."""


@dataclass(frozen=True)
class Call:
    """A call, given by its text."""

    text: str

    @cached_property
    def names(self) -> list[str]:
        """The arrays that it names, in the order of the parameters."""
        return [each for each in compile(self.text, "<call>", "eval").co_names if each in ARRAYS]

    @cached_property
    def arrays(self) -> list[Any]:
        """The values of these arrays."""
        return [ARRAYS[each] for each in self.names]

    @cached_property
    def specs(self) -> list[Any]:
        """The type and the shape of these arrays."""
        kinds: dict[str, Any] = {"f": dc.f64, "i": dc.i64, "b": dc.bool_}
        return [kinds[np.asarray(each).dtype.kind](*np.shape(each)) for each in self.arrays]

    @property
    def name(self) -> str:
        """The function's name: `linalg.solve`."""
        return self.text.removeprefix("np.").partition("(")[0]

    @property
    def numpy_function(self) -> Any:
        """The function that is called first."""
        return reduce(getattr, self.name.split("."), np)

    @cached_property
    def function(self) -> Any:
        """The call as a function of the arrays; what changes its first argument returns a changed copy."""
        text = self.text
        if self.numpy_function in CHANGES:
            text = f"(lambda {self.names[0]}: ({text}, {self.names[0]})[1])({self.names[0]}.copy())"
        return eval(f"lambda {', '.join(self.names)}: {text}", {"np": np})

    def expected(self) -> list[Any]:
        """Return what NumPy gives for it."""
        with np.errstate(all="ignore"):
            return _listed(self.function(*self.arrays))

    def traced(self) -> list[Any]:
        """Return what is traced for it, computed by the interpreter.

        Raises:
            DiffcError: where the call is refused.
        """

        def arrays_only(*arrays: Any) -> Any:
            value = self.function(*arrays)
            if isinstance(value, type | np.dtype):
                raise _NoArrayError(value)  # no traced function may return a type
            return value

        try:
            f = dc.trace(arrays_only, *self.specs).embedded()
        except _NoArrayError as found:
            return list(found.args)
        return list(evaluate(f.graph, *self.arrays))

    def agrees(self) -> bool:
        """Tell whether the values, shapes and dtypes are NumPy's."""
        got, wanted = self.traced(), self.expected()
        return len(got) == len(wanted) and all(map(_same, got, wanted))


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _same(got: Any, wanted: Any) -> bool:
    if isinstance(wanted, type | np.dtype):
        return got == wanted
    a, b = np.asarray(got), np.asarray(wanted)
    return a.shape == b.shape and a.dtype == b.dtype and np.allclose(a, b, 1e-12, 1e-12, equal_nan=True)
