"""The ONNX models: they compute what the definition says, in half precision too, and can fail."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from actsearch.errors import BadInput
from actsearch.export import TARGETS, Activation, export
from actsearch.export.onnx_file import onnx_model
from actsearch.expressions import parse
from tests.export.evaluators import Miss
from tests.export.judged import OTHERS, RANDOM, misses, random_activations, zoo
from tests.export.loading import load_file

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
from onnx.reference import ReferenceEvaluator  # noqa: E402


def written(activation: Activation, folder: Path) -> ModuleType:
    """Write the files of an activation and load its Python file."""
    for name, content in export(activation, ["onnx"]).items():
        data = content.encode() if isinstance(content, str) else content
        (folder / name).write_bytes(data)
    return load_file(folder / f"{activation.name}_onnx.py")


class Models:
    """The value and the derivative of an activation, in one engine; rows of a test call it."""

    def __init__(self, models: list[bytes], engine: str) -> None:
        self._sessions: list[Any]
        if engine == "reference":
            self._sessions = [ReferenceEvaluator(onnx.load_from_string(one)) for one in models]
        else:
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1
            self._sessions = [onnxruntime.InferenceSession(one, options) for one in models]

    def __call__(self, columns: Sequence[NDArray[np.floating]]) -> list[NDArray[np.floating]]:
        x = columns[0].reshape(-1, 1)
        with np.errstate(all="ignore"):
            return [session.run(None, {"x": x})[0].ravel() for session in self._sessions]


def missed(activation: Activation) -> list[Miss]:
    """Return what is off in one of the engines."""
    models = [onnx_model(activation, wrt).SerializeToString() for wrt in ("", "x")]
    engines = [Models(models, engine) for engine in ("reference", "onnxruntime")]
    return [one for engine in engines for one in misses(activation, engine, np.float32)]


def of_one_input(activations: list[Activation]) -> list[Activation]:
    return [one for one in activations if TARGETS["onnx"].lacks(one) is None]


def test_known_functions_agree_with_the_definition() -> None:
    for one in of_one_input(zoo(*OTHERS)):
        assert missed(one) == []


@pytest.mark.parametrize(("n", "seed"), RANDOM)
def test_random_functions_agree_with_the_definition(n: int, seed: int) -> None:
    for one in of_one_input(random_activations(n, seed)):
        assert missed(one) == []


@pytest.mark.parametrize("formula", ["gelu(x)", "x*erf(x/2)", OTHERS[1], "3 + 0*x"])
def test_own_test_passes_alone(formula: str, tmp_path: Path) -> None:
    one = Activation(parse(formula), "found", {'"""': '"""\nraise SystemExit(3) \\'})
    written(one, tmp_path)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-I", "found_onnx.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"found: {one.expression}: all tests passed\n"


@pytest.mark.nightly
def test_own_tests_of_known_functions_pass(tmp_path: Path) -> None:
    for one in of_one_input(zoo(*OTHERS)):
        module = written(one, tmp_path)
        for name, test in vars(module).items():
            if name.startswith("test_"):
                test()


@pytest.mark.parametrize(
    ("file", "test"),
    [
        ("found.onnx", "test_models"),
        ("found_derivative.onnx", "test_models"),
        ("found_function.onnx", "test_functions"),
    ],
)
def test_its_own_test_can_fail(file: str, test: str, tmp_path: Path) -> None:
    module = written(Activation(parse("leaky_relu(tanh(x))"), "found"), tmp_path)
    model = onnx.load_from_string((tmp_path / file).read_bytes())
    broken = 0
    for node in (*model.graph.node, *(node for one in model.functions for node in one.node)):
        if node.op_type in ("Tanh", "Exp"):
            node.op_type, broken = "Atan", broken + 1
    assert broken
    (tmp_path / file).write_bytes(model.SerializeToString())
    with pytest.raises(AssertionError):
        getattr(module, test)()


@pytest.mark.parametrize(
    ("formula", "at", "limit"),
    [
        ("softplus(x)", 30.0, 30.0),
        ("mish(x)", 30.0, 30.0),
        ("silu(x)", -60000.0, 0.0),
        ("logsigmoid(x)", -60000.0, -60000.0),
        ("softplus(x)", 60000.0, 60000.0),
        ("mish(x)", 60000.0, 60000.0),
        ("log_abs(exp(-x) + 1)", -30.0, 30.0),
    ],
)
def test_half_precision_keeps_limits(formula: str, at: float, limit: float, tmp_path: Path) -> None:
    module = written(Activation(parse(formula), "found"), tmp_path)
    model = module.call("found", onnx.TensorProto.FLOAT16)
    for engine in ("reference", "onnxruntime"):
        y = module.run(model, np.array([[at]], np.float16), engine)
        assert y.dtype == np.float16
        assert float(y[0, 0]) == float(np.float16(limit))


def test_channels_have_parameters_of_their_own(tmp_path: Path) -> None:
    module = written(Activation(parse("p0*x; p0=0.5, per channel"), "found"), tmp_path)
    x = np.ones((2, 3, 4, 5), np.float32)
    assert (module.found(x) == 0.5).all()
    model = onnx.load_from_string(module.load("found.onnx"))
    assert list(model.graph.initializer[0].dims) == [1]
    learned = onnx.numpy_helper.from_array(np.array([1, 2, 3], np.float32), "p0")
    model.graph.initializer[0].CopyFrom(learned)
    for engine in ("reference", "onnxruntime"):
        y = module.run(model.SerializeToString(), x, engine)
        assert (y == np.array([1, 2, 3])[:, None, None]).all()


def test_models_say_what_they_are() -> None:
    one = Activation(parse("p0*relu(x); p0=0.25"), "found", {"run": "night"})
    files = export(one, ["onnx"])
    assert list(files) == [
        "found_onnx.py",
        "found.onnx",
        "found_derivative.onnx",
        "found_function.onnx",
    ]
    for name, content in files.items():
        if isinstance(content, str):
            assert "opset 18" in content
            continue
        model = onnx.load_from_string(content)
        assert model.opset_import[0].version == 18
        assert {one.op_type for one in model.graph.node} <= {"found"} or "function" not in name
        assert "Formula: p0*relu(x)" in model.doc_string
        said = {one.key: one.value for one in model.metadata_props}
        assert said["parameters"] == '{"p0": 0.25}'
        assert said["provenance"] == '{"run": "night"}'
        assert files[name] == export(one, ["onnx"])[name]


@pytest.mark.parametrize(
    ("formula", "what"), [("max(x, u)", "second projection"), ("x*o", "overlap")]
)
def test_further_inputs_are_refused(formula: str, what: str) -> None:
    with pytest.raises(BadInput, match=rf"the target onnx has no {what}.*: torch, jax, numpy"):
        export(Activation(parse(formula), "found"), ["onnx"])


@pytest.mark.parametrize("name", ["load", "run", "call", "onnx", "onnxruntime", "with_axes"])
def test_names_of_the_file_are_refused(name: str) -> None:
    with pytest.raises(BadInput, match=f"'{name}' means something else"):
        Activation(parse("relu(x)"), name)
