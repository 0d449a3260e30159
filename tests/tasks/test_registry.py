"""Names of tasks, and an import that costs nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from actsearch.errors import BadInput
from actsearch.tasks import TASKS, load_task


def test_unknown_task_names_the_nearest_and_the_other_way() -> None:
    with pytest.raises(BadInput) as caught:
        load_task("mnist-mpl")
    message = str(caught.value)
    assert "did you mean 'mnist-mlp'" in message
    assert "path/to/file.py:make_task" in message


@pytest.mark.parametrize("spec", ["", "a:b:c", ":", "cifar"])
def test_odd_names(spec: str) -> None:
    with pytest.raises(BadInput):
        load_task(spec)


def test_shipped_tasks() -> None:
    assert list(TASKS) == [
        "mnist1d-mlp",
        "mnist1d-cnn",
        "keywords",
        "mnist-mlp",
        "mnist-cnn",
        "fashion-cnn",
        "cifar10-cnn",
        "cifar10-cnn4",
        "mdn",
    ]
    assert all(TASKS.values())


def test_table_and_catalog_import_nothing_heavy() -> None:
    code = (
        "import sys, actsearch.tasks.registry, actsearch.tasks.protocol, actsearch.tasks.datasets;"
        "print(sorted({'torch', 'numpy', 'sympy', 'pooch', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout.strip() == "[]"
