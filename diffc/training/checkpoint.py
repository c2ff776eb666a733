"""Parameters and checkpoints as safetensors files, written whole or not at all, and read as hostile.

| tensor               | in parameters | in checkpoints | meaning                                       |
| -------------------- | ------------- | -------------- | --------------------------------------------- |
| `<name>`             | yes           |                | a trained parameter, for any reader           |
| `parameter/<name>`   |               | yes            | a parameter after the last epoch              |
| `state/<slot>/<name>`|               | yes            | what the optimiser remembers of it            |
| `best/<name>`        |               | yes            | the parameter at the best loss                |
| `history/<column>`   |               | yes            | one number an epoch, f64                      |

The metadata of a checkpoint has one entry, `diffc`: JSON with the epoch, the steps, the settings and the
parameters' order. The order of an epoch's samples follows from the settings' seed and the epoch's number,
so that there is no other random state to keep.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NoReturn, cast

import numpy as np
from numpy.typing import NDArray

from diffc.errors import ArtefactError, DiffcError
from diffc.training.history import Epoch, from_columns, to_columns
from diffc.training.metrics import METRICS
from diffc.training.settings import Settings

__all__ = ["Checkpoint", "read_checkpoint", "read_parameters", "write_checkpoint", "write_parameters"]

_FORMAT = 1
_MAX_TENSORS = 100_000
_MAX_BYTES = 16 << 30
_DTYPES = ("F64", "F32")
_FIELDS = {"format", "model", "epoch", "steps", "best_epoch", "settings", "parameters", "metric"}

_Arrays = Mapping[str, NDArray[Any]]


def _no_arrays() -> dict[str, NDArray[Any]]:
    return {}


@dataclass(frozen=True)
class Checkpoint:
    """All that it takes to go on with a training after its last whole epoch.

    Attributes:
        parameters: the parameters by name.
        settings: the settings of the training.
        state: what the optimiser remembers, by `<slot>/<parameter>`.
        best: the parameters at the best monitored loss; empty if none are kept.
        best_epoch: the epoch of those, 0 for none.
        epoch: how many epochs are over.
        steps: how many steps the optimiser has taken.
        history: one record for each epoch.
        model: the model's name, or that of the loss.
    """

    parameters: _Arrays
    settings: Settings
    state: _Arrays = field(default_factory=_no_arrays)
    best: _Arrays = field(default_factory=_no_arrays)
    best_epoch: int = 0
    epoch: int = 0
    steps: int = 0
    history: tuple[Epoch, ...] = ()
    model: str = ""


def write_parameters(path: str | os.PathLike[str], parameters: _Arrays) -> None:
    """Write parameters under their names, with the folder; an existing file is replaced.

    Raises:
        ArtefactError: where the file cannot be written.
    """
    _write(Path(path), dict(parameters), {})


def read_parameters(path: str | os.PathLike[str]) -> dict[str, NDArray[Any]]:
    """Return the parameters of a file by name: those it was written with, or a checkpoint's.

    Of a checkpoint the best are returned where it keeps them. Names, shapes and dtypes are the file's claim:
    whoever uses them checks them against a model.

    Raises:
        ArtefactError: for a file that is missing, damaged, or holds anything but f64 and f32.
    """
    tensors, text = _read(Path(path))
    if text is None:
        return tensors
    found = _checkpoint(Path(path), tensors, text)
    return dict(found.best or found.parameters)


def write_checkpoint(path: str | os.PathLike[str], checkpoint: Checkpoint) -> None:
    """Write a checkpoint; see `write_parameters`."""
    groups = {
        "parameter": checkpoint.parameters,
        "state": checkpoint.state,
        "best": checkpoint.best,
        "history": to_columns(checkpoint.history),
    }
    tensors = {f"{group}/{name}": each for group, arrays in groups.items() for name, each in arrays.items()}
    record = {
        "format": _FORMAT,
        "model": checkpoint.model,
        "epoch": checkpoint.epoch,
        "steps": checkpoint.steps,
        "best_epoch": checkpoint.best_epoch,
        "settings": asdict(checkpoint.settings),
        "parameters": list(checkpoint.parameters),
        "metric": checkpoint.history[-1].metric_name if checkpoint.history else None,
    }
    _write(Path(path), tensors, {"diffc": json.dumps(record, allow_nan=False)})


def read_checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    """Return what `write_checkpoint` wrote.

    Raises:
        ArtefactError: for a file that is missing, damaged, or no checkpoint.
    """
    tensors, text = _read(Path(path))
    if text is None:
        _refuse(Path(path), "these are parameters and no checkpoint, from which a training could go on")
    return _checkpoint(Path(path), tensors, text)


def _write(path: Path, tensors: dict[str, NDArray[Any]], metadata: dict[str, str]) -> None:
    try:
        from safetensors.numpy import save
    except ImportError:
        raise _missing() from None
    data = save({name: np.array(each, order="C") for name, each in tensors.items()}, metadata or None)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with open(temporary, "xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ArtefactError(f"{path}: the file cannot be written: {error.strerror or error}") from None


def _read(path: Path) -> tuple[dict[str, NDArray[Any]], str | None]:
    """Return a file's tensors, and the record of a checkpoint."""
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError:
        raise _missing() from None
    try:
        if path.is_dir():
            _refuse(path, "this is a folder, not a file")
        if path.stat().st_size > _MAX_BYTES:
            _refuse(path, f"the file is larger than {_MAX_BYTES:,} bytes")
        with safe_open(path, framework="numpy") as file:
            names: list[str] = list(file.keys())
            if len(names) > _MAX_TENSORS:
                _refuse(path, f"the file holds more than {_MAX_TENSORS:,} arrays")
            for name in names:
                dtype = file.get_slice(name).get_dtype()
                if dtype not in _DTYPES:
                    _refuse(path, f"{name:.60} is of the dtype {dtype}; parameters are F64 or F32")
            metadata = cast("dict[str, str]", file.metadata() or {})
            return {name: np.array(file.get_tensor(name)) for name in names}, metadata.get("diffc")
    except OSError as error:
        _refuse(path, f"the file cannot be read: {error.strerror or error}")
    except SafetensorError as error:
        _refuse(path, f"this is no sound safetensors file: {error}")


def _missing() -> DiffcError:
    return DiffcError("parameters are kept in safetensors files: pip install 'diffc[train]'")


def _checkpoint(path: Path, tensors: dict[str, NDArray[Any]], text: str) -> Checkpoint:
    record = _record(path, text)
    groups: dict[str, dict[str, NDArray[Any]]] = {"parameter": {}, "state": {}, "best": {}, "history": {}}
    for key, array in tensors.items():
        group, slash, name = key.partition("/")
        if not slash or group not in groups:
            _refuse(path, f"{key:.60} is no part of a checkpoint")
        groups[group][name] = array
    found = groups["parameter"]
    if sorted(record["parameters"]) != sorted(found):
        _refuse(path, "its parameters are not those that it names")
    if groups["best"] and {k: (v.shape, v.dtype) for k, v in groups["best"].items()} != {
        k: (v.shape, v.dtype) for k, v in found.items()
    }:
        _refuse(path, "its best parameters are not shaped like its parameters")
    history = from_columns(groups["history"], record["epoch"], record["metric"])
    if history is None:
        _refuse(path, "its history has not one number an epoch")
    try:
        settings = Settings.of(record["settings"])
    except DiffcError as error:
        _refuse(path, f"its settings: {error}")
    return Checkpoint(
        {name: found[name] for name in record["parameters"]},
        settings,
        groups["state"],
        {name: groups["best"][name] for name in record["parameters"]} if groups["best"] else {},
        record["best_epoch"],
        record["epoch"],
        record["steps"],
        history,
        record["model"],
    )


def _record(path: Path, text: str) -> dict[str, Any]:
    """Return the metadata's JSON after checking its fields."""
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        _refuse(path, "its metadata is no JSON")
    record = cast("dict[str, Any]", given if isinstance(given, dict) else {})
    if record.get("format") != _FORMAT:
        _refuse(path, f"it is no checkpoint of the format {_FORMAT}")
    counts = [record.get(key) for key in ("epoch", "steps", "best_epoch")]
    names: Any = record.get("parameters")
    sound = (
        set(record) == _FIELDS
        and all(isinstance(each, int) and not isinstance(each, bool) and each >= 0 for each in counts)
        and record["best_epoch"] <= record["epoch"]
        and isinstance(record["model"], str)
        and (record["metric"] is None or record["metric"] in METRICS)
        and isinstance(record["settings"], dict)
        and isinstance(names, list)
        and all(isinstance(each, str) for each in cast("list[Any]", names))
    )
    if not sound:
        _refuse(path, "its metadata is not what a checkpoint says")
    return record


def _refuse(path: Path, problem: str) -> NoReturn:
    raise ArtefactError(f"{path}: {problem}")
