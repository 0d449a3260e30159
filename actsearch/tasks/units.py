"""A layer with its activation: what a unit sees besides its pre-activation is computed here.

A formula that reads ``x`` alone gets the projection and the activation, two plain modules. One that
reads more gets a ``Unit``, which owns the projection, a second one of the same input where ``u`` is
read, and computes the overlap ``o`` of input and weights. A network is told of activations by a
``MakeActivation``; one that builds its layers by ``unit`` can train every formula that its
attribute ``inputs`` promises.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from actsearch.errors import BadInput
from actsearch.expressions import Candidate, Expression, Layered, parse, parts_of
from actsearch.tasks.protocol import ONLY_X

#: Builds one activation module; to be called once for each place. A ``Factory`` in a training.
MakeActivation = Callable[[], nn.Module]
#: Builds a network, given what builds activations.
MakeNetwork = Callable[[MakeActivation], nn.Module]


@runtime_checkable
class Factory(Protocol):
    """A ``MakeActivation`` that says what its formula reads, and heeds what a layer can give."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """What the activation reads, of ``x``, ``u``, ``o``."""

    def __call__(self, n_channels: int | None = None, gives: tuple[str, ...] = ONLY_X) -> nn.Module:
        """Build a fresh activation for one place.

        Args:
            n_channels: outputs of the layer (axis 1), for formulas with parameters a channel.
            gives: what the layer can give to it.

        Raises:
            BadInput: the formula reads what the layer can't give, or has parameters a channel and
                the layer does not say how many channels there are.
        """

    def sample(self) -> nn.Module:
        """Build one to look at: ``measured_gain`` measures it; it belongs to no place."""


class FormulaFactory:
    """Builds activation modules of one formula. Implements ``Factory``.

    Raises:
        FormulaError: the text is no formula.
    """

    def __init__(self, formula: str) -> None:
        self.expression: Expression = parse(formula)

    @property
    def inputs(self) -> tuple[str, ...]:
        """What the formula reads."""
        return self.expression.inputs

    @property
    def _per_channel(self) -> bool:
        return bool(getattr(self.expression, "per_channel", False))

    def __call__(self, n_channels: int | None = None, gives: tuple[str, ...] = ONLY_X) -> nn.Module:
        """Build a fresh module; see ``Factory``."""
        from actsearch import kernels

        lacking = [name for name in self.inputs if name not in gives]
        if lacking:
            raise BadInput(
                f"'{self.expression}' reads {', '.join(self.inputs)}, and this layer gives "
                f"{', '.join(gives)}; a network gives more where its layers are built by "
                "actsearch.tasks.units.unit(projection, make_activation) (o: linear layers alone)"
            )
        if self._per_channel and n_channels is None:
            raise BadInput(
                f"'{self.expression}' has parameters per channel, and this network does not say "
                "how many channels there are; call make_activation(n_channels=...), or build its "
                "layers by actsearch.tasks.units.unit(projection, make_activation)"
            )
        return kernels.module(self.expression, n_channels=n_channels if self._per_channel else None)

    def sample(self) -> nn.Module:
        """Build one to look at; with parameters a channel, of a single channel."""
        return self(n_channels=1, gives=self.inputs)


class LayeredFactory:
    """Builds the activations of a candidate that has a formula for each group of layers.

    Implements ``Factory``. Places are counted in the order in which they are built.

    Args:
        candidate: the formulas.
        n_places: how many activations the network has.

    Raises:
        BadInput: the network has fewer activations than there are groups.
    """

    inputs = ONLY_X

    def __init__(self, candidate: Layered, n_places: int) -> None:
        check_places(candidate, n_places)
        formulas = [candidate.at(place, n_places) for place in range(n_places)]
        #: What builds the activation of each place.
        self.places = [FormulaFactory(str(formula)) for formula in formulas]
        self._n_built = 0

    def __call__(self, n_channels: int | None = None, gives: tuple[str, ...] = ONLY_X) -> nn.Module:
        """Build the activation of the next place; see ``Factory``."""
        place = min(self._n_built, len(self.places) - 1)
        self._n_built += 1
        return self.places[place](n_channels=n_channels, gives=gives)

    def sample(self) -> nn.Module:
        """Build one of the first place to look at."""
        return self.places[0].sample()


def check_places(candidate: Candidate, n_places: int) -> None:
    """Refuse formulas by group for a network that has not so many activation layers.

    Raises:
        BadInput: it has fewer than there are groups.
    """
    n_groups = len(parts_of(candidate))
    if n_groups > n_places:
        raise BadInput(
            f"'{candidate}' has formulas for {n_groups} groups of layers, and the network has "
            f"{n_places} activation layer{'s' * (n_places != 1)}"
        )


class Noting:
    """A factory that keeps what it has built, in order, in ``built``. Implements ``Factory``.

    ``channels`` is what the network said of each place: how many there are, or None.
    """

    def __init__(self, make_activation: MakeActivation) -> None:
        self.built: list[nn.Module] = []
        self.channels: list[int | None] = []
        self._make = make_activation

    @property
    def inputs(self) -> tuple[str, ...]:
        """What the activation reads."""
        return inputs_read(self._make)

    def __call__(self, n_channels: int | None = None, gives: tuple[str, ...] = ONLY_X) -> nn.Module:
        """Build a fresh module; see ``Factory``."""
        self.built.append(build_activation(self._make, n_channels, gives))
        self.channels.append(n_channels)
        return self.built[-1]

    def sample(self) -> nn.Module:
        """Build one that is not kept."""
        return self._make.sample() if isinstance(self._make, Factory) else self._make()


def inputs_read(make_activation: MakeActivation) -> tuple[str, ...]:
    """Return what the activations read; ``x`` alone where the factory does not say."""
    return make_activation.inputs if isinstance(make_activation, Factory) else ONLY_X


def inputs_given(make_network: object) -> tuple[str, ...]:
    """Return what the layers of a network give, by its attribute ``inputs``; else ``x`` alone."""
    while isinstance(make_network, functools.partial):
        make_network = make_network.func
    return tuple(getattr(make_network, "inputs", ONLY_X))


def unit(projection: nn.Module, make_activation: MakeActivation) -> tuple[nn.Module, ...]:
    """Return a layer with its activation, as modules to be called one after another.

    For a formula of ``x`` alone these are ``projection`` and the activation, else one ``Unit``.

    Args:
        projection: a linear or convolutional layer.
        make_activation: what the network was given.

    Raises:
        BadInput: the formula reads ``o``, and ``projection`` is not linear.
    """
    gives = ("x", "u", "o") if isinstance(projection, nn.Linear) else ("x", "u")
    n_channels = _n_outputs(projection)
    activation = build_activation(make_activation, n_channels, gives)
    if inputs_read(make_activation) == ONLY_X:
        return projection, activation
    return (Unit(projection, activation, inputs_read(make_activation)),)


class Unit(nn.Module):
    """A projection with an activation that reads more than its result.

    Args:
        projection: gives ``x``; its weights are what ``o`` is the overlap with.
        activation: takes what ``inputs`` names, in that order.
        inputs: of ``x``, ``u``, ``o``; ``u`` is a second projection, built like the first.
    """

    def __init__(
        self, projection: nn.Module, activation: nn.Module, inputs: tuple[str, ...]
    ) -> None:
        super().__init__()
        self.inputs = inputs
        self.projection = projection
        self.second = _drawn_anew(projection) if "u" in inputs else None
        self.activation = activation

    def forward(self, inputs: Tensor) -> Tensor:
        """Map inputs (n, ...) to activations of the projection's shape."""
        given = [self.projection(inputs)]
        if self.second is not None:
            given.append(self.second(inputs))
        if "o" in self.inputs:
            weight: Any = self.projection.weight
            given.append(overlap(inputs, weight).to(given[0].dtype))
        activations: Tensor = self.activation(*given)
        return activations


def _drawn_anew(projection: nn.Module) -> nn.Module:
    """Return a copy with initial values of its own; what is built next starts as without it."""
    again = copy.deepcopy(projection)
    with torch.random.fork_rng(devices=[]):
        # That of the CPU alone: seeding all would leave those of GPUs changed.
        torch.default_generator.manual_seed(int(torch.randint(2**62, ())))
        for part in again.modules():
            reset: Any = getattr(part, "reset_parameters", None)
            if reset is not None:
                reset()
    return again


def overlap(inputs: Tensor, weight: Tensor) -> Tensor:
    """Return the soft Jaccard overlap of each input with each unit's weights, from 0 to 1.

    sum_i min(|a_i|, |w_i|) / sum_i max(|a_i|, |w_i|), the similarity of Ruzicka (1958), which for
    sets is that of Jaccard (1901). As min + max is the sum and max - min the distance of two
    numbers, it is (S - D) / (S + D), with S the sum of both L1 norms and D their L1 distance: no
    tensor of all triples is made. Gradients are the kinks' means, 0 where a number is 0. Two empty
    sides overlap by 0, with gradient 0. It is computed in float32 at least, also under autocast.

    Args:
        inputs: (n, ..., d).
        weight: (h, d).

    Returns:
        (n, ..., h), in float32 or float64.
    """
    with torch.autocast(inputs.device.type, enabled=False):
        dtype = torch.promote_types(inputs.dtype, torch.float32)
        a, w = inputs.to(dtype).abs(), weight.to(dtype).abs()
        flat = a.reshape(-1, a.shape[-1])
        distance = torch.cdist(flat, w, p=1.0)
        both = flat.sum(1, keepdim=True) + w.sum(1)
        largest = both + distance
        # Rounding may leave the distance above the sum by its last digits.
        ratio = (both - distance).clamp_min(0) / torch.where(largest > 0, largest, 1)
        return ratio.reshape(*inputs.shape[:-1], weight.shape[0])


def build_activation(
    make_activation: MakeActivation, n_channels: int | None, gives: tuple[str, ...] = ONLY_X
) -> nn.Module:
    """Build the activation of a layer of so many outputs, by a ``Factory`` or a plain function."""
    if isinstance(make_activation, Factory):
        return make_activation(n_channels=n_channels, gives=gives)
    return make_activation()  # a plain function, of x alone


def _n_outputs(projection: nn.Module) -> int | None:
    found = getattr(projection, "out_features", getattr(projection, "out_channels", None))
    return found if isinstance(found, int) else None
