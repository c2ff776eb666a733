"""Where CPython's and NumPy's structs keep what call entries read, in bytes from the object's address.

They are those of 64-bit builds with the GIL. CPython: Include/cpython/object.h (`PyObject`),
Include/cpython/floatobject.h (`PyFloatObject`, which `np.float64` extends). NumPy: "Python types and C
structures" and "PyArray_NewFromDescr" in its C-API reference, numpy/ndarraytypes.h
(`PyArrayObject_fields`, the flags), numpy/__multiarray_api.h (the table of functions).
`diffc.runtime.calls.fastcall` tries each on live objects before an entry is used.
"""

from __future__ import annotations

__all__ = [
    "DATA", "DESCR", "DIMS", "FLAGS", "NEW_FROM_DESCR", "NUMBER", "RANK", "READABLE", "TYPE", "WRITABLE",
]  # fmt: skip

TYPE = 8
"""`PyObject.ob_type`, a pointer."""

NUMBER = 16
"""`PyFloatObject.ob_fval`, and the value of an `np.float64`: a double."""

DATA = 16
"""`PyArrayObject.data`, a pointer to the elements."""

RANK = 24
"""`PyArrayObject.nd`, an int."""

DIMS = 32
"""`PyArrayObject.dimensions`, a pointer to 64-bit lengths."""

DESCR = 56
"""`PyArrayObject.descr`, a pointer to the dtype."""

FLAGS = 64
"""`PyArrayObject.flags`, an int."""

READABLE = 0x101
"""The flags of an array that is C-contiguous (0x1) and aligned (0x100)."""

WRITABLE = 0x501
"""The flags of one that is writable (0x400) as well."""

NEW_FROM_DESCR = 94
"""The index of `PyArray_NewFromDescr` in the table of NumPy's C-API."""
