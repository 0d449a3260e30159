"""The exported Keras file: it passes its own test with two backends, and can fail it."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from actsearch.export import Activation, Inexpressible, export
from actsearch.expressions import parse
from tests.export.evaluators import exported
from tests.export.loading import load, run_own_tests

keras = pytest.importorskip("keras")
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("formula", "n_tests"),
    [
        ("gelu(x)", 4),
        ("max(x, p0*x)*sinh(x)*erfc(x); p0=0.25, per channel", 5),
        ("p0*silu(p1*x)", 5),
        ("3 + 0*x", 4),
    ],
)
def test_own_tests_pass(formula: str, n_tests: int, tmp_path: Path) -> None:
    module = exported(Activation(parse(formula), "found"), "keras", tmp_path)
    assert len(run_own_tests(module)) == n_tests


@pytest.mark.nightly
def test_it_runs_with_jax_and_without_actsearch(tmp_path: Path) -> None:
    path = tmp_path / "found_keras.py"
    files = export(Activation(parse("p0*gelu(x)"), "found"), ["keras"])
    path.write_text(str(files[path.name]), encoding="utf-8")
    imported = {
        getattr(node, "module", None) or node.names[0].name
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert imported == {"contextlib", "math", "os", "tempfile", "warnings", "keras"}
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    result = subprocess.run(
        [sys.executable, str(path)],
        cwd=tmp_path,
        env=env | {"JAX_PLATFORMS": "cpu", "KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == "found: p0*gelu(x): all tests passed\n"


def test_it_names_the_backends_that_are_tested() -> None:
    text = str(export(Activation(parse("tanh(x)"), "found"), ["keras"])["found_keras.py"])
    assert "with the backend torch or JAX" in text
    assert "any backend" not in text


def test_its_own_test_can_fail(tmp_path: Path) -> None:
    text = str(export(Activation(parse("tanh(x)"), "found"), ["keras"])["found_keras.py"])
    assert "_ops.tanh(x)" in text
    broken = load(text.replace("_ops.tanh(x)", "_ops.arctan(x)"), tmp_path, "broken")
    with pytest.raises(AssertionError):
        broken.test_values_and_derivatives()


def test_the_gradient_is_the_exact_derivative(tmp_path: Path) -> None:
    """Differentiated as it is written, sqrt(abs(x)) would have a slope of NaN at 0."""
    module = exported(Activation(parse("p0*sqrt_abs(x)"), "found"), "keras", tmp_path)
    x = keras.ops.convert_to_tensor([0.0, 4.0]).clone().requires_grad_()
    module.found(x).sum().backward()
    assert x.grad.tolist() == [0.0, 0.25]


def test_channels_along_another_axis(tmp_path: Path) -> None:
    formula = "max(x, p0*x); p0=0.25, per channel"
    module = exported(Activation(parse(formula), "found"), "keras", tmp_path)
    layer = module.Found(axis=1)
    x = -keras.ops.ones((2, 3, 4))
    layer.build(x.shape)
    layer.p0.assign([0.0, 0.5, 1.0])
    assert layer(x)[0, :, 0].tolist() == [0.0, -0.5, -1.0]
    assert layer.get_config()["axis"] == 1


@pytest.mark.parametrize(
    ("formula", "what"),
    [
        ("x*i0e(x)", r"i0e \(a Bessel function\)"),
        ("i1e(x)", r"i1e \(a Bessel function\)"),
        ("max(x, u)", r"input u \(a second projection\)"),
        ("x*o", r"input o \(an overlap\)"),
    ],
)
def test_what_keras_lacks_is_named(formula: str, what: str) -> None:
    with pytest.raises(Inexpressible, match=f"keras has no {what}; .* express it: .*jax, numpy"):
        export(Activation(parse(formula), "found"), ["keras"])
