"""The cache of compiled programs: one file an entry, named by a digest of all that decides its content.

The folder is `$DIFFC_CACHE_DIR`, else `$XDG_CACHE_HOME/diffc`, else `~/.cache/diffc`. It must belong to this
user and be writable by no other, and so must each entry: one that somebody left there while others could
write is not used. Where the folder does not serve, programs are compiled without a cache; one warning says
so. An entry is checked as a whole before any of it is used, and a damaged one counts as a miss.
The digest in an entry finds damage, and another program's entry under this key, not forgery: what protects
the cache is that nobody else may write there.
Entries are written beside and moved into place, so that any number of processes may compile at once.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import struct
import time
import warnings
from collections.abc import Mapping
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

from diffc.errors import ArtefactError
from diffc.runtime.store.program import ABI, CompiledProgram, from_files, to_files

__all__ = ["Cache", "default_folder", "key_of"]

_MAGIC = b"diffc\x00\x02\n"
_DIGEST = 32
_SUFFIX = ".kernel"
_LIMIT = 1 << 30
_LARGEST = 1 << 28  # bytes of an entry; of more nothing is read or stored
_SCANS = ("00", "40", "80", "c0")
"""A put looks for what is to go where its key ends so, as one in 64 does: to look takes 4 us an entry."""
_STALE = 3600.0  # seconds after which a temporary file is what a killed process left
_warned: set[tuple[str, str]] = set()


def default_folder() -> Path:
    """Return the folder that the environment chooses."""
    chosen = os.environ.get("DIFFC_CACHE_DIR")
    if chosen:
        return Path(os.path.expanduser(chosen))
    base = os.environ.get("XDG_CACHE_HOME")
    if base and os.path.isabs(base):  # the XDG rules say that a relative path there is to be ignored
        return Path(base) / "diffc"
    home = os.path.expanduser("~")
    # Without a home there is no place of the user's own: a path that cannot be used turns the cache off.
    return Path(home if os.path.isabs(home) else os.devnull) / ".cache" / "diffc"


def key_of(graph_digest: bytes, options: Mapping[str, Any]) -> str:
    """Return the key of a compilation: the graph, the options, diffc itself, LLVM and the CPU.

    diffc is represented by the state of its own source files: a changed compiler never meets old code.
    """
    from diffc.runtime.code.machine import host

    machine = host()
    parts = [
        graph_digest.hex(),
        json.dumps(dict(options), sort_keys=True, default=str),
        _fingerprint(),
        machine.llvm,
        machine.triple,
        machine.cpu,
        ",".join(sorted(machine.features)),
        str(ABI),
    ]
    return blake2b("\0".join(parts).encode(), digest_size=20).hexdigest()


class Cache:
    """A folder of compiled programs. Every method may be called from any thread and process at once."""

    def __init__(self, folder: str | os.PathLike[str] | None = None, limit: int = _LIMIT) -> None:
        """Use `folder` (by default the environment's), and keep at most `limit` bytes in it."""
        self.folder = Path(folder) if folder is not None else default_folder()
        self.limit = limit

    def get(self, key: str) -> CompiledProgram | None:
        """Return the program of this key, or None if there is no sound one."""
        path = self._path(key)
        try:
            if not self._is_private():
                return None
        except FileNotFoundError:
            return None
        except OSError as error:
            self._warn(f"cannot be read ({error.strerror or error})")
            return None
        try:
            data = _read(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            self._warn_of_entry(path, error.strerror or str(error))
            return None
        try:
            program = from_files(_unpack(key, data))
        except ArtefactError:
            return None  # compiled again and replaced
        with contextlib.suppress(OSError):  # a folder that is only read serves as well
            os.utime(path)  # the entries used last are kept longest
        return program

    def put(self, key: str, program: CompiledProgram) -> None:
        """Store the program; where that is not possible, warn once and go on."""
        path = self._path(key)
        temporary = path.with_name(f".{key}.{os.getpid()}.{os.urandom(4).hex()}.tmp")
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self._is_private():
                return
            data = _pack(key, to_files(program))
            if len(data) > _LARGEST:
                return
            try:
                with open(temporary, "xb", opener=_private) as file:
                    file.write(data)
                os.replace(temporary, path)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
            if key.endswith(_SCANS) or len(data) > self.limit >> 8:
                self._evict()
        except OSError as error:
            self._warn(f"cannot be written ({error.strerror or error})")

    def _path(self, key: str) -> Path:
        if not key.isalnum() or not key.isascii():
            raise ValueError(f"a cache key is letters and digits, got {key!r}")
        return self.folder / (key + _SUFFIX)

    def _is_private(self) -> bool:
        """Return whether the folder is this user's alone; warn once where it is not."""
        state = os.stat(self.folder)
        if not stat.S_ISDIR(state.st_mode):
            self._warn("is not a folder")
            return False
        if hasattr(os, "getuid") and state.st_uid != os.getuid():
            self._warn("belongs to another user")
            return False
        if os.name == "posix" and state.st_mode & 0o022:
            self._warn("can be written by other users: empty it, as what they left is code, and chmod 700")
            return False
        return True

    def _warn(self, reason: str) -> None:
        message = (
            f"diffc compiles without a cache: {self.folder} {reason}. DIFFC_CACHE_DIR chooses another folder"
        )
        self._warn_once("", message)

    def _warn_of_entry(self, path: Path, reason: str) -> None:
        message = (
            f"diffc does not use one entry of its cache, {path}: {reason}. The program is compiled anew; "
            "where others could write to the folder, empty it"
        )
        self._warn_once("entry", message)

    def _warn_once(self, kind: str, message: str) -> None:
        if (kind, str(self.folder)) not in _warned:
            _warned.add((kind, str(self.folder)))
            warnings.warn(message, RuntimeWarning, stacklevel=5)

    def _evict(self) -> None:
        """Remove the entries used longest ago until nine tenths of the limit hold the rest."""
        entries: list[tuple[float, int, str]] = []
        now = time.time()
        with os.scandir(self.folder) as found:
            for item in found:
                try:
                    state = item.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue  # another process removed it
                if item.name.endswith(_SUFFIX):
                    entries.append((state.st_mtime, state.st_size, item.path))
                elif item.name.endswith(".tmp") and now - state.st_mtime > _STALE:
                    Path(item.path).unlink(missing_ok=True)
        total = sum(size for _, size, _ in entries)
        if total <= self.limit:
            return
        for _, size, path in sorted(entries):
            if total <= self.limit * 9 // 10:
                break
            Path(path).unlink(missing_ok=True)
            total -= size


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _read(path: Path) -> bytes:
    """Return the content of a file that this user alone can have written; raise `OSError` otherwise.

    What is checked is the open file itself, which nobody can put another one in the place of.
    """
    flags = (
        "O_BINARY",
        "O_NOFOLLOW",
        "O_CLOEXEC",
        "O_NONBLOCK",
    )  # to open a pipe would wait for who writes to it
    descriptor = os.open(path, sum((getattr(os, each, 0) for each in flags), start=os.O_RDONLY))
    with open(descriptor, "rb") as file:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            raise OSError("it is no file")
        if hasattr(os, "getuid") and state.st_uid != os.getuid():
            raise OSError("it belongs to another user")
        if os.name == "posix" and state.st_mode & 0o022:
            raise OSError("it can be written by other users")
        if state.st_size > _LARGEST:
            raise OSError(f"it has {state.st_size >> 20:,} MB")
        return file.read(state.st_size)


def _pack(key: str, files: Mapping[str, bytes]) -> bytes:
    """Return one blob: magic, digest of the key and the rest, length of the index, index, contents."""
    index = json.dumps([[name, len(data)] for name, data in files.items()]).encode()
    body = b"".join([struct.pack("<Q", len(index)), index, *files.values()])
    return _MAGIC + _digest(key, body) + body


def _digest(key: str, body: bytes | memoryview) -> bytes:
    digest = blake2b(f"{key}\n".encode(), digest_size=_DIGEST)
    digest.update(body)
    return digest.digest()


def _unpack(key: str, blob: bytes) -> dict[str, bytes]:
    """Return the files of a blob; raise `ArtefactError` unless it is whole, and was packed for this key."""
    start = len(_MAGIC) + _DIGEST
    body = memoryview(blob)[start:]
    if blob[: len(_MAGIC)] != _MAGIC or _digest(key, body) != blob[len(_MAGIC) : start]:
        raise ArtefactError("the cache entry is damaged")
    try:
        (length,) = struct.unpack_from("<Q", body)
        index = json.loads(bytes(body[8 : 8 + length]))
        files: dict[str, bytes] = {}
        position = 8 + length
        for name, size in index:
            files[name] = bytes(body[position : position + size])
            position += size
    except (ValueError, TypeError, struct.error, RecursionError):
        raise ArtefactError("the cache entry is not what diffc writes") from None
    return files


@cache
def _fingerprint() -> str:
    """Return a digest of the names, sizes and times of diffc's own source files."""
    root = Path(__file__).parent.parent
    digest = blake2b(digest_size=16)
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(names):
            if name.endswith((".py", ".toml")):
                state = os.stat(os.path.join(folder, name))
                digest.update(
                    f"{folder[len(str(root)) :]}/{name} {state.st_size} {state.st_mtime_ns}\n".encode()
                )
    return digest.hexdigest()
