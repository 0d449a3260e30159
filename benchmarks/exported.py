"""What exported torch files cost: the forms of each beside PyTorch's own silu and mish.

Every known activation, and what searches found, is exported and measured by its own file
(``measure``, which ``python FILE --bench`` prints): forward and backward of 1M float32, in turns.
``plain`` is autograd over plain operations, ``fused`` saves the arguments alone, ``native`` is the
same in C. Speeds are times that of the plain form, and of PyTorch's mish; tensors are those of the
input's size that are kept for the backward.

    python -m benchmarks.exported
    python -m benchmarks.exported --only Mish,GELU --rounds 3
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

from actsearch.expressions.known import NAMED
from benchmarks._timing import machine
from benchmarks.initialisation import exported_module

FOUND = {
    "found, default search": "sigmoid(relu(x))*(x*tanh(1.7*x))",
    "x*tanh(softplus(x))": "x*tanh(softplus(x))",
    "learned swish": "p0*x*sigmoid(p1*x)",
}


def main() -> None:
    """Measure and print a row for each function, then medians."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", help="some of the names, with commas")
    parser.add_argument("--rounds", type=int, default=3, help="medians of so many are shown")
    options = parser.parse_args()
    wanted = {name.strip() for name in (options.only or "").split(",")} - {""}
    formulas = {n: f for n, f in {**NAMED, **FOUND}.items() if not wanted or n in wanted}
    print(f"{machine()}; medians of {options.rounds} rounds")
    print(f"{'':<22}{'native ms':>10}{'/plain':>8}{'/mish':>7}{'fused/plain':>13}{'kept':>6}")
    speeds = []
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, formula) in enumerate(formulas.items()):
            module = exported_module(formula, f"formula_{number}", Path(folder))
            rounds = [module.measure() for _ in range(options.rounds)]
            plain, fused, native, mish = (
                statistics.median(one[form][0] for one in rounds)
                for form in ("plain", "fused", "native", "torch mish")
            )
            kept = rounds[0]["native"][1]
            row = f"{plain / native:>8.2f}{mish / native:>7.2f}{plain / fused:>13.2f}{kept:>6.1f}"
            print(f"{name:<22}{1e3 * native:>10.2f}{row}")
            speeds.append((plain / native, mish / native))
    by_plain, by_mish = zip(*speeds, strict=True)
    print(
        f"native: {statistics.median(by_plain):.2f} times plain (median; "
        f"{sum(one >= 3 for one in by_plain)} of {len(speeds)} at least 3 times), "
        f"{statistics.median(by_mish):.2f} times mish (least {min(by_mish):.2f})"
    )


if __name__ == "__main__":
    main()
