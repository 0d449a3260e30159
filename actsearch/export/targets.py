"""The targets that a function can be exported to: one row each, one small writer each."""

from __future__ import annotations

import ast
import importlib.util
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from actsearch.errors import BadInput, unknown
from actsearch.export.activation import Activation
from actsearch.export.c_file import c_files
from actsearch.export.cuda_file import cuda_files
from actsearch.export.jax_file import jax_files
from actsearch.export.json_file import json_files
from actsearch.export.keras_file import keras_files, keras_lacks
from actsearch.export.latex_file import latex_files
from actsearch.export.numpy_file import numpy_files
from actsearch.export.onnx_file import onnx_files, onnx_lacks
from actsearch.export.torch_file import torch_files
from actsearch.export.triton_file import triton_files

#: File name -> what is in it.
Files = Mapping[str, str | bytes]


@dataclass(frozen=True)
class Target:
    """One target.

    Attributes:
        name: What ``--to`` calls it.
        what: What is written, in a few words.
        write: Returns the files of an activation; they lie side by side.
        test: How the user tests them, a line for a shell, with ``{file}`` for the first of them,
            ``{folder}`` for where it lies, and ``{name}`` for what the function is called.
        lacks: Says what of an activation it can't express, or None: ``i0e (a Bessel function)``.
        package: What has to be installed to write it, beside actsearch itself.
    """

    name: str
    what: str
    write: Callable[[Activation], Files]
    test: str
    lacks: Callable[[Activation], str | None] = lambda _: None
    package: str | None = None

    @property
    def is_installed(self) -> bool:
        """Whether what writing it needs is there."""
        return self.package is None or importlib.util.find_spec(self.package) is not None


#: How the files are tested.
_PYTHON = "python {file}"
_KERAS = "KERAS_BACKEND=torch python {file}"
_C = "cc -D{name}_TEST -x c {file} -lm -o {name}_test && ./{name}_test"
_CUDA = "nvcc -D{name}_TEST {file} -o {name}_test && ./{name}_test"
#: From the folder itself: TeX reads no path that has spaces or quotes.
_LATEX = (
    r"cd {folder} && pdflatex '\documentclass{{article}}\usepackage{{amsmath}}"
    r"\begin{{document}}\input{{{name}.tex}}\end{{document}}'"
)
_JSON = "python -m json.tool {file}"

TARGETS: dict[str, Target] = {
    row.name: row
    for row in (
        Target("torch", "one file that needs torch alone", torch_files, _PYTHON),
        Target("jax", "one file that needs JAX alone, with a Flax module", jax_files, _PYTHON),
        Target("numpy", "one file that needs NumPy alone", numpy_files, _PYTHON),
        Target(
            "onnx",
            "a model, its derivative and a function, of standard operators",
            onnx_files,
            _PYTHON,
            onnx_lacks,
            "onnx",
        ),
        Target("keras", "one file that needs Keras 3 alone", keras_files, _KERAS, keras_lacks),
        Target("triton", "kernels: a file that needs torch and Triton", triton_files, _PYTHON),
        Target("cuda", "kernels with launch code", cuda_files, _CUDA),
        Target("c", "one header for C and C++", c_files, _C),
        Target("latex", "formula, derivative and tables, for a paper", latex_files, _LATEX),
        Target("json", "all facts, test points and base operations", json_files, _JSON),
    )
}

ALL = "all"


class Inexpressible(BadInput):
    """A target has no way to express a formula; the message names those that have."""


def chosen(text: str) -> tuple[str, ...]:
    """Read ``torch,jax`` or ``all``.

    Raises:
        BadInput: A target is unknown, or there is none.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise BadInput(f"--to takes {ALL}, or some of {', '.join(TARGETS)} with commas between")
    for name in names:
        if name not in (ALL, *TARGETS):
            raise unknown("target of --to", name, [ALL, *TARGETS])
    return tuple(TARGETS) if ALL in names else tuple(dict.fromkeys(names))


def export(activation: Activation, targets: Sequence[str] = ("torch",)) -> dict[str, str | bytes]:
    """Write an activation for some targets.

    Args:
        activation: What to export.
        targets: Names of ``TARGETS``.

    Returns:
        File name -> content, for one folder.

    Raises:
        Inexpressible: A target can't express it.
        BadInput: A target is unknown, what it is written with is not installed, or the name means
            something else in its language.
        ActsearchError: What is computed disagrees with the definition.
    """
    files: dict[str, str | bytes] = {}
    for name in targets:
        if name not in TARGETS:
            raise unknown("target", name, TARGETS)
        files.update(written(activation, TARGETS[name]))
    return files


def written(activation: Activation, target: Target) -> Files:
    """Return the files of one target.

    Raises:
        Inexpressible: It can't express the activation.
        BadInput: What it is written with is not installed, or the name means something else in
            its language.
        ActsearchError: What is computed disagrees with the definition, so that there is nothing
            to test the files against.
    """
    reason = obstacle(activation, target)
    if reason is not None:
        raise reason
    files = target.write(activation)
    for file, text in files.items():
        if file.endswith(".py") and isinstance(text, str):
            _check_free(activation.name, text)
    return files


def _check_free(name: str, source: str) -> None:
    """Refuse a name that something else inside a file has, too.

    Raises:
        BadInput: It, or the name of its class, is that of another function, class, variable,
            argument or import.
    """
    tree = ast.parse(source)
    tops = Counter(one for node in tree.body for one in _defined(node))
    inside = (one for node in ast.walk(tree) for one in _bound(node))
    if max(tops.values()) > 1 or name in inside:
        raise BadInput(f"'{name}' means something else in the file; try my_{name}")


def _defined(node: ast.stmt) -> list[str]:
    """Return the names that a statement at the top of a file defines."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [(alias.asname or alias.name).partition(".")[0] for alias in node.names]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [one.id for one in targets if isinstance(one, ast.Name)]


def _bound(node: ast.AST) -> list[str]:
    """Return the names of variables and arguments that a node binds."""
    if isinstance(node, ast.arg):
        return [node.arg]
    return [node.id] if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) else []


def obstacle(activation: Activation, target: Target) -> BadInput | None:
    """Return why an activation can't be written for a target here, or None."""
    lacks = target.lacks(activation)
    if lacks is not None:
        able = ", ".join(able_to(activation)) or "none"
        return Inexpressible(
            f"'{activation.expression}': the target {target.name} has no {lacks}; "
            f"targets that can express it: {able}"
        )
    if not target.is_installed:
        free = ", ".join(row.name for row in TARGETS.values() if row.package is None)
        return BadInput(
            f"the target {target.name} is written with the package {target.package}, which is not "
            f"installed: pip install {target.package} (targets that need nothing: {free})"
        )
    return None


def able_to(activation: Activation) -> Iterable[str]:
    """Return the names of the targets that can express an activation."""
    return [row.name for row in TARGETS.values() if row.lacks(activation) is None]
