"""Loading what was built ahead of time: a kernel, or a model's kernels by name. Nothing is compiled.

Every digest, the ABI, the platform and the CPU's features are checked first, and no file is read of which
more is there than its manifest says. A digest shows that nothing is damaged, not who made it: load a folder
only from where you would also run a program.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from diffc.errors import ArtefactError, DiffcError
from diffc.runtime.calls.kernel import Kernel
from diffc.runtime.store.artefact import INDEX, MANIFEST
from diffc.runtime.store.index import MAX_INDEX, read_index
from diffc.runtime.store.program import MAX_MANIFEST, digest_of, from_files, read_manifest

__all__ = ["BuiltModel", "UnknownKernel", "load"]


class UnknownKernel(DiffcError, KeyError):
    """A model has no kernel or function of this name."""

    def __str__(self) -> str:
        return str(self.args[0])


class BuiltModel(Mapping[str, Kernel]):
    """The kernels of a built model, by name: `m["gradient"]`, or `m.gradient`, attributes coming first.

    `main` names the kernel of the model's values, `name` is the model's, `path` the folder.
    """

    def __init__(
        self, name: str, kernels: Mapping[str, Kernel], main: str, path: Path, math: str = "precise"
    ) -> None:
        """Hold the kernels."""
        self.name = name
        self.main = main
        self.math = math
        self.path = path
        self._kernels = dict(kernels)

    def __getitem__(self, name: str) -> Kernel:
        if name not in self._kernels:
            raise UnknownKernel(f"{self.name} has no kernel {name!r}; it has {', '.join(self._kernels)}")
        return self._kernels[name]

    def __getattr__(self, name: str) -> Kernel:
        kernels = self.__dict__.get("_kernels", {})
        if name not in kernels:
            raise AttributeError(f"the built model has no kernel {name!r}; it has {', '.join(kernels)}")
        return kernels[name]

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._kernels})

    def __iter__(self) -> Iterator[str]:
        return iter(self._kernels)

    def __len__(self) -> int:
        return len(self._kernels)

    def __repr__(self) -> str:
        return f"<BuiltModel {self.name}: {', '.join(self._kernels)}>"


def load(folder: str | os.PathLike[str]) -> Kernel | BuiltModel:
    """Return what is built in `folder`: a `Kernel`, or for a model a `BuiltModel`.

    Nothing is compiled. Raises `ArtefactError` if it is damaged, foreign, or no build.
    """
    source = Path(folder)
    try:
        if source.is_file():
            raise ArtefactError("it is a file; what `diffc build` or `save` writes is a folder")
        return _load_model(source) if (source / INDEX).exists() else _load_kernel(source)
    except ArtefactError as error:
        raise ArtefactError(f"{source}: {error}") from None
    except (ValueError, OSError) as error:  # a path that no system takes
        raise ArtefactError(f"{str(source)[:200]!r}: {getattr(error, 'strerror', None) or error}") from None


def _load_kernel(source: Path, digest: str | None = None) -> Kernel:
    manifest = _read(source / MANIFEST, source, MAX_MANIFEST)
    if digest is not None and digest_of(manifest) != digest:
        raise ArtefactError(f"{MANIFEST} is damaged: its content is not what {INDEX} says")
    listed: dict[str, Any] = read_manifest(manifest)["files"]
    files = {name: _read(source / name, source, size) for name, (size, _) in listed.items()}
    return Kernel(from_files({MANIFEST: manifest, **files}).captured_from_constants())


def _load_model(source: Path) -> BuiltModel:
    index = read_index(_read(source / INDEX, source, MAX_INDEX))
    kernels: dict[str, Kernel] = {}
    for each in index.kernels:
        try:
            kernels[each.name] = _load_kernel(source / each.folder, each.digest)
        except ArtefactError as error:
            raise ArtefactError(f"{each.folder}: {error}") from None
    return BuiltModel(index.name, kernels, index.main, source, index.math)


def _read(path: Path, folder: Path, most: int) -> bytes:
    """Return the content of a file that has no more bytes than `most`."""
    try:
        # To open a pipe would wait for who writes to it.
        with open(
            os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)), "rb"
        ) as file:
            state = os.fstat(file.fileno())
            if not stat.S_ISREG(state.st_mode):
                raise ArtefactError(f"{path.name} is not a file")
            if state.st_size > most:
                raise ArtefactError(f"{path.name} is damaged: it is larger than it may be")
            return file.read(most)
    except FileNotFoundError:
        if path.name != MANIFEST:
            raise ArtefactError(f"{path.name} is missing") from None
        reason = (
            "it has no manifest.json, so it is not a built kernel" if folder.is_dir() else "no such folder"
        )
        raise ArtefactError(reason) from None
    except OSError as error:
        raise ArtefactError(f"{path.name} cannot be read: {error.strerror or error}") from None
