"""Space files: the shipped ones, and every error told at once with a way out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from actsearch.errors import BadInput
from actsearch.expressions import KNOWN, PRIMITIVES, parse
from actsearch.expressions.known import KNOWN_SCALES
from actsearch.search.evolution import Breeder
from actsearch.search.space import load_space, space_files
from actsearch.search.space.parts import Operators
from actsearch.search.space.primitives import offered_primitives


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", sorted(space_files()))
def test_shipped_spaces_are_read(name: str) -> None:
    space = load_space(name)
    assert space.name == name
    assert space.description
    assert space.seeds


def test_default_and_swish_are_shipped() -> None:
    assert {"default", "positive", "swish"} <= set(space_files())
    assert set(load_space("default").seeds) == set(KNOWN.values())


def test_a_small_file_gets_defaults(tmp_path: Path) -> None:
    space = load_space(write(tmp_path, 'unary = ["relu", "tanh"]\nseeds = ["ReLU", "x*tanh(x)"]'))
    assert space.name == "mine"
    assert space.seeds == ("relu(x)", "x*tanh(x)")
    assert space.evolution.lag >= 1


@pytest.mark.parametrize("name", ["gelu", "GELU", " Gelu ", "leaky relu"])
def test_seeds_are_named_in_any_case(tmp_path: Path, name: str) -> None:
    space = load_space(write(tmp_path, f'unary = ["relu"]\nseeds = ["{name}"]'))
    assert space.seeds == ("leaky_relu(x)" if "leaky" in name else "gelu(x)",)


@pytest.mark.parametrize(("seed", "inputs"), [("SwiGLU", "x, u"), ("x*u + o", "x, u, o")])
def test_a_seed_reads_what_the_space_reads(tmp_path: Path, seed: str, inputs: str) -> None:
    path = write(tmp_path, f'unary = ["relu"]\nseeds = ["ReLU", "{seed}", "sin(x)"]')
    with pytest.raises(BadInput) as caught:
        load_space(path)
    message = str(caught.value)
    assert "1 error:" in message
    assert f"seeds: '{seed}' reads {inputs}, and the space x alone" in message
    assert "take it out, or say inputs = ['x', 'u'" in message
    assert "sin" not in message.split("got")[0]


def test_a_space_says_what_formulas_may_read(tmp_path: Path) -> None:
    space = load_space(write(tmp_path, 'unary = ["relu"]\ninputs = ["u", "x"]\nseeds = ["GLU"]'))
    assert (space.inputs, space.seeds) == (("x", "u"), ("x*sigmoid(u)",))
    assert load_space("default").inputs == ("x",)
    with pytest.raises(BadInput, match="x, the pre-activation, is missing"):
        load_space(write(tmp_path, 'unary = ["relu"]\ninputs = ["u"]'))
    with pytest.raises(BadInput, match="inputs, number 2"):
        load_space(write(tmp_path, 'unary = ["relu"]\ninputs = ["x", "w"]'))


@pytest.mark.parametrize(("name", "inputs"), [("gated", {"x", "u"}), ("overlap", {"x", "o"})])
def test_spaces_of_several_inputs(name: str, inputs: set[str]) -> None:
    space = load_space(name)
    assert set(space.inputs) == inputs
    assert all(parse(seed).check() is None for seed in space.seeds)
    breeder = Breeder(space, seed=0)
    read = [set(breeder.random(number).expression.inputs) for number in range(60)]
    assert all(one <= inputs for one in read)
    assert sum(one == inputs for one in read) > 10


def test_all_errors_at_once(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
        unray = ["relu"]
        unary = ["rellu", "max"]
        seeds = ["x*tnah(x)"]
        [shape]
        max_nods = 3
        max_depth = "deep"
        [evolution.operators]
        crossover = -1
        """,
    )
    with pytest.raises(BadInput) as caught:
        load_space(path)
    message = str(caught.value)
    assert "6 errors" in message
    for part in (
        "unray: unknown key; did you mean 'unary'?",
        "unknown primitive 'rellu'; did you mean 'relu'?",
        "'max' is not unary",
        "did you mean 'tanh'?",
        "shape.max_nods: unknown key; did you mean 'max_nodes'?",
        "shape.max_depth",
        "evolution.operators.crossover",
    ):
        assert part in message


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("unary = [", "is not TOML"),
        ("\x00", "is not TOML"),
        ("unary = []", "no primitives"),
        ('unary = ["relu"]\nbinary = ["tanh"]', "'tanh' is not binary"),
        ('unary = ["sech2"]', "unknown primitive 'sech2'"),
        (
            'unary = ["relu"]\n[constants]\nvalues = [inf]',
            "constants.values, number 1: input should be less than or equal to 1000000, got inf",
        ),
        ('unary = ["relu"]\n[shape]\nmin_random_depth = 5', "min_random_depth is above"),
        ('unary = ["relu"]\n[evolution]\nlag = 0', "evolution.lag"),
        ("name = 3\n" + 'unary = ["relu"]', "name"),
        (
            'unary = ["relu"]\n[evolution.operators]\n'
            + "\n".join(f"{name} = 0" for name in Operators.model_fields),
            "at least one operator",
        ),
    ],
)
def test_bad_files(tmp_path: Path, text: str, part: str) -> None:
    with pytest.raises(BadInput, match=part.replace("(", r"\(")) as caught:
        load_space(write(tmp_path, text))
    assert caught.value.exit_code == 2


def test_unknown_name_and_missing_file(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="did you mean 'default'"):
        load_space("defualt")
    with pytest.raises(BadInput, match="cannot be read"):
        load_space(tmp_path / "none.toml")
    with pytest.raises(BadInput, match="larger than"):
        load_space(write(tmp_path, "#" * 1_000_001))
    (tmp_path / "latin.toml").write_bytes(b'name = "\xff"')
    with pytest.raises(BadInput, match="is not TOML"):
        load_space(tmp_path / "latin.toml")


def test_offered_primitives_are_public() -> None:
    offered = [*offered_primitives(1), *offered_primitives(2)]
    assert set(offered) == {row.name for row in PRIMITIVES.values() if not row.internal}
    assert {"relu", "clip"} <= set(offered_primitives(1))
    assert {"add", "rbf", "mix"} <= set(offered_primitives(2))


def test_the_space_of_scales_begins_with_what_is_known_and_above_zero() -> None:
    texts = load_space("positive").seeds
    assert set(KNOWN_SCALES.values()) <= set(texts)
    for seed in map(parse, texts):
        assert seed.check() is None
        assert seed.evaluate(np.linspace(-15.0, 15.0, 601)).min() > 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('unary = "tanh"', "unary: a list in square brackets is needed, got 'tanh'"),
        ("shape = 3", "shape: a table is needed, got 3"),
        (
            '[conditions]\nis = "odd"',
            "conditions: each is a table of its own: write [[conditions]]",
        ),
        ("[shape]\nrepeats = [1, 2, 3]", "shape.repeats: the list has 3 entries, and may have 2"),
        ('[shape]\nenumerate = "yes"', "shape.enumerate: true or false is needed, got 'yes'"),
        (
            '[evolution]\npopulation = "40"',
            "evolution.population: a whole number is needed, got '40'",
        ),
        ("[evolution]\nlag = true", "evolution.lag: a whole number is needed, got true"),
        ("[evolution]\nobjectives = []", "the list needs 1 entries or more, and has 0"),
        ("[evolution.operators]\ncrossover = inf", "operators.crossover: input should be less"),
        (
            '[constants]\nvalues = [1, "1"]',
            "constants.values, number 2: a number is needed, got '1'",
        ),
        (
            '[[conditions]]\nis = "bounded"\nlow = true',
            "conditions, number 1: bounded: low: a number is needed, got true",
        ),
        ('unary = ["p4*x"]', "parameters are p0 to p3, got 'p4'"),
        (
            "[weights]\ntanh = -1\ntnah = 2",
            "'tanh' must be 0, or lie between 0.1 and 100, got -1; a ",
        ),
        ("[weights]\ntanh = -1\ntnah = 2", "which is no primitive here; did you mean 'tanh'?"),
        ('[shape]\ntemplate = ["u(x)", "b(u(x)", "q(x)"]', "'b(u(x)' is no template"),
        ('[shape]\ntemplate = ["u(x)", "b(u(x)", "q(x)"]', "'q(x)' is no template"),
        (f'[shape]\ntemplate = "{"u(" * 33}x{")" * 33}"', "is 33 places deep, and may be 32"),
        (
            f'[shape]\ntemplate = "{"u(" * 20}core{")" * 20}"\nrepeats = [1, 8]',
            "a form of 20 places one in another is repeated 8 times",
        ),
        (
            'seeds = ["input: relu(x) | last: tanh(x)"]',
            (
                "seed 'input: relu(x) | last: tanh(x)' has formulas for input, last, and the space "
                "has one formula for all layers"
            ),
        ),
        (
            'seeds = ["input: relu(x) | last: tanh(x)"]\n[shape]\nlayers = ["input", "hidden"]',
            "has formulas for input, last, and the space has formulas for input, hidden",
        ),
    ],
)
def test_values_of_the_wrong_kind_are_told_in_words_of_the_file(
    text: str, said: str, tmp_path: Path
) -> None:
    first = "" if text.startswith("unary") else 'unary = ["tanh"]\n'
    with pytest.raises(BadInput) as refused:
        load_space(write(tmp_path, first + text))
    assert said in str(refused.value)


def test_a_mark_that_editors_put_before_a_text_is_read_over(tmp_path: Path) -> None:
    path = tmp_path / "marked.toml"
    path.write_text('unary = ["tanh"]\n', encoding="utf-8-sig")
    assert load_space(path).unary == ("tanh",)
