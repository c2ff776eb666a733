"""What compiled code calls outside itself: BLAS and LAPACK, taken from SciPy, and the process's own libm.

LLVM's loader ends the process when a symbol is missing, so every undefined symbol of an object is looked
up here first. Routines of the two get a private name (`diffc_dgemm`), so that no other user of LLVM in the
process sees them, and none of theirs is ever taken for ours.
"""

from __future__ import annotations

import ctypes
import importlib
import re
import struct
from collections.abc import Iterable

from diffc.errors import ArtefactError, DiffcError

__all__ = ["addresses", "called_routines", "private_names", "provide", "undefined_symbols"]

_BLAS = ("gemm", "gemv", "ger", "symm", "symv", "syrk", "syr", "trmm", "trmv", "trsm", "trsv", "dot", "axpy")
_LAPACK = ("getrf", "getrs", "potrf", "trtrs", "syevd", "geqrf", "orgqr", "gesdd")
_STEMS = [(stem, "cython_blas") for stem in _BLAS] + [(stem, "cython_lapack") for stem in _LAPACK]
_ROUTINES = {kind + stem: module for kind in "sd" for stem, module in _STEMS}
_CALLED = re.compile(r"@([sd][a-z0-9]{2,5})_(?=\()")
_known: dict[str, int] = {}


def _routine(symbol: str) -> str | None:
    """Return the routine that a symbol names (`dgemm_` and `diffc_dgemm` are `dgemm`), or None."""
    name = symbol.removeprefix("diffc_") if symbol.startswith("diffc_") else symbol.removesuffix("_")
    return name if name in _ROUTINES and name != symbol else None


def called_routines(ir_text: str) -> tuple[str, ...]:
    """Return the routines that LLVM text calls, by their Fortran symbols."""
    return tuple(sorted({f"{name}_" for name in _CALLED.findall(ir_text) if name in _ROUTINES}))


def private_names(ir_text: str) -> str:
    """Return LLVM text in which the routines of BLAS and LAPACK have their private names."""
    return _CALLED.sub(lambda found: f"@diffc_{found[1]}" if found[1] in _ROUTINES else found[0], ir_text)


def addresses(symbols: Iterable[str]) -> dict[str, int]:
    """Return where every symbol is; raise `DiffcError` naming the one that is not."""
    found: dict[str, int] = {}
    for symbol in symbols:
        routine = _routine(symbol)
        if routine is None:
            found[symbol] = _process_address(symbol)
        else:
            if routine not in _known:
                _known[routine] = _routine_address(routine)
            found[symbol] = _known[routine]
    return found


def provide(symbols: Iterable[str]) -> None:
    """Make every symbol resolvable for LLVM's loader; raise `DiffcError` naming the one that is not."""
    import llvmlite.binding as llvm

    for symbol, address in addresses(symbols).items():
        if _routine(symbol) is not None:
            llvm.add_symbol(f"diffc_{_routine(symbol)}", address)
        elif llvm.address_of_symbol(symbol) is None:
            llvm.add_symbol(symbol, address)


def _process_address(symbol: str) -> int:
    """Return the address of a function of the C library: LLVM itself calls memset, memcpy and fmod.

    LLVM's own search does not see those that the C library chooses by the CPU.
    """
    try:
        function = ctypes.CDLL(None)[symbol]
    except AttributeError:
        raise DiffcError(
            f"the compiled code calls {symbol!r}, which this platform does not provide"
        ) from None
    return ctypes.cast(function, ctypes.c_void_p).value or 0


def _routine_address(routine: str) -> int:
    """Return the address of SciPy's routine, which takes its arguments by Fortran's convention."""
    try:
        capsule = importlib.import_module(f"scipy.linalg.{_ROUTINES[routine]}").__pyx_capi__[routine]
    except (ImportError, AttributeError, KeyError) as error:
        raise DiffcError(f"SciPy does not provide the routine {routine}: {error}") from None
    api = ctypes.pythonapi
    name_of = ctypes.PYFUNCTYPE(ctypes.c_char_p, ctypes.py_object)(("PyCapsule_GetName", api))
    pointer_of = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
        ("PyCapsule_GetPointer", api)
    )
    return int(pointer_of(capsule, name_of(capsule)))


def undefined_symbols(object_code: bytes) -> tuple[str, ...]:
    """Return the symbols that an ELF64 object leaves to the loader; raise `ArtefactError` if it is cut.

    Objects of other formats (Mach-O, COFF) give none: there the loader's own check must do.
    """
    if object_code[:5] != b"\x7fELF\x02":
        return ()
    try:
        (table,) = struct.unpack_from("<Q", object_code, 0x28)
        size, count = struct.unpack_from("<HH", object_code, 0x3A)
        headers = [struct.unpack_from("<IIQQQQIIQQ", object_code, table + size * k) for k in range(count)]
        found: list[str] = []
        for header in headers:
            if header[1] != 2:  # SHT_SYMTAB
                continue
            names = headers[header[6]][4]
            for start in range(header[4], header[4] + header[5], 24):
                name, _, _, section = struct.unpack_from("<IBBH", object_code, start)
                if section == 0 and name:
                    end = object_code.index(b"\0", names + name)
                    found.append(object_code[names + name : end].decode())
    except (struct.error, IndexError, ValueError, OverflowError) as error:
        raise ArtefactError(f"the object code is not a valid object file: {error}") from None
    return tuple(name for name in found if name != "_GLOBAL_OFFSET_TABLE_")
