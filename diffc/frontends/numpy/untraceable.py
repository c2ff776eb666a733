"""NumPy functions that cannot be traced, with the reason and what to use instead."""

from __future__ import annotations

import numpy as np

from diffc.frontends.numpy.registry import present, refuses

refuses(
    "the shape of its result depends on values: multiply by the condition, or write "
    "np.where(condition, x, 0)",
    np.argwhere, np.flatnonzero, np.nonzero, np.trim_zeros,
)  # fmt: skip
refuses(
    "the shape of its result depends on values: compute it outside the traced function",
    np.intersect1d, np.setdiff1d, np.setxor1d, np.union1d, np.unique,
    *present("unique_all", "unique_counts", "unique_inverse", "unique_values"),
)  # fmt: skip
refuses(
    "counts have no derivative: compute it outside the traced function, or write np.searchsorted and "
    "comparisons",
    np.histogram, np.histogram2d, np.histogram_bin_edges, np.histogramdd,
)  # fmt: skip
refuses("complex numbers are not supported", np.angle, np.roots, np.sort_complex)
refuses("the degrees of quotient and remainder depend on values", np.polydiv)
refuses("the Bessel function is no operation here", np.i0)
refuses(
    "it calls a Python function on pieces of the array: call the function with `axis`, use dc.vmap, or stack "
    "what it gives for each slice",
    np.apply_along_axis, np.apply_over_axes,
)  # fmt: skip
refuses(
    "the elements are not known while tracing: return the value and print or save what the function gives",
    np.array2string, np.array_repr, np.array_str, np.save, np.savetxt, np.savez, np.savez_compressed,
    np.min_scalar_type,
)  # fmt: skip
refuses("bits of integers are not supported", np.packbits, np.unpackbits)
refuses("dates are not supported", np.busday_count, np.busday_offset, np.datetime_as_string, np.is_busday)
refuses("write np.einsum, which chooses the order of products itself", np.einsum_path)
refuses("complex numbers are not supported", *(getattr(np.fft, name) for name in (
    "fft", "fft2", "fftn", "hfft", "ifft", "ifft2", "ifftn", "ihfft", "irfft", "irfft2", "irfftn", "rfft",
    "rfft2", "rfftn",
)))  # fmt: skip
