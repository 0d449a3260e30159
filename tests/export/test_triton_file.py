"""The Triton file: interpreted it computes what the definition says, and its kernels compile.

An environment variable may name a Python that has torch and triton.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from actsearch.export import Activation, export
from actsearch.export.triton_file import triton_source
from actsearch.expressions import parse
from tests.export.judged import OTHERS, RANDOM, random_activations, zoo

PYTHON = os.environ.get("ACTSEARCH_TEST_TRITON_PYTHON", sys.executable)
#: Numbers alone, which Triton would compute in float32.
FOLDED = "x + gelu(gelu(0.0545))"
#: numpy tells of overflow where a GPU would not.
QUIET = "import warnings; warnings.simplefilter('ignore'); "

#: Runs the tests of files in one process, and prints what failed as JSON.
RUN = """
import importlib.util, json, sys, traceback, warnings
warnings.simplefilter("ignore")
failed = {}
for path in sys.argv[1:]:
    spec = importlib.util.spec_from_file_location("found", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, test in list(vars(module).items()):
        if name.startswith("test_"):
            try:
                test()
            except Exception:
                failed[f"{module.METADATA['formula']}: {name}"] = traceback.format_exc()[-1500:]
print(json.dumps(failed))
"""

#: Compiles the kernels of files for a GPU that need not be there.
COMPILE = """
import importlib.util, sys
import triton, triton.language as tl
from triton.compiler import ASTSource
from triton.backends.compiler import GPUTarget
for path in sys.argv[1:]:
    spec = importlib.util.spec_from_file_location("found", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for kernel in (module._forward, module._backward):
        for kind, wide in (("fp64", tl.float64), ("bf16", tl.float32)):
            signature = {}
            for name in kernel.arg_names:
                parameter = name.removeprefix("g").startswith("p")
                held = "fp64" if parameter and name.startswith("g") and "inner" not in \\
                    kernel.arg_names else "fp64" if wide == tl.float64 else "fp32"
                signature[name] = "*" + (held if parameter else kind) if name.endswith("_ptr") \\
                    else "constexpr" if name.isupper() else "i64"
            source = ASTSource(kernel, signature, {"WIDE": wide, "BLOCK": 1024})
            assert triton.compile(source, target=GPUTarget("cuda", 80, 32)).asm["cubin"]
print("compiled")
"""


@functools.cache
def has_triton() -> bool:
    found = subprocess.run([PYTHON, "-c", "import torch, triton"], capture_output=True)
    return found.returncode == 0


@pytest.fixture(autouse=True)
def _needs_triton(request: pytest.FixtureRequest) -> None:
    if request.function is not test_it_is_a_target and not has_triton():
        pytest.skip("no triton; ACTSEARCH_TEST_TRITON_PYTHON may name a Python that has it")


def run(script: str, files: list[Path], *, interpret: bool) -> str:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    if not interpret:
        environment["TRITON_CACHE_DIR"] = str(files[0].parent / "cache")
    environment["TRITON_INTERPRET"] = "1" if interpret else "0"
    done = subprocess.run(
        [PYTHON, "-c", script, *map(str, files)], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def written(activations: list[Activation], folder: Path) -> list[Path]:
    files = []
    for one in activations:
        files.append(folder / f"{one.name}_triton.py")
        files[-1].write_text(triton_source(one), encoding="utf-8")
    return files


def test_own_tests_of_known_functions_pass(tmp_path: Path) -> None:
    files = written(zoo(*OTHERS, FOLDED), tmp_path)
    assert json.loads(run(RUN, files, interpret=True)) == {}


@pytest.mark.parametrize(("n", "seed"), RANDOM)
def test_own_tests_of_random_functions_pass(n: int, seed: int, tmp_path: Path) -> None:
    files = written(random_activations(n, seed), tmp_path)
    assert json.loads(run(RUN, files, interpret=True)) == {}


def test_its_own_test_can_fail(tmp_path: Path) -> None:
    faults = {
        "test_values_and_derivatives": ("0.01 * ", "0.02 * "),
        "test_shapes_and_nan": ("return y\n", "return tl.where(y == y, y, 0.0)\n"),
        "test_gradients_are_scaled": ("(g * d0)", "(g + d0 - 1)"),
    }
    files = []
    for test, (right, wrong) in faults.items():
        activation = Activation(parse("leaky_relu(tanh(x))"), "found")
        text = triton_source(activation)
        assert right in text
        text = text.replace('"formula": "leaky', f'"formula": "{test} leaky')
        files.append(tmp_path / f"{test}.py")
        files[-1].write_text(text.replace(right, wrong), encoding="utf-8")
    failed = json.loads(run(RUN, files, interpret=True))
    assert {f"{test} leaky_relu(tanh(x)): {test}" for test in faults} <= set(failed)


@pytest.mark.parametrize("formula", [OTHERS[0], OTHERS[1]])
def test_what_parameters_get_is_summed(formula: str, tmp_path: Path) -> None:
    written([Activation(parse(formula), "found")], tmp_path)
    shape, own = ("(3, 1, 1)", "(3,)") if "channel" in formula else ("(1,)", "(1,)")
    script = (
        QUIET
        + f"""
import sys, torch
sys.path.insert(0, {str(tmp_path)!r})
from found_triton import found
x = torch.randn(2, 3, 40, 50, dtype=torch.float64)
ours = [torch.randn({own}, dtype=torch.float64).requires_grad_() for _ in "pq"]
plain = [p.detach().reshape({shape}).requires_grad_() for p in ours]
g = torch.randn_like(x)
(found(x, *ours) * g).sum().backward()
(plain[0] * x * torch.sigmoid(plain[1] * x) * g).sum().backward()
for a, b in zip(ours, plain):
    assert torch.allclose(a.grad, b.grad.reshape(a.shape), rtol=1e-9)
"""
    )
    run(script, [], interpret=True)


SHAPES = """
import sys, torch
sys.path.insert(0, {folder!r})
from found_triton import found, found_derivative
for x, p0 in {given}:
    for function in (found, found_derivative):
        try:
            function(torch.ones(x), torch.ones(p0))
        except ValueError as error:
            print(error)
        else:
            print("right")
"""


@pytest.mark.parametrize(
    ("formula", "given", "said"),
    [
        (
            "p0*x",
            [((2, 3), ()), ((2, 3), (1,)), ((2, 3), (1, 1)), ((2, 3), (3,)), ((2, 3), (0,))],
            [
                *["right"] * 3,
                "p0 has the shape (3,); it takes one value",
                "p0 has the shape (0,); it takes one value",
            ],
        ),
        (
            "p0*x; per channel",
            [((2, 3), ()), ((2, 3), (1,)), ((2, 3, 4), (3,)), ((2, 3), (2,)), ((5,), (5,))],
            [
                *["right"] * 3,
                "p0 has the shape (2,); it takes one value, or one a channel of x: (3,)",
                "x has the shape (5,); its second axis is that of channels",
            ],
        ),
    ],
)
def test_parameters_of_other_shapes_are_refused(
    formula: str, given: list[object], said: list[str], tmp_path: Path
) -> None:
    written([Activation(parse(formula), "found")], tmp_path)
    script = QUIET + SHAPES.format(folder=str(tmp_path), given=given)
    told = run(script, [], interpret=True).splitlines()
    assert told == [line for one in said for line in (one, one)]


def test_kernels_compile_without_a_gpu(tmp_path: Path) -> None:
    formulas = ["max(x, u)*o + p0*gpow(x, p1)", "p0*atan(x) + 3; per channel"]
    activations = [Activation(parse(one), f"found_{k}") for k, one in enumerate(formulas)]
    assert run(COMPILE, written(activations, tmp_path), interpret=False) == "compiled\n"


@pytest.mark.nightly
def test_kernels_of_all_known_functions_compile(tmp_path: Path) -> None:
    assert run(COMPILE, written(zoo(*OTHERS), tmp_path), interpret=False) == "compiled\n"


def test_it_is_a_target() -> None:
    files = export(Activation(parse("relu(x)"), "found"), ["triton"])
    assert list(files) == ["found_triton.py"]
