"""Several activations as one installable Python package, with types, tests and a README.

The files of the targets lie in it as they are. What the package itself exports comes from those of
one target, torch where it was asked for; the others are modules, or data, beside.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from actsearch.errors import BadInput
from actsearch.export.activation import LICENCE, Activation
from actsearch.export.pieces import Piece, files_of
from actsearch.export.text import template

#: Targets whose files are Python modules -> what they need, as pip has it.
REQUIREMENTS: Mapping[str, tuple[str, ...]] = {
    "torch": ("torch>=2.10",),
    "jax": ("jax>=0.5",),
    "numpy": ("numpy>=1.26",),
    "keras": ("keras>=3.6",),
    "triton": ("torch>=2.10", "triton>=3.0"),
    "onnx": ("onnx>=1.16",),
}
#: What a package can export, in order of preference; a file for triton or onnx is more special.
_MAIN = ("torch", "jax", "numpy", "keras")


def package_files(name: str, pieces: Sequence[Piece]) -> dict[str, str | bytes]:
    """Return the files of a package, by their paths in its folder.

    Args:
        name: What the package is imported as.
        pieces: What it holds.

    Raises:
        BadInput: There is no target with Python modules that holds all activations, two of them
            share a name or a file, one is called as the package is, or the name has no letter.
    """
    activations = list({piece.activation.name: piece.activation for piece in pieces}.values())
    project = re.sub("_+", "-", name).strip("-")
    if not project:
        raise BadInput(f"a package can't be called '{name}'; use letters, as in my_activations")
    by_activation = [{p.target.name for p in pieces if p.activation is one} for one in activations]
    main = next((one for one in _MAIN if all(one in there for there in by_activation)), None)
    if main is None:
        raise BadInput(
            f"a package needs Python modules of all its activations: one of {', '.join(_MAIN)} "
            "among the targets of --to"
        )
    exported = {_module(piece): _public(piece) for piece in pieces if piece.target.name == main}
    _check_apart(name, exported)
    targets = dict.fromkeys(piece.target.name for piece in pieces)
    files = {f"src/{name}/{file}": text for file, text in files_of(pieces).items()}
    tests = {
        f"tests/test_{module}.py": _test(name, module, text, piece)
        for piece in pieces
        for module, text in _modules(piece).items()
    }
    return {
        "pyproject.toml": _pyproject(name, project, main, targets),
        "README.md": _readme(name, main, exported, activations, pieces),
        "LICENSE": template("licence.txt").substitute(name=name, year=_year(activations)),
        f"src/{name}/__init__.py": _init(exported),
        f"src/{name}/py.typed": "",
        **files,
        **tests,
    }


def _modules(piece: Piece) -> dict[str, str]:
    """Return the Python modules among the files of a piece, by name."""
    return {
        file.removesuffix(".py"): text if isinstance(text, str) else text.decode("utf-8")
        for file, text in piece.files.items()
        if file.endswith(".py")
    }


def _module(piece: Piece) -> str:
    return next(iter(_modules(piece)))


def _defined(text: str) -> list[str]:
    """Return the names that a module defines at its top, in order."""
    names: list[str] = []
    for statement in ast.parse(text).body:
        match statement:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names.append(name)
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                names.append(name)
    return list(dict.fromkeys(names))


def _public(piece: Piece) -> list[str]:
    """Return what of a piece's module belongs to the activation by its name."""
    one = piece.activation
    return [
        name
        for name in _defined(_modules(piece)[_module(piece)])
        if name in (one.name, one.class_name) or name.startswith((f"{one.name}_", one.class_name))
    ]


def _check_apart(package: str, exported: Mapping[str, Sequence[str]]) -> None:
    homes: dict[str, str] = {}
    for module, names in exported.items():
        for name in dict.fromkeys((module, *names)):
            if name == package:
                raise BadInput(f"the package and an activation in it are both called '{name}'")
            other = homes.setdefault(name, module)
            if other != module:
                raise BadInput(f"'{name}' would be in {other} and in {module}; rename one of them")


def _init(exported: Mapping[str, Sequence[str]]) -> str:
    names = sorted(name for several in exported.values() for name in several)
    imports = "\n".join(
        f"from .{module} import (\n{_listed(sorted(several))})"
        for module, several in sorted(exported.items())
    )
    quoted = _listed([f'"{name}"' for name in names])
    return (
        '"""Activation functions exported by actsearch."""\n\n'
        f"{imports}\n\n__all__ = [\n{quoted}]\n"
    )


def _listed(names: Iterable[str]) -> str:
    return "".join(f"    {name},\n" for name in names)


def _test(package: str, module: str, text: str, piece: Piece) -> str:
    """Return a test file that runs the self-test of a module."""
    tests = [name for name in _defined(text) if name.startswith("test_")]
    needs = [re.split(r"[<>=]", one)[0] for one in REQUIREMENTS.get(piece.target.name, ())]
    skips = "".join(f'pytest.importorskip("{one}")\n' for one in needs)
    imports = f"from {package}.{module} import (  # noqa: E402, F401\n{_listed(tests)})\n"
    return (
        f'"""The self-test of {module}.py, on the installed package."""\n\n'
        f"import importlib\n\nimport pytest\n\n{skips}"
        f"{imports if tests else ''}\n\n"
        f"def test_the_module_is_that_of_the_package() -> None:\n"
        f'    module = importlib.import_module("{package}.{module}")\n'
        f'    assert module.METADATA["formula"]\n'
    )


def _pyproject(name: str, project: str, main: str, targets: Iterable[str]) -> str:
    others = [one for one in targets if one != main and one in REQUIREMENTS]
    extras = "".join(f"{one} = [{_quoted(REQUIREMENTS[one])}]\n" for one in others)
    return template("package_pyproject.toml").substitute(
        name=name,
        project=project,
        dependencies=_quoted(REQUIREMENTS[main]),
        extras=f"\n[project.optional-dependencies]\n{extras}" if extras else "",
    )


def _quoted(words: Iterable[str]) -> str:
    return ", ".join(f'"{word}"' for word in words)


def _year(activations: Iterable[Activation]) -> str:
    """Return the latest year in which one was found, and a space behind it; "" if none is known.

    No clock is asked, so that the same activations make the same files.
    """
    dates = [str(one.provenance.get("date", "")) for one in activations]
    return max((f"{date[:4]} " for date in dates if re.match(r"[0-9]{4}-", date)), default="")


def _readme(
    name: str,
    main: str,
    exported: Mapping[str, Sequence[str]],
    activations: Sequence[Activation],
    pieces: Sequence[Piece],
) -> str:
    others: dict[str, list[str]] = {}
    for piece in pieces:
        if piece.target.name != main:
            others.setdefault(piece.target.name, []).extend(piece.files)
    more = "".join(
        f"\nFor {target}, in the package's folder: {', '.join(f'`{file}`' for file in files)}."
        + (f" Install with `pip install '.[{target}]'`." if target in REQUIREMENTS else "")
        + "\n"
        for target, files in others.items()
    )
    first = next(piece for piece in pieces if piece.target.name == main)
    inside = [
        one
        for one in _defined(_modules(first)[_module(first)])
        if one not in exported[_module(first)] and not one.startswith(("_", "test_"))
    ]
    if inside:
        names = ", ".join(inside)
        more = f"\nEach module has more: `from {name}.{_module(first)} import {names}`.\n{more}"
    gains = [f"`{one.name}`: {one.gain:.6g}" for one in activations if one.gain is not None]
    said = dict.fromkeys(map(_said, activations))
    public = [f"`{one}`" for several in exported.values() for one in several]
    return template("package_readme.md").substitute(
        name=name,
        table="\n".join(map(_row, activations)),
        measured="\n\n".join(filter(None, said)) or "Nobody measured these.",
        first=activations[0].name,
        main=main,
        exports=", ".join(public),
        more=more,
        gains=(
            "\nThe searches train a function with initial weights of a gain that suits it, 1 / "
            f"sqrt(E[f(z)^2]) for a standard normal z: {', '.join(gains)}.\n"
            if gains
            else ""
        ),
        provenance="\n".join(map(_origin, activations)),
        licence=LICENCE,
    )


def _row(activation: Activation) -> str:
    rows: list[Mapping[str, Any]] = list(activation.measured.get("rows", ()))
    own = rows[0] if rows else {}
    beside = next((row for row in rows[1:] if row.get("difference") is not None), None)
    cells = [
        f"`{activation.name}`",
        f"`{activation.expression}`",
        _with_error(own.get("mean"), own.get("standard_error")),
        str(own.get("n", "")),
        ""
        if beside is None
        else f"{beside['difference']:+.4g} [{beside['low']:+.4g}, {beside['high']:+.4g}] "
        f"({markdown(str(beside['activation']))})",
    ]
    return f"| {' | '.join(cells)} |"


def _said(activation: Activation) -> str:
    measured = activation.measured
    if not measured:
        return ""
    return f"Score: {markdown(str(measured.get('score', 'score')))}. " + markdown(
        str(measured.get("sentence", ""))
    )


def _with_error(mean: float | None, error: float | None) -> str:
    if mean is None:
        return ""
    return f"{mean:.4g}" + ("" if error is None else f" ± {error:.2g}")


def _origin(activation: Activation) -> str:
    facts = "; ".join(
        f"{markdown(str(key))}: {markdown(str(value))}"
        for key, value in activation.provenance.items()
    )
    return f"- `{activation.name}`: {facts or 'a formula given by hand'}"


def markdown(text: str) -> str:
    """Make text safe in a line of Markdown: no markup, no cells, no links come of it."""
    printable = "".join(ch if ch.isprintable() else "?" for ch in text)
    return re.sub(r"([\\`*_{}\[\]<>#|!&])", r"\\\1", printable)
