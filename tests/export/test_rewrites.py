"""What libraries lack, written in other operations, keeps its digits in the tails too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import special

from actsearch.export import Activation
from actsearch.expressions import parse
from tests.export.evaluators import exported

TRUE: dict[str, Callable[[Any], Any]] = {
    "erfc(x)": special.erfc,
    "gelu(x)": lambda x: x * special.ndtr(x),
    "sinh(x)": np.sinh,
    "i0e(x)": special.i0e,
    "i1e(x)": special.i1e,
    "sigmoid(x)": special.expit,
}
X = np.random.default_rng(0).uniform(-9, 9, 2000).astype(np.float32)


@pytest.mark.parametrize("formula", TRUE)
@pytest.mark.parametrize("target", ["numpy", "jax", "keras"])
def test_float32_to_its_last_digits(formula: str, target: str, tmp_path: Path) -> None:
    if target == "keras" and formula in ("i0e(x)", "i1e(x)"):
        pytest.skip("Keras has no Bessel functions")
    module = exported(Activation(parse(formula), "found"), target, tmp_path)
    if target == "jax":
        import jax

        got = np.array(jax.jit(module.found)(X).tolist())  # XLA rearranges what it compiles whole
    else:
        got = np.array(module.found(X).tolist())
    true = TRUE[formula](X.astype(np.float64))
    units = 16 if formula == "i1e(x)" else 10  # where its series for x < 8 ends its terms cancel
    assert (np.abs(got - true) <= units * np.finfo(np.float32).eps * np.abs(true)).all()
