"""All 5,103 functions of the space `actbench`: how long they take, and which are which.

Each is written, parsed, differentiated and fingerprinted by two processes. Then the rule of the
paper is applied (Bingham and Miikkulainen 2023): functions are the same where they agree on 1,000
standard normal numbers clipped to [-5, 5], and those that are not finite there, or constant, are
flagged. The paper counts 2,913 functions; it does not say how near "agree" is, so that is varied.

    python -m benchmarks.actbench [--seeds 0,1,2]
"""

from __future__ import annotations

import argparse
import time
from collections import Counter

import joblib
import numpy as np

from actsearch.expressions import Expression, parse
from actsearch.expressions.checks import check
from actsearch.search.space import load_space
from actsearch.search.trees.shapes import shape_of
from actsearch.search.trees.tree import to_expression

N_WORKERS = 2
N_SAMPLE = 1000
DIGITS = (None, 12, 10, 8, 6)


def expressions() -> list[Expression]:
    """Return all functions of the space."""
    shape = shape_of(load_space("actbench"))
    return [to_expression(shape.at(k)) for k in range(shape.size or 0)]


def read(texts: list[str]) -> list[tuple[str, int]]:
    """Return the fingerprint of each formula and the size of its derivative."""
    found = []
    for text in texts:
        expression = parse(text)
        found.append((expression.fingerprint(), expression.derivative().size))
    return found


def sample(seed: int) -> np.ndarray:
    """Return the numbers that functions are told apart on."""
    return np.clip(np.random.default_rng(seed).standard_normal(N_SAMPLE), -5, 5)


def flagged(functions: list[Expression], points: np.ndarray) -> Counter[str]:
    """Return how many functions the checks turn away on a sample, by their reason.

    Finite is what float64 can hold: float32 overflows in a few more, by the draw of the sample.
    """
    largest = float(np.finfo(np.float64).max)
    reasons = (check(one, points=points, largest=largest, slopes=False) or "" for one in functions)
    return Counter(reason.partition(":")[0] for reason in reasons)


def n_distinct(functions: list[Expression], points: np.ndarray, digits: int | None) -> int:
    """Return how many functions differ on a sample, where values agree to so many digits."""
    keys = set()
    for one in functions:
        values = one.evaluate(points)
        values = values if digits is None else np.round(values, digits)
        keys.add((np.where(np.isnan(values), np.nan, values) + 0.0).tobytes())
    return len(keys)


def main() -> None:
    """Print times and counts."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seeds", default="0,1,2", help="of the samples")
    seeds = [int(seed) for seed in parser.parse_args().seeds.split(",")]

    begin = time.perf_counter()
    functions = expressions()
    texts = [str(one) for one in functions]
    chunks = [texts[k :: 4 * N_WORKERS] for k in range(4 * N_WORKERS)]
    results = joblib.Parallel(n_jobs=N_WORKERS)(joblib.delayed(read)(one) for one in chunks)
    rows = [row for chunk in results for row in chunk]
    seconds = time.perf_counter() - begin
    print(f"{len(functions)} functions built, parsed, derived, fingerprinted: {seconds:.1f} s")
    print(f"different fingerprints: {len({fingerprint for fingerprint, _ in rows})}")
    print(f"nodes of the largest derivative: {max(size for _, size in rows)}")
    for seed in seeds:
        points = sample(seed)
        counts = flagged(functions, points)
        distinct = [n_distinct(functions, points, digits) for digits in DIGITS]
        print(
            f"sample {seed}: non-finite {counts['non-finite']}, constant {counts['constant']}; "
            f"different when equal in all bits, or to {', '.join(map(str, DIGITS[1:]))} digits: "
            f"{', '.join(map(str, distinct))}"
        )


if __name__ == "__main__":
    main()
