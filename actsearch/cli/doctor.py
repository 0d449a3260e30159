"""`actsearch doctor`: what this machine can do, and what is in the way."""

from __future__ import annotations

import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import typer

from actsearch.cli.options import RUNS_DIR, FormatOption, RunsDirOption
from actsearch.results.tables import Column, Format, write_rows

OK, WARNING, FAILURE = "ok", "warning", "failure"

#: What one check found: its name, OK, WARNING or FAILURE, and the facts or the remedy.
Finding = tuple[str, str, str]

COLUMNS = (
    Column("check", "check"),
    Column("status", "status"),
    Column("detail", "what was found", long=True),
)

_MIN_FREE_BYTES = 1_000_000_000
_N_ELEMENTS = 1_000_000


def doctor(runs_dir: RunsDirOption = RUNS_DIR, output: FormatOption = "table") -> None:
    """Say what this machine can do: Python, torch, devices, compiler, folders, backends.

    Ends with exit code 1 where something is missing that a search cannot do without.
    """
    fmt = Format.named(output)
    findings = [finding for check in CHECKS for finding in _guarded(check)]
    findings.append(_folder("runs folder", runs_dir))
    keys = ("check", "status", "detail")
    write_rows(COLUMNS, [dict(zip(keys, f, strict=True)) for f in findings], fmt, sys.stdout)
    if any(status == FAILURE for _, status, _ in findings):
        raise typer.Exit(1)


def _guarded(check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    # A broken installation is what a doctor is called for: it must not fall over it.
    try:
        yield from check()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
        name = check.__name__.strip("_").replace("_", " ")
        yield name, FAILURE, f"{type(error).__name__}: {' '.join(str(error).split())}"


def _python() -> Iterator[Finding]:
    yield "python", OK, f"{platform.python_version()} ({sys.executable})"
    yield "platform", OK, platform.platform()


def _processors() -> Iterator[Finding]:
    n_all = os.cpu_count() or 1
    n_ours = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else n_all
    limit = f" of {n_all} (this process may use no more)" if n_ours < n_all else ""
    yield "processors", OK, f"{n_ours} CPU cores{limit}"


def _torch() -> Iterator[Finding]:
    import torch

    yield "torch", OK, f"{torch.__version__}, {torch.get_num_threads()} threads"
    n_cuda = torch.cuda.device_count() if torch.cuda.is_available() else 0
    names = ["cpu", *(f"cuda:{i} ({torch.cuda.get_device_name(i)})" for i in range(n_cuda))]
    yield "devices", OK, ", ".join(names)


def _kernel_backends() -> Iterator[Finding]:
    import torch
    from torch.nn import functional

    from actsearch.expressions import parse
    from actsearch.kernels import BACKENDS, KernelWarning, compile

    expression = parse("x*tanh(softplus(x))")
    for name, row in BACKENDS.items():
        if not any(_has(device) for device in row.devices):
            yield f"backend {name}", OK, f"for {' and '.join(row.devices)}, which is not here"
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", KernelWarning)  # the finding says it
            reason = row.fault(expression)
        if reason is not None:
            yield f"backend {name}", WARNING, f"{reason} (eager takes its place, slower)"
            continue
        kernel, device = compile(expression, name), row.devices[0]
        x = torch.linspace(-3, 3, 7, device=device)
        truth = torch.from_numpy(expression.evaluate(x.cpu().numpy())).float()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", KernelWarning)
            agrees = torch.allclose(kernel(x).cpu(), truth)
        reason = row.fault(expression)  # some are found out at the first use
        if reason is not None or not agrees:
            yield f"backend {name}", *((WARNING, reason) if reason else (FAILURE, "wrong values"))
            continue
        what = f"{expression}, {_N_ELEMENTS:,} elements forward and backward"
        measured = f"{_milliseconds(kernel, device):.1f} ms on {device}"
        theirs = f"torch.nn.functional.mish: {_milliseconds(functional.mish, device):.1f} ms"
        yield f"backend {name}", OK, f"works; {what}: {measured} ({theirs})"


def _has(device: str) -> bool:
    import torch

    return device == "cpu" or torch.cuda.is_available()


def _milliseconds(function: Callable[..., Any], device: str) -> float:
    """Return the median time of a forward and a backward pass over a million numbers."""
    import torch

    x = torch.linspace(-5, 5, _N_ELEMENTS, device=device, requires_grad=True)
    gradient = torch.ones(_N_ELEMENTS, device=device)
    times_s = []
    for _ in range(7):
        start = time.perf_counter()
        torch.autograd.grad(function(x), x, gradient)
        if device != "cpu":
            torch.cuda.synchronize()
        times_s.append(time.perf_counter() - start)
    return 1e3 * statistics.median(times_s)


def _compiler() -> Iterator[Finding]:
    from actsearch.kernels.native.compiler import CompilerFault, find

    try:
        found = find()
    except CompilerFault as fault:
        advice = "install gcc or clang (the search runs without, slower)"
        yield "C compiler", WARNING, f"{fault}; {advice}"
        return
    asked = subprocess.run(
        [*found.command, "--version"],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=20,
        check=False,
    )
    version = (asked.stdout or asked.stderr).partition("\n")[0]
    yield "C compiler", OK, f"{version} ({found.command[0]})"


def _cache() -> Iterator[Finding]:
    from actsearch.cache import NotPrivate, cache_path, cache_root

    try:
        yield _folder("cache folder", cache_root())
    except NotPrivate as error:
        yield "cache folder", FAILURE, f"{cache_path()}: {error}"


CHECKS = (_python, _processors, _torch, _kernel_backends, _compiler, _cache)


def _folder(name: str, folder: Path) -> Finding:
    """Find out whether files can be made in ``folder``, or where it will be made."""
    existing = next((p for p in (folder, *folder.absolute().parents) if p.exists()), folder)
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
        free_bytes = shutil.disk_usage(existing).free
    except OSError as error:
        return name, FAILURE, f"{folder}: {error.strerror}; it must be a folder you may write to"
    if free_bytes < _MIN_FREE_BYTES:
        return name, WARNING, f"{folder}: only {free_bytes / 1e6:.0f} MB free"
    return name, OK, f"{folder}, {free_bytes / 1e9:.0f} GB free"
