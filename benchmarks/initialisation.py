"""What the initialisation that an exported file brings is worth: trainings with and without it.

Each formula is exported, imported, and put into plain networks without normalisation: with the
file's ``init_``, and with the weights that PyTorch draws by itself. Both may choose among three
learning rates; the best by validation accuracy is shown, so a difference is not one of rates. The
seed is that of the weights and of the order of samples. Validation split of MNIST-1D.

    python -m benchmarks.initialisation
    python -m benchmarks.initialisation --seeds 2 --steps 100
"""

from __future__ import annotations

import argparse
import functools
import importlib.util
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

from actsearch.export import Activation, export
from actsearch.expressions import parse
from actsearch.results.hall import with_error
from actsearch.results.statistics import mean_and_error
from actsearch.tasks.datasets.store import open_training
from actsearch.tasks.networks import CNN, MLP
from benchmarks._timing import machine

FORMULAS = (
    "sigmoid(relu(x))*(x*tanh(1.7*x))",  # what the default search found
    "relu(x)",
    "gelu(x)",
    "tanh(x)",
    "0.1*x*tanh(x)",
)
NETWORKS: dict[str, Callable[..., nn.Module]] = {
    "three convolutions": functools.partial(
        CNN, shape=(1, 40), convolutions=((16, 5, 2), (32, 5, 2), (64, 5, 2))
    ),
    "eight layers of 100": functools.partial(MLP, n_inputs=40, hidden=(100,) * 8),
}
RATES = (0.001, 0.004, 0.016)


def main() -> None:
    """Train, and print a row for each network and formula."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=600)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{machine()}; {options.seeds} seeds, {options.steps} steps; accuracy ± standard error")
    with tempfile.TemporaryDirectory() as folder:
        for network, build in NETWORKS.items():
            print(f"\n{network}\n{'formula':<34} {'with init_':>17} {'without':>17}  rates")
            for number, formula in enumerate(FORMULAS):
                module = exported_module(formula, f"formula_{number}", Path(folder))
                cells, rates = [], []
                for drawn in (True, False):
                    scores, rate = _best(build, module, drawn, options)
                    cells.append(with_error(*mean_and_error(scores)))
                    rates.append(f"{rate:g}")
                print(f"{formula:<34} {cells[0]:>17} {cells[1]:>17}  {', '.join(rates)}")


def exported_module(formula: str, name: str, folder: Path) -> ModuleType:
    """Export a formula for torch, and import the file."""
    for file, text in export(Activation(parse(formula), name)).items():
        (folder / file).write_text(str(text), encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _best(
    build: Callable[..., nn.Module], module: ModuleType, drawn: bool, options: Any
) -> tuple[list[float], float]:
    """Return the scores at the best of the rates, and that rate."""
    by_rate = {
        rate: [_score(build, module, drawn, rate, seed, options.steps) for seed in _seeds(options)]
        for rate in RATES
    }
    best = max(RATES, key=lambda rate: sum(by_rate[rate]))
    return by_rate[best], best


def _seeds(options: Any) -> range:
    return range(4_000_000, 4_000_000 + options.seeds)


def _score(
    build: Callable[..., nn.Module],
    module: ModuleType,
    drawn: bool,
    rate: float,
    seed: int,
    steps: int,
) -> float:
    """Train a network once, and return its validation accuracy."""
    data = open_training("mnist1d")
    inputs, labels = _standardised(data, data.train)
    torch.manual_seed(seed)
    activation = next(value for name, value in vars(module).items() if _is_module(name, value))
    network = build(functools.partial(activation, fused="native"))
    if drawn:
        module.init_(network)
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=rate, total_steps=steps)
    for _ in range(steps):
        batch = torch.randint(len(inputs), (64,))
        loss = nn.functional.cross_entropy(network(inputs[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    inputs, labels = _standardised(data, data.validation)
    with torch.no_grad():
        return float((network(inputs).argmax(1) == labels).float().mean())


def _is_module(name: str, value: object) -> bool:
    return name.startswith("Formula") and isinstance(value, type) and issubclass(value, nn.Module)


def _standardised(data: Any, split: Any) -> tuple[torch.Tensor, torch.Tensor]:
    inputs = torch.tensor(split.inputs).float().reshape(len(split.inputs), 1, -1)
    return (inputs - data.mean[0]) / data.std[0], torch.tensor(split.targets).long()


if __name__ == "__main__":
    main()
