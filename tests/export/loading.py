"""Exported Python files as modules, and which of their own tests to run."""

from __future__ import annotations

import importlib.util
import itertools
import sys
from collections.abc import Collection
from pathlib import Path
from types import ModuleType

from actsearch.export import Activation
from actsearch.export.torch_file import torch_source
from actsearch.expressions import parse

_numbers = itertools.count()


def load_file(path: Path) -> ModuleType:
    """Import a file under a name of its own, so that what it defines can be pickled."""
    name = f"exported_{next(_numbers)}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def load(text: str, folder: Path, name: str = "found") -> ModuleType:
    """Write a file and import it."""
    path = folder / f"{name}.py"
    path.write_text(text, encoding="utf-8")
    return load_file(path)


def source(formula: str, name: str = "found", **more: object) -> str:
    """Return the torch file of a formula."""
    return torch_source(Activation(parse(formula), name, **more))  # type: ignore[arg-type]


def run_own_tests(module: ModuleType, without: Collection[str] = ()) -> list[str]:
    """Run a module's own tests, all but some, and return their names."""
    names = [name for name in vars(module) if name.startswith("test_") and name not in without]
    assert names
    for name in names:
        getattr(module, name)()
    return names
