"""Every maths function against 50-digit mpmath, in ulps, and its special values exactly."""

from __future__ import annotations

import ctypes
import functools
from typing import TYPE_CHECKING, Any, NamedTuple

import llvmlite.binding as llvm
import mpmath
import numpy as np
import pytest

from diffc.lower.emitter import FunctionEmitter, Module, Parameter, Value
from diffc.lower.vecmath import FUNCTIONS, MAX_ULP, ipow
from diffc.ops.gamma import MAX_ORDER

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Array = NDArray[np.floating[Any]]

llvm.initialize_native_target()
llvm.initialize_native_asmprinter()

DTYPES: dict[str, type[np.floating[Any]]] = {"f64": np.float64, "f32": np.float32}
_VECTOR = 8 if llvm.get_host_cpu_features().get("avx512f") else 4
LANES = {"f64": (1, _VECTOR), "f32": (1, 2 * _VECTOR)}
SHAPES = [(kind, lanes) for kind, widths in LANES.items() for lanes in widths]
_BINARY = ("atan2", "pow", "logaddexp", "hypot", "minimum", "maximum", "mod", "fmod", "floor_divide")
INF, NAN = float("inf"), float("nan")


class Compiled:
    """A loop over arrays of one maths function, compiled for this machine."""

    def __init__(
        self, body: Callable[..., Value], arity: int, kind: str, lanes: int, inline: bool = True
    ) -> None:
        """Compile `body(e, *values)`, which may call `e.maths`."""
        module = Module("test", inline_maths=inline)
        pointers = [Parameter(f"x{i}", "ptr") for i in range(arity)]
        e = module.function("kernel", [*pointers, Parameter("out", "ptr"), Parameter("n", "i64")])
        *inputs, out, n = e.arguments
        e.br("loop")
        e.block("loop")
        i = e.phi("i64")
        values = [e.load(e.gep(pointer, kind, i), kind, lanes) for pointer in inputs]
        e.store(body(e, *values), e.gep(out, kind, i))
        following = e.iadd(i, e.constant("i64", lanes))
        e.add_incoming(i, e.constant("i64", 0), "entry")
        e.add_incoming(i, following, "loop")
        e.cbr(e.icmp("slt", following, n), "loop", "end")
        e.block("end")
        e.ret()
        parsed = llvm.parse_assembly(module.text())
        parsed.verify()
        machine = llvm.Target.from_default_triple().create_target_machine(
            cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=2
        )
        passes = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(2))
        passes.getModulePassManager().run(parsed, passes)
        self._engine = llvm.create_mcjit_compiler(parsed, machine)
        self._engine.finalize_object()
        signature = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * (arity + 1), ctypes.c_int64)
        self._kernel = signature(self._engine.get_function_address("kernel"))
        self._dtype = DTYPES[kind]
        self._lanes = lanes

    def __call__(self, *arguments: Array) -> Array:
        """Return the function of equally long arrays."""
        padding = -len(arguments[0]) % self._lanes
        padded = [np.append(x, np.full(padding, 0.5)).astype(self._dtype) for x in arguments]
        out = np.empty_like(padded[0])
        self._kernel(*[x.ctypes.data for x in padded], out.ctypes.data, len(out))
        return out[: len(arguments[0])]


@functools.cache
def compiled(name: str, kind: str, lanes: int, inline: bool = True) -> Compiled:
    """Return the compiled loop of the maths function `name`."""

    def body(e: FunctionEmitter, *values: Value) -> Value:
        return e.maths(name, *values)

    return Compiled(body, 2 if name in _BINARY else 1, kind, lanes, inline)


# -- accuracy ------------------------------------------------------------------------------------------------


class Case(NamedTuple):
    """A function's true values and the arguments where it is hard."""

    reference: Callable[..., Any]
    hard: tuple[float, ...] = ()
    low: float = -INF
    high: float = INF


# The multiples of pi/2 nearest to a float, down to the worst of the whole f64 range (Muller, table 11.1).
_NEAR_POLES = (
    *np.arange(1, 60) * (np.pi / 2),
    *(2.0**k * np.pi for k in range(8, 60, 3)),
    6381956970095103 * 2.0**797,
)
_NEAR_ONE = (*(1 - 2.0**-k for k in range(1, 53)), *(1 + 2.0**-k for k in range(1, 53)))
_NEAR_TWO = tuple(1 + each for each in _NEAR_ONE)
_NEAR_ROOT = tuple(1.4616321449683622 * each for each in _NEAR_ONE)
# Around the integers the functions of gamma change from a sum to a series.
_STEPS = (*np.arange(1.0, 26.0), *(k - 2.0**-50 for k in range(1, 26)), *np.arange(0.3, 40, 0.7))
_ORDERS = (1, 2, 3, 8, 20)
"""Orders of polygamma; the code of those between differs in numbers only."""
_NEAR_OVERFLOW = (709.7, 709.78, 710.4, -708.3, -708.4, -720.1, -745.1, 88.7, 89.4, -87.3, -100.2, -103.9)


# The worst of three million random numbers, in f64 and in f32.
_HARD_TANH = (0.5338523713327101, 0.52182645)


def _real_cube_root(x: Any) -> Any:
    return mpmath.sign(x) * mpmath.cbrt(abs(x))


def _complement_of_erf(x: Any) -> Any:
    # mpmath overflows beyond.
    return mpmath.erfc(max(min(x, 100), -100))


CASES = {
    "exp": Case(mpmath.exp, _NEAR_OVERFLOW),
    "exp2": Case(
        lambda x: mpmath.power(2, x), (*np.arange(-1075.5, 1024, 37.25), 1023.9999999, 127.99999, -149.3)
    ),
    "expm1": Case(mpmath.expm1, (*_NEAR_OVERFLOW, -36.0, -40.5, 0.3465, -0.3466)),
    "log": Case(mpmath.log, _NEAR_ONE, low=0.0),
    "log2": Case(lambda x: mpmath.log(x) / mpmath.log(2), _NEAR_ONE, low=0.0),
    "log10": Case(mpmath.log10, (*_NEAR_ONE, *(10.0**k for k in range(-30, 30))), low=0.0),
    "log1p": Case(mpmath.log1p, (*(-1 + 2.0**-k for k in range(1, 53)), *_NEAR_ONE), low=-1.0),
    "sqrt": Case(mpmath.sqrt, low=0.0),
    "cbrt": Case(_real_cube_root, (*_NEAR_ONE, *(float(k**3) for k in range(20)))),
    "sin": Case(mpmath.sin, _NEAR_POLES),
    "cos": Case(mpmath.cos, _NEAR_POLES),
    "tan": Case(mpmath.tan, _NEAR_POLES),
    "asin": Case(mpmath.asin, (*_NEAR_ONE, 0.49999, 0.50001), low=-1.0, high=1.0),
    "acos": Case(mpmath.acos, (*_NEAR_ONE, 0.49999, 0.50001), low=-1.0, high=1.0),
    "atan": Case(mpmath.atan, (*_NEAR_ONE, 0.41421356, 2.41421356)),
    "sinh": Case(mpmath.sinh, (*_NEAR_OVERFLOW, 39.9, 40.1, 18.373690416896782, 0.34851888594198716)),
    "cosh": Case(mpmath.cosh, _NEAR_OVERFLOW),
    "tanh": Case(mpmath.tanh, (*np.arange(17.5, 19.5, 0.01), *np.arange(7.5, 9.5, 0.01), *_HARD_TANH)),
    "sigmoid": Case(lambda x: 1 / (1 + mpmath.exp(-x)), _NEAR_OVERFLOW),
    "softplus": Case(lambda x: mpmath.log1p(mpmath.exp(x)), (*_NEAR_OVERFLOW, 36.7, 37.5, -36.7)),
    "logaddexp": Case(lambda x, y: max(x, y) + mpmath.log1p(mpmath.exp(-abs(x - y)))),
    "erf": Case(mpmath.erf, (*_NEAR_ONE, 5.8, 5.95, 6.1)),
    "erfc": Case(_complement_of_erf, (*np.arange(-6, 28, 0.07), 0.84999, 0.85001, 26.54, 9.19, 10.05, 10.2)),
    "atan2": Case(mpmath.atan2),
    "pow": Case(mpmath.power),
    "hypot": Case(lambda x, y: mpmath.sqrt(x * x + y * y)),
    "gammaln": Case(mpmath.loggamma, (*_NEAR_ONE, *_NEAR_TWO, *_STEPS), low=0.0),
    "digamma": Case(mpmath.digamma, (*_NEAR_ONE, *_NEAR_ROOT, *_STEPS), low=0.0),
    **{f"polygamma_{n}": Case(functools.partial(mpmath.psi, n), _STEPS, low=0.0) for n in _ORDERS},
}


def _random_arguments(name: str, kind: str) -> Array:
    """Return arguments of all magnitudes, both signs, near powers of two and at the hard places."""
    generator = np.random.default_rng(7)
    info = np.finfo(DTYPES[kind])
    bits = int(-np.log2(float(info.smallest_subnormal)))
    exponents = np.concatenate([generator.uniform(-bits, info.maxexp, 300), generator.uniform(-12, 10, 400)])
    wide = np.exp2(np.minimum(exponents, info.maxexp - 1e-6))
    near_powers = np.ldexp(1.0, np.arange(-60, 60, 4))
    hard = np.asarray(CASES[name].hard)
    positive = np.concatenate([wide, near_powers, hard, generator.uniform(0, 4, 200)])
    positive = positive[np.abs(positive) <= float(info.max)].astype(info.dtype)
    positive = np.concatenate([positive, np.nextafter(positive, info.dtype.type(INF))])
    both = np.concatenate([positive, -positive])
    return both[np.isfinite(both) & (both > CASES[name].low) & (both < CASES[name].high)]


def _arguments(name: str, kind: str) -> tuple[Array, ...]:
    generator = np.random.default_rng(8)
    limit = 250.0 if kind == "f64" else 30.0
    if name == "atan2":
        y, x = 10.0 ** generator.uniform(-limit, limit, (2, 600)) * generator.choice([-1, 1], (2, 600))
        y[:300] = x[:300] * generator.uniform(-4, 4, 300)
        edge = 150.0 if kind == "f64" else 18.0  # quotients down to the subnormals
        y[300:400] = 10.0 ** generator.uniform(-edge - 15, -edge, 100)
        x[300:400] = 10.0 ** generator.uniform(edge - 15, edge + 5, 100)
    elif name == "logaddexp":
        # Apart from sums near 1 of the exponentials, where the result is small beside its operands.
        x = np.concatenate([generator.normal(size=300) * 5, 10.0 ** generator.uniform(-20, 4, 300)])
        x *= generator.choice([-1, 1], 600)
        y = x + generator.normal(size=600) * 10.0 ** generator.uniform(-18, 2, 600)
        total = np.logaddexp(x, y)
        apart = np.abs(total) > 0.25 * np.maximum(np.abs(x), np.abs(y))
        x, y = x[apart], y[apart]
    elif name == "hypot":
        x = 10.0 ** generator.uniform(-3, 3, 900) * generator.choice([-1, 1], 900)
        x[300:] = 10.0 ** generator.uniform(-limit * 1.28, limit * 1.23, 600)
        y = x * generator.uniform(-3, 3, 900)
        y[600:] = x[600:] * 10.0 ** generator.uniform(-20, 0, 300)
    elif name == "pow":
        x = 10.0 ** generator.uniform(-limit, limit, 900)
        x[:300] = generator.uniform(0.5, 2, 300)
        x[300:400] = 1 + generator.uniform(-1e-3, 1e-3, 100)
        # Exponents that spread the results from the smallest subnormal to overflow.
        extremes = (-740.0, 709.0) if kind == "f64" else (-102.0, 88.0)
        y = generator.uniform(*extremes, 900) / np.log(x)
        y[800:] = generator.integers(-3, 4, 100)
    else:
        return (_random_arguments(name, kind),)
    return (y if name == "atan2" else x).astype(DTYPES[kind]), (x if name == "atan2" else y).astype(
        DTYPES[kind]
    )


@functools.cache
def arguments_and_truth(name: str, kind: str) -> tuple[tuple[Array, ...], list[Any]]:
    arguments = _arguments(name, kind)
    with mpmath.workdps(50):
        rows = zip(*[x.tolist() for x in arguments], strict=True)
        return arguments, [CASES[name].reference(*map(mpmath.mpf, row)) for row in rows]


def ulps(result: float, true: Any, kind: str) -> float:
    """Return |result - true| in units in the last place of the true value; inf counts as the range's edge."""
    info = np.finfo(DTYPES[kind])
    edge = mpmath.ldexp(1, info.maxexp)
    if np.isnan(result):
        return INF
    _, exponent = mpmath.frexp(true)
    smallest = info.minexp - info.nmant
    unit = mpmath.ldexp(1, max(min(int(exponent), info.maxexp) - info.nmant - 1, smallest))
    bounded = [max(-edge, min(edge, mpmath.mpf(v))) for v in (result, true)]
    return float(abs(bounded[0] - bounded[1]) / unit)


@pytest.mark.parametrize(("kind", "lanes"), SHAPES)
@pytest.mark.parametrize("name", CASES)
def test_accuracy_against_mpmath(name: str, kind: str, lanes: int) -> None:
    """No result is off by more than the promised bound."""
    arguments, truth = arguments_and_truth(name, kind)
    results = compiled(name, kind, lanes)(*arguments).tolist()
    with mpmath.workdps(50):
        errors = [ulps(result, true, kind) for result, true in zip(results, truth, strict=True)]
    worst = int(np.argmax(errors))
    where = [float(x[worst]) for x in arguments]
    assert errors[worst] <= MAX_ULP[name], f"{name}{tuple(where)} = {results[worst]}, {errors[worst]:.3g} ulp"


def test_every_function_has_a_bound_and_a_test() -> None:
    """Adding a function without its bound and its points fails here."""
    exact = {"sign", "minimum", "maximum", "mod", "fmod", "floor_divide"}
    between = {f"polygamma_{n}" for n in range(1, MAX_ORDER + 1)}
    assert FUNCTIONS.keys() == MAX_ULP.keys() == CASES.keys() | exact | between
    assert all(bound <= 1.7 for bound in MAX_ULP.values())


# -- special values ------------------------------------------------------------------------------------------

_PI = float(np.pi)
SPECIAL: dict[str, tuple[tuple[tuple[float, ...], float], ...]] = {
    "exp": (((0.0,), 1.0), ((-0.0,), 1.0), ((INF,), INF), ((-INF,), 0.0), ((800.0,), INF), ((-800.0,), 0.0)),
    "exp2": (
        *(((float(k),), 2.0**k) for k in range(-126, 128, 7)),
        ((INF,), INF),
        ((-INF,), 0.0),
        ((1024.0,), INF),
        ((-1080.0,), 0.0),
    ),
    "log2": (
        *(((2.0**k,), float(k)) for k in range(-126, 128, 7)),
        ((0.0,), -INF),
        ((-0.0,), -INF),
        ((INF,), INF),
        ((-1.0,), NAN),
        ((-INF,), NAN),
    ),
    "log10": (
        *(((10.0**k,), float(k)) for k in range(11)),
        ((0.0,), -INF),
        ((-0.0,), -INF),
        ((INF,), INF),
        ((-1.0,), NAN),
        ((-INF,), NAN),
    ),
    "cbrt": (
        *(((float(k**3),), float(k)) for k in range(-20, 21) if k),
        ((0.0,), 0.0),
        ((-0.0,), -0.0),
        ((INF,), INF),
        ((-INF,), -INF),
    ),
    "expm1": (
        ((0.0,), 0.0),
        ((-0.0,), -0.0),
        ((INF,), INF),
        ((-INF,), -1.0),
        ((800.0,), INF),
        ((-90.0,), -1.0),
    ),
    "log": (((0.0,), -INF), ((-0.0,), -INF), ((1.0,), 0.0), ((INF,), INF), ((-1.0,), NAN), ((-INF,), NAN)),
    "log1p": (((0.0,), 0.0), ((-0.0,), -0.0), ((-1.0,), -INF), ((INF,), INF), ((-2.0,), NAN), ((-INF,), NAN)),
    "sqrt": (((0.0,), 0.0), ((-0.0,), -0.0), ((4.0,), 2.0), ((INF,), INF), ((-1.0,), NAN)),
    "sin": (((0.0,), 0.0), ((-0.0,), -0.0), ((INF,), NAN), ((-INF,), NAN)),
    "cos": (((0.0,), 1.0), ((-0.0,), 1.0), ((INF,), NAN), ((-INF,), NAN)),
    "tan": (((0.0,), 0.0), ((-0.0,), -0.0), ((INF,), NAN), ((-INF,), NAN)),
    "asin": (
        ((0.0,), 0.0),
        ((-0.0,), -0.0),
        ((1.0,), _PI / 2),
        ((-1.0,), -_PI / 2),
        ((1.1,), NAN),
        ((-INF,), NAN),
    ),
    "acos": (((1.0,), 0.0), ((-1.0,), _PI), ((0.0,), _PI / 2), ((1.1,), NAN), ((-1.1,), NAN), ((INF,), NAN)),
    "atan": (((0.0,), 0.0), ((-0.0,), -0.0), ((1.0,), _PI / 4), ((INF,), _PI / 2), ((-INF,), -_PI / 2)),
    "sinh": (((0.0,), 0.0), ((-0.0,), -0.0), ((INF,), INF), ((-INF,), -INF), ((-711.0,), -INF)),
    "cosh": (((0.0,), 1.0), ((-0.0,), 1.0), ((INF,), INF), ((-INF,), INF), ((-711.0,), INF)),
    "tanh": (((0.0,), 0.0), ((-0.0,), -0.0), ((INF,), 1.0), ((-INF,), -1.0), ((1e9,), 1.0)),
    "sigmoid": (((0.0,), 0.5), ((-0.0,), 0.5), ((INF,), 1.0), ((-INF,), 0.0), ((-800.0,), 0.0)),
    "softplus": (((INF,), INF), ((-INF,), 0.0), ((800.0,), 800.0), ((-800.0,), 0.0)),
    "erf": (((0.0,), 0.0), ((-0.0,), -0.0), ((INF,), 1.0), ((-INF,), -1.0), ((7.0,), 1.0)),
    "erfc": (((0.0,), 1.0), ((-0.0,), 1.0), ((INF,), 0.0), ((-INF,), 2.0), ((30.0,), 0.0), ((-7.0,), 2.0)),
    "gammaln": (
        *(((at,), INF) for at in (0.0, -0.0, -1.0, -7.0, -1e17, INF, -INF)),
        ((1.0,), 0.0),
        ((2.0,), 0.0),
    ),
    "digamma": (
        ((0.0,), -INF),
        ((-0.0,), INF),
        ((-1.0,), NAN),
        ((-1e17,), NAN),
        ((INF,), INF),
        ((-INF,), NAN),
    ),
    "polygamma_1": (*(((at,), INF) for at in (0.0, -0.0, -1.0, -1e17, -INF)), ((INF,), 0.0)),
    "polygamma_2": (*(((at,), -INF) for at in (0.0, -0.0, -1.0, -1e17, -INF)), ((INF,), -0.0)),
    "sign": (((0.0,), 0.0), ((-0.0,), 0.0), ((-3.0,), -1.0), ((1e-40,), 1.0), ((-INF,), -1.0), ((INF,), 1.0)),
}
_EDGES = (0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 3.0, -3.0, 0.5, -0.5, 1e-40, -1e-40, 1e30, -1e30, INF, -INF, NAN)
_NUMPY = {
    "pow": np.power,
    "atan2": np.arctan2,
    "mod": np.mod,
    "fmod": np.fmod,
    "floor_divide": np.floor_divide,
    "logaddexp": np.logaddexp,
    "hypot": np.hypot,
    "minimum": np.minimum,
    "maximum": np.maximum,
}


def _same(a: Array, b: Array) -> NDArray[np.bool_]:
    return (np.isnan(a) & np.isnan(b)) | ((a == b) & (np.signbit(a) == np.signbit(b)))


@pytest.mark.parametrize(("kind", "lanes"), SHAPES)
@pytest.mark.parametrize("name", SPECIAL)
def test_special_values(name: str, kind: str, lanes: int) -> None:
    """Zeros with their signs, infinities and NaN give exactly the documented results."""
    dtype = DTYPES[kind]
    rows = (*SPECIAL[name], ((NAN,), NAN))
    x, expected = np.array([row[0][0] for row in rows], dtype), np.array([row[1] for row in rows], dtype)
    results = compiled(name, kind, lanes)(x)
    assert _same(results, expected).all(), dict(zip(x.tolist(), results.tolist(), strict=True))


@pytest.mark.parametrize(("kind", "lanes"), SHAPES)
@pytest.mark.parametrize("name", _BINARY)
def test_special_pairs_as_numpy(name: str, kind: str, lanes: int) -> None:
    """Every pair of edge values gives NumPy's class, sign and value (to two ulps)."""
    dtype = DTYPES[kind]
    a, b = (grid.ravel().astype(dtype) for grid in np.meshgrid(_EDGES, _EDGES))
    results = compiled(name, kind, lanes)(a, b)
    with np.errstate(all="ignore"):
        expected = _NUMPY[name](a, b)
        close = np.abs(results - expected) <= 2 * np.spacing(np.abs(expected))
    signs = np.signbit(results) == np.signbit(expected)
    if name in ("minimum", "maximum"):
        signs |= results == 0  # of two zeros either may be returned
    right = _same(results, expected) | ((close | (results == expected)) & signs)
    wrong = np.flatnonzero(~right)
    assert not wrong.size, [(a[i], b[i], results[i], expected[i]) for i in wrong[:5]]


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("gammaln", lambda x: mpmath.loggamma(x).real),
        ("digamma", mpmath.digamma),
        *((f"polygamma_{n}", functools.partial(mpmath.psi, n)) for n in (1, 2, 5)),
    ],
)
def test_functions_of_gamma_below_0(name: str, reference: Callable[..., Any]) -> None:
    """The error is small beside the larger of the value and 1: there are zeros between the poles."""
    generator = np.random.default_rng(6)
    x = -np.concatenate([generator.uniform(0, 30, 300), 10.0 ** generator.uniform(-40, 2, 100)])
    x = x[x != np.rint(x)]
    results = compiled(name, "f64", LANES["f64"][1])(x)
    with mpmath.workdps(50):
        true = [reference(mpmath.mpf(each)) for each in x.tolist()]
    errors = [abs(r - t) / max(1, abs(t)) for r, t in zip(results.tolist(), true, strict=True)]
    assert max(errors) < 1e-13


@pytest.mark.parametrize("name", ["mod", "fmod", "floor_divide"])
@pytest.mark.parametrize("kind", DTYPES)
def test_division_with_remainder_is_numpys_to_the_bit(name: str, kind: str) -> None:
    """The remainder is exact for every pair of bit patterns, and next to the multiples of a divisor."""
    generator = np.random.default_rng(3)
    integer = np.iinfo(np.int64 if kind == "f64" else np.int32)
    x, y = generator.integers(integer.min, integer.max, (2, 4000), integer.dtype).view(DTYPES[kind])
    y[:1000] = generator.normal(size=1000)
    multiples = y[:1000] * np.floor(np.exp2(generator.uniform(0, 60, 1000))).astype(DTYPES[kind])
    x[:1000] = np.nextafter(multiples, multiples * generator.integers(0, 3, 1000).astype(DTYPES[kind]))
    y[1000:1100] = np.finfo(DTYPES[kind]).smallest_subnormal * generator.integers(-9, 9, 100)
    with np.errstate(all="ignore"):
        expected, results = _NUMPY[name](x, y), compiled(name, kind, LANES[kind][1])(x, y)
    assert _same(results, expected).all()


@pytest.mark.parametrize("name", ["exp", "log", "sin", "tanh"])
def test_lane_counts_agree_to_the_bit(name: str) -> None:
    """Scalar code and every vector width do the same arithmetic, huge lanes among usual ones included."""
    generator = np.random.default_rng(4)
    x = generator.normal(size=64) * 5
    x[::7] *= 1e15
    expected = compiled(name, "f64", 1)(x)
    for lanes in (2, 4, 8, 16):
        assert _same(compiled(name, "f64", lanes)(x), expected).all()


@pytest.mark.parametrize("kind", DTYPES)
@pytest.mark.parametrize("name", ["exp", "sin", "pow"])
def test_out_of_line_functions_are_the_same(name: str, kind: str) -> None:
    """Vectors pass through real calls unchanged."""
    x = np.geomspace(1e-3, 1e15, 64).astype(DTYPES[kind])
    arguments = (x, x[::-1] / x.max()) if name == "pow" else (x,)
    lanes = LANES[kind][1]
    called = compiled(name, kind, lanes, inline=False)(*arguments)
    assert _same(called, compiled(name, kind, lanes)(*arguments)).all()


@pytest.mark.parametrize("n", [-3, -1, 0, 1, 2, 3, 7, 10])
def test_ipow(n: int) -> None:
    """Repeated squaring gives the power to a few ulps."""

    def body(e: FunctionEmitter, x: Value) -> Value:
        return ipow(e, x, n)

    x = np.linspace(-3, 3, 50)
    np.testing.assert_array_almost_equal_nulp(Compiled(body, 1, "f64", 4)(x), x**n, nulp=8)
