"""Formulas as fast torch functions with a backward of their own."""

from actsearch.kernels.backends import BACKENDS, compile
from actsearch.kernels.modules import ActivationModule, module

__all__ = ["BACKENDS", "ActivationModule", "compile", "module"]
