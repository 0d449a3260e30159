"""The C compiler of this machine: which one, with which flags, and how it is run.

Flags keep NaN and infinity right: -ffast-math does not promise them and, given to the linker, would
change how the whole process treats denormal numbers. ``__FAST_MATH__`` alone only lets glibc's
header declare its vector functions (libmvec), which are 10 to 40 times as fast as the scalar ones.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import platform
import shlex
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

#: A batch of kernels takes about 0.05 s each; past this the compiler hangs.
TIMEOUT_S = 120.0

_COMMON = ("-w", "-shared", "-fPIC", "-fno-math-errno", "-fno-trapping-math")
_FAST = ("-O3", "-march=native", "-fopenmp-simd")
#: Calls stay as they are written. Knowing the functions, gcc makes x/sqrt(1 + x*x) with a wrong end
#: of sin(atan(x)), which is a number for NaN, and one call without a vector form of sin and cos.
_FUNCTIONS = "sin cos exp expm1 log log1p sinh cosh tanh asinh atan erf erfc pow".split()
_AS_WRITTEN = tuple(f"-fno-builtin-{name}{suffix}" for name in _FUNCTIONS for suffix in ("", "f"))
_WIDE = ("-mprefer-vector-width=512",) if platform.machine() in ("x86_64", "AMD64") else ()
#: Flags and libraries, the fastest code first; the first that compiles is used. Without peeling off
#: elements until the memory is aligned: the last bit would depend on where a tensor lies.
PLANS: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    # clang's, which gcc refuses at once; the next one clang would take, with scalar functions.
    ((*_FAST, *_WIDE, "-fveclib=libmvec", *_COMMON), ("-lmvec", "-lm")),
    (
        (
            *_FAST,
            *_WIDE,
            "-D__FAST_MATH__",
            "--param=vect-max-peeling-for-alignment=0",
            *_AS_WRITTEN,
            *_COMMON,
        ),
        ("-lmvec", "-lm"),
    ),
    ((*_FAST, *_COMMON), ("-lm",)),
    (("-O2", *_COMMON), ("-lm",)),
)


class CompilerFault(Exception):
    """There is no working compiler, or it refused; the text is the reason in one line."""


class CompilerHangs(CompilerFault):
    """It was given up; what hung once is not tried in smaller pieces."""


@dataclass(frozen=True)
class Compiler:
    """A command that compiles C, and what tells it from others."""

    command: tuple[str, ...]
    identity: str


def find() -> Compiler:
    """Return the compiler: ``CC`` where it is set, else cc, gcc or clang.

    Raises:
        CompilerFault: There is none.
    """
    return _find(os.environ.get("CC", ""), os.environ.get("PATH", ""))


@functools.lru_cache(maxsize=8)
def _find(wanted: str, path: str) -> Compiler:
    try:
        given = shlex.split(wanted)
    except ValueError as error:
        raise CompilerFault(f"CC is '{wanted}', which is no command: {error}") from error
    for command in [given] if given else [["cc"], ["gcc"], ["clang"]]:
        found = shutil.which(command[0], path=path)
        if found is not None:
            # Asking for its version would cost a process; a new version is a new file.
            file = Path(found).resolve()
            facts = file.stat()
            identity = f"{' '.join(command)} {file} {facts.st_size} {facts.st_mtime_ns}"
            return Compiler((found, *command[1:]), identity)
    if given:
        raise CompilerFault(f"CC names '{wanted}', which is not found or can't be executed")
    raise CompilerFault("no C compiler is found (cc, gcc or clang)")


def compile_library(compiler: Compiler, source: Path, library: Path) -> None:
    """Compile a C file to a shared library, with the fastest flags that are understood.

    Raises:
        CompilerHangs: It took too long.
        CompilerFault: None of the plans works; the reason is the last one's.
    """
    reason = ""
    for flags, libraries in PLANS:
        command = [*compiler.command, *flags, "-o", str(library), str(source), *libraries]
        try:
            code, output = _run(command)
        except OSError as error:
            raise CompilerFault(f"{compiler.command[0]}: {error.strerror or error}") from error
        if code == 0 and library.exists():
            return
        lines = [line for line in output.splitlines() if line.strip()]
        said = next((line for line in lines if "error" in line), lines[-1] if lines else "")
        reason = f"{compiler.command[0]} failed (exit code {code}): {said[:200].strip()}"
    raise CompilerFault(reason.removesuffix(": "))


def _run(command: Sequence[str]) -> tuple[int, str]:
    """Run a command, and end it with all its children when it takes too long.

    Raises:
        CompilerHangs: It took too long.
        OSError: It can't be started.
    """
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate(timeout=TIMEOUT_S)
        except BaseException as error:  # Ctrl-C as well: the compiler is in a session of its own
            with contextlib.suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                raise CompilerHangs(f"{command[0]} took more than {TIMEOUT_S:g} s") from error
            raise
    return process.returncode, output


@functools.cache
def machine() -> str:
    """Return what tells this machine's processor from others that run the same programs."""
    facts = [platform.machine(), platform.system(), " ".join(platform.libc_ver())]
    try:
        processor, _, _ = Path("/proc/cpuinfo").read_text(encoding="utf-8").partition("\n\n")
    except OSError:
        processor = platform.processor()
    wanted = ("vendor_id", "cpu family", "model", "model name", "stepping", "flags", "Features")
    facts += [line for line in processor.splitlines() if line.partition("\t")[0] in wanted]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()
