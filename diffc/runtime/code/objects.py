"""Object files for x86-64, placed into memory: sections laid out, symbols resolved, relocations applied.

LLVM's own loader maps three new regions for each object, of which a process may have some 65,000, and ends
the process when there are no more. What is known here is what LLVM emits for kernels; `read_object` returns
None for anything else, which is then left to LLVM.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diffc.errors import ArtefactError

__all__ = ["ObjectFile", "read_object"]

_HEADER = np.dtype(
    [("magic", "S4"), ("class", "u1"), ("order", "u1"), ("rest", "V10"), ("type", "<u2"), ("machine", "<u2"),
     ("version", "<u4"), ("entry", "<u8"), ("segments", "<u8"), ("sections", "<u8"), ("flags", "<u4"),
     ("size", "<u2"), ("segment_size", "<u2"), ("segment_count", "<u2"), ("section_size", "<u2"),
     ("section_count", "<u2"), ("names", "<u2")]
)  # fmt: skip
_SECTION = np.dtype(
    [("name", "<u4"), ("type", "<u4"), ("flags", "<u8"), ("address", "<u8"), ("offset", "<u8"),
     ("size", "<u8"), ("link", "<u4"), ("info", "<u4"), ("align", "<u8"), ("entry", "<u8")]
)  # fmt: skip
_SYMBOL = np.dtype(
    [("name", "<u4"), ("info", "u1"), ("other", "u1"), ("section", "<u2"), ("value", "<u8"), ("size", "<u8")]
)
_RELOCATION = np.dtype([("offset", "<u8"), ("kind", "<u4"), ("symbol", "<u4"), ("addend", "<i8")])

_SYMBOLS, _RELOCATIONS, _ZEROS = 2, 4, 8  # types of sections
_WRITTEN, _ALLOCATED, _TLS = 1, 2, 0x400  # flags of sections
_ABSOLUTE, _SPECIAL = 0xFFF1, 0xFF00  # a symbol's section
_ABS64, _GOTPC64, _GOTOFF64, _GOT64, _PC64, _PLTOFF64 = 1, 29, 25, 27, 24, 31
_KNOWN = (_ABS64, _GOTPC64, _GOTOFF64, _GOT64, _PC64, _PLTOFF64)
"""The kinds of relocations of the large code model: each is one of 64 bits, and reaches anywhere."""

_MAX_SIZE = 1 << 31
_LINE = 64


@dataclass(frozen=True, eq=False)
class ObjectFile:
    """An object file, its sections laid out in two images: what is executed or read, and what is written.

    Attributes:
        size: the bytes of the first image.
        written_size: the bytes of the second one, which begins with zeros and sections' contents.
        undefined: the names that are to be resolved.
    """

    size: int
    written_size: int
    undefined: tuple[str, ...]
    _data: bytes
    _sections: NDArray[Any]
    _places: NDArray[np.int64]
    _symbols: NDArray[Any]
    _names: tuple[str, ...]
    _slots: NDArray[np.int64]
    _table: int

    def symbols(self, address: int, written: int) -> dict[str, int]:
        """Return where the object's own global symbols are, with its images at these addresses."""
        values = self._values(address, written, dict.fromkeys(self.undefined, 0))
        is_ours = (self._symbols["section"] != 0) & (self._symbols["info"] >> 4 != 0)
        return {self._names[k]: int(values[k]) for k in np.flatnonzero(is_ours)}

    def images(
        self, address: int, written: int, resolved: dict[str, int]
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return the contents of the images for these addresses; raise as `read_object` does."""
        try:
            return self._images(address, written, resolved)
        except (ValueError, IndexError, OverflowError) as error:
            raise ArtefactError(f"the object code is not a valid object file: {error}") from None

    def _images(
        self, address: int, written: int, resolved: dict[str, int]
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        images = np.zeros(self.size, np.uint8), np.zeros(self.written_size, np.uint8)
        for k in np.flatnonzero(self._sections["flags"] & _ALLOCATED):
            each = self._sections[k]
            if each["type"] != _ZEROS:
                start, size = int(each["offset"]), int(each["size"])
                image = images[int(each["flags"]) & _WRITTEN]
                image[self._places[k] : self._places[k] + size] = np.frombuffer(
                    self._data, np.uint8, size, start
                )
        values = self._values(address, written, resolved)
        slots = np.flatnonzero(self._slots >= 0)
        images[0][self._table :].view("<i8")[self._slots[slots]] = values[slots]
        for k in np.flatnonzero(self._sections["type"] == _RELOCATIONS):
            target = int(self._sections[k]["info"])
            if self._sections[target]["flags"] & _ALLOCATED:
                is_written = int(self._sections[target]["flags"]) & _WRITTEN
                start = int(self._places[target]) + (written if is_written else address)
                image = images[is_written]
                part = image[
                    self._places[target] : self._places[target] + int(self._sections[target]["size"])
                ]
                self._relocate(
                    part, start, address + self._table, _table(self._data, self._sections[k]), values
                )
        return images

    def _values(self, address: int, written: int, resolved: dict[str, int]) -> NDArray[np.int64]:
        """Return the address of each symbol."""
        bases = self._places + np.where(self._sections["flags"] & _WRITTEN, written, address)
        section = self._symbols["section"]
        inside = (section > 0) & (section < _SPECIAL)
        values = self._symbols["value"].astype(np.int64) + np.where(
            inside, bases[np.where(inside, section, 0)], 0
        )
        for k in np.flatnonzero(section == 0):
            name = self._names[k]
            values[k] = address + self._table if name == "_GLOBAL_OFFSET_TABLE_" else resolved.get(name, 0)
        return values

    def _relocate(
        self,
        part: NDArray[np.uint8],
        start: int,
        table: int,
        relocations: NDArray[Any],
        symbols: NDArray[np.int64],
    ) -> None:
        """Write what the relocations of a section say into its image, which lies at `start`."""
        places = relocations["offset"].astype(np.int64)
        kinds, owners = relocations["kind"], relocations["symbol"]
        values = symbols[owners] + relocations["addend"]
        relative = kinds == _PC64
        values[relative] -= start + places[relative]
        values[np.isin(kinds, (_GOTOFF64, _PLTOFF64))] -= table
        slot = kinds == _GOT64
        values[slot] = 8 * self._slots[owners[slot]] + relocations["addend"][slot]
        base = kinds == _GOTPC64
        values[base] = table + relocations["addend"][base] - start - places[base]
        if np.any((places < 0) | (places + 8 > part.size)):
            raise ValueError("it relocates what is not there")
        part[places[:, None] + np.arange(8)] = values[:, None] >> (8 * np.arange(8)) & 0xFF


def read_object(data: bytes) -> ObjectFile | None:
    """Return an object file laid out; None for another format than is known here.

    Raises:
        ArtefactError: where it is cut or does not fit together.
    """
    if len(data) < _HEADER.itemsize:
        return None
    header = np.frombuffer(data, _HEADER, 1)[0]
    if (header["magic"], header["class"], header["order"], header["type"]) != (b"\x7fELF", 2, 1, 1):
        return None
    if header["machine"] != 62 or header["section_size"] != _SECTION.itemsize:
        return None
    try:
        return _read(data, header)
    except (ValueError, IndexError, OverflowError, UnicodeDecodeError) as error:
        raise ArtefactError(f"the object code is not a valid object file: {error}") from None


def _read(data: bytes, header: Any) -> ObjectFile | None:
    sections = np.frombuffer(data, _SECTION, int(header["section_count"]), int(header["sections"]))
    tables = np.flatnonzero(sections["type"] == _SYMBOLS)
    if len(tables) != 1 or np.any(sections["flags"] & _TLS):
        return None
    symbols = _table(data, sections[tables[0]], _SYMBOL)
    strings = sections[sections[tables[0]]["link"]]
    text = data[int(strings["offset"]) : int(strings["offset"]) + int(strings["size"])]
    names = tuple(text[start : text.index(b"\0", start)].decode() for start in symbols["name"].tolist())
    owners = symbols["section"]
    if np.any((owners >= _SPECIAL) & (owners < _ABSOLUTE)) or np.any(owners > _ABSOLUTE):
        # The last one is what belongs to no section because it is common: nothing of ours is.
        return None
    if np.any((owners < _SPECIAL) & (owners >= len(sections))):
        raise ValueError("a symbol is in no section")
    slots = np.full(len(symbols), -1, np.int64)
    for each in sections[sections["type"] == _RELOCATIONS]:
        relocations = _table(data, each)
        if not np.all(np.isin(relocations["kind"], _KNOWN)):
            return None
        used = np.unique(relocations["symbol"][relocations["kind"] == _GOT64])
        slots[used] = np.arange(len(used)) + slots.max(initial=-1) + 1
    places, ends = np.zeros(len(sections), np.int64), [0, 0]
    for k in np.flatnonzero(sections["flags"] & _ALLOCATED):
        align = max(int(sections[k]["align"]), 1)
        if align > _LINE or int(sections[k]["size"]) > _MAX_SIZE:
            return None
        which = int(sections[k]["flags"]) & _WRITTEN
        places[k] = -(-ends[which] // align) * align
        ends[which] = int(places[k]) + int(sections[k]["size"])
    table = -(-ends[0] // _LINE) * _LINE
    size = table + 8 * int(slots.max(initial=-1) + 1)
    undefined = [names[k] for k in np.flatnonzero(owners == 0) if names[k]]
    return ObjectFile(
        -(-size // 8) * 8,
        ends[1],
        tuple(name for name in undefined if name != "_GLOBAL_OFFSET_TABLE_"),
        data,
        sections,
        places,
        symbols,
        names,
        slots,
        table,
    )


def _table(data: bytes, section: Any, dtype: np.dtype[Any] = _RELOCATION) -> NDArray[Any]:
    """Return a section's entries."""
    return np.frombuffer(data, dtype, int(section["size"]) // dtype.itemsize, int(section["offset"]))
