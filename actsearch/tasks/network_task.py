"""A task made of parts: data, a network and a recipe. The shipped tasks are made of these.

It fulfils the Task protocol, so a user builds one from an own network and own arrays, too.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from actsearch.errors import BadInput, shorten, unknown
from actsearch.expressions import Layered, parse, parse_candidate, parts_of
from actsearch.tasks import protocol
from actsearch.tasks.data import Array, TrainingData, training_data
from actsearch.tasks.datasets import store
from actsearch.tasks.equal import equal_width, narrowed, takes_width
from actsearch.tasks.feed import shared_feed
from actsearch.tasks.goals import CLASSIFICATION, Goal
from actsearch.tasks.ladder import check_ladder, default_ladder
from actsearch.tasks.protocol import Record, Rung, Training
from actsearch.tasks.recipe import AUGMENTATIONS, DEFAULT_RECIPE, Recipe
from actsearch.tasks.target import Target
from actsearch.tasks.training import LOOP_VERSION, NO_OBSERVER, Observer, Outcome, fit
from actsearch.tasks.units import (
    FormulaFactory,
    LayeredFactory,
    MakeActivation,
    MakeNetwork,
    Noting,
    inputs_given,
    inputs_read,
)

Arrays = tuple[Array, Array]  # inputs (n, ...), and labels (n,) or numbers (n, d)


@dataclass(frozen=True)
class NetworkTask:
    """Train a network and score it on the validation split.

    Args:
        name: shown to people and kept in the run.
        data: the name of a shipped data set, or a function without arguments that returns
            ``TrainingData`` or the pair ``(inputs, labels), (inputs, labels)`` of training and
            validation, with numbers (n, d) for labels where the goal is of such. It is called once
            a process.
        network: builds the network, given a function that builds one activation module; to be
            called once for each place. Its linear and convolutional layers are initialised by the
            loop, in the order in which they are registered, with the gain that suits the
            activation, or the one that the network names as its ``initial_gain``. Its attribute
            ``inputs`` says what its layers give to a formula, as ("x", "u") where they are built
            by ``units.unit``, which also tells the activation how many channels there are.
        steps: optimizer steps of a whole training, that of the last rung.
        rungs: trainings of growing length, each with a whole schedule of its own, the last of
            ``steps``; () stands for ``ladder.default_ladder(steps)``.
        recipe: optimizer, learning rate, batch size and so on.
        goal: what the outputs are for; classification where nothing is said.
        score: the key of one of the goal's scores, "" for the first. Of a classification they are
            "accuracy", and "loss" for minus the cross-entropy, where accuracies lie too close.
        until: a target that ends a training when it is reached, for comparisons of speed.
        folder: the user's data folder, for a shipped data set.
        equal_parameters: train formulas that read ``u`` in a network with narrower layers, which
            has no more parameters than the plain one; ``network`` takes the factor as ``width``.
        test: a function that returns the held-out ``(inputs, labels)``, for data of one's own; it
            is called by ``heldout.open_test_split`` and by nothing that searches.
        known: name -> formula of the known activations to compare with; None for the zoo.

    Raises:
        BadInput: no steps, rungs that are no ladder, an unknown score, a target that means nothing
            here, data that are neither a name nor a function, no known activations, or equal
            parameters of a network that takes no ``width``.
    """

    name: str
    data: str | Callable[[], TrainingData | tuple[Arrays, Arrays]]
    network: MakeNetwork
    steps: int
    rungs: tuple[Rung, ...] = ()
    recipe: Recipe = DEFAULT_RECIPE
    folder: Path | None = None
    test: Callable[[], Arrays] | None = None
    score: str = ""  # key of one of the goal's
    until: Target | None = None
    equal_parameters: bool = False
    goal: Goal = CLASSIFICATION
    known: Mapping[str, str] | None = field(default=None, hash=False)
    _opened: list[TrainingData] = field(
        default_factory=list, init=False, repr=False, compare=False, hash=False
    )
    _places: list[tuple[int | None, ...]] = field(
        default_factory=list, init=False, repr=False, compare=False, hash=False
    )
    _widths: dict[str, float] = field(
        default_factory=dict, init=False, repr=False, compare=False, hash=False
    )

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise BadInput(f"task '{self.name}' needs steps >= 1, got {self.steps}")
        object.__setattr__(self, "rungs", tuple(self.rungs) or default_ladder(self.steps))
        check_ladder(self.name, self.steps, self.rungs)
        object.__setattr__(self, "score", self.goal.score(self.score).key)
        if self.until is not None:
            self.goal.check_target(self.name, self.until)
        if self.known is not None and not self.known:
            raise BadInput(
                f"task '{self.name}' names no known activation; give known one or more, as "
                "{'exp': 'exp(x)'}, or leave it out for those that networks use"
            )
        if not isinstance(self.data, str) and not callable(self.data):
            raise BadInput(
                f"data of task '{self.name}' must be the name of a data set or a function that "
                f"returns the arrays, got {shorten(repr(self.data), 60)}"
            )
        if self.equal_parameters and not takes_width(self.network):
            raise BadInput(
                f"the network of task '{self.name}' can't be made narrower, as equal parameters "
                "want it: let it take an argument width, a factor on the widths of its hidden "
                "layers, or leave equal_parameters out"
            )

    @property
    def score_name(self) -> str:
        """What the score measures, as in "validation accuracy"."""
        return self.goal.score(self.score).name

    @property
    def inputs(self) -> tuple[str, ...]:
        """What its layers give to a formula, of ``x``, ``u``, ``o``."""
        return inputs_given(self.network)

    @property
    def n_places(self) -> int:
        """How many activation layers the network has."""
        return len(self._channels())

    @property
    def names_channels(self) -> bool:
        """Whether the network says at each place how many channels there are."""
        try:
            return None not in self._channels()
        except Exception:  # noqa: BLE001 - of a network that can't be built ``prepare`` says why
            return True

    def factory_of(self, formula: str) -> MakeActivation:
        """Return what builds the activations of a candidate, own parameters included.

        Raises:
            FormulaError: the text is no candidate.
            BadInput: it has formulas for more groups of layers than the network has activations.
        """
        candidate = parse_candidate(formula)
        if isinstance(candidate, Layered):
            return LayeredFactory(candidate, self.n_places)
        return FormulaFactory(formula)

    def network_for(self, make_activation: MakeActivation) -> MakeNetwork:
        """Return what builds the network for a formula's activations.

        Raises:
            BadInput: the formula reads what the network's layers don't give, or there is no network
                of equally many parameters.
        """
        if not self.equal_parameters or "u" not in inputs_read(make_activation):
            return self.network
        key = str(getattr(make_activation, "expression", make_activation))
        if key not in self._widths:
            self._widths[key] = equal_width(self.network, make_activation)
        return narrowed(self.network, self._widths[key])

    def prepare(self) -> None:
        """Get the data ready and try the network once on two samples.

        Raises:
            BadInput: the data can't be had, goal, network and data don't fit together, or a known
                activation is no formula.
            ActsearchError: the cache can't be written.
        """
        data = self.open_data()
        self.goal.check_data(self.name, data)
        for name, formula in (self.known or {}).items():
            try:
                parse(formula)
            except BadInput as error:  # better now than when a search is over
                raise BadInput(
                    f"known activation '{name}' of task '{self.name}' is no formula: {error}"
                ) from error
        try:
            network = self._build(nn.Identity)
            feed = shared_feed(data, torch.device("cpu"))
            inputs, _ = feed.train_batch(torch.tensor([0, 0]))
            inputs = AUGMENTATIONS[self.recipe.augmentation](inputs, torch.Generator())
            with torch.no_grad():
                shape = tuple(network.eval()(inputs).shape)
        except Exception as error:
            raise BadInput(
                f"the network of task '{self.name}' does not run on inputs of shape "
                f"{data.train.inputs.shape[1:]} a sample: {type(error).__name__}: {error}"
            ) from error
        self.goal.check_outputs(self.name, shape, data)

    def settings(self) -> dict[str, Any]:
        """Return what decides a score: data by their hash, network, recipe, rungs."""
        data = self.open_data()
        return {
            "task": self.name,
            "score": self.score_name,
            "data": {
                "name": self.data if isinstance(self.data, str) else "own",
                "digest": data.digest,
                "n_train": len(data.train),
                "n_validation": len(data.validation),
                **data.targets_settings,
                **({} if data.standardised else {"standardised": False}),
            },
            "network": str(self._build(nn.Identity)),
            "recipe": self.recipe.settings(),
            "rungs": [rung.settings() for rung in self.rungs],
            "until": None if self.until is None else str(self.until),
            "loop_version": LOOP_VERSION,
            **({"equal_parameters": True} if self.equal_parameters else {}),
            # Named where it is not what tasks had before there were others.
            **({} if self.goal == CLASSIFICATION else {"goal": self.goal.name}),
        }

    def compile(self, formulas: Sequence[str], device: str = "cpu") -> None:
        """Compile the kernels of formulas that will be trained soon, in one compiler call."""
        from actsearch import kernels

        candidates = [parse_candidate(formula) for formula in formulas]
        kernels.prepare([part for one in candidates for part in parts_of(one)], device)

    def train(
        self, trainings: Sequence[Training], *, device: str = "cpu", deadline: float | None = None
    ) -> list[Record]:
        """Train each of ``trainings``; see the Task protocol.

        Raises:
            BadInput: the data can't be had, or the rung is not one of the task.
        """
        return [self.train_one(training, device, deadline) for training in trainings]

    def open_data(self) -> TrainingData:
        """Return training and validation split; opened on first use in each process.

        Raises:
            BadInput: they can't be had.
            ActsearchError: the cache can't be written.
        """
        if not self._opened:
            if isinstance(self.data, str):
                self._opened.append(store.open_training(self.data, self.folder))
            else:
                self._opened.append(_own_data(self.name, self.data))
        return self._opened[0]

    def train_one(
        self,
        training: Training,
        device: str = "cpu",
        deadline: float | None = None,
        *,
        observer: Observer = NO_OBSERVER,
        gain: float | None = None,
    ) -> Record:
        """Train once, as ``train`` does, with somebody who looks on or another initial gain.

        Args:
            training: what to train.
            device: a torch device.
            deadline: a ``time.time()`` value, or None.
            observer: see ``training.fit``.
            gain: see ``training.fit``.

        Raises:
            BadInput: the data can't be had, or the rung is not one of the task.
        """
        data = self.open_data()
        rungs = {rung.name: rung for rung in self.rungs}
        if training.rung not in rungs:
            raise unknown("rung", training.rung, rungs)
        rung = rungs[training.rung]
        recipe = scaled(self.recipe, rung.learning_rate)
        begin, message, outcome = time.perf_counter(), "", None
        try:
            factory = self.factory_of(training.formula)
            outcome = fit(
                factory,
                self.network_for(factory),
                data,
                recipe,
                steps=rung.steps,
                seed=training.seed,
                device=device,
                deadline=deadline,
                pace=training.pace,
                goal=self.goal,
                score=self.score,
                until=self.until,
                brief=rung != self.rungs[-1],
                observer=observer,
                gain=gain,
            )
            notes = (outcome.message, slower_backend(training.formula, device))
            message = "; ".join(note for note in notes if note)
        except OSError:
            raise  # the machine's fault, not the candidate's
        except Exception as error:  # noqa: BLE001 - a bad candidate must not end the search
            message = shorten(f"{type(error).__name__}: {error}", 300)
        return _record(training, outcome, device, time.perf_counter() - begin, message)

    def _channels(self) -> tuple[int | None, ...]:
        """Return what the network says of the channels of each place, None where nothing."""
        if not self._places:
            places = Noting(nn.Identity)
            self._build(places)
            self._places.append(tuple(places.channels))
        return self._places[0]

    def _build(self, make_activation: MakeActivation) -> nn.Module:
        """Build the network and leave the random state of the program as it was."""
        with torch.random.fork_rng(devices=[]):
            return self.network(make_activation)

    def __getstate__(self) -> dict[str, Any]:
        return {
            **self.__dict__,
            "_opened": [],
            "_places": [],
            "_widths": {},
        }  # arrays stay behind; a worker maps its own


#: The name for a task whose goal is classification, which it is where no other is given.
ClassificationTask = NetworkTask


def scaled(recipe: Recipe, factor: float) -> Recipe:
    """Return ``recipe`` with its learning rate times ``factor``."""
    return dataclasses.replace(recipe, learning_rate=factor * recipe.learning_rate)


def slower_backend(formula: str, device: str) -> str:
    """Return a note for the record where the fastest backend could not be used, else ""."""
    from actsearch import kernels

    reasons = [kernels.fallback(part, device) for part in parts_of(parse_candidate(formula))]
    reason = next((one for one in reasons if one is not None), None)
    return "" if reason is None else shorten(f"computed by the eager backend: {reason}", 300)


def _own_data(
    name: str, make_data: Callable[[], TrainingData | tuple[Arrays, Arrays]]
) -> TrainingData:
    made: Any = make_data()
    if isinstance(made, TrainingData):
        return made
    try:
        (train_inputs, train_targets), (inputs, targets) = made
    except (TypeError, ValueError):
        raise BadInput(
            f"the data function of task '{name}' must return TrainingData or (inputs, labels), "
            f"(inputs, labels) for training and validation, got {shorten(repr(made))}"
        ) from None
    return training_data((train_inputs, train_targets), (inputs, targets))


def _record(
    training: Training, outcome: Outcome | None, device: str, time_s: float, message: str
) -> Record:
    finite = outcome.metrics if outcome else {}
    return Record(
        formula=training.formula,
        rung=training.rung,
        seed=training.seed,
        status=outcome.status if outcome else protocol.FAILED,
        score=outcome.score if outcome else None,
        metrics={name: value for name, value in finite.items() if math.isfinite(value)},
        curve=outcome.curve if outcome else (),
        time_s=time_s,
        device=device,
        message=message,
    )
