"""Artefacts: kernels built ahead of time, as a folder that another process or machine loads.

A kernel's folder holds `manifest.json`, `kernel.o`, `source.py`, a text for each other stage, and the
constants. A model's holds `model.json` (see `index`) and a folder for each of its kernels. Here they are
written; `built` loads them.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from diffc.errors import ArtefactError
from diffc.runtime.store.index import Entry, Index, folder_names, write_index
from diffc.runtime.store.program import ABI, CompiledProgram, digest_of, to_files

__all__ = ["INDEX", "MANIFEST", "check_target", "save", "save_model"]

MANIFEST = "manifest.json"
INDEX = "model.json"


def save(program: CompiledProgram, folder: str | os.PathLike[str]) -> None:
    """Write the program into `folder`, all of it or nothing.

    The folder must not exist, be empty, or hold an artefact, which is replaced. Raises `ArtefactError`
    where it holds anything else, or cannot be written.
    """
    _install(Path(folder), to_files(program), "the kernel")


def save_model(
    folder: str | os.PathLike[str],
    name: str,
    programs: Mapping[str, CompiledProgram],
    main: str,
    version: str,
) -> None:
    """Write a model's programs and their index into `folder`, all of it or nothing; see `save`.

    Args:
        folder: where to.
        name: the model's.
        programs: the kernels' programs by name.
        main: the name of the kernel that gives the model's outputs.
        version: diffc's own, kept for the reader of the index.
    """
    files: dict[str, bytes] = {}
    entries: list[Entry] = []
    for (each, program), place in zip(programs.items(), folder_names(list(programs)), strict=True):
        parts = to_files(program)
        files.update({f"{place}/{part}": data for part, data in parts.items()})
        entries.append(Entry(each, place, digest_of(parts[MANIFEST])))
    math = programs[main].signature.math
    versions = {"diffc": version, "abi": str(ABI)}
    files[INDEX] = write_index(Index(name, main, math, tuple(entries), versions))
    _install(Path(folder), files, "the model")


def check_target(folder: str | os.PathLike[str]) -> None:
    """Raise `ArtefactError` if `folder` holds anything but an earlier build, which may be replaced."""
    try:
        _check_replaceable(Path(folder))
    except (OSError, ValueError) as error:
        raise ArtefactError(
            f"cannot write to {folder}: {getattr(error, 'strerror', None) or error}"
        ) from None


def _install(target: Path, files: Mapping[str, bytes], what: str) -> None:
    """Write the files into a folder beside the target and move it into place."""
    try:
        _check_replaceable(target)
        target = Path(os.path.abspath(target))
        beside = target.with_name(f".{target.name}.{os.getpid()}.{os.urandom(4).hex()}")
        temporary, old = beside.with_name(beside.name + ".new"), beside.with_name(beside.name + ".old")
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.mkdir()
            for name, data in files.items():
                (temporary / name).parent.mkdir(exist_ok=True)
                (temporary / name).write_bytes(data)
            if target.exists():
                os.replace(target, old)
            os.replace(temporary, target)
        except BaseException:
            if old.exists() and not target.exists():
                os.replace(old, target)
            raise
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
            shutil.rmtree(old, ignore_errors=True)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ArtefactError(f"cannot write {what} to {target}: {reason}") from None


def _check_replaceable(target: Path) -> None:
    if not target.exists() and not target.is_symlink():
        return
    if target.is_symlink() or not target.is_dir():
        raise ArtefactError(f"{target} exists and is not a folder")
    if Path.cwd().is_relative_to(target.resolve()):
        raise ArtefactError(f"{target} is the folder you work in; give a new folder")
    names = {each.name for each in target.iterdir()}
    if names and not names <= _written(target):
        raise ArtefactError(f"{target} holds other files; give a new folder")


def _written(target: Path) -> set[str]:
    """Return the names that diffc wrote into a folder, by the manifest or index there."""
    index, manifest = _json(target / INDEX), _json(target / MANIFEST)
    if str(index.get("format")).startswith("diffc model "):
        kernels = index.get("kernels")
        listed = cast(list[Any], kernels) if isinstance(kernels, list) else []
        return {INDEX, *(str(each[1]) for each in listed if isinstance(each, list) and len(each) == 3)}
    files = manifest.get("files")
    if isinstance(files, dict) and "abi" in manifest and "signature" in manifest:
        return {MANIFEST, *cast(dict[str, object], files)}
    return set()


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes()) if path.is_file() else {}
    except (OSError, ValueError, RecursionError):
        return {}
    return cast(dict[str, Any], value) if isinstance(value, dict) else {}
