"""Units that see more than x: what they compute, what they share with plain layers, who refuses."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from actsearch.errors import BadInput
from actsearch.expressions import parse
from actsearch.tasks.initialisation import initialise
from actsearch.tasks.joint import JointTask
from actsearch.tasks.networks import CNN, MLP
from actsearch.tasks.protocol import OK, Training
from actsearch.tasks.units import (
    FormulaFactory,
    Noting,
    Unit,
    inputs_given,
    inputs_read,
    overlap,
    unit,
)
from actsearch.tasks.user_task import UserTask
from tests.tasks.conftest import tiny_task


def naive_overlap(a: Tensor, w: Tensor) -> Tensor:
    """Return the definition, over all triples."""
    a, w = a.abs()[..., None, :], w.abs()
    return torch.minimum(a, w).sum(-1) / torch.maximum(a, w).sum(-1)


def normal(*shape: int, seed: int = 0) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=rng, dtype=torch.float64)


@settings(max_examples=30)
@given(n=st.integers(1, 5), d=st.integers(1, 7), h=st.integers(1, 4), seed=st.integers(0, 99))
def test_overlap_is_its_definition(n: int, d: int, h: int, seed: int) -> None:
    given_ = [normal(n, d, seed=seed), normal(h, d, seed=seed + 1000)]
    a, w = (one.requires_grad_() for one in given_)
    fast, slow = overlap(a, w), naive_overlap(a, w)
    torch.testing.assert_close(fast, slow)
    upstream = normal(n, h, seed=seed + 2000)
    for mine, theirs in zip(
        torch.autograd.grad((fast * upstream).sum(), (a, w)),
        torch.autograd.grad((slow * upstream).sum(), (a, w)),
        strict=True,
    ):
        torch.testing.assert_close(mine, theirs)


def test_overlap_has_the_gradient_of_its_values() -> None:
    a, w = normal(3, 5).requires_grad_(), normal(2, 5, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(overlap, (a, w))


def test_overlap_of_sets_is_that_of_jaccard() -> None:
    document = torch.tensor([[1.0, 1.0, 0.0, 1.0, 0.0]])
    keywords = torch.tensor([[1.0, 0.0, 0.0, -1.0, 1.0], [1.0, 1.0, 0.0, 1.0, 0.0]])
    assert overlap(document, keywords).tolist() == [[0.5, 1.0]]


def test_empty_sides_overlap_by_nothing_and_learn() -> None:
    a = torch.zeros(2, 4, requires_grad=True)
    w = torch.tensor([[0.0] * 4, [1.0, 2.0, 0.0, 0.0]], requires_grad=True)
    found = overlap(a, w)
    assert found.tolist() == [[0.0, 0.0], [0.0, 0.0]]
    found.sum().backward()
    for one in (a, w):
        assert one.grad is not None
        assert torch.isfinite(one.grad).all()


def test_overlap_takes_further_dimensions_and_half_precision() -> None:
    a, w = normal(2, 3, 5), normal(4, 5, seed=1)
    torch.testing.assert_close(overlap(a, w), naive_overlap(a, w))
    assert overlap(a.bfloat16(), w.float()).dtype == torch.float32
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(
            overlap(a.float(), w.float()), naive_overlap(a, w).float(), rtol=1e-5, atol=1e-6
        )


@pytest.mark.parametrize("formula", ["max(x, u)", "x*o", "x*u + o", "sigmoid(u)*x", "p0*x*u"])
def test_a_unit_gives_what_its_formula_reads(formula: str) -> None:
    (layer,) = unit(nn.Linear(5, 3).double(), FormulaFactory(formula))
    assert isinstance(layer, Unit)
    a = normal(4, 5)
    if layer.second is not None:
        nn.init.normal_(layer.second.get_parameter("weight"))
    given_ = {"u": torch.zeros(1), "o": overlap(a, layer.projection.get_parameter("weight"))}
    if layer.second is not None:
        given_["u"] = layer.second(a)
    others = {name: value.detach().numpy() for name, value in given_.items()}
    read = {name: others[name] for name in parse(formula).inputs[1:]}
    expected = parse(formula).evaluate(layer.projection(a).detach().numpy(), read)
    torch.testing.assert_close(layer(a).detach(), torch.from_numpy(expected))
    layer(a).sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in layer.parameters())


def test_of_x_alone_the_layers_are_plain_ones() -> None:
    network = MLP(FormulaFactory("p0*relu(x)"), n_inputs=6, hidden=(5, 4))
    assert [type(layer).__name__ for layer in network.layers] == [
        "Flatten", "Linear", "ActivationModule", "Linear", "ActivationModule", "Linear",
    ]  # fmt: skip


def generators() -> tuple[torch.Generator, torch.Generator]:
    return torch.Generator().manual_seed(1), torch.Generator().manual_seed(2)


def weights_of(formula: str, build: Any, n_first: int) -> list[Tensor]:
    """Return the first projections' and the last layer's weights, as a training begins."""
    network = build(FormulaFactory(formula))
    initialise(network, 1.0, *generators())
    seconds = {id(one.second) for one in network.modules() if isinstance(one, Unit)}
    layers = [m for m in network.modules() if hasattr(m, "weight") and id(m) not in seconds]
    assert len(layers) == n_first
    return [layer.get_parameter("weight").detach() for layer in layers]


@pytest.mark.parametrize(
    "build",
    [
        functools.partial(MLP, n_inputs=6, hidden=(5, 4)),
        functools.partial(CNN, shape=(2, 8, 8), convolutions=((3, 3, 1), (4, 3, 2))),
    ],
)
def test_second_projections_leave_the_others_as_they_are(build: Any) -> None:
    plain, gated = (weights_of(formula, build, 3) for formula in ("relu(x)", "max(x, u)"))
    assert all(torch.equal(a, b) for a, b in zip(plain, gated, strict=True))


def test_second_projections_are_drawn_like_the_first_and_are_others() -> None:
    network = MLP(FormulaFactory("x*u"), n_inputs=400, hidden=(300,))
    initialise(network, 3.0, *generators())
    (layer,) = (one for one in network.modules() if isinstance(one, Unit))
    assert layer.second is not None
    first, second = (
        one.get_parameter("weight").detach() for one in (layer.projection, layer.second)
    )
    assert float(second.std()) == pytest.approx(float(first.std()), rel=0.02)
    assert abs(float(torch.corrcoef(torch.stack([first.ravel(), second.ravel()]))[0, 1])) < 0.02
    with pytest.raises(ValueError, match="generator of their own"):
        initialise(network, 3.0, torch.Generator())


@pytest.mark.parametrize("layer", [nn.Linear(3, 4), nn.ConvTranspose1d(2, 3, 2)])
def test_second_projections_differ_from_the_first_in_any_layer(layer: nn.Module) -> None:
    torch.manual_seed(5)
    (built,) = unit(layer, FormulaFactory("max(x, u)"))
    assert isinstance(built, Unit)
    assert built.second is not None
    after = torch.rand(3)
    first, second = (
        one.get_parameter("weight").detach() for one in (built.projection, built.second)
    )
    assert not torch.equal(first, second)
    assert 0.3 < float(second.std() / first.std()) < 3
    torch.manual_seed(5)
    assert torch.equal(after, torch.rand(3))  # what is built next is not another one for it


def test_who_gives_what() -> None:
    assert inputs_given(functools.partial(functools.partial(MLP, n_inputs=3), hidden=(2,))) == (
        "x",
        "u",
        "o",
    )
    assert inputs_given(CNN) == ("x", "u")
    assert inputs_given(lambda make: nn.Sequential(nn.Linear(2, 2), make())) == ("x",)
    assert inputs_read(nn.Identity) == ("x",)
    assert inputs_read(Noting(FormulaFactory("x*u"))) == ("x", "u")


def test_a_convolution_has_no_overlap() -> None:
    with pytest.raises(BadInput, match="reads x, o, and this layer gives x, u"):
        unit(nn.Conv1d(1, 2, 3), FormulaFactory("x*o"))


def test_a_factory_that_is_called_bare_gives_x_alone() -> None:
    noting = Noting(FormulaFactory("x*u"))
    with pytest.raises(BadInput, match=r"units\.unit\(projection, make_activation\)"):
        noting()
    plain = Noting(FormulaFactory("relu(x)"))
    assert plain.built == [plain()]
    assert plain.sample() not in plain.built


class PerChannel(FormulaFactory):
    """A factory whose formula has parameters a channel, whatever its text says."""

    @property
    def _per_channel(self) -> bool:
        return True


def test_parameters_a_channel_get_as_many_as_there_are() -> None:
    for projection, count in ((nn.Linear(3, 5), 5), (nn.Conv2d(1, 4, 3), 4)):
        *_, activation = unit(projection, PerChannel("p0*x"))
        assert activation.get_parameter("p0").shape == (count,)
    (gated,) = unit(nn.Linear(3, 5), PerChannel("p0*x*u"))
    assert gated(torch.zeros(2, 3)).shape == (2, 5)
    with pytest.raises(BadInput, match="does not say how many channels"):
        PerChannel("p0*x")()


class Own(nn.Module):
    """A user's network that gives u."""

    inputs = ("x", "u")

    def __init__(self, make_activation: Any) -> None:
        super().__init__()
        self.layers = nn.Sequential(*unit(nn.Linear(2, 8), make_activation), nn.Linear(8, 3))

    def forward(self, inputs: Tensor) -> Tensor:
        logits: Tensor = self.layers(inputs)
        return logits


def plain_network(make_activation: Any) -> nn.Module:
    return nn.Sequential(nn.Linear(2, 8), make_activation(), nn.Linear(8, 3))


def test_a_network_of_ones_own_trains_gated_units() -> None:
    task = tiny_task(network=Own)
    task.prepare()
    assert task.inputs == ("x", "u")
    (record,) = task.train([Training("max(x, u)", "full", 0)])
    assert (record.status, record.message) == (OK, "")
    assert record.metrics["n_parameters"] == 2 * (2 * 8 + 8) + 8 * 3 + 3


def test_a_network_that_gives_x_alone_fails_with_the_way_out() -> None:
    task = tiny_task(network=plain_network)
    assert task.inputs == ("x",)
    (record,) = task.train([Training("max(x, u)", "full", 0)])
    assert record.status == "failed"
    assert "units.unit(projection, make_activation)" in record.message
    assert task.train([Training("relu(x)", "full", 0)])[0].status == OK


class HalfNamed(nn.Sequential):
    """A user's network that says of one of its two places how many channels there are."""

    def __init__(self, make_activation: Any) -> None:
        first = unit(nn.Linear(2, 8), make_activation)
        super().__init__(*first, nn.Linear(8, 8), make_activation(), nn.Linear(8, 3))


def silent_network(make_activation: Any) -> nn.Module:
    raise RuntimeError("not without the data")


def test_a_network_is_asked_for_the_channels_of_every_place() -> None:
    noting = Noting(nn.Identity)
    HalfNamed(noting)
    assert noting.channels == [8, None]
    named = {
        Own: True,
        functools.partial(CNN, shape=(1, 40), convolutions=((16, 5, 2), (8, 3, 2))): True,
        lambda make: nn.Sequential(nn.Linear(2, 3), make(n_channels=3)): True,
        plain_network: False,
        HalfNamed: False,
        silent_network: True,  # prepare tells what is wrong with it
    }
    for network, says in named.items():
        assert tiny_task(network=network).names_channels is says


def test_a_task_says_for_those_within_it_whether_channels_are_named(tmp_path: Path) -> None:
    named, bare = tiny_task(network=Own), tiny_task(name="bare", network=plain_network)
    assert JointTask([named, tiny_task(name="other", network=Own)]).names_channels
    assert not JointTask([named, bare]).names_channels
    assert not UserTask(tmp_path, "make_task", None, "", bare).names_channels
    assert UserTask(tmp_path, "make_task", None, "", named).names_channels
    assert UserTask(tmp_path, "make_task", None, "", named).n_places == named.n_places > 0


def test_equal_parameters_need_a_width() -> None:
    with pytest.raises(BadInput, match="take an argument width"):
        tiny_task(network=Own, equal_parameters=True)


@pytest.mark.parametrize(
    "network",
    [
        functools.partial(MLP, n_inputs=2, hidden=(40, 20), n_classes=3),
        functools.partial(MLP, n_inputs=2, hidden=(7,), n_classes=3),
    ],
)
def test_equal_parameters_are_at_most_those_of_the_plain_network(network: Any) -> None:
    task = tiny_task(network=network, equal_parameters=True)
    formulas = ("relu(x)", "max(x, u)", "p0*x*u", "x*o")
    counts = {
        formula: task.train([Training(formula, "full", 0)])[0].metrics["n_parameters"]
        for formula in formulas
    }
    plain = counts["relu(x)"]
    assert counts["x*o"] == plain  # an overlap costs no weight
    hidden = network.keywords["hidden"]
    step = 2 * (2 + 1) + 3 + 4 * max(hidden)  # what one more unit may add, at most, in a layer
    for formula in ("max(x, u)", "p0*x*u"):
        assert plain - len(hidden) * step <= counts[formula] <= plain
    wide = tiny_task(network=network).train([Training("max(x, u)", "full", 0)])[0]
    assert wide.metrics["n_parameters"] > plain
    assert wide.status == OK
