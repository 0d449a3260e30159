"""Files of stand-ins pass their own tests, agree with the stand-in, and can fail."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from actsearch.errors import BadInput
from actsearch.export import export
from actsearch.export.approximate import TABLE_TARGETS, approximate, table_files
from actsearch.export.approximate.speed import Pace, c_source
from actsearch.export.approximate.table_files import _c, _Item
from actsearch.expressions import parse
from tests.export.loading import load_file, run_own_tests

COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="no C compiler (cc, gcc, clang)")
HOSTILE = {'"""\nraise SystemExit(3)\n"""': "*/ #error\n\\", "$n": "%s"}


def written(folder: Path, formula: str = "silu(x)") -> dict[str, Path]:
    stand_in = approximate(parse(formula), "table")
    files = table_files(stand_in, "fast", tuple(TABLE_TARGETS), HOSTILE)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return {name: folder / name for name in files}


@pytest.mark.parametrize("kind", ["hard", "rational"])
@pytest.mark.parametrize("formula", ["silu(x)", "elu(x)"])
def test_the_torch_file_of_a_formula(formula: str, kind: str, tmp_path: Path) -> None:
    stand_in = approximate(parse(formula), kind)
    files = export(stand_in.activation("fast"), ["torch"])
    path = tmp_path / "fast.py"
    path.write_text(str(files["fast.py"]), encoding="utf-8")
    module = load_file(path)
    assert len(run_own_tests(module, {"test_compiled"})) >= 3
    x = np.linspace(-20, 20, 1001)
    got = module.fast(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(got, stand_in.value(x), rtol=1e-13, atol=1e-13)
    assert module.METADATA["provenance"]["stands in for"] == formula


@pytest.mark.parametrize("formula", ["silu(x)", "x*cos(x)", "atan(x)", "exp(x)", "relu(x)"])
def test_python_files_of_a_table(formula: str, tmp_path: Path) -> None:
    paths = written(tmp_path, formula)
    table = approximate(parse(formula), "table").table
    assert table is not None
    x = np.concatenate([np.linspace(-20, 20, 1001), [np.nan, 1e30, -1e30]])
    by_torch, by_numpy = load_file(paths["fast.py"]), load_file(paths["fast_numpy.py"])
    assert len(run_own_tests(by_torch)) == 2
    assert len(run_own_tests(by_numpy)) == 2
    true, slopes = table.value(x), table.slope(x)
    scale = np.maximum(1.0, np.abs(true))
    for got in (by_torch.fast(torch.from_numpy(x)).numpy(), by_numpy.fast(x)):
        assert np.array_equal(np.isnan(got), np.isnan(true))
        assert np.nanmax(np.abs(got - true) / scale) < 1e-13
    np.testing.assert_allclose(by_numpy.fast_derivative(x), slopes, rtol=1e-9, atol=1e-12)
    assert by_torch.METADATA["stands in for"] == formula
    half = by_torch.fast(torch.linspace(-9, 9, 37, dtype=torch.float16))
    assert half.dtype == torch.float16


def test_the_torch_file_of_a_table_compiles_and_learns(tmp_path: Path) -> None:
    module = load_file(written(tmp_path)["fast.py"])
    x = torch.linspace(-15, 15, 301, requires_grad=True)
    program = torch.export.export(_Wrapped(module), (x,))
    torch.testing.assert_close(program.module()(x), module.fast(x))
    (gradient,) = torch.autograd.grad(module.fast(x).sum(), x)
    assert torch.isfinite(gradient).all()


class _Wrapped(torch.nn.Module):
    def __init__(self, module: ModuleType) -> None:
        super().__init__()
        self._function = module.fast

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self._function(x)
        return y


@needs_compiler
@pytest.mark.parametrize("real", ["float", "double"])
def test_the_header_of_a_table(real: str, tmp_path: Path) -> None:
    for formula in ("silu(x)", "x*cos(x)"):
        path = written(tmp_path, formula)["fast.h"]
        done = compiled(path, real)
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout == f"fast: {formula}: all tests passed\n"


def compiled(path: Path, real: str = "float") -> subprocess.CompletedProcess[str]:
    flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", f"-Dfast_REAL={real}", "-Dfast_TEST"]
    program = path.with_suffix("")
    command = [str(COMPILER), *flags, "-x", "c", str(path), "-o", str(program)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return subprocess.run([str(program)], capture_output=True, text=True, check=False)


def test_own_tests_can_fail(tmp_path: Path) -> None:
    paths = written(tmp_path)
    for name, right, wrong in (
        ("fast.py", "first + share * step", "first + 0.9 * share * step"),
        ("fast_numpy.py", "step * number(_SCALE)", "step * number(1.1 * _SCALE)"),
    ):
        text = paths[name].read_text(encoding="utf-8")
        assert right in text
        paths[name].write_text(text.replace(right, wrong), encoding="utf-8")
        with pytest.raises(AssertionError):
            run_own_tests(load_file(paths[name]))


def test_the_header_prints_text_as_it_is() -> None:
    table = approximate(parse("tanh(x)"), "table", pieces=16).table
    assert table is not None
    item = _Item(table, "fast", {"stands in for": "5% of x"}, "A table.")
    assert '"5% of x"' in _c(item)["fast.h"]


@needs_compiler
def test_the_header_can_fail(tmp_path: Path) -> None:
    path = written(tmp_path)["fast.h"]
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("right * (x - high)", "left * (x - high)"), encoding="utf-8")
    assert "wrong at x = " in compiled(path).stdout


def test_files_run_alone(tmp_path: Path) -> None:
    path = written(tmp_path)["fast_numpy.py"]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-I", str(path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "fast: silu(x): all tests passed\n", done.stderr


def test_the_json_of_a_table_is_strict(tmp_path: Path) -> None:
    def refuse(word: str) -> None:
        raise ValueError(word)

    text = written(tmp_path, "exp(x)")["fast.json"].read_text(encoding="utf-8")
    content = json.loads(text, parse_constant=refuse)
    step = (content["high"] - content["low"]) / (len(content["values"]) - 1)
    for point in content["points"]:
        place = (point["x"] - content["low"]) / step
        if 0 <= place < len(content["values"]) - 1:
            cell = int(place)
            first, second = content["values"][cell : cell + 2]
            assert first + (place - cell) * (second - first) == pytest.approx(point["value"])
    assert content["metadata"]["stands in for"] == "exp(x)"


def test_what_a_table_can_not_be_written_for() -> None:
    table = approximate(parse("tanh(x)"), "table", pieces=16)
    with pytest.raises(BadInput, match="onnx can't read a table; targets that can: torch, numpy"):
        table_files(table, "fast", ("torch", "onnx"))
    with pytest.raises(BadInput, match="targets that can read one: torch, numpy, c, json"):
        table.activation("fast")
    with pytest.raises(BadInput, match="not a Python name"):
        table_files(table, "2fast")
    for name in ("tanh", "printf", "fmaxf", "stdio"):
        with pytest.raises(BadInput, match=f"means something else in C, .*; try my_{name}"):
            table_files(table, name, ("c",))
    with pytest.raises(BadInput, match="is a formula, not a table"):
        table_files(approximate(parse("relu(x)"), "hard"), "fast")


@needs_compiler
@pytest.mark.parametrize("kind", ["hard", "rational", "table"])
def test_what_is_timed_compiles(kind: str, tmp_path: Path) -> None:
    source = tmp_path / "speed.c"
    source.write_text(c_source(approximate(parse("silu(x)"), kind)), encoding="utf-8")
    command = [str(COMPILER), "-std=gnu11", "-O1", "-w", str(source), "-o", str(tmp_path / "speed")]
    subprocess.run([*command, "-lm"], check=True)


def test_a_pace_says_what_was_measured() -> None:
    pace = Pace("C with vectors", 3.0, 1.5, 2.0)
    assert str(pace) == "C with vectors: 1.50 ns an element, exact 3.00 (2.00 times as fast)"
