"""The exported JAX file: it needs JAX alone, passes its own test, and can fail it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from actsearch.export import Activation, export
from actsearch.expressions import parse
from tests.export.evaluators import exported
from tests.export.loading import load, run_own_tests

jax = pytest.importorskip("jax")


@pytest.mark.slow
@pytest.mark.parametrize(
    "formula", ["p0*x*sigmoid(p1*x); p1=1.5, per channel", "max(x, u)*gelu(x)"]
)
def test_own_tests_pass(formula: str, tmp_path: Path) -> None:
    module = exported(Activation(parse(formula), "found"), "jax", tmp_path)
    assert len(run_own_tests(module)) == 5


@pytest.mark.nightly
def test_it_runs_without_actsearch_and_flax(tmp_path: Path) -> None:
    path = tmp_path / "found_jax.py"
    files = export(Activation(parse("silu(x)"), "found"), ["jax"])
    path.write_text(str(files[path.name]), encoding="utf-8")
    (tmp_path / "flax.py").write_text("raise ImportError", encoding="utf-8")
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    result = subprocess.run(
        [sys.executable, "-W", "error", str(path)],
        cwd=tmp_path,
        env=env | {"JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == "found: silu(x): all tests passed\n"


def test_its_own_test_can_fail(tmp_path: Path) -> None:
    text = str(export(Activation(parse("tanh(x)"), "found"), ["jax"])["found_jax.py"])
    assert "jnp.tanh(x)" in text
    broken = load(text.replace("jnp.tanh(x)", "jnp.arctan(x)"), tmp_path, "broken")
    with pytest.raises(AssertionError):
        broken.test_values_and_derivatives()


def test_a_wrong_second_derivative_is_found(tmp_path: Path) -> None:
    text = str(export(Activation(parse("tanh(x)"), "found"), ["jax"])["found_jax.py"])
    begin = text.index("def _second_x_x")
    wrong = text[:begin] + text[begin:].replace("return y", "return 1.01 * y", 1)
    with pytest.raises(AssertionError):
        load(wrong, tmp_path, "broken").test_derivatives_against_autodiff()


@pytest.mark.parametrize(("formula", "curve"), [("silu(x)", 0.5), ("gelu(x)", 0.7978846)])
def test_second_derivatives_at_0(formula: str, curve: float, tmp_path: Path) -> None:
    """There the lines choose between forms, and have no derivative of their own."""
    module = exported(Activation(parse(formula), "found"), "jax", tmp_path)
    assert jax.hessian(module.found)(0.0) == pytest.approx(curve, rel=1e-6)
    assert jax.jit(jax.jacfwd(jax.grad(module.found)))(0.0) == pytest.approx(curve, rel=1e-6)


def test_tangents_may_be_numbers(tmp_path: Path) -> None:
    module = exported(Activation(parse("x*x"), "found"), "jax", tmp_path)
    assert jax.jvp(module.found, (2.0,), (1.0,)) == (4.0, 4.0)


def test_an_argument_that_does_not_vary_spoils_nothing(tmp_path: Path) -> None:
    """The slope by p0 is infinite at 0, which times 0 would be NaN."""
    module = exported(Activation(parse("x + log(p0)"), "found"), "jax", tmp_path)
    assert jax.jit(jax.grad(module.found))(1.0, 0.0) == 1.0
