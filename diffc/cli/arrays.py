"""Arrays by name in `.npz`, `.json` and `.safetensors` files, and by columns in tables.

They may be hostile: no pickle is read, and sizes are checked before anything is allocated.
"""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NoReturn, cast

import numpy as np
from numpy.typing import NDArray

from diffc.cli.output import json_text
from diffc.cli.tables import SUFFIXES, Columns, Table, choose_columns, open_csv
from diffc.errors import InputError
from diffc.ir import Type

__all__ = ["check_writable", "read_inputs", "write_outputs"]

_MAX_JSON = 256 << 20
_MAX_NPZ = 8 << 30
_MAX_DEPTH = 64
_FLOATS = {"inf": float("inf"), "-inf": float("-inf"), "nan": float("nan")}
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError, KeyError)


@dataclass(frozen=True)
class _Names:
    """Which arrays of a file are loaded.

    Attributes:
        wanted: the inputs to find.
        given: inputs that have their value from elsewhere, by where that is.
        known: inputs of other kernels, which are passed over.
    """

    wanted: Sequence[str]
    given: Mapping[str, str]
    known: Sequence[str]

    def chosen(self, path: str, found: Sequence[str]) -> list[str]:
        """Return the names to load of those in a file; raise `InputError` for one that has no place."""
        if twice := [name for name in found if name in self.given]:
            where = self.given[twice[0]]
            raise InputError(f"{path}: {twice[0]!r} is in the file and given by {where} as well")
        surplus = [repr(name) for name in found if name not in self.wanted and name not in self.known]
        if surplus:
            raise InputError(f"{path}: {_listed(surplus)} no input{'s' * (len(surplus) > 1)}; {self}")
        return [name for name in found if name in self.wanted]

    def __str__(self) -> str:
        return f"the kernel takes {', '.join(self.wanted) or 'no inputs'}"


def read_inputs(
    paths: Sequence[str],
    types: Mapping[str, Type],
    given: Sequence[str] = (),
    known: Sequence[str] = (),
    columns: Columns | None = None,
    finite: bool = False,
) -> dict[str, Any]:
    """Return the inputs that files hold, all that are not given.

    Args:
        paths: `.npz`, `.json` and `.safetensors` files, each with some of the inputs, and tables, which
            give what these do not.
        types: the inputs' types by name.
        given: inputs that have their value from elsewhere, which comes before that of a file.
        known: more names that may stand in the files, of other kernels' inputs.
        columns: which columns of a table are which input; see `diffc.cli.tables`.
        finite: refuse NaN and infinities in a table.
    """
    wanted = [name for name in types if name not in given]
    found: dict[str, Any] = {}
    origins: dict[str, str] = {}
    tables = [path for path in paths if _suffix(path) in SUFFIXES]
    chosen = {name: each for name, each in (columns or {}).items() if name in types or name not in known}
    if columns and len(tables) != 1:
        raise InputError(f"--columns is for one file that is a table ({', '.join(SUFFIXES)})")
    for path in sorted(paths, key=tables.__contains__):
        if path in tables:
            left = {name: types[name] for name in wanted if name not in origins}
            values = _read_table(path, left, chosen, finite) if left else {}
        else:
            values = _read(path, _Names(wanted, origins, [*known, *given]))
        found.update(values)
        origins = {**origins, **dict.fromkeys(values, path)}
    missing = [repr(name) for name in wanted if name not in origins]
    if missing:
        several = "s" * (len(missing) > 1)
        problem = f"the input{several} {_listed(missing)} missing; {_Names(list(types), {}, ())}"
        raise InputError(f"{', '.join(paths)}: {problem}")
    return found


def _read(path: str, names: _Names) -> dict[str, Any]:
    suffix = _suffix(path)
    if suffix == ".safetensors":
        return _read_safetensors(path, names)
    if suffix not in (".npz", ".json"):
        raise InputError(f"{path}: the inputs come from a .npz, .npy, .csv, .json or .safetensors file")
    with _opened(path) as file:
        return (_read_npz if suffix == ".npz" else _read_json)(path, file, names)


def _suffix(path: str) -> str:
    return Path(path).suffix.lower()


@contextmanager
def _opened(path: str) -> Generator[IO[bytes]]:
    try:
        if os.path.isdir(path):
            raise InputError(f"{path}: this is a directory, not a file")
        with open(path, "rb") as file:
            yield file
    except OSError as error:
        raise InputError(f"{path}: the file cannot be read: {error.strerror or error}") from None


def _read_safetensors(path: str, names: _Names) -> dict[str, Any]:
    from diffc.training.checkpoint import read_parameters

    arrays = read_parameters(path)
    return {name: arrays[name] for name in names.chosen(path, list(arrays))}


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return f"{', '.join(names[:8])}{more} {'are' if len(names) > 1 else 'is'}"


# NumPy's archives.


def _read_npz(path: str, file: IO[bytes], names: _Names) -> dict[str, Any]:
    try:
        with zipfile.ZipFile(file) as archive:
            members = {each.filename.removesuffix(".npy"): each for each in archive.infolist()}
            if len(members) < len(archive.infolist()):
                _fail(path, "an array is in the archive twice")
            chosen = names.chosen(path, list(members))
            size = sum(members[name].file_size for name in chosen)
            if size > _MAX_NPZ:
                _fail(path, f"the arrays take {size:,} bytes, more than {_MAX_NPZ:,}")
            return {name: _read_member(path, name, archive, members[name]) for name in chosen}
    except _DAMAGED as error:
        raise InputError(f"{path}: this is no sound .npz file: {error}") from None


def _read_member(path: str, name: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    with archive.open(member) as file:
        return _read_array(f"{path}: {name}", file, member.file_size)


def _read_array(what: str, file: IO[bytes], size: int) -> NDArray[Any]:
    """Return the array of an open `.npy` file of so many bytes."""
    version = np.lib.format.read_magic(cast(Any, file))
    if version not in ((1, 0), (2, 0)):
        _fail(what, f"the format version {version} is not supported")
    first = version == (1, 0)
    header = np.lib.format.read_array_header_1_0 if first else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = header(cast(Any, file))
    if dtype.hasobject:
        _fail(what, "it holds Python objects, which are never loaded; save it as numbers")
    # The header's claim against the bytes that are there: nothing is allocated on a claim alone.
    count = int(np.prod([int(each) for each in shape], dtype=object)) if shape else 1
    if count < 0 or file.tell() + count * dtype.itemsize != size:
        _fail(what, "the array's size is not what its header says")
    array = np.frombuffer(file.read(), dtype)
    return array.reshape(shape, order="F" if fortran else "C")


# Tables.


def _read_table(path: str, types: Mapping[str, Type], columns: Columns, finite: bool) -> dict[str, Any]:
    with _opened(path) as file:
        if _suffix(path) == ".csv":
            return choose_columns(open_csv(path, file, finite), types, columns)
        size = os.fstat(file.fileno()).st_size
        if size > _MAX_NPZ:
            _fail(path, f"the array takes {size:,} bytes, more than {_MAX_NPZ:,}")
        try:
            array = _read_array(path, file, size)
        except _DAMAGED as error:
            raise InputError(f"{path}: this is no sound .npy file: {error}") from None
    if len(types) == 1 and not columns:
        return {next(iter(types)): array}
    rows = array[:, None] if array.ndim == 1 else array
    if rows.ndim != 2 or rows.dtype.kind not in "biuf":
        _fail(path, f"a table of numbers is needed, and this is {array.dtype} of the shape {array.shape}")
    table = Table(
        path,
        rows.shape[1],
        (),
        lambda chosen: rows[:, chosen].astype(np.float64),
        lambda row, column: f"row {row}, column {column}",
    )
    return choose_columns(table, types, columns)


# JSON.


def _read_json(path: str, file: IO[bytes], names: _Names) -> dict[str, Any]:
    data = file.read(_MAX_JSON + 1)
    if len(data) > _MAX_JSON:
        _fail(path, f"the file is larger than {_MAX_JSON:,} bytes")
    try:
        value = json.loads(data.decode("utf-8-sig"), object_pairs_hook=_once)
    except RecursionError:
        raise InputError(f"{path}: values are nested too deeply") from None
    except ValueError as error:
        raise InputError(f"{path}: this is no sound JSON file: {error}") from None
    if not isinstance(value, dict):
        _fail(path, 'the file must hold an object, such as {"a": 1, "x": [1, 2.5]}')
    values = cast(dict[str, Any], value)
    return {name: _floats(path, name, values[name]) for name in names.chosen(path, list(values))}


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name is given twice")
    return found


def _floats(path: str, name: str, value: Any, depth: int = 0) -> Any:
    """Return the value with the texts "inf", "-inf" and "nan" as floats; its depth is bounded."""
    if isinstance(value, list):
        if depth == _MAX_DEPTH:
            _fail(path, f"{name}: lists are nested more than {_MAX_DEPTH} deep")
        return [_floats(path, name, each, depth + 1) for each in cast(list[Any], value)]
    if isinstance(value, str) and value in _FLOATS:
        return _FLOATS[value]
    if not isinstance(value, int | float):
        _fail(path, f"{name}: {json.dumps(value)[:80]} is no number")
    return value


def _fail(path: str, problem: str) -> NoReturn:
    raise InputError(f"{path}: {problem}")


# Outputs.


def check_writable(path: str) -> None:
    """Raise `InputError` where a file for the outputs cannot be meant: by its name, or its folder."""
    target = Path(path)
    if target.suffix.lower() not in (".npz", ".json"):
        raise InputError(f"{path}: the outputs go to a .npz or a .json file")
    if target.is_dir():
        raise InputError(f"{path}: this is a directory, not a file")
    if not target.parent.is_dir():
        raise InputError(f"{path}: there is no folder {target.parent}")


def write_outputs(path: str, values: Mapping[str, Any]) -> None:
    """Write the outputs to a file, all of it or nothing; an existing file is replaced."""
    target = Path(path)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        try:
            with open(temporary, "xb") as file:
                if target.suffix.lower() == ".json":
                    file.write((json_text(values) + "\n").encode())
                else:
                    _write_npz(file, values)
            os.replace(temporary, target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InputError(f"{path}: the file cannot be written: {error.strerror or error}") from None


def _write_npz(file: IO[bytes], values: Mapping[str, Any]) -> None:
    # Not np.savez: there an output could not be called `file`.
    with zipfile.ZipFile(file, "w") as archive:
        for name, value in values.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(cast(Any, member), np.asarray(value), allow_pickle=False)
