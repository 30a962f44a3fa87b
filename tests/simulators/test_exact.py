"""The same bits everywhere, near enough to the true values, and numbers that look random."""

import hashlib
import math
import os
import subprocess
import sys
from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators import exact

COUNT = np.arange(100_000)
CHECKSUM = "dd64324da5e901e6367cf45e16f18edda886ff18d51a704bfbda30e70de37bdb"


def ulps(found, true):
    """How many units in the last place ``found`` is from ``true``, a Decimal."""
    return float(abs(Decimal(float(found)) - true) / Decimal(math.ulp(float(true))))


def everything() -> bytes:
    """The bits of each function over its range, and of random numbers."""
    x = exact.uniform(1, "x", index=COUNT)
    wide = (x - 0.5) * 1400.0
    columns = [
        exact.exp(wide),
        exact.ln(x * 1e9),
        exact.power(x * 10.0, wide * 0.01),
        exact.sine(wide * 50.0),
        exact.cosine(wide * 50.0),
        exact.normal(1, "n", 5, index=COUNT),
        exact.between(wide, np.cumsum(x[:1000]) * 2.0 - 500.0, x[1000:2000]),
    ]
    return b"".join(column.tobytes() for column in columns)


def test_the_bits_are_the_same_on_every_machine():
    assert hashlib.sha256(everything()).hexdigest() == CHECKSUM


def test_the_bits_are_the_same_on_a_processor_with_less():
    program = (
        "import hashlib; from tests.simulators.test_exact import everything;"
        "print(hashlib.sha256(everything()).hexdigest())"
    )
    plain = {
        "NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512CD AVX512_SKX AVX2 FMA3",
        "NUMBA_CPU_NAME": "generic",
        "NUMBA_CPU_FEATURES": "",
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        env=os.environ | plain, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == CHECKSUM


@given(st.floats(-700, 700))
def test_exp(x):
    with localcontext(prec=40):
        assert ulps(exact.exp(x), Decimal(x).exp()) < 1.0


@given(st.floats(1e-300, 1e300))
def test_ln(x):
    with localcontext(prec=40):
        true = Decimal(x).ln()
        assert exact.ln(x) == 0 if x == 1 else ulps(exact.ln(x), true) < 1.0


@given(st.floats(1e-3, 1e3), st.floats(-40, 40))
def test_power(x, y):
    with localcontext(prec=40):
        true = Decimal(x) ** Decimal(y)
        error = abs(Decimal(float(exact.power(x, y))) / true - 1)
        assert error < Decimal(2e-16 * (2 + abs(y * math.log(x))))


@given(st.floats(-1e5, 1e5))
def test_sine_and_cosine(x):
    # The C library's are correctly rounded in all but rare cases.
    assert abs(exact.sine(x) - math.sin(x)) <= math.ulp(math.sin(x))
    assert abs(exact.cosine(x) - math.cos(x)) <= math.ulp(math.cos(x))


def test_what_is_out_of_range():
    assert exact.exp([-1000.0, 1000.0, -math.inf]).tolist() == [0.0, math.inf, 0.0]
    assert exact.exp(-745.0) == 5e-324
    assert exact.exp(709.78) == pytest.approx(math.exp(709.78), rel=1e-15)
    assert exact.ln([0.0, math.inf]).tolist() == [-math.inf, math.inf]
    assert exact.ln(5e-324) == pytest.approx(math.log(5e-324), rel=1e-15)
    assert exact.power([0.0, 0.0, 1.0, 5.0], [2.0, 0.0, math.inf, 0.0]).tolist() == [0, 1, 1, 1]
    unknown = [exact.ln(-1.0), exact.sine(1e6), exact.cosine(-1e6), exact.exp(math.nan)]
    assert np.isnan([*unknown, exact.ln(math.nan), exact.sine(math.nan)]).all()


def test_between_knots_it_is_straight_and_beyond_them_it_holds():
    knots, values = np.array([-2.0, 0.0, 0.5, 7.0]), np.array([3.0, 3.0, -1.0, 1e9])
    x = np.linspace(-4.0, 9.0, 1001)
    assert exact.between(x, knots, values) == pytest.approx(np.interp(x, knots, values), rel=1e-14)
    assert exact.between(knots, knots, values).tolist() == values.tolist()
    assert exact.between([-math.inf, -1.7, math.inf], knots, values).tolist() == [3.0, 3.0, 1e9]
    assert exact.between(5, [1], [2.0]) == 2.0
    assert np.isnan(exact.between(math.nan, knots, values))


@pytest.mark.parametrize(("knots", "values"), [([], []), ([1.0, 2.0], [1.0])])
def test_between_wants_as_many_values_as_knots(knots, values):
    with pytest.raises(ValueError, match=r"knots and . values: give as many"):
        exact.between(0.0, knots, values)


def test_shapes_follow_the_arguments():
    assert exact.exp(0.0).shape == ()
    assert exact.sine(np.zeros((2, 3))).shape == (2, 3)
    powers = exact.power([[1.0], [2.0]], [1.0, 2.0, 3.0])
    assert powers == pytest.approx(np.array([[1, 1, 1], [2, 4, 8]]), rel=1e-15)
    assert exact.between([[1.0], [2.0]], [0.0, 4.0], [0.0, 8.0]).tolist() == [[2.0], [4.0]]
    assert exact.uniform(1, index=3).shape == ()
    assert exact.normal(1, "a", np.arange(4)[:, None], index=COUNT[:5]).shape == (4, 5)


def test_a_stream_is_splitmix():
    """The first outputs of the reference implementation (Vigna, splitmix64.c) from its state 0."""
    known = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    counted = (np.arange(3).astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    assert exact._mix(counted).tolist() == known


def test_a_number_can_be_drawn_alone_and_streams_are_apart():
    all_tags = exact.words(3, "noise", np.arange(50)[:, None], index=COUNT[:100])
    assert exact.words(3, "noise", 7, index=42) == all_tags[7, 42]
    assert len(np.unique(all_tags)) == all_tags.size
    others = [exact.words(4, "noise", 7, index=42), exact.words(3, "nose", 7, index=42)]
    others += [exact.words(3, 7, "noise", index=42), exact.words(3, "noise", 7, index=-42)]
    assert len({int(word) for word in [*others, all_tags[7, 42]]}) == 5


def test_uniform_numbers_are_uniform():
    u = exact.uniform(1, "u", index=COUNT)
    assert 0 < u.min() < u.max() < 1
    filled = np.bincount((u * 100).astype(int), minlength=100)
    # Chi-square with 99 degrees of freedom: 149 is passed once in a thousand.
    assert ((filled - 1000) ** 2 / 1000).sum() < 149
    assert abs(np.corrcoef(u[:-1], u[1:])[0, 1]) < 0.01
    neighbours = exact.uniform(1, "u", np.arange(300)[:, None], index=COUNT[:300])
    assert abs(np.corrcoef(neighbours[:-1].ravel(), neighbours[1:].ravel())[0, 1]) < 0.01


def test_normal_numbers_are_normal():
    z = exact.normal(1, "z", index=np.arange(1_000_000))
    assert abs(z.mean()) < 0.004
    assert abs(z.std() - 1) < 0.003
    for quantile, share in ((-3.0, 0.001349898), (-1.0, 0.15865525), (0.5, 0.69146246)):
        assert abs((z < quantile).mean() - share) < 4 * math.sqrt(share * (1 - share) / len(z))


def test_the_quantiles_of_the_normal():
    """AS 241's own check values."""
    assert exact._normal_of_(0.25) == pytest.approx(-0.6744897501960817, rel=1e-15)
    assert exact._normal_of_(0.001) == pytest.approx(-3.090232306167814, rel=1e-15)
    assert exact._normal_of_(1e-20) == pytest.approx(-9.262340089798408, rel=1e-15)
    assert exact._normal_of_(0.5) == 0.0
