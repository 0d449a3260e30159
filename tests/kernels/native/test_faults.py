"""Broken compilers, disks and kernels: a warning, the next backend, the same results."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest
import torch

from actsearch import kernels
from actsearch.errors import BadInput
from actsearch.expressions import Expression, parse
from actsearch.kernels import KernelWarning, native
from actsearch.kernels.native import c_source, compiler, library
from actsearch.kernels.native import cache as native_cache
from actsearch.kernels.native.cache import KernelCache, is_whole, seal
from tests.kernels.conftest import NEEDS_COMPILER

FORMULA = parse("x*tanh(softplus(x))")
X = torch.linspace(-4, 4, 101)
ROOT = Path(__file__).resolve().parents[3]


def works(message: str) -> None:
    """Assert that a kernel warns once, computes all the same, and that native says why not."""
    with pytest.warns(KernelWarning, match=message):
        y = kernels.compile(FORMULA)(X)
    kernels.compile(parse("mish(x)"))(X)  # a second warning would be an error
    torch.testing.assert_close(y, FORMULA.compile("eager")(X))
    assert kernels.fallback(FORMULA) is not None
    with pytest.raises(
        BadInput, match=r"the native backend can't compute 'x\*tanh.*backend 'auto'"
    ):
        FORMULA.compile("native")


def script(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


@pytest.mark.parametrize("name", ["gcc", "clang"])
def test_each_compiler(afresh: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    if shutil.which(name) is None:
        pytest.skip(f"no {name}")
    monkeypatch.setenv("CC", f"{name} -fno-lto")
    several = [FORMULA, parse("max(x, p0*x)*sin(x)"), parse("gate(x, u)"), parse("gelu(i0e(x))")]
    kernels.prepare(several)
    assert [kernels.fallback(one) for one in several] == [None] * 4


def test_no_compiler(afresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", "/nonexistent")
    works("no C compiler is found")


def test_cc_that_is_not_there(afresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "/nonexistent/cc")
    works("CC names '/nonexistent/cc', which is not found")


def test_a_compiler_that_fails(
    afresh: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(
        "CC", script(tmp_path / "cc", "echo 'fatal error: out of order' >&2; exit 3")
    )
    works(r"failed \(exit code 3\): fatal error: out of order")


def test_a_compiler_that_hangs(
    afresh: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It is not asked again for each formula, and what it had started ends with it."""
    monkeypatch.setattr(compiler, "TIMEOUT_S", 0.3)
    pids = tmp_path / "pids"
    monkeypatch.setenv("CC", script(tmp_path / "cc", f"sleep 60 & echo $! >> {pids}; wait"))
    with pytest.warns(KernelWarning, match="took more than 0.3 s"):
        kernels.prepare([parse(f"x + {k}*sin(x)") for k in range(2, 6)])
    (pid,) = pids.read_text().split()
    for _ in range(100):
        if not Path(f"/proc/{pid}").exists():
            return
        time.sleep(0.02)
    assert "Z" in Path(f"/proc/{pid}/stat").read_text()  # nobody is there to reap it


def test_a_compiler_that_writes_rubbish(
    afresh: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rubbish = 'while [ "$1" != -o ]; do shift; done; echo rubbish > "$2"'
    monkeypatch.setenv("CC", script(tmp_path / "cc", rubbish))
    works("invalid ELF header|file too short|not a mach-o|slice is not valid")


@NEEDS_COMPILER
def test_a_cache_that_cannot_be_written(
    afresh: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Kernels are compiled all the same, for this process alone."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ACTSEARCH_CACHE", str(tmp_path / "file"))
    with pytest.warns(KernelWarning, match="compiled kernels can't be kept in .*file.kernels"):
        y = kernels.compile(FORMULA)(X)
    assert kernels.fallback(FORMULA) is None
    torch.testing.assert_close(y, FORMULA.compile("eager")(X))


@NEEDS_COMPILER
@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_cache(afresh: Path) -> None:
    afresh.mkdir(parents=True)
    afresh.chmod(0o500)
    with pytest.warns(KernelWarning, match="can't be kept"):
        kernels.compile(FORMULA)(X)
    assert kernels.fallback(FORMULA) is None


@NEEDS_COMPILER
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_cache_file_cut_short_is_made_anew(afresh: Path, share: float) -> None:
    kernels.prepare([FORMULA])
    (file,) = afresh.glob("*.so")
    content = file.read_bytes()
    file.unlink()
    file.write_bytes(content[: int(share * len(content))])
    native.forget()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        kernels.compile(FORMULA, "native")(X)
    assert is_whole(file)


@NEEDS_COMPILER
def test_a_second_process_finds_what_the_first_compiled(
    afresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    several = [parse(text) for text in ("sin(x)*x", "p0*tanh(x)", "gate(x, u)")]
    kernels.prepare(several)
    assert len(list(afresh.iterdir())) == 3
    assert len({file.stat().st_ino for file in afresh.iterdir()}) == 1, "one library, three names"
    native.forget()
    monkeypatch.setattr(compiler, "compile_library", None)  # calling it would raise
    kernels.prepare(several)
    assert [kernels.fallback(one) for one in several] == [None] * 3


@NEEDS_COMPILER
def test_one_bad_formula_does_not_spoil_the_batch(
    afresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad = parse("sin(x)"), parse("cos(x)")
    original = c_source.kernel_source

    def source(name: str, expression: Expression) -> str:
        return "syntax error" if expression == bad else original(name, expression)

    monkeypatch.setattr(library, "kernel_source", source)
    with pytest.warns(KernelWarning, match="error"):
        kernels.prepare([good, bad])
    assert kernels.fallback(good) is None
    assert "error" in str(kernels.fallback(bad))


@NEEDS_COMPILER
def test_a_formula_beyond_the_compilers_limits(
    afresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(c_source, "MAX_INSTRUCTIONS", 5)
    with pytest.warns(KernelWarning, match="more than 5 operations"):
        y = kernels.compile(FORMULA)(X)
    torch.testing.assert_close(y, FORMULA.compile("eager")(X))


WRONG = {
    "value": ("y0;", "y0 * (REAL)1.001;"),
    "gradient": ("g * d0;", "g * d0 + (REAL)1e-3;"),
    "NaN": ("y0;", "x != x ? 0 : y0;"),
    "infinity": ("y0;", "x > (REAL)3e38 ? 0 : y0;"),
    "kink": ("y0;", "x == 3 ? 0 : y0;"),
    "negative": ("y0;", "x < 0 ? -y0 : y0;"),
}


@NEEDS_COMPILER
@pytest.mark.parametrize("fault", list(WRONG))
def test_a_wrong_kernel_is_never_used(
    afresh: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """As by a bug of the compiler; and the reason is kept, so that no process tries again."""
    original, (right, wrong) = c_source.kernel_source, WRONG[fault]

    def source(name: str, expression: Expression) -> str:
        text = original(name, expression)
        assert right in text
        return text.replace(f"] = {right}", f"] = {wrong}")

    monkeypatch.setattr(library, "kernel_source", source)
    with pytest.warns(KernelWarning, match="(value|gradient of x) of 'x\\*tanh.*and eager has"):
        y = kernels.compile(FORMULA)(X)
    torch.testing.assert_close(y, FORMULA.compile("eager")(X))
    monkeypatch.setattr(library, "kernel_source", original)
    native.forget()
    assert "and eager has" in str(kernels.fallback(FORMULA))


@NEEDS_COMPILER
@pytest.mark.parametrize("text", ["x*x", "exp(x)", "relu(x)**2", "x*x*sigmoid(x)"])
@pytest.mark.parametrize("fault", ["NaN", "infinity"])
def test_wrong_ends_are_noticed_where_the_function_overflows(
    afresh: Path, monkeypatch: pytest.MonkeyPatch, text: str, fault: str
) -> None:
    original = c_source.kernel_source
    wrong = {"NaN": "x != x ? 0 : y0;", "infinity": "x > (REAL)3.402823466e38 ? 0 : y0;"}[fault]
    monkeypatch.setattr(
        library,
        "kernel_source",
        lambda name, one: original(name, one).replace("] = y0;", f"] = {wrong}"),
    )
    with pytest.warns(KernelWarning, match="and eager has"):
        kernels.prepare([parse(text)])


@NEEDS_COMPILER
@pytest.mark.parametrize("body", ["value", "gradients"])
def test_a_wrong_kernel_for_channels_is_noticed(
    afresh: Path, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    original = c_source.kernel_source
    right, wrong = {"value": ("y0;", "2 * y0;"), "gradients": ("g * d0;", "0;")}[body]

    def source(name: str, one: Expression) -> str:
        plain, bad = original(name, one).split(f"void {name}_{body}_channels")
        return plain + f"void {name}_{body}_channels" + bad.replace(f"] = {right}", f"] = {wrong}")

    monkeypatch.setattr(library, "kernel_source", source)
    with pytest.warns(KernelWarning, match="is not eager's"):
        kernels.prepare([parse("p0*x*sigmoid(x)")])


@NEEDS_COMPILER
def test_a_full_disk_costs_nothing_but_the_cache(
    afresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(KernelCache, "keep", full)
    with pytest.warns(KernelWarning, match="can't be kept in .*No space left"):
        kernels.prepare([FORMULA])
    assert kernels.fallback(FORMULA) is None


@NEEDS_COMPILER
def test_wrong_sums_are_noticed(afresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = c_source.kernel_source
    for right, wrong in (("s0 += g * d1;", "s0 += d1;"), ("s0[i] += g * d1;", "s0[0] += g * d1;")):
        monkeypatch.setattr(
            library,
            "kernel_source",
            lambda name, one, r=right, w=wrong: original(name, one).replace(r, w),
        )
        expression = parse(f"max(x, p0*x) + {0.1 * len(right)}")
        with pytest.warns(KernelWarning, match="the gradient of p0 .* is not eager's"):
            kernels.prepare([expression])


MAKE = """
from actsearch import kernels
from actsearch.expressions import parse
several = [parse(f"sin(x)*{k} + x*cos({k}*x)") for k in range(2, 8)]
kernels.prepare(several)
assert [kernels.fallback(one) for one in several] == [None] * 6
"""


@NEEDS_COMPILER
@pytest.mark.slow
def test_many_processes_at_once(afresh: Path) -> None:
    """All of them compile the same; each finds whole files, and nothing else is left."""
    command = [sys.executable, "-W", "error::UserWarning", "-c", MAKE]
    makers = [subprocess.Popen(command, cwd=ROOT) for _ in range(4)]
    assert [maker.wait(timeout=120) for maker in makers] == [0] * 4
    files = list(afresh.iterdir())
    assert len(files) == 6
    assert all(is_whole(file) for file in files)


def test_what_a_killed_process_left_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(native_cache, "_LOOK_EVERY", 1)
    cache = KernelCache(tmp_path)
    for name, age_s in (("making-old", 7200), ("making-new", 60)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "half.so").write_bytes(b"x")
        then = time.time() - age_s
        os.utime(tmp_path / name, (then, then))
    with cache.workshop() as folder:
        (folder / "made.so").write_bytes(b"x")
        cache.keep(folder / "made.so", ["k"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["k.so", "making-new"]


def test_the_cache_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native_cache, "_LOOK_EVERY", 1)
    cache = KernelCache(tmp_path / "kernels", max_bytes=10_000)
    for number in range(20):
        with cache.workshop() as folder:
            made = folder / "made.so"
            made.write_bytes(b"x" * 2000)
            seal(made)
            cache.keep(made, [f"{number:040}", f"{number:040}b"])
        assert cache.load(f"{number:040}", Path.is_file)
        os.utime(cache.folder / f"{number:040}.so", (number, number))
    inodes = {file.stat().st_ino: file.stat().st_size for file in cache.folder.iterdir()}
    assert sum(inodes.values()) <= 10_000
    assert cache.load(f"{19:040}", Path.is_file)
    assert cache.load(f"{0:040}", Path.is_file) is None
    assert not [path for path in cache.folder.iterdir() if path.is_dir()]
