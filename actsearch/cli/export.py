"""`actsearch export`: functions as files, or as a package, to drop into a network."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from actsearch.cli.export_stand_ins import print_stand_ins, stand_in_pieces
from actsearch.cli.options import RUNS_DIR, RunsDirOption, find_run, note
from actsearch.errors import ActsearchError, BadInput
from actsearch.paths import command

if TYPE_CHECKING:
    from actsearch.cli.export_facts import RunFacts
    from actsearch.export import Activation, Piece, Target
    from actsearch.export.approximate import StandIn
    from actsearch.expressions import Candidate

#: What ``--to`` prints the targets for.
HELP = "help"
#: As the help says them; the targets themselves are imported when they are needed.
TARGET_NAMES = (
    "torch", "jax", "numpy", "onnx", "keras", "triton", "cuda", "c", "latex", "json",
)  # fmt: skip


def export(
    run: Annotated[
        str | None, typer.Argument(help="The run (see: actsearch runs).", metavar="RUN")
    ] = None,
    births: Annotated[
        list[int] | None, typer.Argument(help="Ids of births in that run.", metavar="ID")
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
        str,
        typer.Option(
            "--to",
            metavar="TARGET,...|all|help",
            help=f"What the files are for: {', '.join(TARGET_NAMES)}; help says what each is.",
        ),
    ] = "torch",
    out: Annotated[Path, typer.Option(metavar="DIR", help="The folder to write into.")] = Path(),
    top: Annotated[
        int | None, typer.Option(metavar="K", min=1, help="The K best of the run, without ids.")
    ] = None,
    package: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Write them as an installable Python package, DIR/NAME."),
    ] = None,
    approximate: Annotated[
        str | None,
        typer.Option(
            metavar="hard|rational|table",
            help="Write a simpler function in its place, for inference on small devices: "
            "straight pieces, a quotient of polynomials, or a table.",
        ),
    ] = None,
    error: Annotated[
        float | None,
        typer.Option(metavar="E", help="The maximum error of --approximate."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,
    runs_dir: RunsDirOption = RUNS_DIR,
) -> None:
    """Write functions as files that need nothing of actsearch.

    Each carries the formula, its exact derivative, where it comes from, how it was measured, and a
    self-test. Without ids it is the best of the run. All files are written, or none; `--to all`
    leaves out what a formula can't be expressed in.
    """
    from actsearch.export import ALL, chosen, files_of, package_files, write_all
    from actsearch.export import pieces as pieces_of

    if target.strip().lower() == HELP:
        _print_targets()
        return
    targets = chosen(target)
    if (run is None) == (formula is None):
        raise BadInput("export takes a RUN or --formula FORMULA, one of the two")
    if births and top is not None:
        raise BadInput("export takes ids or --top K, not both")
    if formula is not None and top is not None:
        raise BadInput("--top goes with a RUN; --formula is one function")
    if approximate is None and error is not None:
        raise BadInput("--error goes with --approximate")
    if approximate == "table" and package is not None:
        raise BadInput("a package holds formulas; --approximate table goes without --package")
    _check_names(name, package, out)
    if formula is not None:
        activations = _from_formula(formula, name, out)
    else:
        activations = _from_run(find_run(str(run), runs_dir), births or [], top or 1, name)
    is_all = ALL in (word.strip() for word in target.split(","))
    left_out = _note_left_out if is_all else None
    fitted: Sequence[StandIn] = ()
    if approximate is None:
        pieces = pieces_of(activations, targets, left_out=left_out)
    else:
        fitted, pieces = stand_in_pieces(activations, approximate, error, targets, left_out)
    if package is None:
        write_all(out, files_of(pieces), force=force)
        _print_files(out, pieces)
    else:
        write_all(out / package, package_files(package, pieces), force=force)
        _print_package(out / package, {piece.activation.name: piece.activation for piece in pieces})
    print_stand_ins(fitted)


def _check_names(name: str | None, package: str | None, out: Path) -> None:
    from actsearch.export import checked_name

    if name is not None:
        checked_name(name, beside=out)
    if package is not None:
        checked_name(package, "--package", beside=out)


def _from_formula(formula: str, name: str | None, out: Path) -> list[Activation]:
    from actsearch.export import Activation, checked_name
    from actsearch.expressions import parse_candidate
    from actsearch.expressions.known import NAMED, formula_of
    from actsearch.results.view import known_fingerprints

    candidate = parse_candidate(formula_of(formula))
    known = known_fingerprints(NAMED).get(candidate.fingerprint())
    if name is None:
        if known is None:
            raise BadInput("export --formula takes --name NAME, for what the function is called")
        name = checked_name(f"{_slug(known)}_activation", beside=out)
    facts = {"known as": known} if known else {}
    return [Activation(part, own, {**facts, **more}) for part, own, more in _parts(candidate, name)]


def _parts(candidate: Candidate, name: str) -> list[tuple[Any, str, dict[str, Any]]]:
    """Return what to write of a candidate: one function, or one for each group of layers.

    Each with its name, and with what there is to say of the group.
    """
    from actsearch.expressions import Layered

    if not isinstance(candidate, Layered):
        return [(candidate, name, {})]
    return [
        (part, f"{name}_{group}", {"layers": group, "together with": str(candidate)})
        for group, part in candidate.formulas
    ]


def _from_run(path: Path, ids: list[int], top: int, name: str | None) -> list[Activation]:
    from actsearch.cli.export_facts import RunFacts

    facts = RunFacts(path)
    chosen = list(dict.fromkeys(ids)) or facts.ranked[:top]
    if not chosen:
        raise BadInput(
            f"run '{facts.name}' has no scores yet; search on: "
            f"{command('resume', path, '--budget', '10m')}"
        )
    if name is not None and len(chosen) > 1:
        raise BadInput(f"--name goes with one function, and these are {len(chosen)}")
    for id_ in chosen:
        if id_ not in facts.rows:
            raise BadInput(
                f"run '{facts.name}' has trained no birth {id_} "
                f"(list them: {command('inspect', path, '--all')})"
            )
    return [one for id_ in chosen for one in _of_birth(facts, id_, name)]


def _of_birth(facts: RunFacts, id_: int, name: str | None) -> list[Activation]:
    from actsearch.export import Activation

    own = name or f"{_slug(facts.name)}_{id_}"
    origin, measured = facts.provenance(id_), facts.measured(id_, own)
    return [
        Activation(part, called, {**origin, **more}, measured, facts.learned(id_, part))
        for part, called, more in _parts(facts.candidate(id_), own)
    ]


def _slug(text: str) -> str:
    slug = re.sub(r"\W+", "_", text.lower(), flags=re.ASCII).strip("_")[:40]
    # A function whose name begins with test_ would be run as a test.
    return slug if slug[:1].isalpha() and not slug.startswith("test") else f"run_{slug}"


def _note_left_out(activation: Activation, target: Target, reason: ActsearchError) -> None:
    note(f"actsearch: {activation.name} is not written for {target.name}: {reason}")


def _print_files(out: Path, pieces: Sequence[Piece]) -> None:
    """List the files, activation by activation, with how to test those of each target."""
    told = ""
    for piece in pieces:
        one = piece.activation
        if one.name != told:
            sys.stdout.write(f"{one.name}: {one.expression}\n")
        told = one.name
        paths = [str(out / file) for file in piece.files]
        file, folder = shlex.quote(paths[0]), shlex.quote(str(out))
        test = piece.target.test.format(file=file, folder=folder, name=one.name)
        sys.stdout.writelines(f"  {path}\n" for path in paths[:-1])
        sys.stdout.write(f"  {paths[-1]} (test it: {test})\n")


def _print_package(folder: Path, activations: Mapping[str, Activation]) -> None:
    for name, one in activations.items():
        sys.stdout.write(f"{name}: {one.expression}\n")
    where = shlex.quote(str(folder))
    sys.stdout.write(f"  {folder} (install it: pip install {where})\n")
    sys.stdout.write(f"  test it, installed: python -m pytest {where}\n")


def _print_targets() -> None:
    from actsearch.export import TARGETS
    from actsearch.results.tables import Column, Format, write_rows

    rows = [
        {"name": one.name, "what": one.what, "needs": one.package or ""} for one in TARGETS.values()
    ]
    columns = (
        Column("name", "target"),
        Column("what", "what is written"),
        Column("needs", "written with"),
    )
    write_rows(columns, rows, Format.TABLE, sys.stdout)
