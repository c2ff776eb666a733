"""What one trace finds outside: a stand-in for each thing that a name leads to, and what the program assumes.

An array becomes a traced value, an input of the program. A number, a text or a flag stays what it is, and is
compared at each call. A function of the user's runs as a copy whose names lead to stand-ins; the user's own
globals and cells are never touched. A list, a tuple or a dict is copied with stand-ins in it, an object of a
user's class stands behind one that looks up attributes. Everything else is taken as it is, and must be the
same object at each call.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Set
from typing import Any

import numpy as np

from diffc.frontends.numpy.outside.guards import Guards, Input, is_number
from diffc.frontends.numpy.outside.paths import Path
from diffc.frontends.numpy.outside.writes import Write
from diffc.ops.base import DTYPES
from diffc.ops.captured import seen

__all__ = ["Outside"]

_PLAIN = (bool, int, float, complex, str, bytes, np.generic)


class Outside:
    """The stand-ins of one trace, by the things that they stand for."""

    def __init__(
        self,
        super_of: Callable[..., Any],
        make: Callable[[Outside, Any, str], Any],
        input_of: Callable[[Any], tuple[Any, str, Any]],
        free: Set[Any],
    ) -> None:
        """Take what makes stand-ins, and the places of numbers that are inputs of the program.

        Args:
            super_of: stands for `super`.
            make: gives the stand-in of an object that is no number and no array; its spelling comes last.
            input_of: gives the traced value of an array or a number, the name of its input, and the array
                that stands for it.
            free: the spots of numbers that have changed before.
        """
        self._make = make
        self.super_of = super_of
        self._input_of = input_of
        self._free = free
        self._checks: list[tuple[Path, Any]] = []
        self._contents: list[Callable[[], bool]] = []
        self._checked: set[Any] = set()
        self._made: dict[int, Any] = {}
        self._originals: dict[int, Any] = {}
        self._kept: list[Any] = []
        self._arrays: dict[int, tuple[Any, Input]] = {}
        self._numbers: dict[Any, Any] = {}
        self.kinds: dict[type[Any], type[Any]] = {}
        self._filled: set[int] = set()
        self._seekers: list[Callable[[], Iterator[Write]]] = []
        self.inputs: dict[str, Input] = {}

    def of_function(self, function: Any) -> Any:
        """Return the stand-in of a function, or another callable, that is not found by a path."""
        return self.made_of(function, getattr(function, "__name__", type(function).__name__))

    def of(self, value: Any, path: Path) -> Any:
        """Return what stands for a value that the function finds by a path."""
        if value is None or isinstance(value, _PLAIN):
            if path.spot in self._free and is_number(value):
                return self._number(value, path)
            self.check(path, value)
            return value
        if type(value) in (np.ndarray, np.memmap) and any(value.dtype == each for each in DTYPES.values()):
            return self._array(value, path)
        self.check(path, value)
        return self.made_of(value, path.label)

    def check(self, path: Path, value: Any) -> None:
        """Have a value that is found by a path compared at each call."""
        if path.spot not in self._checked:
            self._checked.add(path.spot)
            self._checks.append((path, value))
            self._kept.append(path.holder)

    def guards(self, decided: Callable[[Any], Any]) -> Guards:
        """Return what the program assumes, with all inputs that were found.

        `decided` gives what was seen of an array whose elements decided about the program.
        """
        for each in self.inputs.values():
            then = decided(each.held)
            if then is not None:
                if is_number(each.last):
                    warnings.warn(
                        f"{each.path.label} shapes the program and changes: the function is traced anew "
                        "for each value",
                        stacklevel=2,
                    )
                self.holds(lambda path=each.path, then=then: seen(np.asarray(path.read())) == then)
        return Guards(self._checks, self._contents, list(self.inputs.values()))

    def original(self, value: Any) -> Any:
        """Return what a stand-in stands for, another value as it is."""
        return self._originals.get(id(value), value)

    def writes(self) -> Iterator[Write]:
        """Yield what the function has written outside, but for the elements of arrays."""
        for each in self._seekers:
            yield from each()

    def changed_arrays(self) -> Iterator[tuple[Any, Input]]:
        """Yield the traced values of arrays whose elements the function has changed, with their inputs."""
        for traced, found in self._arrays.values():
            if traced.is_changed:
                yield traced, found

    def seek_writes(self, seek: Callable[[], Iterator[Write]]) -> None:
        """Have a function asked for what was written, when the trace is over."""
        self._seekers.append(seek)

    def keep(self, original: Any, made: Any) -> Any:
        """Return a stand-in, which is the one for that object from now on."""
        self._made[id(original)] = made
        self._originals[id(made)] = original
        self._kept += [original, made]
        return made

    def made_once(self, original: Any, make: Callable[[], Any]) -> Any:
        """Return the stand-in of an object, made now if there is none."""
        made = self._made.get(id(original))
        return self.keep(original, make()) if made is None else made

    def made_of(self, value: Any, label: str) -> Any:
        """Return the stand-in of an object that is no number and no array, spelled so in errors."""
        made = self._made.get(id(value))
        return self._make(self, value, label) if made is None else made

    def fill_once(self, copy: Any) -> bool:
        """Tell whether a copy is to be filled: the first time that it is asked for."""
        is_first = id(copy) not in self._filled
        self._filled.add(id(copy))
        return is_first

    def holds(self, content: Callable[[], bool]) -> None:
        """Have a test passed at each call."""
        self._contents.append(content)

    def _array(self, array: Any, path: Path) -> Any:
        found = self._arrays.get(id(array))
        if found is None:
            made, found_at = self._input(path, array)
            self._arrays[id(array)] = made, found_at
            return made
        made, first = found
        if first.path.spot != path.spot and path.spot not in self._checked:
            self._checked.add(path.spot)
            self._kept.append(path.holder)
            self._contents.append(lambda: path.read() is first.path.read())
        return made

    def _number(self, value: Any, path: Path) -> Any:
        if path.spot not in self._numbers:
            self._numbers[path.spot], _ = self._input(path, value)
        return self._numbers[path.spot]

    def _input(self, path: Path, value: Any) -> tuple[Any, Input]:
        made, name, held = self._input_of(value)
        found = self.inputs[name] = Input(name, path, value, held)
        self._kept += [path.holder, value, made]
        self._originals[id(made)] = value
        return made, found
