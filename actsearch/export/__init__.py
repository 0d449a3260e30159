"""Formulas as files for other programs, written from the validated tree."""

from actsearch.export.activation import Activation
from actsearch.export.targets import ALL, TARGETS, Inexpressible, Target, chosen, export, obstacle

__all__ = [
    "ALL",
    "TARGETS",
    "Activation",
    "Inexpressible",
    "Target",
    "chosen",
    "export",
    "obstacle",
]
