"""Modelled costs that are kept on disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from actsearch.expressions import parse
from actsearch.expressions.cost import modelled_cost
from actsearch.results import costs
from actsearch.results.costs import modelled_costs


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty cache folder that is the user's."""
    monkeypatch.setenv("ACTSEARCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_costs_are_computed_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    formulas = ["x*tanh(x)", "no formula(", "x*tanh(x)", "input: relu(x) | last: gelu(x)"]
    first = modelled_costs(formulas)
    halves = modelled_cost(parse("relu(x)")) + modelled_cost(parse("gelu(x)"))
    assert first == {
        "x*tanh(x)": modelled_cost(parse("x*tanh(x)")),
        "no formula(": None,
        "input: relu(x) | last: gelu(x)": pytest.approx(halves / 2),
    }
    asked: list[str] = []
    monkeypatch.setattr(costs, "_computed", lambda formula: asked.append(formula))
    assert modelled_costs(formulas) == first
    assert asked == ["no formula("]


def test_a_program_of_another_state_computes_again(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modelled_costs(["sin(x)"])
    monkeypatch.setattr(costs, "_state", lambda: "other")
    modelled_costs(["sin(x)"])
    assert len(list((cache / "costs").glob("*.json"))) == 2


@pytest.mark.parametrize("text", ["", "[]", '{"sin(x)": "fast"}', '{"sin(x)": NaN}', "{" * 99_999])
def test_a_damaged_table_is_no_trouble(cache: Path, text: str) -> None:
    expected = modelled_costs(["sin(x)"])
    (path,) = (cache / "costs").glob("*.json")
    path.write_text(text, encoding="utf-8")
    assert modelled_costs(["sin(x)"]) == expected
    assert json.loads(path.read_text(encoding="utf-8")) == expected


def test_a_table_does_not_grow_without_end(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(costs, "MOST_KEPT", 2)
    modelled_costs(["sin(x)", "cos(x)"])
    modelled_costs(["tanh(x)"])
    (path,) = (cache / "costs").glob("*.json")
    assert [*json.loads(path.read_text(encoding="utf-8"))] == ["tanh(x)"]


def test_without_a_cache_costs_are_there_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("ACTSEARCH_CACHE", str(tmp_path / "file" / "cache"))
    assert modelled_costs(["sin(x)"]) == {"sin(x)": modelled_cost(parse("sin(x)"))}
