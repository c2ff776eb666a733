"""Guards: what a program assumes of the things outside it, looked at again before each call.

What is at a path must be the very object that was found there, or a number or text that is equal. An array
may be another one of the same dtype and shape: it is an input of the program. So may a number be that has
changed before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from math import copysign
from typing import Any

import numpy as np

from diffc.errors import OutdatedError
from diffc.frontends.numpy.outside.paths import Path

__all__ = ["Guards", "Input"]

_VALUES = (bool, int, float, complex, str, bytes, np.generic)


class Input:
    """An array or a number outside that is an input of the program: where it is, and what it must be like."""

    __slots__ = ("at", "dtype", "get", "held", "last", "name", "path", "shape")

    def __init__(self, name: str, path: Path, value: Any, held: Any) -> None:
        """Take the input's name, the path, what is there now, and the array that stands for that."""
        self.held = held
        self.name = name
        self.path = path
        self.get, self.at = path.get, path.at
        self.last = value
        self.dtype = value.dtype if isinstance(value, np.ndarray) else type(value)
        self.shape = np.shape(value)

    def read(self) -> Any:
        """Return what is there now; raise `OutdatedError` where it is of another type."""
        try:
            value = self.get(self.at)
        except (LookupError, AttributeError, ValueError, TypeError):
            raise _changed(self.path, "is not there any more") from None
        if value is not self.last or (self.shape and value.shape != self.shape):
            kind = value.dtype if type(value) is np.ndarray else type(value)
            if kind != self.dtype or np.shape(value) != self.shape:
                raise _changed(self.path, "is of another type now")
            self.last = value
        return value


class Guards:
    """The checks of one program, and the inputs that it reads outside."""

    def __init__(
        self,
        checks: Sequence[tuple[Path, Any]],
        contents: Sequence[Callable[[], bool]],
        inputs: Sequence[Input],
    ) -> None:
        """Take paths with what was found there, tests of containers, and inputs."""
        self._checks = [(path.get, path.at, value) for path, value in checks]
        self._paths = [path for path, _ in checks]
        self._contents = contents
        self._reads = [each.read for each in inputs]
        self._unread: list[Callable[[], Any]] = []
        self._all = inputs
        self._has_more = True
        self.inputs = inputs

    def passing(self, names: Set[str]) -> Guards:
        """Return the guards that give the program the inputs of these names alone."""
        self.inputs = [each for each in self._all if each.name in names]
        self._reads = [each.read for each in self.inputs]
        self._unread = [each.read for each in self._all if each.name not in names]
        self._has_more = bool(self._contents or self._all)
        return self

    def values(self) -> Sequence[Any]:
        """Return the inputs as they are now.

        Raises:
            OutdatedError: where something is not what the program assumes.
        """
        try:
            for get, at, value in self._checks:
                if get(at) is not value:
                    self._look_closely()
                    break
        except (LookupError, AttributeError, ValueError, TypeError):
            self._look_closely()
        return self._read() if self._has_more else ()

    def _read(self) -> list[Any]:
        for holds in self._contents:
            if not holds():
                raise OutdatedError("a list or a dict that the function reads has changed")
        for read in self._unread:
            read()
        return [read() for read in self._reads]

    def _look_closely(self) -> None:
        """Raise `OutdatedError` unless what has changed is equal; what is equal is expected from now on."""
        for k, (get, at, value) in enumerate(self._checks):
            try:
                now = get(at)
            except (LookupError, AttributeError, ValueError, TypeError):
                raise _changed(self._paths[k], "is not there any more") from None
            if now is not value:
                if not is_equal(now, value):
                    raise (
                        OutdatedNumber(self._paths[k], value, now)
                        if is_number(now)
                        else _changed(self._paths[k])
                    )
                self._checks[k] = get, at, now


class OutdatedNumber(OutdatedError):
    """A number that a program contains has changed."""

    def __init__(self, path: Path, then: Any, now: Any) -> None:
        """Keep where it is, and both values."""
        super().__init__(f"{path.label}, which the function reads, was {then!r:.40} and is {now!r:.40} now")
        self.path, self.then, self.now = path, then, now


def is_number(value: Any) -> bool:
    """Tell whether a value is a number that can be an input: a Python float or integer, or one of NumPy's."""
    return type(value) in (int, float) or isinstance(value, np.floating | np.integer)


def is_equal(now: Any, then: Any) -> bool:
    """Tell whether two values are numbers or texts of one type that nothing tells apart."""
    if type(now) is not type(then) or not isinstance(now, _VALUES):
        return False
    if isinstance(now, float | np.floating):
        if now != now:
            return bool(then != then)
        return bool(now == then) and copysign(1.0, now) == copysign(1.0, then)
    return bool(now == then)


def _changed(path: Path, how: str = "has changed") -> OutdatedError:
    return OutdatedError(f"{path.label}, which the function reads, {how}")
