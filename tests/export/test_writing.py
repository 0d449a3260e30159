"""Several activations and targets: what is written, what is left out, what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from actsearch.errors import ActsearchError, BadInput
from actsearch.export import TARGETS, Activation, Inexpressible, Target, pieces, points, write
from actsearch.expressions import Expression, parse


@pytest.fixture
def targets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put two targets beside the others: one that lacks sin, one whose package is not there."""

    def no_sine(activation: Activation) -> str | None:
        return "sin" if "sin" in str(activation.expression) else None

    def files(activation: Activation) -> dict[str, str]:
        return {f"{activation.name}.flat": "flat"}

    monkeypatch.setitem(TARGETS, "flat", Target("flat", "no waves", files, "", no_sine))
    far = Target("far", "elsewhere", files, "", package="not_installed_anywhere")
    monkeypatch.setitem(TARGETS, "far", far)


def activation(formula: str = "x*sin(x)", name: str = "ripple") -> Activation:
    return Activation(parse(formula), name)


def test_what_a_target_lacks_is_an_error_that_names_those_that_have_it(
    tmp_path: Path, targets: None
) -> None:
    with pytest.raises(Inexpressible, match=r"flat has no sin; .*can express it: torch, .*json"):
        write(tmp_path / "out", activation(), ["json", "flat"])
    with pytest.raises(BadInput, match="pip install not_installed_anywhere"):
        write(tmp_path / "out", activation(), ["json", "far"])
    assert list(tmp_path.iterdir()) == []


def test_or_it_is_left_out_and_told(targets: None) -> None:
    told: list[tuple[str, str, str]] = []

    def left_out(one: Activation, target: Target, reason: ActsearchError) -> None:
        told.append((one.name, target.name, str(reason)))

    several = [activation(), activation("tanh(x)", "flat_one")]
    found = pieces(several, ["json", "flat", "far"], left_out=left_out)
    assert [(piece.activation.name, piece.target.name) for piece in found] == [
        ("ripple", "json"),
        ("flat_one", "json"),
        ("flat_one", "flat"),
    ]
    assert [(who, where) for who, where, _ in told] == [
        ("ripple", "flat"),
        ("ripple", "far"),
        ("flat_one", "far"),
    ]
    assert "has no sin" in told[0][2]


def test_two_activations_of_one_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"two activations would be written to ripple\.json"):
        write(tmp_path, [activation(), activation("tanh(x)")], ["json"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "hint"), [("json", "hide"), ("scipy", "hide")])
def test_names_are_looked_at_from_python_too(tmp_path: Path, name: str, hint: str) -> None:
    with pytest.raises(BadInput, match=hint):
        write(tmp_path, activation(name=name), ["json"])


def test_an_unknown_target(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="did you mean 'json'"):
        write(tmp_path, activation(), ["jsn"])


def test_the_files_come_back(tmp_path: Path) -> None:
    found: Any = write(str(tmp_path), activation(), ["json", "latex"])
    assert found == (tmp_path / "ripple.json", tmp_path / "ripple.tex")
    assert all(path.stat().st_size for path in found)


def test_a_formula_that_has_no_points_stops_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = points.of

    def refuse(expression: Expression) -> points.Points:
        if str(expression) == "tanh(x)":
            raise ActsearchError("what is computed disagrees")
        return whole(expression)

    monkeypatch.setattr(points, "of", refuse)
    told: list[tuple[str, str, str]] = []

    def left_out(one: Activation, target: Target, reason: ActsearchError) -> None:
        told.append((one.name, target.name, str(reason)))

    several = [activation("tanh(x)", "bad"), activation("relu(x)", "good")]
    found = pieces(several, ["numpy", "json"], left_out=left_out)
    assert [(piece.activation.name, piece.target.name) for piece in found] == [
        ("good", "numpy"),
        ("good", "json"),
    ]
    assert told == [("bad", name, "what is computed disagrees") for name in ("numpy", "json")]
    with pytest.raises(ActsearchError, match="disagrees"):
        pieces(several, ["numpy"])
    with pytest.raises(ActsearchError, match="disagrees"):  # nothing at all is left
        pieces(several[:1], ["numpy"], left_out=left_out)
