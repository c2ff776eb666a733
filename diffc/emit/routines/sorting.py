"""A stable merge sort and a binary search, on keys: integers in the order that NumPy gives the elements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from diffc import tuning
from diffc.emit.interface import Emitter, Formal, Module, Value
from diffc.emit.routines.lapack import copy

__all__ = ["argsort", "searchsorted"]

_LARGEST = 2**63 - 1
_BITS = {"f64": "i64", "f32": "i32"}


def argsort(e: Emitter, kind: str, attrs: Mapping[str, Any]) -> None:
    """Fill out [n]: the places of the elements of x in ascending order, equal ones as they come."""
    out, x, keys, more_keys, more_places, n = e.arguments

    def each(i: Value) -> None:
        e.store(_key(e, e.load(e.gep(x, kind, i), kind)), e.gep(keys, "i64", i))
        e.store(i, e.gep(out, "i64", i))

    e.count(e.constant("i64", 0), n, each)
    e.call(_sort(e.module), None, 1, keys, out, more_keys, more_places, n)


def searchsorted(e: Emitter, kind: str, attrs: Mapping[str, Any]) -> None:
    """Fill out: for each of `size` elements of v how many of a [n] precede it, or equal it from the right."""
    out, a, v, n, size = e.arguments
    precedes = "slt" if attrs["side"] == "left" else "sle"
    zero, one = e.constant("i64", 0), e.constant("i64", 1)

    def each(i: Value) -> None:
        key = _key(e, e.load(e.gep(v, kind, i), kind))

        def is_left(_: Value, length: Value) -> Value:
            return e.icmp("sgt", length, zero)

        def halve(start: Value, length: Value) -> list[Value]:
            half = e.lshr(length, one)
            middle = e.iadd(start, half)
            before = e.icmp(precedes, _key(e, e.load(e.gep(a, kind, middle), kind)), key)
            rest = e.isub(e.isub(length, half), one)
            return [e.select(before, e.iadd(middle, one), start), e.select(before, rest, half)]

        found, _ = e.loop_while([zero, n], is_left, halve)
        e.store(found, e.gep(out, "i64", i))

    e.count(zero, size, each)


def _key(e: Emitter, x: Value) -> Value:
    """Return an i64 that is less, equal or greater as x is; NaN is above all, and -0 is 0.

    The bits of a float that is not negative are in its order; those of a negative one run the other way.
    """
    if x.kind == "i64":
        return x
    if x.kind == "bool":
        return e.zext(x, "i64")
    bits = e.bitcast(e.fadd(x, e.constant(x.kind, 0.0)), _BITS[x.kind])
    bits = bits if bits.kind == "i64" else e.sext(bits, "i64")
    mask = e.constant("i64", _LARGEST if x.kind == "f64" else 2**31 - 1)
    negative = e.icmp("slt", bits, e.constant("i64", 0))
    ordered = e.select(negative, e.ixor(bits, mask), bits)
    return e.select(e.fcmp("uno", x, x), e.constant("i64", _LARGEST), ordered)


def _sort(module: Module) -> str:
    """Return the symbol of the function that sorts keys with their places, emitted on first use.

    It takes keys and places, as many of each again for its own use, and their number.
    """
    pointers = ("keys", "places", "more_keys", "more_places")
    parameters = [
        *(Formal(p, "ptr", attributes="noalias") for p in pointers),
        Formal("n", "i64"),
    ]
    return module.internal_function("merge_sort", parameters, _merge_sort)


def _merge_sort(e: Emitter) -> None:
    keys, places, more_keys, more_places, n = e.arguments
    zero, one = e.constant("i64", 0), e.constant("i64", 1)

    def one_run(start: Value) -> None:
        _insert(e, keys, places, start, _bounded(e, start, n))

    def is_below(at: Value, *_: Value) -> Value:
        return e.icmp("slt", at, n)

    e.count(zero, n, one_run, step=tuning.SORT_RUN)
    merge = _merge(e.module)

    def one_pass(width: Value, k: Value, p: Value, next_k: Value, next_p: Value) -> list[Value]:
        double = e.shl(width, one)

        def pair(start: Value) -> list[Value]:
            middle = e.imin(e.iadd(start, width), n)
            stop = e.imin(e.iadd(start, double), n)
            e.call(merge, None, 1, k, p, next_k, next_p, start, middle, stop)
            return [stop]

        e.loop_while([zero], is_below, pair)
        return [double, next_k, next_p, k, p]

    start = [e.constant("i64", tuning.SORT_RUN), keys, places, more_keys, more_places]
    _, _, sorted_places, _, _ = e.loop_while(start, is_below, one_pass)
    elsewhere = e.icmp("ne", sorted_places, places)
    e.either(elsewhere, lambda: copy(e, "i64", places, sorted_places, n))


def _bounded(e: Emitter, start: Value, n: Value) -> Value:
    return e.imin(e.iadd(start, e.constant("i64", tuning.SORT_RUN)), n)


def _insert(e: Emitter, keys: Value, places: Value, start: Value, stop: Value) -> None:
    """Sort a run by insertion."""
    one = e.constant("i64", 1)

    def each(i: Value) -> None:
        key, place = _pair(e, keys, places, i)

        def moves(j: Value) -> Value:
            # Before the start the key itself is compared: no memory there is read.
            before = e.isub(j, one)
            inside = e.icmp("sgt", j, start)
            other = e.load(e.gep(keys, "i64", e.select(inside, before, j)), "i64")
            return e.band(inside, e.icmp("sgt", other, key))

        def move(j: Value) -> list[Value]:
            before = e.isub(j, one)
            _put(e, keys, places, j, *_pair(e, keys, places, before))
            return [before]

        (at,) = e.loop_while([i], moves, move)
        _put(e, keys, places, at, key, place)

    e.count(e.iadd(start, one), stop, each)


def _merge(module: Module) -> str:
    """Return the symbol of the function that merges two runs that lie side by side."""
    pointers = ("keys", "places", "to_keys", "to_places")
    parameters = [Formal(p, "ptr", attributes="noalias") for p in pointers]
    parameters += [Formal(p, "i64") for p in ("start", "middle", "stop")]
    return module.internal_function("merge_runs", parameters, _merge_runs)


def _merge_runs(e: Emitter) -> None:
    keys, places, to_keys, to_places, start, middle, stop = e.arguments

    def both_left(i: Value, j: Value, _: Value) -> Value:
        return e.band(e.icmp("slt", i, middle), e.icmp("slt", j, stop))

    def take(i: Value, j: Value, k: Value) -> list[Value]:
        left, right = e.load(e.gep(keys, "i64", i), "i64"), e.load(e.gep(keys, "i64", j), "i64")
        # From the left where they are equal, which keeps the order. The choice is arithmetic, not a branch.
        later = e.zext(e.icmp("slt", right, left), "i64")
        at = e.select(e.icmp("slt", right, left), j, i)
        _put(e, to_keys, to_places, k, *_pair(e, keys, places, at))
        one = e.constant("i64", 1)
        return [e.iadd(i, e.isub(one, later)), e.iadd(j, later), e.iadd(k, one)]

    i, j, k = e.loop_while([start, middle, start], both_left, take)
    for at, end in ((i, middle), (j, stop)):
        (k,) = _append(e, keys, places, at, end, to_keys, to_places, k)


def _append(
    e: Emitter,
    keys: Value,
    places: Value,
    start: Value,
    stop: Value,
    to_keys: Value,
    to_places: Value,
    k: Value,
) -> list[Value]:
    """Copy what is left of a run; return the place behind it."""

    def each(i: Value, k: Value) -> list[Value]:
        _put(e, to_keys, to_places, k, *_pair(e, keys, places, i))
        return [e.iadd(k, e.constant("i64", 1))]

    return e.count(start, stop, each, [k])


def _pair(e: Emitter, keys: Value, places: Value, i: Value) -> tuple[Value, Value]:
    return e.load(e.gep(keys, "i64", i), "i64"), e.load(e.gep(places, "i64", i), "i64")


def _put(e: Emitter, keys: Value, places: Value, i: Value, key: Value, place: Value) -> None:
    e.store(key, e.gep(keys, "i64", i))
    e.store(place, e.gep(places, "i64", i))
