"""Recipes: what they refuse, schedules, augmentation, and a bound on gradients as torch's own."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from actsearch.errors import BadInput
from actsearch.tasks import Recipe
from actsearch.tasks.recipe import (
    SCHEDULES,
    clip_gradients,
    constant,
    curve_steps,
    flip_and_crop,
    make_optimizer,
    one_cycle,
)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("optimizer", "adam", "did you mean 'adamw'"),
        ("augmentation", "flip", "did you mean 'flip-crop'"),
        ("schedule", "cosine", "unknown schedule 'cosine'.*known: constant, one-cycle"),
        ("batch_size", 0, "batch_size must be 1 or more, got 0"),
        ("parameter_rate", -1.0, "a factor on the learning rate, must be 0 or more, got -1.0"),
        ("parameter_rate", float("nan"), "must be 0 or more, got nan"),
    ],
)
def test_recipes_that_cannot_be(field: str, value: object, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        Recipe(**{field: value})  # type: ignore[arg-type]


def test_settings_leave_out_a_parameter_rate_of_one() -> None:
    usual, other = Recipe().settings(), Recipe(parameter_rate=0.3).settings()
    assert "parameter_rate" not in usual  # as in runs of before there was one
    assert other.pop("parameter_rate") == 0.3
    assert usual == other
    assert usual["signal"]["dead_units"] == 0.99


def test_parameters_of_activations_are_a_group_of_their_own() -> None:
    recipe = Recipe(parameter_rate=0.3)
    slope = nn.PReLU(4)
    network = nn.Sequential(nn.Linear(3, 4), slope, nn.Linear(4, 2))
    plain = make_optimizer(network, [], recipe).param_groups
    assert [(len(g["params"]), g["factor"]) for g in plain] == [(2, 1.0), (3, 1.0)]
    *before, learned = make_optimizer(network, [slope], recipe).param_groups
    assert [(len(g["params"]), g["factor"]) for g in before] == [(2, 1.0), (2, 1.0)]
    assert learned["params"] == [slope.weight]
    assert (learned["factor"], learned["weight_decay"]) == (0.3, 0.0)


@given(steps=st.integers(1, 2000), warmup=st.floats(0, 1))
def test_one_cycle_rises_and_falls(steps: int, warmup: float) -> None:
    shares = [one_cycle(step, steps, warmup) for step in range(1, steps + 1)]
    assert all(0 < share <= 1 + 1e-12 for share in shares)
    peak = shares.index(max(shares))
    assert shares[: peak + 1] == sorted(shares[: peak + 1])
    assert shares[peak:] == sorted(shares[peak:], reverse=True)
    assert max(shares) > 0.49  # the peak may lie between two steps


@given(steps=st.integers(1, 500), n_points=st.integers(1, 12))
def test_curve_ends_at_the_last_step(steps: int, n_points: int) -> None:
    points = curve_steps(steps, n_points)
    assert max(points) == steps
    assert min(points) >= 1
    assert len(points) == min(steps, n_points)


def test_flip_and_crop_moves_pixels_and_draws_from_the_seed() -> None:
    images = torch.arange(1.0, 1 + 40 * 3 * 8 * 8).reshape(40, 3, 8, 8)
    moved = flip_and_crop(images, torch.Generator().manual_seed(0), padding=2)
    assert moved.shape == images.shape
    assert torch.equal(moved, flip_and_crop(images, torch.Generator().manual_seed(0), padding=2))
    padded = nn.functional.pad(images, (2,) * 4)
    found = set()
    for k in range(40):
        matches = [
            (flip, dy, dx)
            for flip, source in ((False, padded), (True, padded.flip(3)))
            for dy in range(5)
            for dx in range(5)
            if torch.equal(source[k, :, dy : dy + 8, dx : dx + 8], moved[k])
        ]
        assert len(matches) == 1
        found.add(matches[0])
    assert len(found) > 20
    assert {flip for flip, _, _ in found} == {False, True}


@given(steps=st.integers(1, 2000), warmup=st.floats(0, 1))
def test_constant_rises_and_stays(steps: int, warmup: float) -> None:
    shares = [constant(step, steps, warmup) for step in range(1, steps + 1)]
    assert all(0 < share <= 1 for share in shares)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert sum(share < 1 for share in shares) <= warmup * steps


def test_every_schedule_is_above_zero_at_its_first_step() -> None:
    assert all(share(1, 100, 0.2) == pytest.approx(1 / 20) for share in SCHEDULES.values())


@pytest.mark.parametrize("limit", [1e-3, 1.0, 1e6])
@pytest.mark.parametrize("bad", [None, float("nan"), float("inf")])
def test_gradients_are_bounded_as_by_torch(limit: float, bad: float | None) -> None:
    def parameters() -> list[nn.Parameter]:
        rng = torch.Generator().manual_seed(0)
        made = [nn.Parameter(torch.zeros(shape)) for shape in ((3, 4), (5,), (), (2,))]
        for parameter in made[:3]:  # the last has no gradient
            parameter.grad = 3 * torch.randn(parameter.shape, generator=rng)
        if bad is not None:
            made[1].grad[2] = bad  # type: ignore[index]
        return made

    ours, theirs = parameters(), parameters()
    clip_gradients(ours, limit)
    nn.utils.clip_grad_norm_(theirs, limit)
    for a, b in zip(ours[:3], theirs[:3], strict=True):
        torch.testing.assert_close(a.grad, b.grad, equal_nan=True)
    assert ours[3].grad is None
    clip_gradients([ours[3]], limit)
