"""The data of a training: arrays by name, checked against what the loss declares, and cut into samples.

An array has a row for each sample where its first extent is the sample axis: the symbol with which the
first data input's shape begins. A data input of any other shape is the same for all samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diffc.errors import InputError
from diffc.functions.function import Function
from diffc.ir import Dim, Type, dim_symbols
from diffc.runtime import NamedType, Signature
from diffc.runtime.calls.inputs import convert, read_symbols

__all__ = ["Samples", "check_data", "check_parameters", "encode_classes"]

_Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Samples:
    """Arrays by name, in the order of the loss's inputs; `rows` names those that have a row a sample.

    Without any, all the data is one sample.
    """

    arrays: _Arrays
    rows: tuple[str, ...]

    @property
    def count(self) -> int:
        """How many samples there are."""
        return len(self.arrays[self.rows[0]]) if self.rows else 1

    def take(self, chosen: Any) -> Samples:
        """Return the samples at these positions, or in this slice."""
        return Samples({k: v[chosen] if k in self.rows else v for k, v in self.arrays.items()}, self.rows)

    def split(self, fraction: float, seed: int) -> tuple[Samples, Samples]:
        """Return two parts: the samples to train with, and a drawn fraction (at least one) for validation.

        Raises:
            InputError: where there are too few samples, or none that could be told apart.
        """
        if not self.rows:
            raise InputError("validation_split needs data with a row for each sample")
        kept = max(1, round(self.count * fraction))
        if kept >= self.count:
            raise InputError(
                f"validation_split = {fraction:g} of {self.count} samples leaves none to train with"
            )
        order = np.random.default_rng((seed, 0)).permutation(self.count)
        return self.take(np.sort(order[kept:])), self.take(np.sort(order[:kept]))


def check_data(
    loss: Function, parameters: _Arrays, data: Mapping[str, Any], what: str = "the data"
) -> Samples:
    """Return the data as the loss's kernel takes it.

    Args:
        loss: the function that declares the inputs.
        parameters: those inputs that are no data, checked already.
        data: one array for each other input, of its shape and of a dtype that casts safely to its own.
        what: what the data is called in messages.

    Raises:
        InputError: for a missing, surplus or misshapen array, a NaN or an infinity, or no samples at all.
    """
    types = {name: kind for name, kind in loss.inputs.items() if name not in parameters}
    _check_names(types, data, what)
    arrays = {name: convert(NamedType(name, kind), data[name]) for name, kind in types.items()}
    for name, array in arrays.items():
        if array.ndim != types[name].rank and array.dtype.kind == "f":
            _hint_at_rows(name, types[name], data[name])
    _read_symbols(loss, {**arrays, **parameters})
    for name, array in arrays.items():
        _check_finite(name, array, what)
    samples = Samples(arrays, _rows(types, loss, parameters))
    if not samples.count:
        raise InputError(f"{what}: there are no samples: {samples.rows[0]} has no rows")
    return samples


def check_parameters(loss: Function, given: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Return own copies of the parameters' values, of the dtypes that the loss declares.

    Raises:
        InputError: for a name that is no input, one that is no f64 or f32, or a value that does not fit.
    """
    if not given:
        raise InputError(f"{loss.name}: there are no parameters to train")
    types = loss.inputs
    values: dict[str, NDArray[Any]] = {}
    for name, value in given.items():
        if name not in types:
            raise InputError(f"{loss.name} has no input {name!r} to train; it has {', '.join(types)}")
        if not types[name].is_float:
            raise InputError(f"{name} cannot be trained: it is {types[name]}, and only f64 and f32 can be")
        values[name] = convert(NamedType(name, types[name]), value).copy()
        if values[name].ndim != types[name].rank:
            raise InputError(f"{name}: expected {types[name]}, got the shape {values[name].shape}")
    return values


def encode_classes(
    types: Mapping[str, Type], data: Mapping[str, Any], names: Sequence[str]
) -> dict[str, Any]:
    """Return the data with class numbers, of shape (N,) or (N, 1), as one-hot rows of the declared type.

    Raises:
        InputError: for a name that is none of the data's, or numbers that are no classes.
    """
    encoded = dict(data)
    for name in names:
        if name not in types or name not in data:
            raise InputError(f"one_hot: there is no data {name!r}; there is {', '.join(data)}")
        classes = types[name].shape[-1] if types[name].rank == 2 else None
        if not isinstance(classes, int) or not types[name].is_float:
            raise InputError(f"one_hot: {name} is {types[name]}; classes need a type such as f64[N, 10]")
        encoded[name] = _one_hot(name, np.asarray(data[name]), classes, types[name].dtype)
    return encoded


def _one_hot(name: str, numbers: NDArray[Any], classes: int, dtype: str) -> NDArray[Any]:
    flat = numbers[:, 0] if numbers.ndim == 2 and numbers.shape[1] == 1 else numbers
    if flat.ndim != 1 or flat.dtype.kind not in "iu":
        raise InputError(
            f"one_hot: {name} must be whole numbers of the shape (N,), got {numbers.dtype} of the shape "
            f"{numbers.shape}"
        )
    wrong = np.flatnonzero((flat < 0) | (flat >= classes))
    if wrong.size:
        raise InputError(
            f"one_hot: {name} holds {flat[wrong[0]]} in row {wrong[0]}; its classes are 0 to {classes - 1}"
        )
    rows = np.zeros((len(flat), classes), np.float64 if dtype == "f64" else np.float32)
    rows[np.arange(len(flat)), flat.astype(np.int64)] = 1
    return rows


def _check_names(types: Mapping[str, Type], data: Mapping[str, Any], what: str) -> None:
    wanted = f"the loss takes {', '.join(f'{name}: {kind}' for name, kind in types.items()) or 'no data'}"
    missing = [repr(name) for name in types if name not in data]
    surplus = [repr(name) for name in data if name not in types]
    if missing:
        raise InputError(f"{what}: {', '.join(missing)} missing; {wanted}")
    if surplus:
        raise InputError(f"{what}: {', '.join(surplus)} not wanted; {wanted}")


def _hint_at_rows(name: str, kind: Type, value: Any) -> None:
    """Raise `InputError` where whole numbers of one axis are given for rows of classes, or of one number."""
    given: NDArray[Any] = np.asarray(value)
    if kind.rank == 2 and given.ndim == 1 and kind.shape[1] == 1:
        raise InputError(
            f"{name}: expected {kind}, got the shape {given.shape}; "
            f"a row of one number for each sample is needed: {name}.reshape(-1, 1)"
        )
    if kind.rank == 2 and given.ndim == 1 and given.dtype.kind in "iu":
        raise InputError(
            f"{name}: expected {kind}, got whole numbers of the shape {given.shape}; "
            f'if they are class numbers, say so: one_hot = ["{name}"], or --one-hot {name}'
        )


def _read_symbols(loss: Function, arrays: _Arrays) -> dict[str, int]:
    inputs = tuple(NamedType(name, kind) for name, kind in loss.inputs.items())
    signature = Signature(loss.name, inputs, (), (), loss.graph.symbols)
    return read_symbols(signature, [arrays[each.name] for each in inputs])


def _check_finite(name: str, array: NDArray[Any], what: str) -> None:
    if array.dtype.kind != "f" or bool(np.isfinite(array).all()):
        return
    place = tuple(int(k) for k in np.argwhere(~np.isfinite(array))[0])
    where = f" at {', '.join(map(str, place))}" if place else ""
    raise InputError(f"{what}: {name} holds {array[place]}{where}; fill or remove such samples first")


def _rows(types: Mapping[str, Type], loss: Function, parameters: _Arrays) -> tuple[str, ...]:
    """Return the names of the inputs with a row a sample: none where the sample axis stands elsewhere too."""
    leading = [kind.shape[0] for kind in types.values() if kind.shape]
    axis = next((each for each in leading if isinstance(each, Dim) and str(each) in dim_symbols(each)), None)
    if axis is None:
        return ()
    symbol = str(axis)
    rows = tuple(name for name, kind in types.items() if kind.shape and kind.shape[0] == axis)
    for name, kind in loss.inputs.items():
        rest = kind.shape[1:] if name in rows else kind.shape
        if any(symbol in dim_symbols(extent) for extent in rest):
            return ()
    return rows
