"""Formulas as files for other programs, written from the validated tree."""

from actsearch.export.activation import Activation
from actsearch.export.folder import write_all
from actsearch.export.names import checked_name
from actsearch.export.package import package_files
from actsearch.export.pieces import Piece, files_of, pieces
from actsearch.export.targets import ALL, TARGETS, Inexpressible, Target, chosen, export, obstacle
from actsearch.export.writing import write, write_package

__all__ = [
    "ALL",
    "TARGETS",
    "Activation",
    "Inexpressible",
    "Piece",
    "Target",
    "checked_name",
    "chosen",
    "export",
    "files_of",
    "obstacle",
    "package_files",
    "pieces",
    "write",
    "write_all",
    "write_package",
]
