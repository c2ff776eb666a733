"""Artefacts: a kernel built ahead of time, as a folder that another process or machine loads.

The folder holds `manifest.json`, `kernel.o`, `source.py`, a text for each other stage, and the constants.
Loading compiles nothing; it checks every digest, the ABI, the platform and the CPU's features first. A digest
shows that nothing is damaged, not who made it: load a folder only from where you would also run a program.
"""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

from diffc.errors import ArtefactError
from diffc.runtime.kernel import Kernel
from diffc.runtime.program import Program, from_files, read_manifest, to_files

__all__ = ["load", "save"]

_MANIFEST = "manifest.json"


def save(program: Program, folder: str | os.PathLike[str]) -> None:
    """Write the program into `folder`, all of it or nothing.

    The folder must not exist, be empty, or hold an artefact, which is replaced. Raises `ArtefactError`
    where it holds anything else, or cannot be written.
    """
    target = Path(folder)
    files = to_files(program)
    beside = target.with_name(f".{target.name}.{os.getpid()}.{os.urandom(4).hex()}")
    temporary, old = beside.with_name(beside.name + ".new"), beside.with_name(beside.name + ".old")
    try:
        _check_replaceable(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.mkdir()
            for name, data in files.items():
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
    except OSError as error:
        raise ArtefactError(f"cannot write the kernel to {target}: {error.strerror or error}") from None


def load(folder: str | os.PathLike[str]) -> Kernel:
    """Return the kernel in `folder`; raise `ArtefactError` if it is damaged or foreign."""
    source = Path(folder)
    try:
        manifest = _read(source / _MANIFEST, source)
        names = read_manifest(manifest)["files"]
        files = {_MANIFEST: manifest, **{name: _read(source / name, source) for name in names}}
        program = from_files(files)
        return Kernel(program)
    except ArtefactError as error:
        raise ArtefactError(f"{source}: {error}") from None


def _read(path: Path, folder: Path) -> bytes:
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise ArtefactError(f"{path.name} is not a file")
        return path.read_bytes()
    except FileNotFoundError:
        if path.name != _MANIFEST:
            raise ArtefactError(f"{path.name} is missing") from None
        reason = (
            "it has no manifest.json, so it is not a built kernel" if folder.is_dir() else "no such folder"
        )
        raise ArtefactError(reason) from None
    except OSError as error:
        raise ArtefactError(f"{path.name} cannot be read: {error.strerror or error}") from None


def _check_replaceable(target: Path) -> None:
    if not target.exists() and not target.is_symlink():
        return
    if target.is_symlink() or not target.is_dir():
        raise ArtefactError(f"{target} exists and is not a folder")
    if any(target.iterdir()) and not (target / _MANIFEST).is_file():
        raise ArtefactError(f"{target} holds other files; give a new folder")
