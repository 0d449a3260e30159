"""Every shipped space searched from end to end, on the task that it is for.

By day the trainings are a few steps long, which says nothing about functions and all about whether
the parts fit; by night they are those of the task.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

import actsearch
from actsearch.cli.main import run as command
from actsearch.expressions import Expression, parse_candidate, parts_of
from actsearch.expressions.conditions import first_broken
from actsearch.runs import Birth, RunStore, TrainingRow
from actsearch.search.evolution import ENUMERATED
from actsearch.search.space import SearchSpace, load_space, space_files
from actsearch.search.space.conditions import plain_conditions
from actsearch.search.space.parts import Operators

NAMES = sorted(space_files())
TASK_OF = {
    "positive": "mdn",
    "overlap": "keywords",
    "gated": "mnist1d-mlp@equal-parameters",
    "layerwise": "mnist1d-cnn",
}
#: The same tasks, trained for eight steps; one function a task, as a task file has them.
TINY = '''
"""Shipped tasks, trained for eight steps."""

import dataclasses

from actsearch.tasks import Rung, load_task


def tiny(name):
    rungs = (Rung("short", 4, (0,)), Rung("full", 8, (0, 1)))
    return dataclasses.replace(load_task(name), steps=8, rungs=rungs)


def mlp():
    return tiny("mnist1d-mlp")


def gated():
    return tiny("mnist1d-mlp@equal-parameters")


def overlap():
    return tiny("keywords")


def positive():
    return tiny("mdn")


def layerwise():
    return tiny("mnist1d-cnn")
'''
N_RANDOM = 2
FRESH = {"random", ENUMERATED}
BRED = {*Operators.model_fields, "crossover"} - {"fresh"}
#: Spaces whose formulas have learned parameters, from seeds, primitives or operators.
LEARN = ("grafs", "pangaea", "parametric", "swish")


def read(folder: Path) -> tuple[list[Birth], list[TrainingRow]]:
    with RunStore.open(folder) as store:
        return store.births(), store.trainings()


def soon_bred(space: SearchSpace) -> SearchSpace:
    """Return the space with few random births, and each birth decided by itself."""
    evolution = space.evolution.model_copy(update={"random_births": N_RANDOM, "lag": 2})
    screening = space.screening.model_copy(update={"offspring": 1})
    return space.model_copy(update={"evolution": evolution, "screening": screening})


def inputs_of(births: list[Birth], row: TrainingRow) -> tuple[str, ...]:
    return parse_candidate(births[row.birth_id].formula).inputs


def check_contents(space: SearchSpace, births: list[Birth], trainings: list[TrainingRow]) -> None:
    """See that a run holds what its space promises."""
    seeds, rest = births[: len(space.seeds)], births[len(space.seeds) :]
    assert {one.operator for one in seeds} == {"seed"}
    assert [parse_candidate(one.formula) for one in seeds] == [
        parse_candidate(text) for text in space.seeds
    ]
    assert {one.operator for one in rest} <= FRESH | BRED
    if space.shape.enumerate:
        assert {one.operator for one in rest} == {ENUMERATED}
    statuses = {one.status for one in births}
    assert statuses <= {"accepted", "duplicate", "rejected", "screened"}
    conditions = plain_conditions(space.conditions)
    trained = {row.birth_id for row in trainings}
    accepted = {one.id for one in births if one.status == "accepted"}
    assert trained <= accepted
    assert len(accepted - trained) <= space.evolution.lag  # those that time left no room for
    for one in births:
        candidate = parse_candidate(one.formula)
        assert set(candidate.inputs) <= set(space.inputs)
        if one.status == "accepted":
            assert all(first_broken(part, conditions) is None for part in parts_of(candidate))
        if one.status == "rejected":
            assert one.reason
    scored = [row for row in trainings if row.score is not None]
    assert len({row.birth_id for row in scored}) > len(trained) / 2
    for row in scored:
        first = parts_of(parse_candidate(births[row.birth_id].formula))[0]
        assert all(math.isfinite(row.metrics[f"{name}[0]"]) for name in first.parameters)
    read_by = {name for row in scored for name in inputs_of(births, row)}
    assert read_by == set(space.inputs)


def check_bred(space: SearchSpace, births: list[Birth], trainings: list[TrainingRow]) -> None:
    """See that a run got beyond its seeds and random births."""
    operators = {one.operator for one in births[len(space.seeds) :]}
    assert operators == {ENUMERATED} if space.shape.enumerate else operators & BRED
    learned = [name for row in trainings for name in row.metrics if name.startswith("p0[")]
    assert learned or space.name not in LEARN


def answer(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    capsys.readouterr()
    found = command(list(arguments))
    captured = capsys.readouterr()
    assert found == code, captured.err
    return captured.err if code else captured.out


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_space_is_searched_resumed_shown_and_exported(
    name: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("tiny.py").write_text(TINY, encoding="utf-8")
    space = soon_bred(load_space(name))
    limit = len(space.seeds) + 10
    result = actsearch.search(
        space,
        f"tiny.py:{name if name in TASK_OF else 'mlp'}",
        births=limit,
        workers="inline",
        devices="cpu",
        run="r",
        seed=1,
    )
    assert result.ended.startswith(f"the limit of {limit} births ")
    first, trainings = read(result.path)
    assert len(space.seeds) <= len(first) <= limit  # what does not fit in whole is left out
    check_contents(space, first, trainings)

    more = ("--births", str(limit + 25), "--workers", "inline", "--confirm", "none", "--no-report")
    answer(capsys, "resume", "r", *more)
    births, trainings = read(result.path)
    assert births[: len(first)] == first
    assert len(space.seeds) + 8 < len(births) <= limit + 25
    check_contents(space, births, trainings)
    check_bred(space, births, trainings)

    rows = json.loads(answer(capsys, "inspect", "r", "--format", "json"))
    best = rows[0]
    shown = json.loads(answer(capsys, "inspect", "r", str(best["id"]), "--format", "json"))
    assert shown["formula"] == best["formula"] == births[best["id"]].formula
    learning = next((row for row in rows if parse_candidate(row["formula"]).parameters), None)
    if learning is not None:
        table = json.loads(answer(capsys, "inspect", "r", str(learning["id"]), "--format", "json"))
        names = {one["parameter"] for one in table["learned"]}
        assert names == set(parse_candidate(learning["formula"]).parameters)

    single = next(
        row
        for row in rows
        if isinstance(parse_candidate(row["formula"]), Expression)
        and parse_candidate(row["formula"]).inputs == ("x",)
    )
    answer(capsys, "export", "r", str(single["id"]), "--name", "found")
    code = Path("found.py").read_text(encoding="utf-8")
    compile(code, "found.py", "exec")
    assert single["formula"] in code
    other = next((row for row in rows if parse_candidate(row["formula"]).inputs != ("x",)), None)
    if other is not None:
        answer(capsys, "export", "r", str(other["id"]), "--name", "other", "--to", "json")
        assert json.loads(Path("other.json").read_text(encoding="utf-8"))["inputs"][0] == "x"
    layered = next((row for row in rows if " | " in row["formula"]), None)
    if layered is not None:
        answer(capsys, "export", "r", str(layered["id"]), "--name", "layered")
        for group in space.shape.layers:
            compile(Path(f"layered_{group}.py").read_text(encoding="utf-8"), group, "exec")
    assert (layered is not None) == bool(space.shape.layers)


@pytest.mark.nightly
@pytest.mark.parametrize("name", NAMES)
def test_two_minutes_of_a_space_and_the_verdict(
    name: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    task = TASK_OF.get(name, "mnist1d-mlp")
    limits = ("--budget", "2m", "--confirm", "2m")
    out = answer(capsys, "search", name, "--task", task, *limits, "--run", "r", "--quiet")
    assert "confirmed with fresh seeds:" in out
    births, trainings = read(Path("runs/r"))
    space = load_space(name)
    assert len(births) > len(space.seeds) + 10
    check_contents(space, births, trainings)
    if len(births) > len(space.seeds) + space.evolution.random_births:  # else the machine is slow
        check_bred(space, births, trainings)
    with RunStore.open(Path("runs/r")) as store:
        trials = store.trials()
        assert [one.outcome for one in store.sessions()][1:] == ["done"]
    assert trials
    assert {row.split for row in trials} == {"test"}
    assert not {row.seed for row in trials} & {row.seed for row in trainings}
    for formula in {row.formula for row in trials}:
        assert set(parse_candidate(formula).inputs) <= set(space.inputs)
    new = {row.formula for row in trials} & {one.formula for one in births}
    assert new
