"""The emitter: every instruction against NumPy, literals to the bit, and well-formed modules."""

from __future__ import annotations

import ctypes
from functools import partial
from typing import TYPE_CHECKING, Any

import llvmlite.binding as llvm
import numpy as np
import pytest

from diffc.emit.interface import Emitter, Formal, Value
from diffc.emit.llvm.module import LlvmModule
from diffc.emit.maths import FUNCTIONS
from diffc.ops.monoid import MONOIDS
from diffc.runtime.code.machine import compile_text, load_object

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_DTYPES = {"f64": np.float64, "f32": np.float32, "i64": np.int64, "i32": np.int32, "bool": np.bool_}
_INF, _NAN = float("inf"), float("nan")


def evaluate(
    body: Callable[..., Value], *inputs: NDArray[Any], result: str, lanes: int | None = None
) -> NDArray[Any]:
    """Return what `body` computes from whole arrays, each loaded as one vector."""
    kinds = {np.dtype(dtype): kind for kind, dtype in _DTYPES.items()}
    module = LlvmModule()
    pointers = [Formal(f"x{i}", "ptr") for i in range(len(inputs))]
    e = module.function("kernel", [*pointers, Formal("out", "ptr")])
    loaded = [e.load(p, kinds[x.dtype], len(x)) for p, x in zip(e.arguments, inputs, strict=False)]
    e.store(body(e, *loaded), e.arguments[-1])
    e.ret()
    code = load_object(compile_text(module.text()))
    out = np.zeros(lanes or len(inputs[0]), _DTYPES[result])
    kernel = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * (len(inputs) + 1))(code.address("kernel"))
    kernel(*[x.ctypes.data for x in inputs], out.ctypes.data)
    return out


A = np.array([1.5, -2.5, 0.0, -0.0, 7.25, -1e300, _INF, _NAN])
B = np.array([2.0, 3.0, -0.0, 0.0, -0.5, 1e300, -_INF, 1.0])
N = np.array([1, -2, 3, 100, -(2**40), 0, 7, -1])
J = np.array([3, 1, 2, 5, 40, 1, 0, 63])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("size", [1, 4, 8])
@pytest.mark.parametrize(
    ("method", "reference"),
    [
        ("fadd", np.add),
        ("fsub", np.subtract),
        ("fmul", np.multiply),
        ("fdiv", np.divide),
        ("copysign", np.copysign),
        ("fmax", np.maximum),
        ("fmin", np.minimum),
    ],
)
def test_binary_floats(
    method: str, reference: Callable[..., Any], size: int, dtype: type[np.floating[Any]]
) -> None:
    """Each binary instruction is NumPy's to the bit."""
    with np.errstate(all="ignore"):
        a, b = A[-size:].astype(dtype), B[-size:].astype(dtype)
        kind = "f64" if dtype is np.float64 else "f32"
        got = evaluate(lambda e, x, y: getattr(e, method)(x, y), a, b, result=kind)
        np.testing.assert_array_equal(got, reference(a, b))


@pytest.mark.parametrize(
    ("method", "reference"),
    [
        ("fneg", np.negative),
        ("fabs", np.abs),
        ("sqrt", np.sqrt),
        ("floor", np.floor),
        ("ceil", np.ceil),
        ("rint", np.rint),
        ("truncate", np.trunc),
    ],
)
def test_unary_floats(method: str, reference: Callable[..., Any]) -> None:
    """Each unary instruction is NumPy's to the bit, signed zeros included."""
    with np.errstate(all="ignore"):
        got, expected = evaluate(lambda e, x: getattr(e, method)(x), A, result="f64"), reference(A)
    np.testing.assert_array_equal(got, expected)
    assert (np.signbit(got) == np.signbit(expected))[:-1].all()


@pytest.mark.parametrize(
    ("method", "reference"),
    [
        ("iadd", np.add),
        ("isub", np.subtract),
        ("imul", np.multiply),
        ("iand", np.bitwise_and),
        ("ior", np.bitwise_or),
        ("ixor", np.bitwise_xor),
        ("shl", np.left_shift),
        ("ashr", np.right_shift),
        ("lshr", lambda a, b: (a.view(np.uint64) >> b.view(np.uint64)).view(np.int64)),
        ("imin", np.minimum),
        ("imax", np.maximum),
    ],
)
def test_integers(method: str, reference: Callable[..., Any]) -> None:
    """Each integer instruction is NumPy's, wrapping."""
    np.testing.assert_array_equal(
        evaluate(lambda e, x, y: getattr(e, method)(x, y), N, J, result="i64"), reference(N, J)
    )


@pytest.mark.parametrize(
    ("predicate", "reference"), [("olt", np.less), ("oge", np.greater_equal), ("une", np.not_equal)]
)
def test_comparisons_are_stored_as_bytes(predicate: str, reference: Callable[..., Any]) -> None:
    """A comparison fills an array of bools."""
    got = evaluate(lambda e, x, y: e.fcmp(predicate, x, y), A, B, result="bool")
    np.testing.assert_array_equal(got, reference(A, B))


def test_bools_through_memory_and_logic() -> None:
    """Bools are loaded, combined and stored."""
    a, b = np.array([True, True, False, False]), np.array([True, False, True, False])
    np.testing.assert_array_equal(evaluate(lambda e, x, y: e.band(x, e.bnot(y)), a, b, result="bool"), a & ~b)
    np.testing.assert_array_equal(evaluate(lambda e, x, y: e.bor(x, y), a, b, result="bool"), a | b)
    np.testing.assert_array_equal(evaluate(lambda e, x, y: e.bxor(x, y), a, b, result="bool"), a ^ b)
    assert evaluate(lambda e, x: e.any(x), a, result="bool", lanes=1)[0]
    assert not evaluate(lambda e, x: e.all(x), a, result="bool", lanes=1)[0]


def test_fma_rounds_once() -> None:
    """The product's low half survives."""
    x = np.array([1 + 2.0**-30] * 4)
    got = evaluate(lambda e, a: e.fma(a, a, e.fneg(e.fmul(a, a))), x, result="f64")
    np.testing.assert_array_equal(got, 2.0**-60)


def test_conversions() -> None:
    """Each conversion is NumPy's."""
    x = np.array([1.75, -2.75, 0.0, 1e6])
    np.testing.assert_array_equal(
        evaluate(lambda e, a: e.fptosi(a, "i32"), x, result="i32"), x.astype(np.int32)
    )
    np.testing.assert_array_equal(evaluate(lambda e, a: e.fptrunc(a), x, result="f32"), x.astype(np.float32))
    np.testing.assert_array_equal(
        evaluate(lambda e, a: e.bitcast(a, "i64"), x, result="i64"), x.view(np.int64)
    )
    n = np.array([-1, 2, 2**31 - 1, 0], np.int32)
    np.testing.assert_array_equal(evaluate(lambda e, a: e.sitofp(a, "f64"), n, result="f64"), n)
    np.testing.assert_array_equal(evaluate(lambda e, a: e.sext(a, "i64"), n, result="i64"), n)
    np.testing.assert_array_equal(
        evaluate(lambda e, a: e.zext(a, "i64"), n, result="i64"), n.view(np.uint32).astype(np.int64)
    )
    np.testing.assert_array_equal(evaluate(lambda e, a: e.trunc(e.sext(a, "i64"), "i32"), n, result="i32"), n)
    b = np.array([True, False])
    np.testing.assert_array_equal(evaluate(lambda e, a: e.uitofp(a, "f64"), b, result="f64"), b.astype(float))


@pytest.mark.parametrize("value", [0.0, -0.0, 0.1, 1e-320, -1e308, _INF, -_INF, _NAN, 2.0**-149, 3])
@pytest.mark.parametrize("kind", ["f64", "f32"])
def test_literals_are_exact(kind: str, value: float) -> None:
    """A constant has the bits that NumPy gives the value, and zeros keep their signs apart."""
    x = np.zeros(2, _DTYPES[kind])
    with np.errstate(over="ignore"):
        expected = np.full(2, value, x.dtype)
    got = evaluate(lambda e, _: e.constant(kind, value, 2), x, result=kind)
    np.testing.assert_array_equal(got, expected)
    assert (np.signbit(got) == np.signbit(expected)).all()


def test_constants_are_cached_by_sign_of_zero() -> None:
    """0.0 == -0.0 as a key, yet both literals stay themselves."""
    e = LlvmModule().function("f", [])
    assert e.constant("f64", 0.0).ref != e.constant("f64", -0.0).ref
    assert e.constant("f64", 0.0).ref == "0x0000000000000000"
    assert e.constant("f64", 1.5, 4) is e.constant("f64", 1.5, 4)
    assert e.constant("bool", True).ref == "true"


@pytest.mark.parametrize("size", [1, 2, 8])
@pytest.mark.parametrize("name", [name for name in MONOIDS if name != "or"])
def test_horizontal(name: str, size: int) -> None:
    """The lanes are reduced to a scalar, floats and integers, as NumPy reduces."""
    monoid = MONOIDS[name]

    def body(e: Emitter, v: Value) -> Value:
        return e.horizontal(partial(monoid.emit, e), v)

    x = np.arange(1, size + 1) * 1.5
    got = evaluate(body, x, result="f64", lanes=1)
    np.testing.assert_allclose(got[0], monoid.numpy.reduce(x), rtol=1e-15)
    n = np.arange(size) - 3
    assert evaluate(body, n, result="i64", lanes=1)[0] == monoid.numpy.reduce(n)


@pytest.mark.parametrize("size", [1, 2, 8])
def test_horizontal_minimum(size: int) -> None:
    """Any instruction of two operands reduces the lanes."""
    x, n = np.arange(1, size + 1) * 1.5, np.arange(size) - 3
    assert evaluate(lambda e, v: e.horizontal(e.fmin, v), x, result="f64", lanes=1)[0] == min(x)
    assert evaluate(lambda e, v: e.horizontal(e.imin, v), n, result="i64", lanes=1)[0] == min(n)


def test_lanes() -> None:
    """Splat, extract, insert, shuffle and iota move lanes."""

    def body(e: Emitter, v: Value) -> Value:
        turned = e.shuffle(v, (3, 2, 1, 0))
        moved = e.insert(turned, e.extract(v, e.constant("i64", 1)), 0)
        return e.iadd(e.splat(e.extract(moved, 3), 4), e.imul(moved, e.iota("i64", 4)))

    np.testing.assert_array_equal(evaluate(body, np.array([5, 6, 7, 8]), result="i64"), [5, 12, 17, 20])


def test_select_by_a_scalar_and_by_lanes() -> None:
    """One condition may choose for all lanes."""
    x, y = np.arange(4.0), -np.arange(4.0)
    by_lane = evaluate(
        lambda e, a, b: e.select(e.fcmp("ogt", a, e.constant("f64", 1.0, 4)), a, b), x, y, result="f64"
    )
    np.testing.assert_array_equal(by_lane, [0, -1, 2, 3])
    chosen = evaluate(lambda e, a, b: e.select(e.constant("bool", 0), a, b), x, y, result="f64")
    np.testing.assert_array_equal(chosen, y)


@pytest.mark.parametrize("inline_maths", [True, False])
def test_a_loop_with_phis_and_a_maths_call(inline_maths: bool) -> None:
    """The sum of exp(i) for i < n, the library function inline or called; it is emitted once."""
    module = LlvmModule(FUNCTIONS, inline_maths=inline_maths)
    e = module.function("kernel", [Formal("n", "i64")], ("f64", 1))
    loop, done = e.new_label("loop"), e.new_label("done")
    e.comment("sum of exponentials")
    e.br(loop)
    e.block(loop)
    i, total = e.phi("i64"), e.phi("f64")
    grown = e.fadd(total, e.fmul(e.maths("exp", e.sitofp(i, "f64")), e.maths("exp", e.constant("f64", 0.0))))
    following = e.iadd(i, e.constant("i64", 1))
    for phi, first, later in ((i, e.constant("i64", 0), following), (total, e.constant("f64", 0.0), grown)):
        e.add_incoming(phi, first, "entry")
        e.add_incoming(phi, later, e.current_block)
    e.cbr(e.icmp("slt", following, e.arguments[0]), loop, done)
    e.block(done)
    e.ret(grown)
    assert module.text().count("define internal double @vm_exp_f64x1") == 1
    assert (" noinline {" in module.text()) is not inline_maths
    code = load_object(compile_text(module.text()))
    kernel = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_int64)(code.address("kernel"))
    assert kernel(5) == pytest.approx(np.exp(np.arange(5)).sum(), rel=1e-15)


def test_only_what_is_used_is_declared() -> None:
    """An intrinsic is declared once, in its width; a plain sum declares nothing."""
    module = LlvmModule()
    e = module.function("f", [Formal("x", "f64", 8)], ("f64", 8))
    (x,) = e.arguments
    e.ret(e.fma(x, e.fma(x, x, x), x))
    assert list(module.shared.declarations.values()) == [
        "declare <8 x double> @llvm.fma.v8f64(<8 x double>, <8 x double>, <8 x double>)"
    ]
    assert "fast" not in module.text()


def test_a_mismatch_is_refused_by_the_parser() -> None:
    """Nothing is checked while emitting: LLVM reports the line."""
    e = LlvmModule().function("f", [Formal("x", "f64"), Formal("y", "f32")])
    e.fadd(*e.arguments)
    e.ret(e.fadd(e.arguments[0], e.fmul(e.arguments[1], e.arguments[1])))
    with pytest.raises(RuntimeError, match="but expected 'double'"):
        llvm.parse_assembly(e.module.text())


def test_a_long_chain_is_emitted() -> None:
    e = LlvmModule().function("f", [Formal("x", "f64")], ("f64", 1))
    x = e.arguments[0]
    for _ in range(50_000):
        x = e.fadd(e.fmul(x, x), x)
    e.ret(x)
    assert e.text().count("\n") > 100_000
