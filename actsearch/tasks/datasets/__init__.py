"""The data sets of the shipped tasks: where they come from, how they are checked and kept.

``catalog`` names them without importing numpy; ``store`` opens them. Only two splits can be opened
here: training and validation. The third is the business of ``actsearch.tasks.heldout`` alone.
"""

from actsearch.tasks.datasets.catalog import DATASETS, Dataset

__all__ = ["DATASETS", "Dataset"]
