"""What stands in the pictures, against what is computed by hand."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import norm

from actsearch.expressions import parse
from actsearch.expressions.likeness import curves, embedded, squared_distances
from actsearch.plots import curves as learning
from actsearch.plots.cast import finalists, label, list_below, rivals
from actsearch.plots.density import density, layers_of
from actsearch.plots.figures import RUN_FIGURES
from actsearch.plots.front import priced
from actsearch.plots.landscape import principal
from actsearch.plots.naming import Naming, name_points
from actsearch.plots.pedigree import pedigree
from actsearch.plots.progress import best_so_far, moving
from actsearch.plots.style import drawing, svg_text
from actsearch.runs import Birth
from actsearch.trials.account import Account
from tests.plots.conftest import BRED
from tests.plots.made import HOSTILE, Scores, births, training, write

Accounts = Callable[[str], Account]
BY_NAME = {one.name: one for one in RUN_FIGURES}


def axes_of(name: str, account: Account) -> list[Any]:
    figure = BY_NAME[name].draw(account)
    assert figure is not None
    return list(figure.axes)


def test_the_cast_is_who_was_confirmed_and_the_known(accounts: Accounts) -> None:
    account = accounts("usual")
    assert [one.formula for one in finalists(account)] == ["x*sin(x)"]
    assert [one.name for one in rivals(account)] == ["SiLU (best known)", "ReLU"]
    untried = finalists(accounts("no trials"))
    assert [one.formula for one in untried] == ["x*sin(x)", "x*sin(x) + 0.1"]


def test_the_forest_has_the_differences_and_intervals_of_the_verdict(accounts: Accounts) -> None:
    account = accounts("usual")
    assert account.trials is not None
    rows = {row.name: row for row in account.trials.verdict.rows}
    relu = [0.70 - 0.60, 0.71 - 0.61, 0.72 - 0.62, 0.71 - 0.62, 0.70 - 0.60]
    (axes,) = axes_of("comparison", account)
    names = [text.get_text() for text in axes.get_yticklabels()]
    assert names == ["SiLU (5)", "ReLU (5)"], "the least lead first"
    segments = [line for line in axes.lines if len(line.get_xdata()) == 2]
    points = {
        line.get_ydata()[0]: line.get_xdata()[0]
        for line in axes.lines
        if line.get_marker() in "oDs"
    }
    assert points[1] == pytest.approx(100 * sum(relu) / 5), "in points"
    ends = {tuple(line.get_ydata()): list(line.get_xdata()) for line in segments}
    assert ends[1, 1] == pytest.approx(
        [100 * (rows["ReLU"].low or 0), 100 * (rows["ReLU"].high or 0)]
    )
    assert "do not train: GELU" in axes.get_xlabel()


def test_scores_beyond_one_are_not_counted_in_points(tmp_path: Path) -> None:
    tried = {"x*sin(x)": [70.0, 71.0, 72.0, 71.5, 70.5], "relu(x)": [60.0, 61.0, 62.0, 61.0, 61.0]}
    born = births(("x*sin(x)", "random", (), "accepted"), ("relu(x)", "seed", (), "accepted"))
    account = write(
        tmp_path / "first", born, {0: {"full": [70.0]}, 1: {"full": [60.0]}}, trials=tried,
        finalists=["x*sin(x)"], config={"known": {"ReLU": "relu(x)"}},
    )  # fmt: skip
    (axes,) = axes_of("comparison", account)
    assert max(line.get_xdata()[0] for line in axes.lines) == pytest.approx(10.0)
    assert "points" not in axes.get_xlabel()


def test_intervals_of_few_seeds_do_not_take_the_picture(tmp_path: Path) -> None:
    tried = {"x*sin(x)": [0.7, 0.8], "relu(x)": [0.6, 0.71], "silu(x)": [0.7, 0.4]}
    born = births(("x*sin(x)", "random", (), "accepted"), ("relu(x)", "seed", (), "accepted"))
    account = write(
        tmp_path / "first", born, {0: {"full": [0.7]}, 1: {"full": [0.6]}}, trials=tried,
        finalists=["x*sin(x)"], config={"known": {"ReLU": "relu(x)", "SiLU": "silu(x)"}},
    )  # fmt: skip
    (axes,) = axes_of("comparison", account)
    low, high = axes.get_xlim()
    # SiLU's is 20 +- 254 points.
    assert (low, high) == pytest.approx((-7 - 1.36, 27 + 1.36), abs=0.01)
    assert "nothing is decided before the first look" in axes.get_xlabel()


def test_the_best_so_far_only_rises_and_takes_off_the_error() -> None:
    rows = [
        {"id": 3, "rung": "full", "score": 0.9, "n": 1, "standard_error": None, "penalty": 0.0},
        {"id": 1, "rung": "full", "score": 0.7, "n": 4, "standard_error": 0.01, "penalty": 0.0},
        {"id": 2, "rung": "full", "score": 0.6, "n": 4, "standard_error": 0.01, "penalty": 0.0},
        {"id": 0, "rung": "short", "score": 0.99, "n": 1, "standard_error": None, "penalty": 0.0},
    ]
    steps = best_so_far(rows, "full")
    # One score has twice the error of the mean of four.
    assert [(id_, round(score, 9)) for id_, score in steps] == [(1, 0.69), (3, 0.88)]


@given(st.lists(st.floats(-5, 5), min_size=3, max_size=40), st.integers(1, 3))
def test_moving_quantiles(values: list[float], window: int) -> None:
    low, middle, high = moving(values, window)
    assert len(middle) == len(values) - window + 1
    for k, value in enumerate(middle):
        assert value == pytest.approx(np.median(values[k : k + window]))
    assert (low <= middle + 1e-12).all()
    assert (middle <= high + 1e-12).all()


def test_learning_curves_are_means_with_their_errors() -> None:
    rows = [training(0, "full", seed, score) for seed, score in enumerate((0.6, 0.8))]
    found = learning.mean_curve(rows)
    assert [step for step, _, _ in found] == [10, 20, 30]
    assert found[-1][1:] == pytest.approx((0.7, 0.1))
    assert learning.mean_curve(rows[:1])[-1][2] is None


def test_the_band_is_1_96_standard_errors(accounts: Accounts) -> None:
    (axes,) = axes_of("curves", accounts("usual"))
    band = axes.collections[0].get_paths()[0].vertices
    at_end = band[band[:, 0] == 30][:, 1]
    error = 0.01 / math.sqrt(3)  # of 0.67, 0.69, 0.68
    assert (at_end.min(), at_end.max()) == pytest.approx((0.68 - 1.96 * error, 0.68 + 1.96 * error))
    assert axes.get_legend().get_texts()[0].get_text() == "x*sin(x) (3 seeds)"


def test_the_front_is_drawn_where_costs_and_scores_are(accounts: Accounts) -> None:
    account = accounts("usual")
    rows = priced(account.run.ranked)
    assert {row["formula"] for row in rows} == {"relu(x)", "silu(x)", "x*sin(x)"}, "one length"
    (axes,) = axes_of("front", account)
    drawn = {tuple(point) for one in axes.collections for point in one.get_offsets()}
    assert drawn == {(row["cost_ns"], row["merit"]) for row in rows}
    costs, worth = axes.lines[0].get_data()
    assert list(costs) == sorted(costs)
    assert list(worth) == sorted(worth)
    (pick,) = [line for line in axes.lines if line.get_marker() == "*"]
    assert tuple(p[0] for p in pick.get_data()) in drawn


def test_the_density_is_that_of_the_percentiles() -> None:
    metrics = {
        f"preactivation_p{p:g}[0]": float(norm.ppf(p / 100, 1.0, 2.0))
        for p in (0.1, 1, 2.5, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 97.5, 99, 99.9)
    }
    metrics |= {"preactivation_p5[1]": math.nan, "preactivation_px[2]": 1.0, "dead_units[0]": 0.0}
    layers = layers_of(metrics)
    assert list(layers) == [0]
    found = density(layers.values())
    assert found.is_measured
    assert (found.x[0], found.x[-1]) == pytest.approx((1 - 3.09 * 2, 1 + 3.09 * 2), abs=0.01)
    assert found.values == pytest.approx(norm.pdf(found.x, 1.0, 2.0), abs=0.02)


def test_layers_count_the_same_and_constants_not_at_all() -> None:
    narrow = (np.linspace(-1, 1, 9), np.linspace(0, 1, 9))
    wide = (np.linspace(4, 8, 9), np.linspace(0, 1, 9))
    found = density([narrow, wide])
    width = found.x[1] - found.x[0]
    assert found.values[found.x < 2.5].sum() * width == pytest.approx(0.5, abs=0.01)
    assert not layers_of({f"preactivation_p{p}[0]": 0.5 for p in (1, 5, 50, 99)})
    assumed = density([])
    assert not assumed.is_measured
    assert (assumed.x[0], assumed.x[-1]) == (-3, 3)


def test_a_picture_says_whether_its_density_was_measured(accounts: Accounts) -> None:
    for kind, said in (("usual", "as trained"), ("no trials", "assumed")):
        axes = axes_of("functions", accounts(kind))[0]
        assert any(said in name for name in axes.get_legend_handles_labels()[1])


def test_formulas_for_groups_stand_over_their_own_layers(accounts: Accounts) -> None:
    axes = axes_of("functions", accounts("layered"))
    titles = [one.get_title(loc="left") for one in axes[::2]]
    assert titles == ["hidden: x*x", "last: sin(x)", "input: relu(x)", "last: tanh(x)"]
    # Layer 0 has half the spread of layer 1.
    assert axes[0].get_xlim() == pytest.approx((-3, 3))
    assert axes[2].get_xlim() == pytest.approx((-6, 6))


def test_points_are_as_far_apart_as_functions_are_unlike() -> None:
    formulas = ["relu(x)", "silu(x)", "tanh(x)", "x*sin(x)", "exp(x)"]
    functions = [parse(formula) for formula in formulas]
    points = embedded(functions, parse("relu(x)"))
    to_relu = ((points - points[0]) ** 2).sum(axis=1)
    assert to_relu == pytest.approx(squared_distances(curves(functions), curves(functions)[0]))
    mirrored = embedded([parse("relu(x)"), parse("-relu(-x)"), parse("relu(-x)")], functions[0])
    assert mirrored[1] == pytest.approx(mirrored[0], abs=1e-9)
    assert mirrored[2] == pytest.approx(mirrored[0], abs=1e-9)


def test_functions_of_more_inputs_stand_in_the_same_map() -> None:
    relu, silu = parse("relu(x)"), parse("silu(x)")
    points = embedded([relu, parse("x*sigmoid(u)"), silu], relu)
    alone = embedded([relu, silu], relu)
    apart = ((points[0] - points[2]) ** 2).sum()
    assert apart == pytest.approx(((alone[0] - alone[1]) ** 2).sum())


def test_the_map_keeps_distances_in_a_plane() -> None:
    plane = np.array([[0.0, 0], [3, 0], [0, 4], [5, 5]])
    turn, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(6, 6)))
    places, shares = principal(plane @ turn[:2])
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    assert apart == pytest.approx(np.linalg.norm(plane[:, None] - plane[None], axis=2))
    assert sum(shares) == pytest.approx(1.0)
    assert principal(np.ones((4, 3)))[1] == (0.0, 0.0)


def chain(*parents: tuple[int, ...]) -> dict[int, Birth]:
    return {b.id: b for b in births(*(("x", "o", of, "accepted") for of in parents))}


def test_generations_are_the_longest_way_back() -> None:
    found = pedigree(chain((), (), (0,), (2, 1), (3, 0)), 4)
    assert dict(found.generations) == {4: 0, 3: 1, 2: 2, 1: 2, 0: 3}
    assert found.n_left_out == 0
    short = pedigree(chain(*[()] + [(k,) for k in range(40)]), 40, most=5)
    assert (set(short.generations), short.n_left_out) == ({40, 39, 38, 37, 36}, 36)


def test_what_is_left_out_of_a_lineage_is_said(tmp_path: Path) -> None:
    given_births: list[tuple[str, str, tuple[int, ...], str]] = [
        ("relu(x)", "seed", (), "accepted")
    ]
    given_births += [(f"x + {k}", "perturb", (k - 1,), "accepted") for k in range(1, 60)]
    account = write(tmp_path / "first", births(*given_births), {59: {"full": [0.9]}})
    assert axes_of("lineage", account)[0].get_title(loc="right").startswith("32 older ancestors")


def test_names_overlap_neither_each_other_nor_the_edge() -> None:
    axes = Figure(figsize=(4, 3)).subplots()
    name_points(axes, [Naming(0.5, 0.5, f"name {k}", must=True) for k in range(30)])
    assert 1 < len(axes.texts) < 10
    crowd = [(0.5 + 0.01 * k, 0.5 + 0.01 * j) for k in range(-20, 20) for j in range(-20, 20)]
    name_points(axes, [Naming(0.5, 0.5, "hidden")], crowd)
    assert "hidden" not in [text.get_text() for text in axes.texts]


def test_captions_tell_of_known_activations_where_nothing_is_new(accounts: Accounts) -> None:
    account = accounts("one birth")  # ReLU
    assert not finalists(account)
    for name in ("functions", "lineage"):
        assert BY_NAME[name].draw(account) is not None
        assert "where nothing new has a score" in BY_NAME[name].caption


@given(st.text(max_size=60))
def test_a_label_is_one_line_of_print(text: str) -> None:
    assert label(text).isprintable()
    assert len(label(text)) <= 44


def test_hostile_text_stays_text(accounts: Accounts) -> None:
    from matplotlib.figure import Figure

    for text in HOSTILE:
        with drawing():
            figure = Figure()
            figure.subplots().plot([0, 1], label=label(text))
            figure.legend()
        root = ElementTree.fromstring(svg_text(figure, "a", text))
        assert label(text) in [e.text for e in root.iter()]
        assert root.attrib["aria-label"].isprintable()
    figure_ = BY_NAME["lineage"].draw(accounts("hostile"))
    assert figure_ is not None
    assert "<script" not in svg_text(figure_, "a")


def _boxes(axes: Axes) -> dict[str, Any]:
    """Return name -> where it is drawn, of the names beside points."""
    return {one.get_text(): one.get_window_extent() for one in axes.texts}


def test_names_stand_apart_where_a_legend_takes_half_of_the_picture() -> None:
    with drawing():
        figure = Figure(figsize=(6.6, 5.2))
        axes = figure.subplots()
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
        places = {f"name {k}": (0.4, 0.2 + 0.04 * k) for k in range(14)}
        list_below(figure, [f"formula {k}" for k in range(30)])
        name_points(axes, [Naming(x, y, name) for name, (x, y) in places.items()])
        figure.draw_without_rendering()
        boxes = _boxes(axes)
    assert len(boxes) > 3
    for one, other in itertools.combinations(boxes.values(), 2):
        assert not one.overlaps(other)


def test_a_name_covers_no_other_mark() -> None:
    with drawing():
        figure = Figure(figsize=(6.6, 5.2))
        axes = figure.subplots()
        crowd = [(0.4 + dx / 40, 0.5 + dy / 40) for dx in range(-6, 7) for dy in (-1, 1)]
        name_points(axes, [Naming(0.4, 0.5, "in between")], crowd)
        assert not axes.texts
        name_points(axes, [Naming(0.4, 0.5, "in between")], crowd, may_cover=9)
        assert axes.texts


def test_numbers_at_the_colours_of_a_lineage_stand_apart(tmp_path: Path) -> None:
    scores: dict[int, Scores] = {
        0: {"short": [0.41775], "full": [0.5]},
        1: {"short": [0.42], "full": [0.5]},
        2: {"short": [0.43702], "full": [0.7]},
    }
    account = write(tmp_path / "first", births(*BRED[:3]), scores)
    _, bar = axes_of("lineage", account)
    with drawing():
        bar.get_figure().draw_without_rendering()
        low, high = bar.get_xlim()
        ticks = [tick for tick in bar.xaxis.get_major_ticks() if low <= tick.get_loc() <= high]
        boxes = [tick.label1.get_window_extent() for tick in ticks]
    assert len(boxes) >= 3
    assert all(one.x1 + 4 < other.x0 for one, other in itertools.pairwise(boxes))
