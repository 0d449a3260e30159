"""Trials: formulas trained again with fresh seeds, to confirm a search or to compare at will.

The room's doors: ``confirm.confirm`` (the finalists of a run against all known activations, on
held-out data), ``confirm.confirm_store`` (the same on an open store) and ``compare.compare`` (any
activations head to head). Nothing is imported here: two files bear the names of their functions.
"""
