"""The exported torch file: it needs torch alone, passes its own tests, and can fail them."""

from __future__ import annotations

import ast
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from actsearch.errors import BadInput
from actsearch.export import Activation, export
from actsearch.export.torch_file import torch_source
from actsearch.expressions import parse
from actsearch.expressions.known import NAMED
from actsearch.tasks.initialisation import measured_gain
from tests.export.loading import load, run_own_tests, source
from tests.expressions.strategies import random_trees

FORMULAS = [
    *NAMED.values(),
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
    "heaviside(x)*u",
    "sinh(inv(max(gpow(x, 2.78), p0)))",
    "p0*x + abs(p1); p0=0.5",
    "p0*x; per channel",
    "x",
    "0*x",
    "-p0*x**2; p0=0",
    "1/x",
    "sqrt(-1 - x*x)",
    "x**x",
    "sin(100000000*x)",
    "3 + 0*x",
]
# torch.compile's own compiler takes seconds.
SLOW = {"test_compiled"}
WHOLE = ["x*tanh(softplus(x))", "p0*x*sigmoid(p1*x); p1=1.5, per channel", "silu(x)*u", "x*o + p0"]


@pytest.mark.parametrize("formula", FORMULAS)
def test_own_tests_pass(formula: str, tmp_path: Path) -> None:
    module = load(source(formula), tmp_path)
    names = run_own_tests(module, SLOW | {"test_tracing", "test_native"})
    assert {"test_values_and_derivatives", "test_gradients", "test_transforms"} <= set(names)
    assert module.METADATA["formula"] == formula
    if "sqrt(-1" not in formula and "x**x" not in formula:
        assert len(module._EXPECTED) + len(module._WIDE) >= 16


@pytest.mark.parametrize("formula", WHOLE)
def test_tracing_and_native_code(formula: str, tmp_path: Path) -> None:
    module = load(source(formula), tmp_path)
    module.test_tracing()
    module.test_native()


@pytest.mark.slow
def test_a_file_alone_in_an_environment_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "found.py"
    path.write_text(source("x*tanh(softplus(x))"), encoding="utf-8")
    imported = {
        (alias.name if isinstance(node, ast.Import) else node.module or "").split(".")[0]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert imported - set(sys.stdlib_module_names) == {"torch", "transformers"}
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


@pytest.mark.nightly
@pytest.mark.parametrize("formula", FORMULAS)
def test_all_own_tests_pass(formula: str, tmp_path: Path) -> None:
    run_own_tests(load(source(formula), tmp_path))


@pytest.mark.nightly
def test_random_formulas(tmp_path: Path) -> None:
    n_run = 0
    for tree in random_trees(200, seed=11):
        activation = Activation(type(parse("x"))(tree), "found")
        if activation.expression.check() is not None:
            continue
        run_own_tests(load(torch_source(activation), tmp_path), SLOW | {"test_tracing"})
        n_run += 1
    assert n_run > 50


@pytest.mark.parametrize(
    ("formula", "right", "wrong", "failing"),
    [
        ("leaky_relu(tanh(x))", "torch.tanh(", "torch.atan(", "test_values_and_derivatives"),
        ("leaky_relu(tanh(x))", "0.01 * ", "0.0101 * ", "test_values_and_derivatives"),
        ("x*sin(x)", "torch.cos(", "torch.sin(", "test_values_and_derivatives"),
        (
            "x*sin(x)",
            "gradient * found_derivative(x)",
            "gradient * found(x)",
            "test_gradients",
        ),
        (
            "sin(x)",
            "tangents[0] * found_derivative(x)",
            "tangents[0] * found(x)",
            "test_gradients",
        ),
        ("relu(x)", "torch.clamp_min(x, 0.0)", "x.reshape(-1).relu()", "test_shapes"),
        ("x/sqrt(1 + x**2)", "x = x.float()", "pass", "test_values_and_derivatives"),
        ("sign(x)*x", "generate_vmap_rule = True", "", "test_transforms"),
        ("sign(x)", "torch.where(", "torch.where(x != x, 0.0 * x.nan_to_num(), t1) if True else (",
         "test_special_values"),
        ("silu(x)", "factor = gain", "factor = 1.0", "test_initialisation"),
    ],
)  # fmt: skip
def test_its_own_tests_can_fail(
    formula: str, right: str, wrong: str, failing: str, tmp_path: Path
) -> None:
    text = source(formula)
    assert right in text
    broken = load(text.replace(right, wrong), tmp_path)
    with pytest.raises((AssertionError, RuntimeError)):
        getattr(broken, failing)()


def test_wrong_arguments_are_refused(tmp_path: Path) -> None:
    module = load(source("x*tanh(x)"), tmp_path)
    with pytest.raises(ValueError, match=r"fused is True, False or \"native\", got 'Native'"):
        module.found_fused(torch.ones(2), fused="Native")
    for function in (module.found, module.found_fused, module.found_derivative):
        with pytest.raises(TypeError, match=r"found takes floating-point tensors, got torch.int64"):
            function(torch.arange(3))


def test_register_is_there_where_a_library_can_build_the_module(tmp_path: Path) -> None:
    assert hasattr(load(source("x*tanh(x)"), tmp_path), "register")
    for formula in ("max(x, p0*x); per channel", "silu(x)*u"):
        text = source(formula)
        assert not hasattr(load(text, tmp_path), "register")
        assert "register()" not in text


def test_half_precision_exhaustively(tmp_path: Path) -> None:
    every = torch.arange(-(2**15), 2**15, dtype=torch.int32).to(torch.int16).view(torch.float16)
    every = every[every.isfinite()]
    for name in ("softplus(x)", "logsigmoid(x)", "mish(x)", "silu(x)", "gelu(x)", "elu(x)",
                 "x*tanh(softplus(x))", "x*sigmoid(x)", "exp(x)", "x*exp(-x**2)"):  # fmt: skip
        module = load(source(name), tmp_path)
        true = module.found(every.double())
        for function in (module.found, module.found_fused):
            got = function(every)
            # One rounding from float32, which itself was within an ulp or two of the truth.
            rounded = true.half()
            slack = torch.maximum(rounded.abs() * 2**-10, torch.tensor(2.0**-24))
            wrong = (got.double() - rounded.double()).abs() > slack.double()
            assert not wrong[rounded.isfinite() & got.isfinite()].any()
            assert (got.isfinite() == rounded.isfinite()).float().mean() > 0.9999
            assert not got.isnan().any()


def test_parameters_learn_and_start_where_asked(tmp_path: Path) -> None:
    text = source("p1*elu(p0*x); p0=0.5", learned={"p0": 0.7, "p1": 1.1})
    module = load(text, tmp_path)
    layer = module.Found()
    layer(torch.randn(5)).sum().backward()
    assert {name: p.item() for name, p in layer.named_parameters()} == {"p0": 0.5, "p1": 1}
    assert all(p.grad is not None and p.grad.shape == () for p in layer.parameters())
    assert module.PARAMETERS == {"p0": 0.5, "p1": 1.0}
    x = torch.linspace(-2, 2, 5)
    torch.testing.assert_close(layer(x), torch.nn.functional.elu(0.5 * x))
    learned = module.Found(**module.LEARNED)
    assert learned.p0.item() == pytest.approx(0.7)


def test_channels_learn_apart(tmp_path: Path) -> None:
    formula = "max(x, p0*x); p0=0.25, per channel"
    module = load(source(formula), tmp_path)
    ours = parse(formula).module(n_channels=3)
    starts = torch.tensor([0.0, 0.5, -1.0])
    for fused in (True, False, "native"):
        layer = module.Found(3, fused=fused)
        for shape in ((4, 3), (2, 3, 5), (2, 3, 40, 50)):
            x = torch.randn(shape)
            slopes = []
            for one in (layer, ours):
                one.load_state_dict({"p0": starts})
                one.zero_grad()
                one(x).square().sum().backward()
                slopes.append(one.get_parameter("p0").grad)
            torch.testing.assert_close(layer(x), ours(x))
            torch.testing.assert_close(*slopes, rtol=1e-4, atol=1e-4)
    with pytest.raises(TypeError, match="n_channels"):
        module.Found()


def test_initial_weights_are_those_of_a_search(tmp_path: Path) -> None:
    for formula in ("silu(x)", "relu(x)*u", "p0*x*sigmoid(x); p0=2", "1e-9*x"):
        activation = Activation(parse(formula), "found")
        trained_with = measured_gain(activation.expression.module("eager"))
        assert activation.gain == pytest.approx(trained_with, rel=1e-6)
        assert activation.gain == load(torch_source(activation), tmp_path).GAIN
    assert Activation(parse("x*o"), "found").gain is None


def test_the_docstring_says_what_happens_without_the_initialisation(tmp_path: Path) -> None:
    def said(formula: str) -> list[float]:
        text = " ".join(source(formula).split())
        found = re.findall(r"last layer is (\S+) times.*?first (\S+) times that at the last", text)
        assert len(found) == 2
        return [float(number) for pair in found for number in pair]

    signal, gradient, default_signal, default_gradient = said("silu(x)")
    assert 0.2 < signal < 5
    assert 0.2 < gradient < 5
    assert default_signal < 1e-2  # SiLU halves what comes in, and the weights shrink it further
    assert default_gradient < 1e-2
    assert math.isclose(said("relu(x)")[0], 1, rel_tol=0.6)
    text = " ".join(source("exp(exp(x))").split())
    assert text.count("the signal or the gradient grows beyond all numbers, or dies") == 2


@pytest.mark.parametrize(
    "name",
    ["2x", "class", "a-b", "", "torch", "x y", "abs", "METADATA", "x", "p0", "t1", "test_x", "_f",
     "gradient", "module", "functools", "Tensor", "measure", "bench", "any_", "tensor_", "mETADATA",
     "gAIN"],
)  # fmt: skip
def test_names_that_mean_something_else_are_refused(name: str) -> None:
    with pytest.raises(BadInput):
        export(Activation(parse("relu(x)"), name))


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    notes = {'"""\nraise SystemExit(3)\n"""': '"""; raise SystemExit(4) #\\', "n": float("nan")}
    rows = [{"activation": '"""', "mean": 0.5, "standard_error": 0.1, "n": 3}]
    measured = {"sentence": '"""\nraise SystemExit(5)', "score": "\\", "rows": rows}
    module = load(source("relu(x)", provenance=notes, measured=measured), tmp_path)
    assert module.METADATA["provenance"]["n"] == "nan"
    assert module.METADATA["measured"]["sentence"] == measured["sentence"]
