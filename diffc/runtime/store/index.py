"""The index of a built model, `model.json`: its kernels by name, each with its folder and a digest.

The digest is that of the kernel's manifest, which in turn gives the digests of its files. An index may be
hostile: `read_index` believes nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from diffc.errors import ArtefactError
from diffc.runtime.store.program import digest_of_fields

__all__ = ["MAX_INDEX", "Entry", "Index", "folder_names", "read_index", "write_index"]

MAX_INDEX = 16 << 20
"""The largest index in bytes."""

_FORMAT = "diffc model 1"
_MAX_KERNELS = 10_000
_MAX_NAME = 1_000
_FIELDS = {"format", "name", "main", "math", "versions", "kernels", "digest"}
_FOLDER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}\Z")
_HEX = re.compile(r"[0-9a-f]{64}\Z")
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])\Z", re.IGNORECASE)


@dataclass(frozen=True)
class Entry:
    """One kernel of an index: its name, its folder, and the digest of its manifest."""

    name: str
    folder: str
    digest: str


@dataclass(frozen=True)
class Index:
    """What `model.json` says. `versions` is for people, not checked: each kernel's manifest has its own."""

    name: str
    main: str
    math: str
    kernels: tuple[Entry, ...]
    versions: Mapping[str, str]


def folder_names(names: list[str]) -> list[str]:
    """Return a folder for each kernel: its name where every file system takes it, `kernel_<k>` otherwise."""
    taken = {name.lower() for name in names if re.match(r"kernel_[0-9]+\Z", name.lower())}
    folders: list[str] = []
    for k, name in enumerate(names):
        plain = (
            _FOLDER.match(name)
            and not _DEVICES.match(name)
            and name.lower() not in {each.lower() for each in folders}
        )
        folder = name if plain else f"kernel_{k}"
        while not plain and folder in taken:
            folder += "_"
        folders.append(folder)
    return folders


def write_index(index: Index) -> bytes:
    """Return the text of `model.json`; `read_index` is the inverse."""
    fields: dict[str, Any] = {
        "format": _FORMAT,
        "name": index.name,
        "main": index.main,
        "math": index.math,
        "versions": dict(index.versions),
        "kernels": [[each.name, each.folder, each.digest] for each in index.kernels],
    }
    fields["digest"] = digest_of_fields(fields)
    return (json.dumps(fields, indent=1) + "\n").encode()


def read_index(data: bytes) -> Index:
    """Return what a `model.json` says, checked in full; raise `ArtefactError` otherwise."""
    if len(data) > MAX_INDEX:
        raise ArtefactError("model.json is too large")
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise ArtefactError("model.json is damaged: it is not valid JSON") from None
    fields = cast(dict[str, Any], value) if isinstance(value, dict) else {}
    if fields.get("format") != _FORMAT:
        raise ArtefactError(
            f"model.json is not what this version of diffc writes: its format is not {_FORMAT!r}"
        )
    if set(fields) != _FIELDS:
        raise ArtefactError(f"model.json must have exactly the fields {', '.join(sorted(_FIELDS))}")
    kernels = _entries(fields["kernels"])
    name, main = _text(fields["name"], "name"), _text(fields["main"], "main")
    if main not in [each.name for each in kernels]:
        raise ArtefactError(f"model.json: there is no kernel {main[:80]!r}")
    if fields["math"] not in ("precise", "fast"):
        raise ArtefactError("model.json: math must be 'precise' or 'fast'")
    versions = fields["versions"]
    if not isinstance(versions, dict) or not all(
        isinstance(each, str) for each in cast(dict[str, object], versions).values()
    ):
        raise ArtefactError("model.json: versions must be texts")
    if fields.pop("digest") != digest_of_fields(fields):
        raise ArtefactError("model.json is damaged: its content is not what its digest says")
    return Index(name, main, fields["math"], kernels, cast(dict[str, str], versions))


def _entries(value: object) -> tuple[Entry, ...]:
    if not isinstance(value, list) or not 0 < len(cast(list[object], value)) <= _MAX_KERNELS:
        raise ArtefactError(f"model.json must list 1 to {_MAX_KERNELS:,} kernels")
    entries = tuple(_entry(item) for item in cast(list[object], value))
    if len({each.name for each in entries}) < len(entries):
        raise ArtefactError("model.json: two kernels have one name")
    if len({each.folder.lower() for each in entries}) < len(entries):
        raise ArtefactError("model.json: two kernels have one folder")
    return entries


def _entry(item: object) -> Entry:
    if not isinstance(item, list) or len(cast(list[object], item)) != 3:
        raise ArtefactError("model.json: a kernel is a name, a folder and a digest")
    name, folder, digest = (_text(each, "kernels") for each in cast(list[object], item))
    if not name.isidentifier():
        raise ArtefactError(f"model.json: {name[:80]!r} is not an identifier")
    # A folder's name has no path parts, so that nothing outside the model's folder is ever opened.
    if not _FOLDER.match(folder):
        raise ArtefactError(f"model.json: {folder[:80]!r} is not a plain folder name")
    if not _HEX.match(digest):
        raise ArtefactError(f"model.json: the digest of {name[:80]!r} is not valid")
    return Entry(name, folder, digest)


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_NAME or "\0" in value:
        raise ArtefactError(f"model.json: {where} must be a text of 1 to {_MAX_NAME} characters")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ArtefactError(f"model.json: {where} is not valid Unicode") from None
    return value
