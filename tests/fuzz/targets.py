"""Targets of atheris: bytes that it makes, guided by which code they reach, held to the promises.

    python -m tests.fuzz.targets formula CORPUS -runs=100000     and options of libFuzzer

``seeds`` gives what a corpus begins with.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterable

#: Target -> what of the program is instrumented, so that reaching new code of it counts.
INSTRUMENTED = {
    "formula": ["actsearch.expressions"],
    "shown": ["actsearch.expressions"],
    "latex": ["actsearch.expressions.mathml"],
    "space": ["actsearch.search.space", "actsearch.expressions", "tomllib"],
    "row": ["actsearch.runs.rows", "json"],
}


def target(name: str) -> Callable[[bytes], None]:
    """Return what a target does with bytes; what it imports is instrumented where that is on."""
    from tests.fuzz import promises

    if name == "space":
        return _space
    promise: Callable[[str], None] = getattr(promises, name)
    return lambda data: promise(data.decode("utf-8", "surrogateescape"))


def _space(data: bytes) -> None:
    from actsearch.search.space import load_space
    from tests.fuzz import promises

    with tempfile.NamedTemporaryFile(suffix=".toml") as file:
        file.write(data)
        file.flush()
        promises.space(lambda: load_space(file.name))


def seeds(name: str) -> Iterable[str]:
    """Return what the corpus of a target begins with: the zoo, the shipped spaces, a run's rows."""
    from actsearch.expressions import parse_candidate, parts_of
    from actsearch.search.space import space_files
    from tests.fuzz import texts

    match name:
        case "space":
            return [path.read_text(encoding="utf-8") for path in space_files().values()]
        case "row":
            curve = [[1, 2.3, 0.1], [2, "NaN", "Infinity"]]
            values = ([0, 1], curve, {"dead_units[0]": 0.5, "n": "NaN"}, {"rungs": [{"name": "a"}]})
            return [json.dumps(value) for value in values]
        case "latex":
            formulas = [part for text in texts.REAL for part in parts_of(parse_candidate(text))]
            return [part.bare().latex() for part in formulas]
    return texts.REAL


def words(name: str) -> list[str]:
    """Return what the fuzzer may put together beside single bytes."""
    from tests.fuzz import texts

    found = {word for seed in seeds(name) for word in texts.tokens_of(seed)}
    return sorted(
        word for word in found if 1 < len(word) < 40 and word.isascii() and word.isprintable()
    )


def main() -> None:
    """Run one target; the arguments are its name and those of libFuzzer."""
    import atheris

    name, *options = sys.argv[1:]
    with atheris.instrument_imports(include=INSTRUMENTED[name]):
        test = target(name)
    atheris.Setup([sys.argv[0], *options], test)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
