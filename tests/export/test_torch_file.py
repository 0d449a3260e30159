"""The exported torch file: it needs torch alone, passes its own test, and can fail it."""

from __future__ import annotations

import ast
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from actsearch.errors import BadInput
from actsearch.export import Activation
from actsearch.export.torch_file import torch_source
from actsearch.expressions import KNOWN, parse

FORMULAS = [
    *KNOWN.values(),
    "x*tanh(softplus(x)) - i0e(x)/2",
    "max(x, 0.5)*clip(x, -1, 2)",
    "p0*x*sigmoid(p1*x)",
    "p0*x*sigmoid(p1*x); p1=1.5, per channel",
    "mix(sinc(x), asinh(x), 0.3) + rbf(x, 1, 2)",
    "1e-30*x + aq(x, x**2)",
    "exp(x)*exp(x)*exp(x)",
    "x*sin(x**3)",
    "cosh(x)**3",
    "sign(x)",
    "3 + 0*x",
]


def load(text: str, folder: Path, name: str = "exported") -> ModuleType:
    path = folder / f"{name}.py"
    path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("formula", FORMULAS)
def test_own_tests_pass_and_values_agree(formula: str, tmp_path: Path) -> None:
    expression = parse(formula)
    module = load(torch_source(Activation(expression, "found", {"run": "r"})), tmp_path)
    for test in (
        module.test_values_and_derivative,
        module.test_gradients,
        module.test_shapes_and_module,
    ):
        test()
    x = torch.randn(50, dtype=torch.float64)
    expected = torch.from_numpy(expression.evaluate(x.numpy()))
    assert torch.allclose(module.found(x), expected, rtol=1e-12, atol=1e-12)
    assert module.METADATA["formula"] == formula


def test_it_runs_without_actsearch(tmp_path: Path) -> None:
    path = tmp_path / "found.py"
    path.write_text(
        torch_source(Activation(parse("x*tanh(softplus(x))"), "found", {})), encoding="utf-8"
    )
    imported = {
        alias.name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert imported == {"math", "torch"}
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


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("torch.tanh(", "torch.atan("), ("0.01 * ", "0.02 * ")],
)
def test_its_own_test_can_fail(right: str, wrong: str, tmp_path: Path) -> None:
    text = torch_source(Activation(parse("leaky_relu(tanh(x))"), "found", {}))
    assert right in text
    broken = load(text.replace(right, wrong), tmp_path, "broken")
    with pytest.raises(AssertionError):
        broken.test_values_and_derivative()


def test_parameters_learn(tmp_path: Path) -> None:
    module = load(torch_source(Activation(parse("p0*x*sigmoid(p1*x)"), "found", {})), tmp_path)
    layer = module.Found()
    layer(torch.randn(5)).sum().backward()
    assert {name for name, _ in layer.named_parameters()} == {"p0", "p1"}
    assert all(p.grad is not None and p.grad.shape == () for p in layer.parameters())


def test_parameters_start_where_the_formula_says(tmp_path: Path) -> None:
    text = torch_source(Activation(parse("p1*elu(p0*x); p0=0.5"), "found", {}))
    module = load(text, tmp_path)
    assert {name: p.item() for name, p in module.Found().named_parameters()} == {"p0": 0.5, "p1": 1}
    assert module.METADATA["parameters"] == {"p0": 0.5, "p1": 1.0}
    x = torch.linspace(-2, 2, 5)
    assert torch.allclose(module.Found()(x), torch.nn.functional.elu(0.5 * x))
    assert "where they start: p0 = 0.5, p1 = 1.0 (one value a layer)" in text


def test_channels_learn_apart(tmp_path: Path) -> None:
    formula = "max(x, p0*x); p0=0.25, per channel"
    text = torch_source(Activation(parse(formula), "found", {}))
    module = load(text, tmp_path)
    layer, ours = module.Found(3), parse(formula).module(n_channels=3)
    starts = torch.tensor([0.0, 0.5, -1.0])
    for shape in ((4, 3), (2, 3, 5), (2, 3, 4, 5)):
        x = torch.randn(shape)
        slopes = []
        for one in (layer, ours):
            one.load_state_dict({"p0": starts})
            one.zero_grad()
            one(x).square().sum().backward()
            slopes.append(one.get_parameter("p0").grad)
        assert torch.allclose(layer(x), ours(x))
        torch.testing.assert_close(*slopes, rtol=1e-4, atol=1e-5)
    assert "(one value a channel)" in text
    with pytest.raises(TypeError, match="n_channels"):
        module.Found()


def test_hostile_provenance_stays_text(tmp_path: Path) -> None:
    notes = {'"""\nraise SystemExit(3)\n"""': '"""; raise SystemExit(4) #\\', "n": float("nan")}
    module = load(torch_source(Activation(parse("relu(x)"), "found", notes)), tmp_path)
    assert module.METADATA["provenance"]["n"] == "nan"


@pytest.mark.parametrize(
    "name",
    [
        "2x",
        "class",
        "a-b",
        "",
        "torch",
        "x y",
        "abs",
        "METADATA",
        "x",
        "p0",
        "t1",
        "test_x",
        "_close",
    ],
)
def test_names_must_be_identifiers(name: str) -> None:
    with pytest.raises(BadInput):
        torch_source(Activation(parse("relu(x)"), name, {}))


def test_further_inputs_are_refused() -> None:
    with pytest.raises(BadInput, match="reads u"):
        torch_source(Activation(parse("max(x, u)"), "maxout", {}))
