"""The native CPU backend: C for each expression, compiled once and kept on disk."""

from actsearch.kernels.native.engine import NativeEngine, forget, kernel, prepare
from actsearch.kernels.native.library import Bodies, Unusable

__all__ = ["Bodies", "NativeEngine", "Unusable", "forget", "kernel", "prepare"]
