"""`actsearch export`: functions as files to drop into a network."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from actsearch.cli.options import RUNS_DIR, RunsDirOption, find_run
from actsearch.errors import BadInput, unknown

if TYPE_CHECKING:
    from actsearch.cli.hall import RunView
    from actsearch.expressions import Expression

TARGETS = ("torch",)


@dataclass(frozen=True)
class _Item:
    """One function to write: what it is, what it is called, where it comes from."""

    expression: Expression
    name: str
    provenance: dict[str, Any]


def export(
    run: Annotated[
        str | None, typer.Argument(help="The run (see: actsearch runs).", metavar="[RUN]")
    ] = None,
    births: Annotated[
        list[int] | None, typer.Argument(help="Ids of births in that run.", metavar="[ID]...")
    ] = None,
    formula: Annotated[
        str | None,
        typer.Option(
            "--formula", metavar="FORMULA", help="A formula or a known name, instead of a run."
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="What the function is called, and its file."),
    ] = None,
    target: Annotated[
        str, typer.Option("--to", metavar="|".join(TARGETS), help="What the file is for.")
    ] = "torch",
    out: Annotated[Path, typer.Option(metavar="DIR", help="The folder to write into.")] = Path(),
    top: Annotated[
        int | None, typer.Option(metavar="K", min=1, help="The K best of the run, without ids.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,
    runs_dir: RunsDirOption = RUNS_DIR,
) -> None:
    """Write functions as Python files that need torch alone.

    Each file carries the formula, its exact derivative, where it comes from, and a self-test:
    `python FILE` runs it. Without ids it is the best of the run.
    """
    from actsearch.cli.files import checked_name, write_all

    if target not in TARGETS:
        raise unknown("target of --to", target, TARGETS)
    if (run is None) == (formula is None):
        raise BadInput("export takes a RUN or --formula FORMULA, one of the two")
    if births and top is not None:
        raise BadInput("export takes ids or --top K, not both")
    if name is not None:
        checked_name(name)
    if formula is not None:
        if top is not None:
            raise BadInput("--top goes with a RUN; --formula is one function")
        items = [_from_formula(formula, name)]
    else:
        items = _from_run(find_run(str(run), runs_dir), births or [], top or 1, name)

    from actsearch.export import Activation
    from actsearch.export import export as written

    texts: dict[Path, str | bytes] = {}
    for item in items:
        activation = Activation(item.expression, item.name, item.provenance)
        texts |= {out / file: text for file, text in written(activation, [target]).items()}
    write_all(texts, force=force)
    for path, item in zip(texts, items, strict=True):
        sys.stdout.write(f"{path}: {item.expression} (test it: python {path})\n")


def _from_formula(formula: str, name: str | None) -> _Item:
    from actsearch.cli.analyze import read_formula
    from actsearch.cli.files import checked_name

    expression, known = read_formula(formula)
    if name is None:
        if known is None:
            raise BadInput("export --formula takes --name NAME, for what the function is called")
        name = checked_name(f"{_slug(known)}_activation")
    return _Item(expression, name, {"known as": known} if known else {})


def _from_run(path: Path, ids: list[int], top: int, name: str | None) -> list[_Item]:
    from actsearch.cli.hall import read_run

    view = read_run(path)
    rows = {row["id"]: row for row in view.rows}
    chosen = list(dict.fromkeys(ids)) or [row["id"] for row in view.ranked[:top]]
    if not chosen:
        raise BadInput(
            f"run '{view.name}' has no scores yet; search on: actsearch resume {view.name}"
        )
    if name is not None and len(chosen) > 1:
        raise BadInput(f"--name goes with one function, and these are {len(chosen)}")
    for id_ in chosen:
        if id_ not in rows:
            raise BadInput(
                f"run '{view.name}' has trained no birth {id_} "
                f"(list them: actsearch inspect {view.name} --all)"
            )
    return [item for id_ in chosen for item in _of_birth(view, rows[id_], name)]


def _of_birth(view: RunView, row: dict[str, Any], name: str | None) -> list[_Item]:
    """Return what to write for a birth: its function, or one for each group of layers."""
    from actsearch.expressions import Layered, parse_candidate

    candidate = parse_candidate(row["formula"])
    own = name or f"{_slug(view.name)}_{row['id']}"
    facts = {"run": view.name, "birth": row["id"], **_facts(view.config, row)}
    if not isinstance(candidate, Layered):
        return [_Item(candidate, own, facts)]
    return [
        _Item(part, f"{own}_{group}", {**facts, "layers": group, "together with": str(candidate)})
        for group, part in candidate.formulas
    ]


def _facts(config: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    from actsearch.cli.hall import config_facts

    facts = config_facts(config)
    facts |= {"score": row["score"], "standard error": row["standard_error"], "trainings": row["n"]}
    facts |= {"gain over ReLU": row["gain_over_relu"], "known as": row["known"]}
    return {key: value for key, value in facts.items() if value is not None}


def _slug(text: str) -> str:
    slug = re.sub(r"\W+", "_", text.lower(), flags=re.ASCII).strip("_")[:40]
    return slug if slug[:1].isalpha() else f"run_{slug}"
