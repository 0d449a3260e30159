"""From expressions to functions in memory: made in batches, verified, kept, loaded.

``prepare`` makes all that is missing in one compiler call. A kernel enters the cache only after it
agreed with the eager reference on this machine; one that did not leaves its reason there instead.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import torch

import actsearch.expressions
from actsearch.cache import NotPrivate, cache_path
from actsearch.errors import shorten
from actsearch.expressions import Expression
from actsearch.kernels.native import compiler, threads
from actsearch.kernels.native.c_source import TooLarge, file_source, kernel_source
from actsearch.kernels.native.cache import KernelCache, seal
from actsearch.kernels.warn import warn_once

#: The types that kernels are made for, by their name in C.
REALS = {torch.float32: "float", torch.float64: "double"}


class Unusable(Exception):
    """There is no native kernel for an expression here; the text says why, in one line."""


@dataclass(frozen=True)
class Bodies:
    """The functions of one kernel: the driver that runs them, and the addresses of the bodies."""

    call: Callable[..., int]
    value: int
    gradients: int
    value_channels: int | None = None
    gradients_channels: int | None = None


#: Judges a loaded kernel: says what is wrong with it, or None.
Judge = Callable[[Expression, Bodies], "str | None"]
Found = dict[Expression, "Bodies | Unusable"]


def prepare(expressions: Sequence[Expression], dtype: torch.dtype, judge: Judge) -> Found:
    """Return the kernels of expressions, compiling what the cache lacks in one call.

    Args:
        expressions: Any number.
        dtype: float32 or float64.
        judge: Applied to what was freshly compiled.

    Returns:
        For each expression its functions, or why there are none.
    """
    try:
        maker = _Maker(dtype, compiler.find(), KernelCache(cache_path() / "kernels"), judge)
        found = {one: maker.cached(one) for one in expressions}
        missing = [one for one, bodies in found.items() if bodies is None]
        made = maker.make(missing) if missing else {}
        return {one: bodies or made[one] for one, bodies in found.items()}
    except (compiler.CompilerFault, OSError) as error:
        return {one: Unusable(_text(error)) for one in expressions}


@dataclass(frozen=True)
class _Maker:
    """One type, one compiler, one cache."""

    dtype: torch.dtype
    compiler: compiler.Compiler
    cache: KernelCache
    judge: Judge

    def key(self, expression: Expression) -> str:
        """Return what names a kernel: what decides its machine code, as far as can be seen."""
        facts = (
            _generator_digest(),
            str(expression),
            REALS[self.dtype],
            repr(compiler.PLANS),
            self.compiler.identity,
            compiler.machine(),
        )
        return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:40]

    def cached(self, expression: Expression) -> Bodies | Unusable | None:
        """Return what the cache knows of a kernel, None where it is to be made."""
        key = self.key(expression)
        try:
            library = self.cache.load(key, _load)
            if library is not None:
                return _bodies(library, _name(key), expression)
        except (OSError, AttributeError):
            return None  # does not load: it is made anew
        reason = self.cache.reason(key)
        return Unusable(reason) if reason is not None else None

    def make(self, expressions: Sequence[Expression]) -> Found:
        """Compile, verify and keep.

        Raises:
            CompilerFault: Nothing could be compiled.
            OSError: Nothing can be written anywhere.
        """
        texts, found = {}, Found()
        for one in expressions:
            try:
                texts[one] = kernel_source(_name(self.key(one)), one)
            except Exception as error:  # noqa: BLE001 - a fault of this formula, not of the search
                why = (
                    str(error)
                    if isinstance(error, TooLarge)
                    else f"{type(error).__name__}: {error}"
                )
                found[one] = Unusable(f"'{shorten(str(one), 60)}' can't be compiled: {why}")
        with ExitStack() as stack:
            try:
                folder, kept = stack.enter_context(self.cache.workshop()), True
            except (OSError, NotPrivate) as error:
                warn_once(f"compiled kernels can't be kept in {self.cache.folder}: {_text(error)}")
                folder, kept = Path(stack.enter_context(tempfile.TemporaryDirectory())), False
            for library, group in self._compiled(texts, folder, found):
                seal(library)
                found |= self._judged(library, group, folder if kept else None)
        return found

    def _compiled(
        self, texts: Mapping[Expression, str], folder: Path, found: Found
    ) -> list[tuple[Path, list[Expression]]]:
        """Compile all in one call; where that fails, each alone, to single out the culprits."""
        if not texts:
            return []
        library = folder / f"{_name(self.key(next(iter(texts))))}-{len(texts)}.so"
        source = library.with_suffix(".c")
        source.write_text(file_source(list(texts.values()), REALS[self.dtype]), encoding="utf-8")
        try:
            compiler.compile_library(self.compiler, source, library)
            return [(library, list(texts))]
        except compiler.CompilerFault as fault:
            if len(texts) == 1 or isinstance(fault, compiler.CompilerHangs):
                found.update((one, Unusable(str(fault))) for one in texts)
                return []
        singles = [self._compiled({one: text}, folder, found) for one, text in texts.items()]
        return [pair for pairs in singles for pair in pairs]

    def _judged(self, library: Path, group: Sequence[Expression], kept_in: Path | None) -> Found:
        """Verify the kernels of one library and keep those that are right."""
        found, good = Found(), []
        bad: dict[str, str] = {}
        try:
            loaded = _load(library)
        except (OSError, AttributeError) as error:
            said = str(error).replace(str(library), "what the compiler made")
            return {one: Unusable(f"it can't be loaded: {said}") for one in group}
        for one in group:
            key = self.key(one)
            bodies = _bodies(loaded, _name(key), one)
            reason = self.judge(one, bodies)
            found[one] = bodies if reason is None else Unusable(reason)
            if reason is None:
                good.append(key)
            else:
                bad[key] = reason
        if kept_in is not None:
            try:
                for key, reason in bad.items():
                    self.cache.keep_reason(kept_in, key, reason)
                self.cache.keep(library, good)
            except OSError as error:  # what is loaded stays good for this process
                warn_once(f"compiled kernels can't be kept in {self.cache.folder}: {_text(error)}")
        return found


def _name(key: str) -> str:
    return f"k{key[:20]}"


@functools.cache
def _generator_digest() -> str:
    """Return a digest of the program text that decides what a kernel is and how it is judged."""
    digest = hashlib.sha256()
    rooms = Path(actsearch.expressions.__file__).parent, Path(__file__).parents[1]
    for room in rooms:
        for file in sorted(path for path in room.rglob("*") if path.suffix in (".py", ".c")):
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _load(path: Path) -> ctypes.CDLL:
    """Load a library and give it torch's threads.

    Raises:
        OSError: It can't be loaded.
    """
    library = ctypes.CDLL(str(path))
    pointer, number = ctypes.c_void_p, ctypes.c_long
    call = library.act_call
    call.restype = ctypes.c_int
    call.argtypes = [pointer, ctypes.c_int, number, number, number, ctypes.c_int, *[pointer] * 9]
    library.act_setup.argtypes = [pointer] * 3
    points = threads.entry_points()
    if points is not None:
        library.act_setup(*points)
    return library


def _bodies(library: ctypes.CDLL, name: str, expression: Expression) -> Bodies:
    kinds = ["value", "gradients"]
    if expression.parameters:
        kinds += ["value_channels", "gradients_channels"]
    found = {
        kind: ctypes.cast(getattr(library, f"{name}_{kind}"), ctypes.c_void_p).value
        for kind in kinds
    }
    return Bodies(call=library.act_call, **{kind: at or 0 for kind, at in found.items()})


def _text(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return shorten(" ".join(str(error).split()), 300)
