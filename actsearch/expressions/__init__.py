"""Formulas: the primitive table, text, tree and SymPy form, derivative, fingerprint, analysis."""

from actsearch.expressions.expression import Expression, parse
from actsearch.expressions.known import KNOWN
from actsearch.expressions.layered import Candidate, Layered, parse_candidate, parts_of
from actsearch.expressions.node import Node
from actsearch.expressions.parser import FormulaError
from actsearch.expressions.table import PRIMITIVES

__all__ = [
    "KNOWN",
    "PRIMITIVES",
    "Candidate",
    "Expression",
    "FormulaError",
    "Layered",
    "Node",
    "parse",
    "parse_candidate",
    "parts_of",
]
