"""The C header: it computes what the definition says, reads in C and C++, and can fail its test."""

from __future__ import annotations

import functools
import itertools
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from actsearch.errors import BadInput
from actsearch.export import Activation, export
from actsearch.export.c_file import c_source
from actsearch.export.c_text import c_text
from actsearch.export.text import in_c_comment
from actsearch.expressions import parse
from tests.export.compiled_c import COMPILER, Library
from tests.export.judged import OTHERS, RANDOM, misses, random_activations, zoo

needs_c = pytest.mark.skipif(COMPILER is None, reason="no C compiler (cc, gcc, clang)")
CXX = shutil.which("c++") or shutil.which("g++")
STRICT = ["-Wall", "-Wextra", "-pedantic", "-Werror"]
HOSTILE = {"*/ int x = 1; /*": '*/ #error "\\\n', "run": "??/ \x00"}


def run(activation: Activation, folder: Path, command: list[str]) -> str:
    """Compile a header's own test, without warnings, and return what it prints."""
    (folder / f"{activation.name}.h").write_text(c_source(activation), encoding="utf-8")
    return run_text(activation.name, folder, command)


def run_text(name: str, folder: Path, command: list[str]) -> str:
    made = folder / "a.out"
    compiled = subprocess.run(
        [*command, *STRICT, f"-D{name}_TEST", f"{name}.h", "-lm", "-o", made],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert compiled.returncode == 0, compiled.stderr[:2000]
    done = subprocess.run([made], capture_output=True, text=True)
    return f"{done.returncode}: {done.stdout}"


C = [str(COMPILER), "-std=c99", "-x", "c"]


@needs_c
def test_known_functions_agree_with_the_definition(tmp_path: Path) -> None:
    activations = zoo(*OTHERS)
    library = Library(activations, tmp_path)
    for dtype in (np.float32, np.float64):
        for place, one in enumerate(activations):
            assert misses(one, functools.partial(library.compute, place), dtype) == []


@needs_c
@pytest.mark.parametrize(("n", "seed"), RANDOM)
def test_random_functions_agree_with_the_definition(n: int, seed: int, tmp_path: Path) -> None:
    activations = random_activations(n, seed)
    library = Library(activations, tmp_path)
    for dtype in (np.float32, np.float64):
        for place, one in enumerate(activations):
            assert misses(one, functools.partial(library.compute, place), dtype) == []


@needs_c
@pytest.mark.parametrize(
    "formula",
    ["x*tanh(softplus(x))", "gelu(x)", OTHERS[1], OTHERS[2], "3 + 0*x", "exp(exp(x))"],
)
def test_own_test_passes_in_c_and_cpp(formula: str, tmp_path: Path) -> None:
    one = Activation(parse(formula), "found", HOSTILE, {"sentence": "*/ \\", "score": "?"})
    printed = f"0: found: {one.expression}: all tests passed\n"
    assert run(one, tmp_path, C) == printed
    if CXX is not None:
        assert run(one, tmp_path, [CXX, "-x", "c++"]) == printed


@needs_c
@pytest.mark.parametrize("name", ["act", "act_relu", "ACT_MAX", "REAL_x", "fabs_x"])
def test_names_may_begin_as_those_of_the_prelude_do(name: str, tmp_path: Path) -> None:
    one = Activation(parse("gelu(x) + i0e(x)"), name)
    assert run(one, tmp_path, C) == f"0: {name}: gelu(x) + i0e(x): all tests passed\n"


@needs_c
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("tanhf(x)", "atanf(x)"),
        ("gx[i] = g * d0", "gx[i] = g + d0"),
        ("y_out[i] = y;", "y_out[i] = y + 1;"),
        ("return y;", "return y == y ? y : 0;"),
    ],
)
def test_its_own_test_can_fail(right: str, wrong: str, tmp_path: Path) -> None:
    text = c_source(Activation(parse("leaky_relu(tanh(x))"), "found"))
    assert right in text
    (tmp_path / "found.h").write_text(text.replace(right, wrong), encoding="utf-8")
    assert run_text("found", tmp_path, C).startswith("1: found: ")


@needs_c
def test_two_headers_stand_in_one_file(tmp_path: Path) -> None:
    for name, formula in (("one", "gelu(x) + i0e(x)"), ("two", "gelu(x)*p0*i1e(x)")):
        text = c_source(Activation(parse(formula), name))
        (tmp_path / f"{name}.h").write_text(text, encoding="utf-8")
    lines = ['#include "one.h"', '#include "two.h"', '#include "one.h"']
    lines += ["int main(void) { return (int)(onef(0) + two_derivative_p0(0, 1)); }"]
    (tmp_path / "both.c").write_text("\n".join(lines), encoding="utf-8")
    command = [str(COMPILER), *STRICT, "both.c", "-lm"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    command = [str(COMPILER), "-E", "-dM", "both.c"]
    defined = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True).stdout
    ours = {line.split()[1] for line in defined.splitlines()}
    ours = {word for word in ours if "one_" in word or "two_" in word or word.startswith("ACT")}
    assert ours == {"ACTSEARCH_one_H", "ACTSEARCH_two_H"}


@needs_c
def test_what_parameters_get_is_summed_in_double(tmp_path: Path) -> None:
    one = Activation(parse("p0*x*sigmoid(p1*x)"), "found")
    library = Library([one], tmp_path)
    n = 100_001
    x = np.linspace(0.5, 1.5, n).astype(np.float32)
    columns = [x, np.full(n, 1, np.float32), np.full(n, 1, np.float32)]
    _, sums = library.backward(0, np.ones(n, np.float32), columns)
    sigmoid = 1 / (1 + np.exp(-x.astype(np.float64)))
    exact = [(x * sigmoid).sum(dtype=np.float64), (x**2 * sigmoid * (1 - sigmoid)).sum()]
    # A sum in float would be off by more than 1e-6 of it.
    np.testing.assert_allclose(sums, exact, rtol=1e-7)


@needs_c
def test_results_may_lie_over_inputs(tmp_path: Path) -> None:
    one = Activation(parse("silu(x)"), "found")
    text = c_source(one) + (
        "#include <stdio.h>\nint main(void) { double x[70], y[70], g[70]; int i;\n"
        "for (i = 0; i < 70; ++i) { x[i] = i - 35; g[i] = 1; }\n"
        "found_forward(x, y, 70); found_backward(g, x, g, 70); found_forward(x, x, 70);\n"
        "for (i = 0; i < 70; ++i)\n"
        "    if (x[i] != y[i] || g[i] != found_derivative(i - 35)) return 1;\n"
        "return 0; }\n"
    )
    (tmp_path / "main.c").write_text(text, encoding="utf-8")
    command = [str(COMPILER), "-O3", *STRICT, "main.c", "-lm", "-o", "main"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert subprocess.run([tmp_path / "main"]).returncode == 0


def test_only_what_is_used_is_written() -> None:
    text = c_text(Activation(parse("relu(x)"), "found"), "float", "found")
    assert "erfcx" not in text
    assert "ACT_" not in text
    assert "found_at_leastf" in text


@needs_c
def test_loops_are_vectorised(tmp_path: Path) -> None:
    if "gcc" not in subprocess.run([str(COMPILER), "-v"], capture_output=True, text=True).stderr:
        pytest.skip("asks for gcc's reports")
    texts = []
    for k, formula in enumerate(("relu(x)*x", "max(x, u)*o*softsign(u)", "p0*abs(x)/(1 + x**2)")):
        for real in ("float", "double"):
            one = Activation(parse(formula), "found")
            texts.append(c_text(one, real, f"f{k}", linkage=""))
    (tmp_path / "f.c").write_text("#include <math.h>\n#include <string.h>\n" + "\n".join(texts))
    flags = [
        "-O3",
        "-march=native",
        "-fno-math-errno",
        "-fno-trapping-math",
        "-fopt-info-vec-optimized",
        "-c",
    ]
    done = subprocess.run(
        [str(COMPILER), *flags, "f.c"], cwd=tmp_path, capture_output=True, text=True
    )
    lines = {line.split(":")[1] for line in done.stderr.splitlines() if "loop vectorized" in line}
    assert len(lines) >= 12, done.stderr


@pytest.mark.parametrize(
    ("name", "better"),
    [
        ("tanh", "my_tanh"),
        ("double", "my_double"),
        ("sin", "my_sin"),
        ("j0", "my_j0"),
        ("new", "my_new"),
        ("Math", "my_Math"),
        ("a__b", "my_a_b"),
        ("tan", "my_tan"),
    ],
)
def test_names_with_a_meaning_in_c_are_refused(name: str, better: str) -> None:
    with pytest.raises(BadInput, match=f"'{name}' means something else in C.*try {better}$"):
        c_source(Activation(parse("relu(x)"), name))


def test_it_is_a_target() -> None:
    files = export(Activation(parse("relu(x)"), "found"), ["c"])
    assert list(files) == ["found.h"]


def test_nothing_that_people_write_ends_a_comment() -> None:
    for length in range(1, 6):
        for signs in itertools.product("*/\\?", repeat=length):
            text = in_c_comment("".join(signs))
            assert not any(one in text for one in ("*/", "/*", "\\", "??")), signs
