"""Functions and random numbers with the same bits on every machine.

`numpy.exp` and the C library's differ between processors and releases in the last bit, and numpy's
normal numbers call them. Here are only + - * / and powers of two, which IEEE 754 rounds in one way
only, and integers; compiled without fastmath nothing is contracted or put in another order. So
whatever is printed as a simulator's output can be made from these, and its checksum holds anywhere.

The arguments of the mathematical functions are scalars or arrays, their result is an array (0-d for
scalars); NaN in, NaN out. The names that end in an underscore are the same for one float, to be
called from other compiled loops. The methods are those of fdlibm (Sun Microsystems, 1993).

Random numbers are drawn by counting: each is a function of a seed, the names of its stream and its
index, so that any reading of any tag can be drawn alone and in any order.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulators.compiled import compiled, kept

Floats = NDArray[np.float64]
Words = NDArray[np.uint64]

_LN2_HI: Final = 6.93147180369123816490e-01  # 32 bits of ln 2, so that k times it is exact
_LN2_LO: Final = 1.90821492927058770002e-10
_PER_LN2: Final = 1.44269504088896338700
_OVERFLOW: Final = 709.782712893383973096
_UNDERFLOW: Final = -745.13321910194110842
_SMALLEST: Final = -1074
_POWERS_OF_TWO: Final = np.ldexp(1.0, np.arange(_SMALLEST, 1024))
_SQRT_HALF: Final = 0.70710678118654752440
# Three parts of pi / 2, of 33 bits each but the last.
_HALF_PI_1: Final = 1.57079632673412561417
_HALF_PI_2: Final = 6.07710050630396597660e-11
_HALF_PI_2_REST: Final = 2.02226624879595063154e-21
_PER_HALF_PI: Final = 6.36619772367581382433e-01
_LARGEST_ANGLE: Final = 1.0e5


@compiled
def exp_(x: float) -> float:
    if not x <= _OVERFLOW:
        return x + math.inf if x > 0.0 else x
    if x < _UNDERFLOW:
        return 0.0
    k = math.floor(x * _PER_LN2 + 0.5)
    high, low = x - k * _LN2_HI, k * _LN2_LO
    r = high - low
    t = r * r
    c = r - t * (
        1.66666666666666019037e-01
        + t
        * (
            -2.77777777770155933842e-03
            + t
            * (
                6.61375632143793436117e-05
                + t * (-1.65339022054652515390e-06 + t * 4.13813679705723846039e-08)
            )
        )
    )
    y = 1.0 - ((low - (r * c) / (2.0 - c)) - high)
    first = int(k) // 2
    return float(y * _POWERS_OF_TWO[first - _SMALLEST] * _POWERS_OF_TWO[int(k) - first - _SMALLEST])


@compiled
def ln_(x: float) -> float:
    if not x > 0.0:
        return -math.inf if x == 0.0 else math.nan
    if x == math.inf:
        return x
    fraction, exponent = math.frexp(x)
    if fraction < _SQRT_HALF:
        fraction, exponent = 2.0 * fraction, exponent - 1
    f, k = fraction - 1.0, float(exponent)
    half_square = 0.5 * f * f
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    even = w * (
        3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01)
    )
    odd = z * (
        6.666666666666735130e-01
        + w
        * (2.857142874366239149e-01 + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01))
    )
    return k * _LN2_HI - ((half_square - (s * (half_square + even + odd) + k * _LN2_LO)) - f)


@compiled
def power_(x: float, y: float) -> float:
    if y == 0.0 or x == 1.0:
        return 1.0
    return exp_(y * ln_(x))


@compiled
def _quadrant(x: float) -> tuple[int, float, float]:
    """How many quarter turns to the nearest, and what is left, in two parts."""
    n = math.floor(x * _PER_HALF_PI + 0.5)
    whole = x - n * _HALF_PI_1
    w = n * _HALF_PI_2
    r = whole - w
    w = n * _HALF_PI_2_REST - ((whole - r) - w)
    first = r - w
    return int(n) % 4, first, (r - first) - w


@compiled
def _kernel_sine(x: float, rest: float) -> float:
    z = x * x
    v = z * x
    r = 8.33333333332248946124e-03 + z * (
        -1.98412698298579493134e-04
        + z
        * (
            2.75573137070700676789e-06
            + z * (-2.50507602534068634195e-08 + z * 1.58969099521155010221e-10)
        )
    )
    return x - ((z * (0.5 * rest - v * r) - rest) + v * 1.66666666666666324348e-01)


@compiled
def _kernel_cosine(x: float, rest: float) -> float:
    z = x * x
    r = z * (
        4.16666666666666019037e-02
        + z
        * (
            -1.38888888888741095749e-03
            + z
            * (
                2.48015872894767294178e-05
                + z
                * (
                    -2.75573143513906633035e-07
                    + z * (2.08757232129817482790e-09 + z * -1.13596475577881948265e-11)
                )
            )
        )
    )
    half = 0.5 * z
    w = 1.0 - half
    return w + (((1.0 - w) - half) + (z * r - x * rest))


@compiled
def sine_(x: float) -> float:
    if not abs(x) <= _LARGEST_ANGLE:
        return math.nan
    turns, r, rest = _quadrant(x)
    y = _kernel_sine(r, rest) if turns % 2 == 0 else _kernel_cosine(r, rest)
    return y if turns < 2 else -y


@compiled
def cosine_(x: float) -> float:
    if not abs(x) <= _LARGEST_ANGLE:
        return math.nan
    turns, r, rest = _quadrant(x)
    y = _kernel_cosine(r, rest) if turns % 2 == 0 else _kernel_sine(r, rest)
    return -y if turns == 1 or turns == 2 else y


@compiled
def _normal_of_(p: float) -> float:
    """The normal quantile: Wichura, Algorithm AS 241 (PPND16), Applied Statistics 37 (1988)."""
    q = p - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        top = (((((2.5090809287301226727e3 * r + 3.3430575583588128105e4) * r
                  + 6.7265770927008700853e4) * r + 4.5921953931549871457e4) * r
                + 1.3731693765509461125e4) * r + 1.9715909503065514427e3) * r  # fmt: skip
        top = (top + 1.3314166789178437745e2) * r + 3.3871328727963666080e0
        bottom = (((((5.2264952788528545610e3 * r + 2.8729085735721942674e4) * r
                     + 3.9307895800092710610e4) * r + 2.1213794301586595867e4) * r
                   + 5.3941960214247511077e3) * r + 6.8718700749205790830e2) * r  # fmt: skip
        bottom = (bottom + 4.2313330701600911252e1) * r + 1.0
        return q * top / bottom
    r = math.sqrt(-ln_(p if q < 0.0 else 1.0 - p))
    if r <= 5.0:
        r -= 1.6
        top = (((((7.74545014278341407640e-4 * r + 2.27238449892691845833e-2) * r
                  + 2.41780725177450611770e-1) * r + 1.27045825245236838258e0) * r
                + 3.64784832476320460504e0) * r + 5.76949722146069140550e0) * r  # fmt: skip
        top = (top + 4.63033784615654529590e0) * r + 1.42343711074968357734e0
        bottom = (((((1.05075007164441684324e-9 * r + 5.47593808499534494600e-4) * r
                     + 1.51986665636164571966e-2) * r + 1.48103976427480074590e-1) * r
                   + 6.89767334985100004550e-1) * r + 1.67638483018380384940e0) * r  # fmt: skip
        bottom = (bottom + 2.05319162663775882187e0) * r + 1.0
    else:
        r -= 5.0
        top = (((((2.01033439929228813265e-7 * r + 2.71155556874348757815e-5) * r
                  + 1.24266094738807843860e-3) * r + 2.65321895265761230930e-2) * r
                + 2.96560571828504891230e-1) * r + 1.78482653991729133580e0) * r  # fmt: skip
        top = (top + 5.46378491116411436990e0) * r + 6.65790464350110377720e0
        bottom = (((((2.04426310338993978564e-15 * r + 1.42151175831644588870e-7) * r
                     + 1.84631831751005468180e-5) * r + 7.86869131145613259100e-4) * r
                   + 1.48753612908506148525e-2) * r + 1.36929880922735805310e-1) * r  # fmt: skip
        bottom = (bottom + 5.99832206555887937690e-1) * r + 1.0
    return -top / bottom if q < 0.0 else top / bottom


@compiled
def between_(x: float, knots: Floats, values: Floats) -> float:
    low, high = 0, len(knots) - 1
    if not x > knots[0]:
        return float(values[0] if x <= knots[0] else x)
    if x >= knots[high]:
        return float(values[high])
    while high - low > 1:
        middle = (low + high) // 2
        if knots[middle] <= x:
            low = middle
        else:
            high = middle
    part = (x - knots[low]) / (knots[high] - knots[low])
    return float(values[low] + part * (values[high] - values[low]))


@kept
def _exp_all(x: Floats, y: Floats) -> None:
    for i in range(x.size):
        y[i] = exp_(x[i])


@kept
def _ln_all(x: Floats, y: Floats) -> None:
    for i in range(x.size):
        y[i] = ln_(x[i])


@kept
def _sine_all(x: Floats, y: Floats) -> None:
    for i in range(x.size):
        y[i] = sine_(x[i])


@kept
def _cosine_all(x: Floats, y: Floats) -> None:
    for i in range(x.size):
        y[i] = cosine_(x[i])


@kept
def _normal_all(x: Floats, y: Floats) -> None:
    for i in range(x.size):
        y[i] = _normal_of_(x[i])


@kept
def _between_all(x: Floats, knots: Floats, values: Floats, y: Floats) -> None:
    for i in range(x.size):
        y[i] = between_(x[i], knots, values)


def exp(x: ArrayLike) -> Floats:
    """e to the x, within 1 ulp (below 1e-307 within 2: what is denormal is rounded twice)."""
    return _each(_exp_all, x)


def ln(x: ArrayLike) -> Floats:
    """The natural logarithm, within 1 ulp; -inf at 0, NaN below."""
    return _each(_ln_all, x)


def power(x: ArrayLike, y: ArrayLike) -> Floats:
    """x to the y, for x >= 0: exp(y ln x), so with a relative error up to 2e-16 (2 + |y ln x|).

    As in IEEE 754 it is 1 where y is 0 or x is 1.
    """
    base, exponent = np.broadcast_arrays(np.asarray(x, np.float64), np.asarray(y, np.float64))
    with np.errstate(invalid="ignore"):
        found = exp(exponent * ln(base))
    return np.where((exponent == 0.0) | (base == 1.0), 1.0, found)


def sine(x: ArrayLike) -> Floats:
    """The sine of x radians, within 1 ulp; NaN where |x| > 1e5."""
    return _each(_sine_all, x)


def cosine(x: ArrayLike) -> Floats:
    """The cosine of x radians, within 1 ulp; NaN where |x| > 1e5."""
    return _each(_cosine_all, x)


def between(x: ArrayLike, knots: ArrayLike, values: ArrayLike) -> Floats:
    """What is straight between ``values`` (n,) at ``knots`` (n,), which rise; the first and the
    last hold before and after. `numpy.interp` may be contracted where a processor can do that.

    Raises ValueError where there are no knots, or not as many values.
    """
    at, told = np.asarray(knots, np.float64), np.asarray(values, np.float64)
    if at.shape != told.shape or not at.size:
        raise ValueError(f"{at.size} knots and {told.size} values: give as many, and at least one")
    return _each(lambda given, found: _between_all(given, at, told, found), x)


def words(seed: int, *stream: str | ArrayLike, index: ArrayLike) -> Words:
    """64 random bits for each ``index`` of a stream, any integers.

    A stream is named by strings, integers or arrays of integers, which broadcast with ``index``:
    ``words(7, "noise", tag_numbers[:, None], index=reading_numbers)`` has a row a tag. A stream is
    SplitMix64 (Steele, Lea and Flood, OOPSLA 2014), begun where its seed and names, mixed one after
    another by the same function, put it; its index n is that generator's nth output.
    """
    state = _mix(np.atleast_1d(np.uint64(seed & _ALL)))
    for name in stream:
        state = _mix(state * _GOLDEN ^ _word(name))
    counted = np.atleast_1d(np.asarray(index, np.int64)).astype(np.uint64)
    found = _mix(state + (counted + np.uint64(1)) * _GOLDEN)
    return found if _shaped(stream, index) else np.asarray(found[0])


def uniform(seed: int, *stream: str | ArrayLike, index: ArrayLike) -> Floats:
    """Uniform numbers in (0, 1), of 52 bits, as many and shaped as `words`."""
    whole = (words(seed, *stream, index=index) >> np.uint64(12)).astype(np.float64)
    return np.asarray((whole + 0.5) * 2.0**-52)


def normal(seed: int, *stream: str | ArrayLike, index: ArrayLike) -> Floats:
    """Standard normal numbers, as many and shaped as `words`: the quantiles of `uniform`."""
    return _each(_normal_all, uniform(seed, *stream, index=index))


_ALL: Final = 2**64 - 1
_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)


def _mix(z: Words) -> Words:
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)))


def _word(name: str | ArrayLike) -> Words:
    if isinstance(name, str):
        digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
        return np.asarray(int.from_bytes(digest, "little"), np.uint64)
    return np.asarray(name, np.int64).astype(np.uint64)


def _shaped(stream: tuple[str | ArrayLike, ...], index: ArrayLike) -> bool:
    return np.ndim(index) > 0 or any(np.ndim(n) > 0 for n in stream if not isinstance(n, str))


def _each(loop: Callable[[Floats, Floats], None], x: ArrayLike) -> Floats:
    given = np.ascontiguousarray(x, np.float64)
    found = np.empty_like(given)
    loop(given.reshape(-1), found.reshape(-1))
    return found if np.ndim(x) else np.asarray(found.reshape(()))
