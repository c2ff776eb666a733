"""Stand-ins for objects of a user's classes: attributes are looked up on the object, and lead to stand-ins.

A stand-in passes for the object: its `__class__` is the object's, so that `isinstance` and `super()` work.
Methods run as copies, with the stand-in for `self`. What is assigned to an attribute stays here until the
trace is over.
"""

from __future__ import annotations

import enum
import inspect
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from diffc.errors import TypeProblem
from diffc.frontends.numpy.outside.functions import is_foreign
from diffc.frontends.numpy.outside.paths import in_attribute, in_item
from diffc.frontends.numpy.outside.session import Outside
from diffc.frontends.numpy.outside.writes import Write

__all__ = ["has_stand_in", "stand_in_for_object", "super_of"]

_OWN = frozenset({
    "__annotations__", "__class__", "__class_getitem__", "__del__", "__delattr__", "__dict__", "__dir__",
    "__doc__", "__getattr__", "__getattribute__", "__getstate__", "__init__", "__init_subclass__",
    "__instancecheck__",
    "__module__", "__new__", "__prepare__", "__qualname__", "__reduce__", "__reduce_ex__", "__set_name__",
    "__setattr__", "__setstate__", "__sizeof__", "__slots__", "__subclasscheck__", "__subclasshook__",
    "__weakref__",
})  # fmt: skip
"""What a stand-in has of its own, or does without."""

_get = object.__getattribute__
_MISSING = object()
_NOT_OBJECTS = (
    enum.Enum,
    type,
    BaseException,
    np.ndarray,
    list,
    dict,
    tuple,
    set,
    frozenset,
    str,
    bytes,
    int,
    float,
)


class _Kind(type):
    """The class of stand-ins for one class: it passes for that class where it is asked for attributes."""

    original: type[Any]

    outside: Outside

    def __getattr__(cls, name: str) -> Any:
        original = type.__getattribute__(cls, "original")
        value = getattr(original, name)
        outside = type.__getattribute__(cls, "outside")
        if isinstance(value, types.MethodType):  # another object each time: what it calls is compared
            return outside.made_of(value, f"{original.__name__}.{name}")
        return outside.of(value, in_attribute(original, name, original.__name__))

    def __setattr__(cls, name: str, value: Any) -> None:
        raise TypeProblem(f"{cls.__name__}.{name}, of a class, is assigned to: return the new value instead")

    def __eq__(cls, other: object) -> bool:
        return other is cls or other is type.__getattribute__(cls, "original")

    def __hash__(cls) -> int:
        return hash(type.__getattribute__(cls, "original"))

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return type.__getattribute__(cls, "original")(*args, **kwargs)


def has_stand_in(value: Any) -> bool:
    """Tell whether a value is an object of a user's class, or a namespace."""
    kind: Any = type(value)
    if kind is types.SimpleNamespace:
        return True
    return kind.__module__ != "builtins" and not is_foreign(kind) and not issubclass(kind, _NOT_OBJECTS)


def stand_in_for_object(outside: Outside, value: Any, label: str) -> Any:
    """Return what passes for an object."""
    kind = type(value)
    if kind not in outside.kinds:
        outside.kinds[kind] = _kind(kind, outside)
    made = object.__new__(outside.kinds[kind])
    for name, each in (("_outside", outside), ("_object", value), ("_label", label), ("_written", {})):
        object.__setattr__(made, name, each)
    outside.seek_writes(lambda: _writes(made))
    return outside.keep(value, made)


def _kind(original: type[Any], outside: Outside) -> type[Any]:
    """Return a class whose objects stand for those of another one, special methods included."""
    body: dict[str, Any] = {
        "__slots__": ("_label", "_object", "_outside", "_written"),
        "__getattribute__": _read,
        "__setattr__": _write,
        "__delattr__": _delete,
        "__reduce_ex__": _no_copy,
        "__eq__": _equal,
        "__hash__": _hash,
    }
    for each in reversed(original.__mro__[:-1]):
        for name, method in vars(each).items():
            if name.startswith("__") and name.endswith("__") and name not in {*_OWN, "__eq__", "__hash__"}:
                body[name] = _special(name) if callable(method) else method
    made = _Kind(original.__name__, (), body)
    type.__setattr__(made, "original", original)
    type.__setattr__(made, "outside", outside)
    return made


def _equal(self: Any, other: Any) -> Any:
    mine = _get(self, "_object")
    theirs = _get(other, "_object") if isinstance(type(other), _Kind) else other
    if type(mine).__eq__ is object.__eq__:
        return mine is theirs
    return _read(self, "__eq__")(other)


def _hash(self: Any) -> int:
    return hash(_get(self, "_object"))


def _special(name: str) -> Callable[..., Any]:
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(self, name)(*args, **kwargs)

    return call


def _read(self: Any, name: str) -> Any:
    value, outside = _get(self, "_object"), _get(self, "_outside")
    if name == "__class__":
        return outside.made_of(type(value), type(value).__name__)
    if name in ("__reduce__", "__reduce_ex__"):
        return lambda *_: _no_copy(self, 0)
    written = _get(self, "_written")
    if name in written:
        return written[name]
    if name == "__dict__":  # to be read, not to be written to
        return types.MappingProxyType({key: _read(self, key) for key in (*vars(value), *written)})
    kind, label = type(value), _get(self, "_label")
    found = _in_class(kind, name)
    if isinstance(found, property) and found.fget is not None:
        outside.check(in_attribute(kind, name, kind.__name__), found)
        return outside.made_of(found.fget, f"{label}.{name}")(self)
    own = getattr(value, "__dict__", {})
    if name not in own and isinstance(found, types.FunctionType | classmethod | staticmethod):
        return _method(self, outside, found, f"{label}.{name}")
    if name not in own and found is _MISSING:
        fallback = getattr(kind, "__getattr__", None)
        if isinstance(fallback, types.FunctionType):
            return outside.made_of(fallback, f"{label}.__getattr__")(self, name)
    try:
        now = getattr(value, name)
    except AttributeError:
        outside.holds(lambda: not hasattr(value, name))
        raise
    return outside.of(now, in_attribute(value, name, label))


def _in_class(kind: type[Any], name: str) -> Any:
    """Return what a class has under a name, as it stands in the class."""
    return next((vars(each)[name] for each in kind.__mro__ if name in vars(each)), _MISSING)


def _method(self: Any, outside: Outside, found: Any, label: str) -> Any:
    """Return a method as a copy, bound to the stand-in or, if that is what it takes, to the class."""
    kind, name = type(_get(self, "_object")), label.rpartition(".")[2]
    if not isinstance(found, classmethod):
        outside.check(in_attribute(kind, name, kind.__name__), getattr(kind, name))
    return _bound(self, outside, found, label)


def _bound(self: Any, outside: Outside, found: Any, label: str) -> Any:
    function = found if isinstance(found, types.FunctionType) else found.__func__
    made = outside.made_of(function, label)
    if isinstance(found, staticmethod):
        return made
    return types.MethodType(made, type(_get(self, "_object")) if isinstance(found, classmethod) else self)


class Super:
    """What `super()` gives for a stand-in: the methods behind a class, as copies."""

    def __init__(self, kind: type[Any], made: Any) -> None:
        """Take the class in which the method stands, and the stand-in."""
        self._kind = kind
        self._made = made

    def __getattr__(self, name: str) -> Any:
        made = self._made
        outside = _get(made, "_outside")
        order = type(_get(made, "_object")).__mro__
        for each in order[order.index(self._kind) + 1 :]:
            found = vars(each).get(name)
            if isinstance(found, types.FunctionType | classmethod | staticmethod):
                outside.check(in_item(each.__dict__, name, each.__name__), found)
                return _bound(made, outside, found, f"{each.__name__}.{name}")
            if isinstance(found, property) and found.fget is not None:
                return outside.made_of(found.fget, name)(made)
            if found is not None:
                return outside.of(found, in_item(each.__dict__, name, each.__name__))
        raise AttributeError(f"'super' object has no attribute {name!r}")


def super_of(*given: Any) -> Any:
    """Return what `super` gives in the function that calls this; of a stand-in, methods behind a class."""
    if not given:
        frame: Any = inspect.currentframe()
        frame = frame.f_back
        given = (frame.f_locals["__class__"], frame.f_locals[frame.f_code.co_varnames[0]])
    kind, made = given
    if isinstance(type(made), _Kind):
        return Super(kind, made)
    return super(kind, made)


def _write(self: Any, name: str, value: Any) -> None:
    kind = type(_get(self, "_object"))
    found = _in_class(kind, name)
    if isinstance(getattr(kind, "__setattr__", None), types.FunctionType):
        raise TypeProblem(
            f"{_get(self, '_label')}.{name} is assigned to, and {kind.__name__} has its own __setattr__: "
            "return the new value instead"
        )
    if isinstance(found, property):
        if found.fset is None:
            raise AttributeError(f"property {name!r} of {kind.__name__!r} object has no setter")
        _get(self, "_outside").made_of(found.fset, name)(self, value)
        return
    _get(self, "_written")[name] = value


def _delete(self: Any, name: str) -> None:
    raise TypeProblem(f"{_get(self, '_label')}.{name} cannot be deleted while a function is traced")


def _no_copy(self: Any, protocol: int) -> Any:
    raise TypeProblem(f"{_get(self, '_label')} cannot be copied or pickled while a function is traced")


def _writes(made: Any) -> Iterator[Write]:
    value, label = _get(made, "_object"), _get(made, "_label")
    for name, each in _get(made, "_written").items():
        yield Write(in_attribute(value, name, label), each, f"{label}.{name}")
