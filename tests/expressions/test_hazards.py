"""What narrow types do: against torch's own rounding, and on formulas that are known to fail."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from actsearch.expressions import KNOWN, parse
from actsearch.expressions.analysis import Hazard
from actsearch.expressions.analysis.hazards import Round, _to_bfloat16, _to_float16, hazards
from actsearch.expressions.analysis.subject import Subject


def of(formula: str) -> dict[tuple[str, str], Hazard]:
    return {(one.dtype, one.what): one for one in hazards(Subject(parse(formula)))}


def covers(intervals: tuple[tuple[float, float], ...], x: float) -> bool:
    return any(low <= x <= high for low, high in intervals)


@pytest.mark.parametrize(
    ("rounded", "dtype"), [(_to_bfloat16, torch.bfloat16), (_to_float16, torch.float16)]
)
def test_rounding_is_torch_s(rounded: Round, dtype: torch.dtype) -> None:
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 1 << 32, 200_000, dtype=np.uint64).astype(np.uint32)
    x = np.concatenate(
        [bits.view(np.float32), np.array([0, -0.0, np.inf, -np.inf, np.nan, 1], np.float32)]
    )
    expected = torch.from_numpy(x).to(dtype).double().numpy()
    with np.errstate(all="ignore"):
        assert np.array_equal(rounded(x), expected, equal_nan=True)


def test_naive_softplus_overflows_where_it_is_known_to() -> None:
    found = of("log(1 + exp(x))")
    half = found["float16", "value"]
    # exp overflows above log(65504) = 11.09; 1 + exp(x) forgets exp(x) below log(2^-11) = -7.62
    # and has it to 1 % above log(50*2^-11).
    ((low, high),) = half.overflow
    assert low == pytest.approx(11.09, abs=0.01)
    assert high == 65504
    assert covers(half.lost, -8.0)
    assert not covers(half.lost, 0.5)
    assert half.worst_error >= 1
    (brain,) = found["bfloat16", "value"].overflow
    assert brain[0] == pytest.approx(89, abs=0.5)
    (single,) = found["float32", "value"].overflow
    assert single[0] == pytest.approx(88.73, abs=1)


def test_the_row_does_better() -> None:
    found = of("softplus(x)")
    assert not found["float16", "value"].overflow
    assert not covers(found["float16", "value"].lost, -8.0)
    assert str(found["float16", "value"]) == "float16 value: fine"


def test_values_beyond_a_type_overflow_it() -> None:
    ((a, b), (c, d)) = of("square(x)")["float16", "value"].overflow
    assert (a, b, c, d) == (-65504, -256, 256, 65504)


def test_cancellation_is_found() -> None:
    naive, stable = of("1 - tanh(x)"), of("sech2(x)")
    assert covers(naive["float16", "value"].lost, 5.0)
    assert covers(naive["bfloat16", "value"].lost, 4.0)
    assert naive["float16", "value"].lost_share < 0.05
    assert not stable["float16", "value"].lost_share > 1e-6


def test_float32_is_safe_for_the_zoo() -> None:
    for name, formula in KNOWN.items():
        for one in hazards(Subject(parse(formula))):
            if one.dtype == "float32":
                # The slope of cos(x) - x, -sin(x) - 1, is lost where it touches 0.
                assert one.lost_share < (1e-3 if name == "cos - x" else 1e-12), name
                assert all(high < -80 or low > 80 for low, high in one.overflow), name
