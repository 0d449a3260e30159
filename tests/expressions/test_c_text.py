"""The C text of every row, compiled with the prelude, gives what NumPy and float64 give."""

from __future__ import annotations

import ctypes
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from actsearch.expressions import PRIMITIVES, Expression
from actsearch.expressions.base_ops import NUMPY_OPS
from actsearch.expressions.c_prelude import prelude
from actsearch.expressions.dialects import C
from actsearch.expressions.primitive import FORMALS, Primitive
from tests.expressions.strategies import node_of

Array = NDArray[np.float64]
Kernel = Callable[..., Array]

COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
pytestmark = pytest.mark.skipif(COMPILER is None, reason="no C compiler (cc, gcc, clang)")

DTYPES: dict[str, type[np.floating[Any]]] = {"float": np.float32, "double": np.float64}
TOLERANCES = {"float": 1e-5, "double": 1e-12}
SPECIAL = {"act_erfcx": "erfcx", "act_i0e": "i0e", "act_i1e": "i1e"}


def source(real: str) -> str:
    """Return one C file with a loop over every row and every special function."""
    parts = [prelude(real)]
    for row in PRIMITIVES.values():
        body = "\n    ".join(["REAL y;", *row.c_text.splitlines(), "return y;"])
        formals = ", ".join(f"REAL {name}" for name in FORMALS[: row.arity])
        parts.append(f"static inline REAL f_{row.name}({formals})\n{{\n    {body}\n}}\n")
        parts.append(loop(f"f_{row.name}", row.arity))
    parts += [loop(name, 1) for name in SPECIAL]
    parts += [loop(name, 2) for name in ("ACT_MAX", "ACT_MIN")]
    return "\n".join(parts)


def loop(function: str, arity: int) -> str:
    formals = ", ".join(f"const REAL *{name}" for name in FORMALS[:arity])
    call = ", ".join(f"{name}[i]" for name in FORMALS[:arity])
    return (
        f"void loop_{function}(long n, REAL *y, {formals})\n"
        f"{{\n    for (long i = 0; i < n; ++i) y[i] = {function}({call});\n}}\n"
    )


@pytest.fixture(scope="module", params=list(DTYPES))
def compiled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, ctypes.CDLL]]:
    folder = tmp_path_factory.mktemp("c")
    file = folder / "rows.c"
    file.write_text(source(request.param))
    library = folder / "rows.so"
    flags = ["-std=c11", "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    done = subprocess.run(
        [str(COMPILER), *flags, "-o", library, file, "-lm"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    yield request.param, ctypes.CDLL(str(library))
    Path(library).unlink()


def call(compiled: tuple[str, ctypes.CDLL], function: str, *args: Array) -> Array:
    """Run a compiled loop over arrays; they must be exact in the format."""
    real, library = compiled
    dtype = DTYPES[real]
    columns = [np.ascontiguousarray(arg, dtype=dtype) for arg in args]
    result = np.empty(len(columns[0]), dtype=dtype)
    pointers = [column.ctypes.data_as(ctypes.c_void_p) for column in (result, *columns)]
    getattr(library, f"loop_{function}")(ctypes.c_long(len(result)), *pointers)
    return result.astype(np.float64)


def arguments(row: Primitive, real: str, n: int = 3000) -> list[Array]:
    """Draw magnitudes over 1e-30 to 1e30 and where functions bend, both signs, zero among them."""
    source = np.random.default_rng(random.Random(row.name).randrange(2**32))
    columns = []
    for _ in range(row.arity):
        exponents = np.concatenate([source.uniform(-30, 30, n // 3), source.uniform(-3, 2.3, n)])
        column = source.choice([-1.0, 1.0], exponents.size) * 10**exponents
        source.shuffle(column)
        column[:10] = 0.0
        columns.append(column.astype(DTYPES[real]).astype(np.float64))
    return columns


@pytest.mark.parametrize("name", list(PRIMITIVES))
def test_c_agrees_with_numpy(name: str, compiled: tuple[str, ctypes.CDLL]) -> None:
    row, real = PRIMITIVES[name], compiled[0]
    dtype, tolerance = DTYPES[real], TOLERANCES[real]
    columns = arguments(row, real)
    node = node_of(row)
    others = dict(zip((arg.op for arg in node.args), columns, strict=True))
    true = Expression(node).evaluate(columns[0], others)
    got = call(compiled, f"f_{name}", *columns)
    info = np.finfo(dtype)
    keep = (np.abs(true) >= info.tiny) & (np.abs(true) <= info.max)
    allowed = tolerance * np.abs(true) + slack(row, columns, true, float(info.eps) / 2)
    with np.errstate(invalid="ignore"):
        wrong = keep & ~(np.abs(got - true) <= allowed)
    assert keep.sum() > 100
    assert not wrong.any(), [(*(c[wrong][:3] for c in columns), got[wrong][:3], true[wrong][:3])]
    assert (np.abs(got[true == 0]) < info.tiny).all()
    assert np.array_equal(np.isnan(got), np.isnan(true))


def slack(row: Primitive, columns: list[Array], true: Array, unit: float) -> Array | float:
    """Return what the conditioning of a row adds: terms that cancel, exponents that are large."""
    a, *rest = columns
    with np.errstate(all="ignore"):
        if row.name in ("sinc_d1", "sinc_d2"):
            return 8 * unit / np.maximum(np.abs(a), 1)
        if row.name == "mix":
            return 4 * unit * (np.abs(rest[1] * a) + np.abs((1 - rest[1]) * rest[0]))
        if row.name in ("rbf", "laplace", "pow", "gpow", "gpow_da"):
            return 8 * unit * np.abs(np.log(np.abs(true)) * true)
    return 0.0


@pytest.mark.parametrize("name", list(SPECIAL))
def test_special_functions_at_all_magnitudes(name: str, compiled: tuple[str, ctypes.CDLL]) -> None:
    dtype, tolerance = DTYPES[compiled[0]], TOLERANCES[compiled[0]]
    magnitudes = np.concatenate([np.logspace(-30, 30, 2000), np.linspace(0, 40, 4001)])
    x = np.concatenate([magnitudes, -magnitudes]).astype(dtype).astype(np.float64)
    true = NUMPY_OPS[SPECIAL[name]](x)
    keep = (np.abs(true) >= np.finfo(dtype).tiny) & (np.abs(true) <= np.finfo(dtype).max)
    got = call(compiled, name, x)
    np.testing.assert_allclose(got[keep], true[keep], rtol=tolerance)
    assert (got[true == 0] == 0).all()


def test_edges(compiled: tuple[str, ctypes.CDLL]) -> None:
    edges = np.array([np.inf, -np.inf, np.nan, 0.0])
    with np.errstate(all="ignore"):
        for name, op in SPECIAL.items():
            np.testing.assert_allclose(call(compiled, name, edges), NUMPY_OPS[op](edges))
        for name, op in (("ACT_MAX", "maximum"), ("ACT_MIN", "minimum")):
            a, b = (grid.ravel() for grid in np.meshgrid(edges, edges))
            np.testing.assert_array_equal(call(compiled, name, a, b), NUMPY_OPS[op](a, b))


def test_torch_text_is_the_same_program() -> None:
    for row in PRIMITIVES.values():
        if any(f"act_{name}(" in row.c_text for name in C.whole):
            continue  # C has a function of its own for a part of it
        assert len(row.torch_text.splitlines()) == len(row.c_text.splitlines())
