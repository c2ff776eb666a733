"""Python callables from the entries that a kernel's object code defines.

An entry (see `diffc.abi.entry`) reads CPython's and NumPy's structs at fixed offsets. They are
tried here once against live objects; on an interpreter or a NumPy where one does not hold there are no
fast calls, and every call takes the checked path in Python.
"""

from __future__ import annotations

import ctypes
import importlib
import sys
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from diffc.abi.layouts import DATA, DESCR, DIMS, FLAGS, NEW_FROM_DESCR, NUMBER, RANK, TYPE
from diffc.runtime.code.machine import LoadedCode
from diffc.runtime.store.program import DTYPES

__all__ = ["address_of", "fast_call", "is_supported"]

_METH_FASTCALL = 0x0080
_FUNCTIONS = (
    "PyBool_FromLong",
    "PyErr_Clear",
    "PyErr_Occurred",
    "PyEval_RestoreThread",
    "PyEval_SaveThread",
    "PyFloat_FromDouble",
    "PyLong_AsDouble",
    "PyLong_AsLongLong",
    "PyLong_FromLongLong",
    "PyMem_RawFree",
    "PyMem_RawMalloc",
    "PyTuple_New",
    "PyTuple_SetItem",
    "Py_DecRef",
    "Py_IncRef",
)


class _MethodDef(ctypes.Structure):
    _fields_ = (
        ("ml_name", ctypes.c_char_p),
        ("ml_meth", ctypes.c_void_p),
        ("ml_flags", ctypes.c_int),
        ("ml_doc", ctypes.c_char_p),
    )


_definitions: dict[int, _MethodDef] = {}


def fast_call(
    code: LoadedCode, entry: str, constants: Sequence[NDArray[Any]], captured: Sequence[object] = ()
) -> Callable[..., Any] | None:
    """Return the builtin that calls the object's entry, or None where there can be none.

    The builtin returns `NotImplemented` for every call but the perfect one, in which the captured objects,
    too, are arrays as the code reads them. It must not outlive `code`, `constants` and `captured`.
    """
    address, names, table = code.find(entry), code.find("diffc_slots"), code.find("diffc_table")
    if not (address and names and table and is_supported()):
        return None
    known = _addresses()
    wanted = ctypes.string_at(names).decode().split(",")
    slots = (ctypes.c_void_p * len(wanted)).from_address(table)
    for position, name in enumerate(wanted):
        found = known.get(name)
        kind, _, number = name.partition(":")
        if kind == "constant" and number.isdigit() and int(number) < len(constants):
            found = constants[int(number)].ctypes.data
        if kind == "captured" and number.isdigit() and int(number) < len(captured):
            found = id(captured[int(number)])
        if found is None:
            return None
        slots[position] = found
    # CPython keeps a pointer to the definition for as long as the builtin lives, and that a caller may
    # prolong: definitions are few bytes each and are kept by address for the life of the process.
    definition = _definitions.setdefault(address, _MethodDef(b"diffc_kernel", address, _METH_FASTCALL, None))
    new = ctypes.pythonapi.PyCFunction_NewEx
    new.restype = ctypes.py_object
    new.argtypes = (ctypes.POINTER(_MethodDef), ctypes.c_void_p, ctypes.c_void_p)
    return cast("Callable[..., Any]", new(ctypes.byref(definition), None, None))


def address_of(array: NDArray[Any]) -> int:
    """Return where an array's elements begin, in a tenth of the time of `array.ctypes.data`."""
    return ctypes.c_void_p.from_address(id(array) + DATA).value or 0 if is_supported() else array.ctypes.data


@cache
def is_supported() -> bool:
    """Return whether this interpreter's and this NumPy's structs are laid out as entries read them."""
    if sys.implementation.name != "cpython" or sys.maxsize != 2**63 - 1 or sys.byteorder != "little":
        return False
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        return False
    try:
        return _layout_holds() and "PyArray_NewFromDescr" in _addresses()
    except (AttributeError, ValueError, TypeError):
        return False


def _layout_holds() -> bool:
    """Try every offset that entries use on live objects."""

    def pointer(item: object, offset: int) -> int | None:
        return ctypes.c_void_p.from_address(id(item) + offset).value

    def integer(item: object, offset: int) -> int:
        return ctypes.c_int.from_address(id(item) + offset).value

    for number in (1.5, np.float64(-2.5)):
        if (
            pointer(number, TYPE) != id(type(number))
            or ctypes.c_double.from_address(id(number) + NUMBER).value != number
        ):
            return False
    for dtype in DTYPES.values():
        array = np.zeros((3, 5, 2), dtype)[1:, ::2]
        view = np.zeros((4, 7), dtype)
        view.flags.writeable = False
        for item in (array, view, np.zeros((), dtype)):
            dims = pointer(item, DIMS) or 0
            shape = tuple((ctypes.c_int64 * item.ndim).from_address(dims)) if item.ndim else ()
            holds = (
                pointer(item, TYPE) == id(np.ndarray)
                and pointer(item, DATA) == item.ctypes.data
                and integer(item, RANK) == item.ndim
                and shape == item.shape
                and pointer(item, DESCR) == id(item.dtype) == id(dtype)
                and integer(item, FLAGS) == item.flags.num
            )
            if not holds:
                return False
    return True


@cache
def _addresses() -> dict[str, int]:
    """Return the addresses of what entries may name."""
    found: dict[str, int] = {}
    for name in _FUNCTIONS:
        found[name] = ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value or 0
    objects = {"Py_True": True, "Py_False": False, "Py_NotImplemented": NotImplemented}
    types = {"float": float, "int": int, "float64": np.float64, "ndarray": np.ndarray}
    dtypes = {f"dtype:{name}": dtype for name, dtype in DTYPES.items()}
    found.update({name: id(item) for name, item in (*objects.items(), *types.items(), *dtypes.items())})
    api = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
        ("PyCapsule_GetPointer", ctypes.pythonapi)
    )(importlib.import_module("numpy._core._multiarray_umath")._ARRAY_API, None)
    table = ctypes.POINTER(ctypes.c_void_p).from_buffer(ctypes.c_void_p(api))
    if table[2] == id(np.ndarray):
        found["PyArray_NewFromDescr"] = table[NEW_FROM_DESCR] or 0
    return found
