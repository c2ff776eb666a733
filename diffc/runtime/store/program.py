"""A compiled program, and its one form as named files, which the cache and the artefact share.

The files are `manifest.json`, `kernel.o`, `constant_0.npy`..., and one text a stage. The manifest
carries the digest of every other file and of itself, the signature, and the machine that the object code was
made for.
Digests find damage, and they find it before anything is loaded; they prove nothing about who wrote
the files. Load only what you would also run: object code is code.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from diffc.abi.signature import Signature
from diffc.errors import ArtefactError
from diffc.ir.dtype import FORMATS
from diffc.ops.captured import Captured, read_captured

__all__ = [
    "ABI",
    "DTYPES",
    "MAX_MANIFEST",
    "CompiledProgram",
    "digest_of",
    "digest_of_fields",
    "from_files",
    "to_files",
]

ABI = 2
"""The version of the contract between object code and runtime; a change makes old files unusable."""

DTYPES: dict[str, np.dtype[Any]] = {name: np.dtype(each.numpy) for name, each in FORMATS.items()}
"""NumPy's dtype object of each dtype, as arrays carry it."""

_FORMAT = 3
_STAGE = re.compile(r"[a-z][a-z0-9_]{0,40}\Z")
_SUFFIX = {"source": ".py", "llvm": ".ll", "asm": ".s"}
_MANIFEST_FIELDS = {"format", "abi", "target", "signature", "stats", "constants", "stages", "files", "digest"}
MAX_MANIFEST = 64 << 20
"""The largest manifest in bytes."""

_MAX_CONSTANTS = 20_000


@dataclass(frozen=True, eq=False)
class CompiledProgram:
    """What a kernel is made from: the signature, object code, constants, stage texts and statistics.

    `captured` gives the arrays of `signature.captured` by name, which are read at each call, and the
    decisions that must hold then; None before they are known, as in the cache. `stages` maps a stage's name
    (`source`, `ir`, `llvm`...) to its text; `llvm` is the kernel's module without the call entry.
    `object_code` is empty before it is generated and where Numba source runs instead.
    """

    signature: Signature
    object_code: bytes
    constants: tuple[NDArray[Any], ...] = ()
    stages: Mapping[str, str] = field(default_factory=dict[str, str])
    stats: Mapping[str, Any] = field(default_factory=dict[str, Any])
    captured: Captured | None = None

    def captured_now(self) -> list[NDArray[Any]]:
        """Return the elements of the captured arrays as they are now, as the code reads them.

        Raises:
            OutdatedError: where an array is of another type, or what decided about the program has changed.
        """
        captured = self.captured
        if captured is None:
            return []
        for decision in captured.decisions:
            decision.check()
        return [read_captured(each.name, each.type, captured[each.name]) for each in self.signature.captured]

    def captured_from_constants(self) -> CompiledProgram:
        """Return a program that was read from files with its captured arrays behind its constants.

        Raises:
            ArtefactError: where they are not there, or of other types.
        """
        wanted = self.signature.captured
        count = len(self.constants) - len(wanted)
        found = dict(zip([each.name for each in wanted], self.constants[max(count, 0) :], strict=False))
        for each in wanted:
            array = found.get(each.name)
            if array is None or (DTYPES[each.type.dtype], each.type.shape) != (array.dtype, array.shape):
                raise ArtefactError(f"the captured array {each.name[:80]!r} is not what the signature says")
        return replace(self, constants=self.constants[:count], captured=Captured(found))


def digest_of(data: bytes) -> str:
    """Return the digest of a file's content, in hexadecimal."""
    return blake2b(data, digest_size=32).hexdigest()


def digest_of_fields(fields: Mapping[str, Any]) -> str:
    """Return the digest of what a manifest or an index says, however it is laid out."""
    return digest_of(json.dumps(dict(fields), sort_keys=True).encode())


def file_of_stage(name: str) -> str:
    """Return the name of the file that holds a stage's text; raise `ArtefactError` for an odd name."""
    if not _STAGE.match(name):
        raise ArtefactError(f"a stage's name is lower-case letters, digits and '_': got {name[:80]!r}")
    return name + _SUFFIX.get(name, ".txt")


def to_files(program: CompiledProgram) -> dict[str, bytes]:
    """Return the program as file names and contents; `from_files` is the inverse.

    Captured arrays are written behind the constants, with the elements that they have now.
    """
    from diffc.runtime.code.machine import host

    files = {"kernel.o": program.object_code}
    constants = (*program.constants, *program.captured_now())
    for position, constant in enumerate(constants):
        buffer = io.BytesIO()
        np.save(buffer, constant, allow_pickle=False)
        files[f"constant_{position}.npy"] = buffer.getvalue()
    for name, text in program.stages.items():
        files[file_of_stage(name)] = text.encode("utf-8", "surrogatepass")
    machine = host()
    manifest = {
        "format": _FORMAT,
        "abi": ABI,
        "target": {"triple": machine.triple, "cpu": machine.cpu, "features": sorted(machine.features)},
        "signature": program.signature.to_json(),
        "stats": dict(program.stats),
        "constants": len(constants),
        "stages": list(program.stages),
        "files": {name: [len(data), digest_of(data)] for name, data in sorted(files.items())},
    }
    fields: dict[str, Any] = json.loads(json.dumps(manifest, default=str))  # as they are when they are read
    fields["digest"] = digest_of_fields(fields)
    text = json.dumps(fields, indent=1)
    return {"manifest.json": text.encode(), **files}


def from_files(files: Mapping[str, bytes]) -> CompiledProgram:
    """Return the program that `to_files` wrote, after every check; raise `ArtefactError` otherwise."""
    manifest = read_manifest(files.get("manifest.json", b""))
    for name, (size, digest) in manifest["files"].items():
        data = files.get(name)
        if data is None:
            raise ArtefactError(f"{name} is missing")
        if len(data) != size or digest_of(data) != digest:
            raise ArtefactError(f"{name} is damaged: its content is not what the manifest says")
    constants = tuple(
        _constant(files[f"constant_{position}.npy"], position) for position in range(manifest["constants"])
    )
    try:
        stages = {name: files[file_of_stage(name)].decode() for name in manifest["stages"]}
    except UnicodeDecodeError as error:
        raise ArtefactError(f"a stage's text is not UTF-8: {error}") from None
    signature = Signature.from_json(manifest["signature"])
    return CompiledProgram(signature, files["kernel.o"], constants, stages, manifest["stats"])


def read_manifest(data: bytes) -> dict[str, Any]:
    """Return the manifest, checked in full but for the signature; raise `ArtefactError` otherwise."""
    if len(data) > MAX_MANIFEST:
        raise ArtefactError("manifest.json is too large")
    try:
        manifest = json.loads(data)
    except (ValueError, RecursionError):
        raise ArtefactError("manifest.json is missing or damaged: it is not valid JSON") from None
    if not isinstance(manifest, dict):
        raise ArtefactError("manifest.json is not an object")
    fields = cast(dict[str, Any], manifest)
    if fields.get("format") != _FORMAT or fields.get("abi") != ABI:
        raise ArtefactError(
            f"made by another version of diffc: format {fields.get('format')!r}, ABI {fields.get('abi')!r}; "
            f"this version reads format {_FORMAT}, ABI {ABI}. Build it again"
        )
    if set(fields) != _MANIFEST_FIELDS or not isinstance(fields["stats"], dict):
        raise ArtefactError(
            f"manifest.json must have exactly the fields {', '.join(sorted(_MANIFEST_FIELDS))}"
        )
    count, stages = fields["constants"], fields["stages"]
    if type(count) is not int or not 0 <= count <= _MAX_CONSTANTS:
        raise ArtefactError("the manifest's number of constants is not valid")
    if not isinstance(stages, list) or not all(isinstance(name, str) for name in cast(list[object], stages)):
        raise ArtefactError("the manifest's stages must be a list of names")
    # The names follow from the fields, so that no path in a hostile manifest is ever opened.
    expected = {"kernel.o", *(f"constant_{position}.npy" for position in range(count))}
    expected.update(file_of_stage(name) for name in cast(list[str], stages))
    files = fields["files"]
    if not isinstance(files, dict) or set(cast(dict[str, object], files)) != expected:
        raise ArtefactError("the manifest's list of files does not fit its constants and stages")
    for entry in cast(dict[str, object], files).values():
        if not isinstance(entry, list) or [type(item) for item in cast(list[object], entry)] != [int, str]:
            raise ArtefactError("the manifest's files must map to a size and a digest")
    _check_target(fields["target"])
    if fields.pop("digest") != digest_of_fields(fields):
        raise ArtefactError("manifest.json is damaged: its content is not what its digest says")
    return fields


def _check_target(target: object) -> None:
    """Raise `ArtefactError` where this machine cannot run code made for `target`."""
    from diffc.runtime.code.machine import host

    fields = cast(dict[str, Any], target) if isinstance(target, dict) else {}
    features = fields.get("features")
    if set(fields) != {"triple", "cpu", "features"} or not isinstance(features, list):
        raise ArtefactError("the manifest's target must have a triple, a cpu and features")
    if not all(isinstance(feature, str) for feature in cast(list[object], features)):
        raise ArtefactError("the manifest's features must be texts")
    machine = host()
    if fields["triple"] != machine.triple:
        raise ArtefactError(
            f"made for the platform {str(fields['triple'])[:80]}; this one is {machine.triple}. "
            "Build it again here"
        )
    missing = sorted(set(cast(list[str], features)) - machine.features)
    if missing:
        shown = ", ".join(missing[:8]) + (f" and {len(missing) - 8} more" if len(missing) > 8 else "")
        raise ArtefactError(
            f"made for a CPU ({str(fields['cpu'])[:40]}) with features that this one ({machine.cpu}) lacks: "
            f"{shown[:300]}. Build it again here"
        )


def _constant(data: bytes, position: int) -> NDArray[Any]:
    try:
        array = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, OSError, EOFError, SyntaxError) as error:
        raise ArtefactError(f"constant_{position}.npy cannot be read: {error}") from None
    if not isinstance(array, np.ndarray) or array.dtype not in DTYPES.values():
        raise ArtefactError(f"constant_{position}.npy is not an array of a supported dtype")
    fixed = np.require(array, requirements=["C", "A"])
    fixed.flags.writeable = False
    return fixed
