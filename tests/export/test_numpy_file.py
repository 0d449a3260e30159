"""The exported NumPy file: it needs NumPy alone, passes its own test, and can fail it."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from actsearch.export import Activation, export
from actsearch.expressions import parse
from tests.export.evaluators import exported
from tests.export.loading import load, run_own_tests

FORMULAS = [
    "gelu(x)",
    "x*tanh(softplus(x)) - i0e(x)/2 + i1e(x)",
    "max(x, p0*x)*erf(u); p0=0.25, per channel",
    "erfc(x)*sinh(x)",
    "3 + 0*x",
    "erfc(relu(sinc(erfc(-2.19))) + x)",
]


@pytest.mark.parametrize("formula", FORMULAS)
def test_own_tests_pass(formula: str, tmp_path: Path) -> None:
    module = exported(Activation(parse(formula), "found", {"run": "r"}), "numpy", tmp_path)
    assert len(run_own_tests(module)) == 3
    assert module.METADATA["formula"] == formula
    assert module.METADATA["gain"] == module.GAIN


def test_it_runs_without_actsearch(tmp_path: Path) -> None:
    files = export(Activation(parse("x*tanh(softplus(x))"), "found"), ["numpy"])
    path = tmp_path / "found_numpy.py"
    path.write_text(str(files[path.name]), encoding="utf-8")
    imported = {
        alias.name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    assert imported == {"math", "numpy"}
    result = subprocess.run(
        [sys.executable, "-W", "error", str(path)],
        cwd=tmp_path,
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == "found: x*tanh(softplus(x)): all tests passed\n"


@pytest.mark.parametrize(("right", "wrong"), [("np.tanh(", "np.arctan("), ("0.01 * ", "0.02 * ")])
def test_its_own_test_can_fail(right: str, wrong: str, tmp_path: Path) -> None:
    files = export(Activation(parse("leaky_relu(tanh(x))"), "found"), ["numpy"])
    text = str(files["found_numpy.py"])
    assert right in text
    broken = load(text.replace(right, wrong), tmp_path, "broken")
    with pytest.raises(AssertionError):
        broken.test_values_and_derivatives()


def test_a_wrong_slope_of_a_parameter_is_found(tmp_path: Path) -> None:
    module = exported(Activation(parse("p0*x*sigmoid(p1*x)"), "found"), "numpy", tmp_path)
    right = module.found_derivative_p1
    module.__dict__["found_derivative_p1"] = lambda *given: 1.01 * right(*given)
    with pytest.raises(AssertionError):
        module.test_derivatives_by_parameters()


def test_types_and_scalars(tmp_path: Path) -> None:
    module = exported(Activation(parse("p0*softplus(x)"), "found"), "numpy", tmp_path)
    assert module.found(np.float16(20)) == np.float16(20)
    assert module.found(np.arange(3)).dtype == np.float64
    assert module.found(np.ones(3, np.float32), 2).dtype == np.float32
    assert module.found(np.ones((2, 3)), np.ones(3)).shape == (2, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert module.found(np.array([np.inf, 1e308]))[0] == np.inf


def test_hostile_provenance_stays_text(tmp_path: Path) -> None:
    notes = {'"""\nraise SystemExit(3)\n"""': '"""; raise SystemExit(4) #\\', "n": float("nan")}
    rows = [{"activation": '"""\\', "mean": 0.9, "standard_error": 0.01, "n": 3}]
    measured = {"sentence": '"""\\', "score": '"""', "rows": rows}
    activation = Activation(parse("relu(x)"), "found", notes, measured)
    for target in ("numpy", "jax"):
        module = exported(activation, target, tmp_path)
        assert module.METADATA["provenance"]["n"] == "nan"
        assert "0.9 ± 0.01" in str(module.__doc__)
