"""The call rules: what is accepted, what is refused and with which words."""

from __future__ import annotations

import pickle
import sys

import numpy as np
import pytest
import sympy

import diffc as dc
from diffc.errors import DiffcError, InputError
from diffc.runtime.calls import fastcall


def test_scalars_by_position_and_name(scalars, path):
    k = path(scalars)
    for result in (
        k(1.0, 2.0, 2.0),
        k(1, 2.0, c=2),
        k(c=2.0, b=2.0, a=1.0),
        k(np.float64(1), True + 1, np.array(2)),
    ):
        assert result == 36.0
        assert type(result) is float


def test_the_fast_entry_serves_the_perfect_call(scalars, twice, take):
    assert scalars._entry(1.0, 2, np.float64(2)) == 36.0
    assert (twice._entry(np.arange(3.0)) == [0, 2, 4]).all()
    assert take._entry(np.arange(3.0), 2) == 20.0
    out = np.empty(3)
    assert twice._entry_out(np.arange(3.0), out) is out
    for call in (
        lambda: twice._entry([1.0]),
        lambda: scalars._entry(1.0),
        lambda: scalars._entry(10**400, 1, 1),
    ):
        assert call() is NotImplemented


def test_missing_unknown_and_duplicate_inputs(scalars, path):
    k = path(scalars)
    with pytest.raises(InputError, match="f misses the inputs 'b', 'c'; it takes a: f64, b: f64, c: f64"):
        k(1.0)
    with pytest.raises(InputError, match="f has no input 'd'; it takes a: f64"):
        k(1.0, 2.0, d=3.0)
    with pytest.raises(InputError, match="two values for the input 'a'"):
        k(1.0, 2.0, 3.0, a=1.0)
    with pytest.raises(InputError, match="4 values were given"):
        k(1.0, 2.0, 3.0, 4.0)


@pytest.mark.parametrize("n", [0, 1, 2, 1000, 100_000])
def test_any_length(twice, path, n):
    x = np.linspace(0, 1, n)
    y = path(twice)(x)
    assert (y == 2 * x).all()
    assert y.shape == (n,)


def layouts():
    base = np.arange(12.0)
    unaligned = np.frombuffer(b"x" + base.tobytes(), np.uint8)[1:].view(np.float64)
    fixed = base.copy()
    fixed.flags.writeable = False
    return {
        "strided": base[::3],
        "reversed": base[::-1],
        "byte order": base.astype(">f8"),
        "unaligned": unaligned,
        "read-only": fixed,
        "f32": base.astype(np.float32),
        "i64": np.arange(12),
        "bool": np.array([True, False]),
        "list": [1, 2.5, True],
        "empty list": [],
        "tuple": (1.0, 2.0),
        "subclass": base.view(np.memmap),
    }


@pytest.mark.parametrize("name", layouts())
def test_layouts_are_copied_and_never_modified(twice, path, name):
    x = layouts()[name]
    before = np.array(x)
    assert (path(twice)(x) == 2 * before).all()
    assert (np.asarray(x) == before).all()


def test_fortran_order(samples, build, path):
    text = samples.TWICE.replace("%n = load i64, ptr %dims", "%m = load i64, ptr %dims\n  %n = mul i64 %m, 3")
    k = path(build(text, {"x": "f64[N, 3]"}, {"y": "f64[N, 3]"}))
    x = np.asfortranarray(np.arange(12.0).reshape(4, 3))
    assert (k(x) == 2 * x).all()
    assert k(x).flags.c_contiguous


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (1j, "x: complex numbers are not supported"),
        (
            np.ones(3, complex),
            "x: complex numbers are not supported .got an array of complex128.; expected f64.N.",
        ),
        ("abc", "x: texts are not supported"),
        (None, "x: Python objects are not supported .got a value of type 'NoneType'."),
        ({"a": 1}, "x: Python objects are not supported"),
        ([[1.0], [1.0, 2.0]], "x: the value is not an array"),
        (np.array(["2020-01-01"], "M8[D]"), "x: values of dtype datetime64"),
        (np.ones(3, np.longdouble), "x: .* cannot be cast to float64 by the rule 'safe'"),
        (np.ma.masked_array([1.0], [True]), "x: masked arrays"),
        (1.0, "x: expected 1 axis .f64.N.., got the shape"),
        (np.ones((2, 2)), "x: expected 1 axis .f64.N.., got the shape .2, 2."),
    ],
)
def test_refused_values(twice, path, value, message):
    with pytest.raises(InputError, match=message):
        path(twice)(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([sympy.Rational(1, 4), 2], [0.5, 4]),
        ((sympy.pi, 1.5), [2 * np.pi, 3]),
        (np.array([sympy.Integer(3)]), [6]),
    ],
    ids=str,
)
def test_sympy_numbers(twice, path, value, expected):
    assert (path(twice)(value) == expected).all()


@pytest.mark.parametrize(
    "value", [[sympy.I], [sympy.Symbol("x")], [1.0, None], np.array([1.0], object)], ids=str
)
def test_refused_objects(twice, path, value):
    with pytest.raises(InputError, match="x: Python objects are not supported"):
        path(twice)(value)


def test_an_input_named_out():
    f = dc.parse("out**2*x")
    assert f(2.0, 3.0) == dc.compile(f)(2.0, x=3.0) == 12
    with pytest.raises(InputError, match=r"misses the input .out.; .*one named .out. is given by position"):
        f(out=2.0, x=3.0)


def test_an_array_for_a_scalar_is_mapped():
    with pytest.raises(InputError, match=r"x: expected a scalar .f64., got the shape .3,.; dc\.vmap maps"):
        dc.parse("x**2")(np.ones(3))


def test_casts_of_scalars(samples, build, path):
    text = (
        samples.HEAD
        + samples.pointers(6)
        + "".join(
            f"  %v{i} = load {kind}, ptr %p{i}\n  store {kind} %v{i}, ptr %p{i + 3}\n"
            for i, kind in enumerate(("float", "i64", "i8"))
        )
        + "  ret i64 0\n}\n"
    )
    k = path(build(text, {"r": "f32", "n": "i64", "b": "bool"}, {"x": "f32", "y": "i64", "z": "bool"}))
    assert k(0.5, 3, True) == (0.5, 3, True)
    assert [type(each) for each in k(0.5, 3, False)] == [float, int, bool]
    assert k(1e300, -1, False) == (np.inf, -1, False)
    assert k(2, np.int32(7), np.False_) == (2.0, 7, False)
    with pytest.raises(
        InputError, match="n: float64 cannot be cast to int64 by the rule 'same_kind'; give an integer"
    ):
        k(0.5, 3.0, True)
    with pytest.raises(InputError, match="b: int64 cannot be cast to bool"):
        k(0.5, 3, 1)
    with pytest.raises(InputError, match=r"r: float64 cannot be cast to float32 by the rule 'safe'.*astype"):
        k(np.float64(0.5), 3, True)
    with pytest.raises(InputError, match=r"n: .*int"):
        k(0.5, 2**70, True)
    with pytest.raises(InputError, match="r: the integer is too large"):
        k(10**400, 3, True)


@pytest.mark.parametrize(
    "large", [2**63, 2**64 - 1, 2**64, -(2**63) - 1, 10**4000], ids=lambda n: f"{n.bit_length()} bits"
)
def test_integers_beyond_64_bits_are_refused_by_name(path, large):
    number, array = (path(dc.parse("n + 0", {"n": kind}).kernel) for kind in ("i64", "i64[N]"))
    for kernel, value in [
        (number, large),
        (number, sympy.Integer(large)),
        (array, [large]),
        (array, (1, large)),
        (array, [True, -1, large]),
        (array, [sympy.Integer(large), 1]),
        (array, np.array([sympy.Integer(large)])),
    ]:
        with pytest.raises(InputError, match=r"^n: the integer .* does not fit into int64$"):
            kernel(value)
    with pytest.raises(DiffcError, match=r"does not fit into int64"):
        dc.jit(lambda a: a + 1)(large)


def test_the_largest_integers_arrive(path):
    number, array = (path(dc.parse("n + 0", {"n": kind}).kernel) for kind in ("i64", "i64[N]"))
    for value in (2**63 - 1, -(2**63)):
        assert number(value) == number(np.int64(value)) == number(sympy.Integer(value)) == value
        assert array([value, sympy.Integer(value)]).tolist() == array((value, 1)).tolist()[:1] * 2
    assert array([np.uint64(5)]).tolist() == [5]
    assert dc.parse("x", {"x": "f64"})(2**64 - 1) == 2.0**64


def test_symbols_are_bound_and_checked(samples, build, path):
    k = path(build(samples.NOTHING, {"u": "f64[N-1, M]", "x": "f64[N]", "w": "f64[M, 3]"}, {}, ()))
    assert k(np.ones((4, 2)), np.ones(5), np.ones((2, 3))) == ()
    with pytest.raises(InputError, match=r"u: axis 0 must be 4 \(N-1, where N = 5 from x\), got 3"):
        k(np.ones((3, 2)), np.ones(5), np.ones((2, 3)))
    with pytest.raises(InputError, match=r"w: axis 0 must be 2 \(M = 2 from u\), got 7"):
        k(np.ones((4, 2)), np.ones(5), np.ones((7, 3)))
    with pytest.raises(InputError, match="w: axis 1 must be 3, got 4"):
        k(np.ones((4, 2)), np.ones(5), np.ones((2, 4)))


def test_a_symbol_is_solved_from_a_linear_extent(samples, build, path):
    k = path(build(samples.NOTHING, {"x": "f64[2*N-1]"}, {"y": "f64[N]"}))
    assert k(np.ones(5)).shape == (3,)
    with pytest.raises(InputError, match=r"x: axis 0 must be 2.N-1, got 4: no N fits"):
        k(np.ones(4))


def test_an_unbound_symbol_is_an_error_at_once(samples, build):
    with pytest.raises(DiffcError, match="the value of N cannot be read"):
        build(samples.NOTHING, {"x": "f64"}, {"y": "f64[N]"})


def test_a_negative_extent(samples, build, path):
    k = path(build(samples.NOTHING, {"x": "f64[N]"}, {"y": "f64[N-1]"}))
    assert k(np.ones(1)).shape == (0,)
    with pytest.raises(InputError, match=r"would be negative .N-1 = -1. for N = 0"):
        k(np.ones(0))


def test_huge_symbols_do_not_overflow(samples, build, path):
    k = path(build(samples.NOTHING, {"x": "f64[N, 0]", "z": "f64[M, 0]"}, {"y": "f64[N, M]"}))
    assert k(np.ones((3, 0)), np.ones((2, 0))).shape == (3, 2)
    with pytest.raises(InputError, match="too large"):
        k(np.ones((2**59, 0)), np.ones((2**59, 0)))
    with pytest.raises(InputError, match="memory"):
        k(np.ones((2**25, 0)), np.ones((2**25, 0)))


def test_a_signature_too_large_for_an_entry_still_works(samples, build):
    k = build(samples.NOTHING, {"x": "f64[N]"}, {"y": "f64[200000000000000000*N]"})
    assert k._entry(np.ones(0)) is NotImplemented
    assert k(np.ones(0)).shape == (0,)
    with pytest.raises(InputError, match="too large"):
        k(np.ones(100))


def test_checks_workspace_and_constants(take, path):
    k = path(take)
    assert k(np.arange(5.0), 3) == 30.0
    assert k(np.arange(100_000.0), 99_999) == 999_990.0
    with pytest.raises(InputError, match="take: the index i is out of range"):
        k(np.arange(5.0), 5)
    with pytest.raises(InputError, match="out of range"):
        k(np.arange(5.0), -1)


def test_results_follow_the_tree(samples, build, path):
    text = (
        samples.HEAD
        + samples.pointers(4)
        + "".join(f"  store double {i}.0, ptr %p{i}\n" for i in (1, 2, 3))
        + "  ret i64 0\n}\n"
    )
    outputs = {"u": "f64", "v": "f64[1]", "w": "f64"}
    k = path(build(text, {"a": "f64"}, outputs, (2, ((0,), ()), 1)))
    w, ((u,), empty), v = k(0.0)
    assert (u, w, empty, v.tolist()) == (1.0, 3.0, (), [2.0])
    buffers = (np.empty(()), np.empty(1), np.empty(()))
    got = k(0.0, out=buffers)
    assert got[0] is buffers[2]
    assert got[1][0][0] is buffers[0]
    assert [float(each.item()) for each in buffers] == [1.0, 2.0, 3.0]


def test_out(twice, path):
    k, x, out = path(twice), np.arange(4.0), np.empty(4)
    assert k(x, out=out) is out
    assert k(x=x, out=(out,)) is out
    assert (out == 2 * x).all()
    assert (k([1.0, 2.0, 3.0, 4.0], out=out) == [2, 4, 6, 8]).all()


@pytest.mark.parametrize(
    ("out", "message"),
    [
        (np.empty(4, np.float32), "out must have the dtype float64, got float32"),
        (np.empty(4, ">f8"), "out must have the dtype float64"),
        (np.empty(5), "out must have the shape .4,. .f64.N.., got .5,."),
        (np.empty(8)[::2], "out must be C-contiguous"),
        ([0.0, 0.0, 0.0, 0.0], "f has 1 outputs, 4 arrays were given"),
        ("text", "out must be a NumPy array of float64, got a value of type 'str'"),
        (np.broadcast_to(np.array(0.0), (4,)), "C-contiguous|read-only"),
        ((np.empty(4), np.empty(4)), "1 outputs, 2 arrays"),
    ],
)
def test_bad_out(twice, path, out, message):
    with pytest.raises(InputError, match=message):
        path(twice)(np.arange(4.0), out=out)


def test_read_only_out(twice, path):
    out = np.empty(4)
    out.flags.writeable = False
    with pytest.raises(InputError, match="read-only"):
        path(twice)(np.arange(4.0), out=out)


def test_out_may_not_overlap(samples, twice, build, path):
    memory = np.arange(10.0)
    for out in (memory[:4], memory[3:7]):
        with pytest.raises(InputError, match="out overlaps the input x"):
            path(twice)(memory[:4], out=out)
    assert path(twice)(memory[:4], out=memory[4:8]).tolist() == [0, 2, 4, 6]
    assert path(twice)(memory[5:5], out=memory[5:5]).shape == (0,)
    k = path(build(samples.NOTHING, {"x": "f64[N]"}, {"y": "f64[N]", "z": "f64[N]"}))
    with pytest.raises(InputError, match=r"out\[1\] overlaps out\[0\]"):
        k(np.ones(4), out=(memory[:4], memory[2:6]))
    with pytest.raises(InputError, match="overlaps the input x"):
        path(twice)(memory[::-1][:4], out=memory[6:])


def test_a_surplus_buffer_does_not_stand_for_a_missing_input(scalars):
    with pytest.raises(InputError, match="misses the input 'c'"):
        scalars(1.0, 2.0, out=(np.empty(()), np.empty(())))


def test_repr_properties_and_pickle(scalars):
    assert repr(scalars) == "<Kernel f(a: f64[], b: f64[], c: f64[]) -> f64[]>"
    assert (scalars.name, scalars.source, scalars.stats["flops"]) == ("f", "def f(): ...\n", 3)
    assert scalars.stages["ir"] == "graph"
    with pytest.raises(DiffcError, match="cannot be pickled"):
        pickle.dumps(scalars)


@pytest.mark.parametrize("supported", [True, False])
def test_where_elements_begin(monkeypatch, supported):
    monkeypatch.setattr(fastcall, "is_supported", lambda: supported)
    whole = np.arange(12.0).reshape(3, 4)
    for array in (whole, whole[1:, 2], np.zeros(()), np.zeros((0, 3)), np.zeros(5, bool)):
        assert fastcall.address_of(array) == array.ctypes.data


def test_no_references_leak(twice, take):
    x, out = np.arange(4.0), np.empty(4)
    dtype, sentinel = x.dtype, NotImplemented
    before = [sys.getrefcount(each) for each in (x, out, dtype, sentinel)]
    for _ in range(1000):
        twice(x)
        twice(x, out=out)
        twice._entry(1)
        take._entry(x, 17)
    after = [sys.getrefcount(each) for each in (x, out, dtype, sentinel)]
    assert all(abs(a - b) < 10 for a, b in zip(after, before, strict=True))
    y = twice(x)
    assert sys.getrefcount(y) == 2
