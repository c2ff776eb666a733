"""Tables, `.csv` and `.npy` files whose rows are samples: which columns are which input.

A line of a `.csv` file is a sample, its fields stand between commas; between tabs or semicolons where the
first line has any. A first line without a number names the columns.

| `--columns`          | columns                                                             |
| -------------------- | ------------------------------------------------------------------- |
| `x=width,height`     | by their names                                                      |
| `x=0,3` `y=-1`       | by their positions from 0, from the end where negative              |
| `x=0:64`             | from the first position up to, but not, the second                  |

Without `--columns` an input of one number a sample takes the column of its name, one of k numbers the
columns `NAME_0` to `NAME_k-1`; if there is no other input to find, it takes them all.
"""

from __future__ import annotations

import csv
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import IO, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from diffc.errors import InputError
from diffc.ir import Type

__all__ = ["SUFFIXES", "Columns", "Table", "choose_columns", "open_csv", "read_columns_option"]

SUFFIXES = (".csv", ".npy")
"""The endings of the files that are tables."""

_MAX_CSV = 4 << 30
_MAX_LINE = 1 << 24
_SLICE = re.compile(r"(-?[0-9]{1,9})?:(-?[0-9]{1,9})?")
_POSITION = re.compile(r"-?[0-9]{1,9}")
_WHOLE = 2.0**53
"""Up to here every whole number is an f64."""

Columns = Mapping[str, Sequence[str]]
"""The columns of inputs, as `--columns` names them."""


@dataclass(frozen=True)
class Table:
    """A table that is open, and whose columns are known.

    Attributes:
        path: the file.
        width: how many columns it has.
        names: the columns' names; empty where it has none.
        numbers: gives the numbers of the columns at some positions, an f64 array of two axes.
        place: says where a sample's number is in the file, by sample and column, for messages.
    """

    path: str
    width: int
    names: tuple[str, ...]
    numbers: Callable[[Sequence[int]], NDArray[np.float64]]
    place: Callable[[int, int], str]

    def shown(self) -> str:
        """Return what columns there are, for messages."""
        count = f"there are {self.width} columns" if self.width > 1 else "there is 1 column"
        if not self.names:
            return f"{count}, 0 to {self.width - 1}, without names"
        more = f" and {self.width - 8} more" if self.width > 8 else ""
        shown = [each[:40] if each.isprintable() else ascii(each)[:40] for each in self.names[:8]]
        return f"{count}: {', '.join(shown)}{more}"

    def positions(self, name: str, fields: Sequence[str]) -> list[int]:
        """Return the positions of columns that `--columns` gives to an input."""
        found: list[int] = []
        for field in fields:
            cut = _SLICE.fullmatch(field)
            if self.names.count(field) == 1:
                found.append(self.names.index(field))
            elif field in self.names:
                _fail(self.path, f"--columns {name}: there are several columns {field!r}; give a position")
            elif cut is not None:
                span = range(self.width)[slice(*(int(each) if each else None for each in cut.groups()))]
                ends = [int(each) for each in cut.groups() if each]
                if not span or any(abs(each) > self.width for each in ends):
                    _fail(self.path, f"--columns {name}: there are no columns {field}; {self.shown()}")
                found.extend(span)
            elif _POSITION.fullmatch(field) and -self.width <= int(field) < self.width:
                found.append(int(field) % self.width)
            else:
                _fail(self.path, f"--columns {name}: there is no column {field!r:.60}; {self.shown()}")
        return found


def read_columns_option(texts: Sequence[str] | None) -> dict[str, tuple[str, ...]]:
    """Return the fields of `NAME=COLUMN,COLUMN` texts by input."""
    columns: dict[str, tuple[str, ...]] = {}
    for text in texts or ():
        name, equals, fields = text.partition("=")
        chosen = tuple(each.strip() for each in fields.split(","))
        if not equals or not name.strip() or "" in chosen:
            raise InputError(f"--columns: {text[:80]!r} is not NAME=COLUMNS, such as x=0:64 or y=label")
        if name.strip() in columns:
            raise InputError(f"--columns: {name.strip()!r} is given twice")
        columns[name.strip()] = chosen
    return columns


def choose_columns(table: Table, types: Mapping[str, Type], columns: Columns) -> dict[str, NDArray[Any]]:
    """Return the arrays of the inputs that a table gives.

    Args:
        table: the table.
        types: the inputs to find, by name.
        columns: what `--columns` says; empty where it is not given.
    """
    if unknown := [name for name in columns if name not in types]:
        raise InputError(
            f"--columns: {unknown[0]!r} is no input that is to be found; to be found are {', '.join(types)}"
        )
    if columns:
        places = {name: table.positions(name, fields) for name, fields in columns.items()}
    else:
        places = _by_name(table, types)
    _check_widths(table, places, types)
    every = sorted(set(chain.from_iterable(places.values())))
    numbers = table.numbers(every)
    if not len(numbers):
        _fail(table.path, "there are no samples: no line follows the columns' names")
    at = {position: k for k, position in enumerate(every)}
    return {
        name: _typed(table, name, types[name], chosen, numbers[:, [at[each] for each in chosen]])
        for name, chosen in places.items()
    }


def _by_name(table: Table, types: Mapping[str, Type]) -> dict[str, list[int]]:
    """Return the positions of the columns named as the inputs, or all for an only input."""
    found: dict[str, list[int]] = {}
    for name, kind in types.items():
        count = _count(kind)
        wanted = [name] if kind.rank < 2 else [f"{name}_{k}" for k in range(count or 0)]
        if wanted and all(table.names.count(each) == 1 for each in wanted):
            found[name] = [table.names.index(each) for each in wanted]
        elif table.names.count(name) == 1:  # class numbers
            found[name] = [table.names.index(name)]
    if not found and len(types) == 1:
        return {next(iter(types)): list(range(table.width))}
    missing = [name for name in types if name not in found]
    if missing:
        example = " ".join(f"{name}=..." for name in types)
        _fail(
            table.path,
            f"which columns are {', '.join(missing)}? Say --columns {example}; {table.shown()}",
        )
    return found


def _count(kind: Type) -> int | None:
    """Return how many numbers a sample of an input is; None where that is not fixed."""
    if kind.rank < 2:
        return 1
    return kind.shape[1] if kind.rank == 2 and isinstance(kind.shape[1], int) else None


def _check_widths(table: Table, places: Mapping[str, Sequence[int]], types: Mapping[str, Type]) -> None:
    for name, chosen in places.items():
        kind = types[name]
        count = _count(kind)
        if kind.rank not in (1, 2):
            _fail(table.path, f"{name} is {kind}; a table gives rows of numbers: use a .npz file")
        if count is not None and len(chosen) != count and not (kind.is_float and len(chosen) == 1):
            takes = f"{name} is {kind}, which takes {count} column{'s' * (count != 1)}"
            given = f"{len(chosen)} {'is' if len(chosen) == 1 else 'are'} given"
            _fail(table.path, f"{takes}, and {given}; {table.shown()}: choose by --columns {name}=...")


def _typed(
    table: Table, name: str, kind: Type, chosen: Sequence[int], numbers: NDArray[np.float64]
) -> NDArray[Any]:
    """Return an input's numbers in its dtype; one column for rows of several is class numbers, i64."""
    whole = bool(np.all(np.trunc(numbers) == numbers))
    classes = kind.is_float and numbers.shape[1] == 1 and _count(kind) not in (1, None)
    if kind.is_float and not (classes and whole):
        wanted = numbers.astype(np.float32 if kind.dtype == "f32" else np.float64)
        return wanted[:, 0] if kind.rank == 1 or classes else wanted
    odd = np.argwhere((np.trunc(numbers) != numbers) | ~(np.abs(numbers) <= _WHOLE))
    if odd.size:
        row, column = (int(each) for each in odd[0])
        place = table.place(row, chosen[column])
        _fail(table.path, f"{place}: {name} is {kind}, and {numbers[row, column]:g} is no whole number")
    integers = numbers.astype(np.int64)
    if kind.dtype == "bool":
        if np.any((integers != 0) & (integers != 1)):
            _fail(table.path, f"{name} is {kind}: its column holds 0 and 1 alone")
        integers = integers.astype(np.bool_)
    return integers[:, 0] if kind.rank == 1 or classes else integers


# Lines of text.


def open_csv(path: str, file: IO[bytes], finite: bool) -> Table:
    """Return the table of a CSV file; its numbers are read when they are asked for.

    Args:
        path: the file, for messages.
        file: it is open.
        finite: refuse NaN and infinities.
    """
    if file.seek(0, 2) > _MAX_CSV:
        _fail(path, f"the file is larger than {_MAX_CSV:,} bytes")
    file.seek(0)
    lines = _lines(path, file)
    first = next(((number, text) for number, text in lines if text.strip()), None)
    if first is None:
        _fail(path, "the file is empty; a line of numbers for each sample is needed")
    number, text = first
    delimiter = next((each for each in "\t;" if each in text), ",")
    fields = _fields(path, number, text.lstrip("#"), delimiter)
    numeric = [each for each in fields if _is_number(each)]
    header = not numeric
    if numeric and len(numeric) < len(fields):
        other = next(each for each in fields if each not in numeric)
        _fail(
            path,
            f"line {number} has texts and numbers, {other!r:.40} and {numeric[0]!r:.40}: "
            "names of columns are no numbers, and a sample's fields are; put a line of names first",
        )
    if len(fields) > 2 and fields == [str(k) for k in range(len(fields))]:
        _fail(path, f"line {number} counts the columns and is no sample; remove it, or give them names in it")
    names = tuple(fields) if header else ()
    csv_file = _Csv(path, file, delimiter, names, len(fields), number if header else 0, finite)
    return Table(path, len(fields), names, csv_file.numbers, csv_file.place)


@dataclass(frozen=True)
class _Csv:
    """A CSV file: its columns, and the line of their names, 0 where there is none."""

    path: str
    file: IO[bytes]
    delimiter: str
    names: tuple[str, ...]
    width: int
    head: int
    finite: bool

    def numbers(self, columns: Sequence[int]) -> NDArray[np.float64]:
        """Return the numbers of some columns."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # of no lines
                found = np.loadtxt(
                    (text for _, text in self.samples()),
                    delimiter=self.delimiter,
                    usecols=columns,
                    comments=None,
                    quotechar='"',
                    ndmin=2,
                )
        except ValueError as error:
            self.explain(columns)
            _fail(self.path, f"the columns are no numbers: {error}")
        if self.finite and not np.isfinite(found).all():
            self.explain(columns)
        return found

    def samples(self) -> Iterator[tuple[int, str]]:
        """Yield the lines that are samples, with their numbers; each has as many fields as the first."""
        self.file.seek(0)
        for number, text in _lines(self.path, self.file):
            if number <= self.head or not text.strip():
                continue
            fields = text.count(self.delimiter) + 1
            if '"' in text:
                fields = len(_fields(self.path, number, text, self.delimiter))
            if fields != self.width:
                _fail(
                    self.path,
                    f"line {number} has {fields} column{'s' * (fields != 1)}, "
                    f"and the first line has {self.width}",
                )
            yield number, text

    def explain(self, columns: Sequence[int]) -> None:
        """Raise `InputError` for the first field that is no number, or not finite where that is refused."""
        for number, text in self.samples():
            fields = _fields(self.path, number, text, self.delimiter)
            for position in columns:
                field = fields[position]
                sound = _is_number(field)
                if sound and (not self.finite or np.isfinite(float(field))):
                    continue
                problem = f"{field!r:.60} is no number" if field and not sound else "a number is needed"
                if sound or not field:
                    problem += f", not {field or 'nothing'}; fill or remove such samples first"
                _fail(self.path, f"line {number}, {self.called(position)}: {problem}")

    def called(self, column: int) -> str:
        """Return what a column is called in messages."""
        return f"column {self.names[column]!r:.60}" if self.names else f"column {column}"

    def place(self, sample: int, column: int) -> str:
        """Return the line and the column of a sample's number."""
        number = next(islice(self.samples(), sample, None))[0]
        return f"line {number}, {self.called(column)}"


def _lines(path: str, file: IO[bytes]) -> Iterator[tuple[int, str]]:
    """Yield the lines of a file as text, with their numbers from 1."""
    for number, line in enumerate(iter(lambda: file.readline(_MAX_LINE), b""), 1):
        if len(line) == _MAX_LINE:
            _fail(path, f"line {number} is longer than {_MAX_LINE:,} bytes")
        try:
            yield number, line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
        except UnicodeDecodeError:
            _fail(path, f"line {number} is no UTF-8 text; is this a CSV file?")


def _fields(path: str, number: int, text: str, delimiter: str) -> list[str]:
    try:
        (found,) = csv.reader([text], delimiter=delimiter, strict=True)
    except (csv.Error, ValueError):
        _fail(path, f"line {number}: quotation marks are not closed, or stand within a field")
    return [each.strip() for each in found]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def _fail(path: str, problem: str) -> NoReturn:
    raise InputError(f"{path}: {problem}")
