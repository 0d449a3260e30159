"""Formulas as files for other programs, written from the validated tree."""

from actsearch.export.torch_file import export_torch

__all__ = ["export_torch"]
