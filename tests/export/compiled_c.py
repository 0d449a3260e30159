"""The C text of many functions as one library, so that the compiler is called once."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actsearch.export import Activation
from actsearch.export.c_text import c_text, sources

COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
_TYPES = {"float": np.float32, "double": np.float64}
_Columns = Sequence[NDArray[np.floating]]


class Library:
    """Compiled functions; each is called by its place among the activations."""

    def __init__(self, activations: Sequence[Activation], folder: Path) -> None:
        texts = [
            c_text(one, real, f"f{k}", linkage="")
            for k, one in enumerate(activations)
            for real in _TYPES
        ]
        file, made = folder / "library.c", folder / "library.so"
        file.write_text(sources(texts), encoding="utf-8")
        flags = ["-std=c99", "-O1", "-Wall", "-Wextra", "-pedantic", "-Werror", "-shared", "-fPIC"]
        done = subprocess.run(
            [str(COMPILER), *flags, "-o", made, file, "-lm"], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr[:2000]
        self._library = ctypes.CDLL(str(made))
        self._activations = list(activations)

    def forward(self, place: int, columns: _Columns) -> NDArray[np.floating]:
        """Compute values; parameters are the first of their columns."""
        result = np.empty_like(columns[0])
        self._call("forward", place, [], columns, [_pointer(result)])
        return result

    def backward(
        self, place: int, gradient: NDArray[np.floating], columns: _Columns
    ) -> tuple[list[NDArray[np.floating]], list[float]]:
        """Return the gradients of the inputs, and the sums for the parameters."""
        one = self._activations[place]
        back = [np.empty_like(gradient) for _ in one.inputs]
        sums = np.zeros(len(one.parameters) + 1)
        made = [_pointer(column) for column in back]
        made += [_pointer(sums[k:]) for k in range(len(one.parameters))]
        self._call("backward", place, [_pointer(gradient)], columns, made)
        return back, sums[:-1].tolist()

    def compute(self, place: int, columns: _Columns) -> list[NDArray[np.floating]]:
        """Return the value and the derivatives by the inputs."""
        ones = np.ones_like(columns[0])
        return [self.forward(place, columns), *self.backward(place, ones, columns)[0]]

    def _call(
        self, what: str, place: int, before: list[Any], columns: _Columns, after: list[Any]
    ) -> None:
        single = columns[0].dtype == np.float32
        one = self._activations[place]
        n_inputs = len(one.inputs)
        real = ctypes.c_float if single else ctypes.c_double
        given: list[Any] = [_pointer(column) for column in columns[:n_inputs]]
        given += [real(float(column[0])) for column in columns[n_inputs:]]
        function = getattr(self._library, f"f{place}_{what}{'f' if single else ''}")
        function.restype = None
        function(*before, *given, *after, ctypes.c_long(columns[0].size))


def _pointer(array: NDArray[np.floating]) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)
