"""Formulas as fast torch functions with a backward of their own."""

from actsearch.kernels.backends import BACKENDS, Kernel, choose, compile, fallback, prepare
from actsearch.kernels.modules import ActivationModule, module
from actsearch.kernels.warn import KernelWarning

__all__ = [
    "BACKENDS",
    "ActivationModule",
    "Kernel",
    "KernelWarning",
    "choose",
    "compile",
    "fallback",
    "module",
    "prepare",
]
