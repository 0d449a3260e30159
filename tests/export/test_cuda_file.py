"""The CUDA file: nvcc takes it, and run on a CPU its kernels compute what the definition says."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from actsearch.errors import BadInput
from actsearch.export import Activation, export
from actsearch.export.cuda_file import cuda_source
from actsearch.expressions import parse
from tests.export.judged import OTHERS, random_activations, zoo

NVCC = shutil.which("nvcc")
CXX = shutil.which("g++")
SHIM = Path(__file__).parent / "cuda_on_cpu.h"
needs_cpp = pytest.mark.skipif(CXX is None, reason="no g++")
FORMULAS = [
    "x*tanh(softplus(x))",
    "gelu(x) - i0e(x)/2",
    OTHERS[1],
    OTHERS[2],
    "exp(exp(x))",
]


def on_cpu(text: str) -> str:
    """Rewrite CUDA source for a compiler of C++: other headers, launches are calls."""
    text = re.sub(r"#include <cuda_\w+\.h>", "", text)
    return re.sub(r"<<<.*?>>>", "", text)


def run_on_cpu(text: str, folder: Path, *more: str) -> tuple[int, str]:
    file, made = folder / "found.cpp", folder / "found"
    file.write_text(on_cpu(text), encoding="utf-8")
    command = [str(CXX), "-std=c++17", "-Wall", "-include", str(SHIM), *more, str(file)]
    done = subprocess.run([*command, "-o", made], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[:2000]
    ran = subprocess.run([made], capture_output=True, text=True)
    return ran.returncode, ran.stdout


@needs_cpp
@pytest.mark.parametrize("formula", FORMULAS)
def test_own_test_passes_where_kernels_run_on_the_cpu(formula: str, tmp_path: Path) -> None:
    one = Activation(parse(formula), "found", {"*/": "*/ #error"})
    code, printed = run_on_cpu(cuda_source(one), tmp_path, "-Dfound_TEST")
    assert (code, printed) == (0, f"found: {one.expression}: all tests passed\n")


@needs_cpp
@pytest.mark.nightly
def test_known_and_random_functions_where_kernels_run_on_the_cpu(tmp_path: Path) -> None:
    """All in one program, as compiling the half types takes a second each time."""
    activations = [*zoo(), *random_activations(200, 6)]
    for begin in range(0, len(activations), 20):
        texts, calls = [], []
        for number, one in enumerate(activations[begin : begin + 20], start=begin):
            name = f"found_{number}"
            text = cuda_source(Activation(one.expression, name))
            texts.append(
                f"#define {name}_TEST\n{text}".replace("int main()", f"int main_{number}()")
            )
            calls.append(f"n += main_{number}();")
        texts.append(f"int main() {{ int n = 0; {' '.join(calls)} return n; }}")
        code, printed = run_on_cpu("\n".join(texts), tmp_path)
        assert code == 0, printed


@needs_cpp
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("tanhf(x)", "atanf(x)"),
        ("gx[i] = T(g * ", "gx[i] = T(g + "),
        ("using type = float", "using type = __half"),
        ("y[i] = T(found_value(x))", "y[i] = x == x ? T(found_value(x)) : T(0.0f)"),
    ],
)
def test_its_own_test_can_fail(right: str, wrong: str, tmp_path: Path) -> None:
    text = cuda_source(Activation(parse("leaky_relu(tanh(x))"), "found"))
    assert right in text
    code, printed = run_on_cpu(text.replace(right, wrong), tmp_path, "-Dfound_TEST", "-fpermissive")
    assert code == 1
    assert printed.startswith("found: ")


@needs_cpp
@pytest.mark.parametrize("last", [True, False])
def test_channels_have_parameters_of_their_own(last: bool, tmp_path: Path) -> None:
    # p0*x: the value is p0*x, x's gradient p0, and p0's the sum of its channel's x.
    text = cuda_source(Activation(parse("p0*x; per channel"), "found"))
    place = "i % 3" if last else "i / 4 % 3"
    main = f"""
int main()
{{
    float x[24], y[24], g[24], gx[24], p[3] = {{2, 3, 5}};
    double gp[3] = {{0, 0, 0}}, sums[3] = {{0, 0, 0}};
    for (int i = 0; i < 24; ++i) x[i] = i, g[i] = 2, sums[{place}] += 2 * i;
    found_forward<float>(x, p, y, 24, 3, {1 if last else 4}, 0);
    found_backward<float>(g, x, p, gx, gp, 24, 3, {1 if last else 4}, 0);
    for (int i = 0; i < 24; ++i) if (y[i] != p[{place}] * i || gx[i] != 2 * p[{place}]) return 1;
    for (int c = 0; c < 3; ++c) if (gp[c] != sums[c]) return 2;
    return 0;
}}
"""
    assert run_on_cpu(text + main, tmp_path) == (0, "")


@pytest.mark.skipif(NVCC is None, reason="no nvcc")
def test_nvcc_takes_it(tmp_path: Path) -> None:
    formula = "p0*max(x, u)*sigmoid(p1*x)*o - gelu(x)*i0e(x)"
    (tmp_path / "found.cu").write_text(cuda_source(Activation(parse(formula), "found")))
    flags = ["-c", "-arch=sm_80", "-Werror=all-warnings", "-Dfound_TEST"]
    done = subprocess.run(
        [str(NVCC), *flags, "found.cu"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    symbols = (tmp_path / "found.o").read_bytes()
    assert b"found_forwardI6__half" in symbols
    assert b"found_backwardI13__nv_bfloat16" in symbols


def test_names_with_a_meaning_in_cuda_are_refused() -> None:
    with pytest.raises(BadInput, match=r"'rsqrt' means something else in C, C\+\+ or CUDA; try"):
        cuda_source(Activation(parse("relu(x)"), "rsqrt"))


def test_it_is_a_target() -> None:
    assert list(export(Activation(parse("relu(x)"), "found"), ["cuda"])) == ["found.cu"]
