"""Random numbers that a function draws while it is traced are refused: every call would have the same ones.

The states of the generators that the function can reach are compared before and after: those of NumPy and of
Python themselves, and the generators in its arguments, closure, defaults, globals and attributes. A generator
that is made inside draws the same numbers in each call if it has a seed; without one it asks the system for
one, which is refused at the place.

NumPy loads its random numbers when they are first asked for. Where the function is the first to ask, nothing
watched them, and it is traced once more. So it is where another thread may have drawn: a trace during which
nobody draws shows that the function does not.
"""

from __future__ import annotations

import random
import sys
import threading
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial, wraps
from itertools import islice
from typing import Any, cast

import numpy as np

from diffc.errors import TypeProblem
from diffc.frontends.numpy.tracing import active

__all__ = ["LIBRARIES", "Randomness", "names_in"]

_LIMIT = 10_000
"""So many objects are looked at for generators, ..."""

_ITEMS = 1000
"""... and so many items of each container."""

_LINKS = ("__self__", "__func__", "__wrapped__", "fget")
LIBRARIES = frozenset(
    {"builtins", "diffc", "jax", "matplotlib", "numba", "numpy", "pandas", "scipy", "sympy", "torch"}
)
"""Packages of which no object is looked into."""
_PLAIN = (int, float, complex, str, bytes, np.ndarray, np.generic, type(None))


class Randomness:
    """The states of the generators within reach of a function, before it is traced."""

    def __init__(self, function: Callable[..., Any], arguments: Iterable[Any]) -> None:
        """Find the generators and note their states."""
        self._is_complete = _is_loaded()
        if self._is_complete:
            _watch()
            self._numpy = _state(_global_state())
        self._before = [(each, _state(each)) for each in _generators([function, *arguments])]
        self._python = random.getstate()

    @property
    def came_late(self) -> bool:
        """Whether NumPy's random numbers were loaded since, so that none of them was watched."""
        return _is_loaded() and not self._is_complete

    def may_be_of_another_thread(self, name: str) -> bool:
        """Whether one of them has drawn since, while other threads were running."""
        try:
            self.check(name)
        except TypeProblem:
            return threading.active_count() > 1
        return False

    def check(self, name: str) -> None:
        """Raise `TypeProblem` where one of them has drawn since.

        Args:
            name: the function's.
        """
        if self._is_complete and _state(_global_state()) != self._numpy:
            raise _refusal(name, "by np.random")
        if random.getstate() != self._python:
            raise _refusal(name, "by Python's random")
        for generator, state in self._before:
            if _state(generator) != state:
                raise _refusal(name, f"from a {type(generator).__name__}")


def _refusal(name: str, how: str) -> TypeProblem:
    return TypeProblem(
        f"{name} draws random numbers {how} while it is traced, and would have the same ones in every call: "
        "draw them outside and pass them to the function as an argument"
    )


def _is_loaded() -> bool:
    return "numpy.random" in sys.modules


def _kinds() -> tuple[type, ...]:
    if not _is_loaded():
        return (random.Random,)
    return (np.random.Generator, np.random.RandomState, np.random.BitGenerator, random.Random)


def _global_state() -> Any:
    return np.random.mtrand._rand  # type: ignore[attr-defined] # pyright: ignore


def _state(generator: Any) -> Any:
    """Return what can be compared to find whether a generator has drawn."""
    if isinstance(generator, random.Random):
        return None if isinstance(generator, random.SystemRandom) else generator.getstate()
    if hasattr(generator, "get_state"):  # a RandomState
        return _comparable(generator.get_state(legacy=False))
    return _comparable(getattr(generator, "bit_generator", generator).state)


def _comparable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return [(key, _comparable(each)) for key, each in cast(Mapping[Any, Any], value).items()]
    return value.tobytes() if isinstance(value, np.ndarray) else value


def _generators(start: list[Any]) -> list[Any]:
    """Return the generators within reach of some objects."""
    found: list[Any] = []
    known: dict[int, Any] = {}
    rest, kinds = start, _kinds()
    while rest and len(known) < _LIMIT:
        value = rest.pop()
        if isinstance(value, _PLAIN) or id(value) in known:
            continue
        known[id(value)] = value  # kept, so that its id stays its own
        if isinstance(value, kinds):
            found.append(value)
        else:
            rest += _parts(value)
    return found


def _parts(value: Any) -> Iterator[Any]:
    """Yield the objects that are one step away from an object, as far as a function would go that way."""
    if isinstance(value, dict):
        yield from islice(cast(dict[Any, Any], value).values(), _ITEMS)
    elif isinstance(value, list | tuple | set | frozenset):
        yield from islice(cast(list[Any], value), _ITEMS)
    elif isinstance(value, types.FunctionType):
        yield from _parts_of_function(value)
    elif isinstance(value, partial):
        yield from (value.func, value.args, value.keywords)  # pyright: ignore[reportUnknownMemberType]
    elif isinstance(value, types.ModuleType):
        return
    else:
        kind: type = value if isinstance(value, type) else type(value)
        if not hasattr(kind, "__getattr__"):
            yield from (getattr(value, each, None) for each in _LINKS)
        if kind.__module__.partition(".")[0] not in LIBRARIES:
            yield from list(vars(value).values()) if hasattr(value, "__dict__") else ()
            for each in kind.__mro__:
                if each.__module__.partition(".")[0] not in LIBRARIES:
                    yield from list(vars(each).values())
            slots = getattr(kind, "__slots__", ())
            yield from (getattr(value, name, None) for name in ([slots] if isinstance(slots, str) else slots))


def _parts_of_function(function: types.FunctionType) -> Iterator[Any]:
    if (function.__module__ or "").partition(".")[0] in LIBRARIES - {"diffc"}:
        return
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # an empty cell
            continue
    yield function.__defaults__
    yield function.__kwdefaults__
    yield function.__dict__
    names = names_in(function.__code__)
    for name in names:
        value = function.__globals__.get(name)
        if not isinstance(value, types.ModuleType):
            yield value
        elif value.__name__.partition(".")[0] not in LIBRARIES:
            yield from (vars(value)[each] for each in names if each in vars(value))


def names_in(code: types.CodeType) -> set[str]:
    """Return the names of globals and attributes in a function's code, and in that of functions inside it."""
    names = set(code.co_names)
    for each in code.co_consts:
        if isinstance(each, types.CodeType):
            names |= names_in(each)
    return names


def _watch() -> None:
    """Have NumPy's generators without a seed, which ask the system for one, refused inside a trace."""
    bits = sys.modules["numpy.random.bit_generator"]
    entropy = getattr(bits, "randbits", None)
    if entropy is None or hasattr(entropy, "__wrapped__"):
        return

    @wraps(entropy)
    def randbits(count: int) -> int:
        trace = active.get()
        if trace is not None:
            raise _refusal(trace.name, "from a generator without a seed")
        return entropy(count)

    bits.randbits = randbits  # type: ignore[attr-defined]
