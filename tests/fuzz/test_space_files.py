"""Space files: a broken one is a space that breeds formulas which can be read again, or one message
that lists what is wrong; never another exception, and never without an end.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from actsearch.search.space import load_space, space_files, space_from
from actsearch.search.space.template import read_template
from tests.fuzz import promises, texts

FILES = {name: path.read_text(encoding="utf-8") for name, path in space_files().items()}
VALUES = {name: tomllib.loads(text) for name, text in FILES.items()}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where the broken files are written."""
    return tmp_path_factory.mktemp("spaces") / "mine.toml"


@given(texts.broken(st.sampled_from(list(FILES.values())), most=3))
def test_a_broken_file_is_a_space_or_one_message(file: Path, text: str) -> None:
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    promises.space(lambda: load_space(file))


#: What may stand where another thing is meant.
_scalars = st.one_of(
    st.sampled_from([0, -1, 1, 2**63, -(10**30), 0.5, -0.0, 1e308, float("nan"), float("inf")]),
    st.sampled_from(["", "x", "relu", "inf", "core", "b(u(core), u(core))", "\x1b[31m", "\ud800"]),
    st.booleans(),
    st.sampled_from(texts.REAL),
    texts.PIECES,
    st.dates(),
    st.times(),
)
_wrong = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts.PIECES, inner, max_size=3),
    max_leaves=6,
)


def _tables(values: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the tables of a file, the outermost first."""
    found = [values]
    for value in values.values():
        for one in value if isinstance(value, list) else [value]:
            found += _tables(one) if isinstance(one, dict) else []
    return found


def _copied(values: Any) -> Any:
    if isinstance(values, dict):
        return {key: _copied(value) for key, value in values.items()}
    return [_copied(one) for one in values] if isinstance(values, list) else values


@st.composite
def wrong_values(draw: st.DrawFn) -> dict[str, Any]:
    """Draw what a shipped file says, with other keys and values in up to four places."""
    values = _copied(VALUES[draw(st.sampled_from(list(VALUES)))])
    for _ in range(draw(st.integers(1, 4))):
        table = draw(st.sampled_from(_tables(values)))
        other = draw(st.sampled_from(_tables(VALUES[draw(st.sampled_from(list(VALUES)))])))
        kind = draw(st.sampled_from(["take", "set", "entry", "delete", "new", "formula"]))
        if kind == "take":  # what another file says there
            table.update(_copied(other))
        elif kind == "new":
            table[draw(texts.PIECES)] = draw(_wrong)
        elif kind == "formula":
            lists = [key for key in ("unary", "binary", "ternary", "seeds") if key in table]
            for key in lists:
                table[key] = [draw(texts.near_formulas), draw(texts.formulas)]
        elif table:
            key = draw(st.sampled_from(sorted(table)))
            old = table.pop(key)
            if kind == "set":
                table[key] = draw(_wrong)
            elif kind == "entry" and isinstance(old, list) and old:
                at = draw(st.integers(0, len(old) - 1))
                table[key] = [*old[:at], draw(_wrong), *old[at + 1 :]]
    return values


_DEEP = "tanh(" * 90 + "x" + ")" * 90
_LARGE = texts.balanced(700, "x")


@given(wrong_values())
@example({"name": "deep", "unary": [_DEEP], "shape": {"max_depth": 40, "max_random_depth": 10}})
@example({"name": "deep", "unary": [_DEEP], "shape": {"template": "u(u(u(x)))"}})
@example({"name": "large", "unary": [_LARGE], "shape": {"template": "u(u(x))"}})
@example({"name": "large", "unary": [_LARGE, "relu"], "shape": {"min_random_depth": 3}})
@example({"name": "as it came", "unary": ["x", "tanh"], "binary": ["a", "b", "add"]})
@example({"name": "learned", "unary": ["p0", "x + p0"], "constants": {"share": 0}})
@example({"name": "wide", "unary": [texts.balanced(180, "pi")], "binary": ["add"]})
def test_wrong_values_are_a_space_or_one_message(values: dict[str, Any]) -> None:
    promises.space(lambda: space_from(values, "space file 'none'"))


_templates = st.lists(
    st.sampled_from(
        ["u(", "b(", "t(", "core", "x", "u", "o", ")", ",", " ", "1", "**", "\0", "(("]
    ),
    max_size=20,
).map("".join)


@given(
    st.one_of(
        st.text(),
        _templates,
        texts.broken(st.sampled_from(["b(u(core), u(core))", "t(u(x), b(x, o), u)", "u(u(u(x)))"])),
        st.integers(1, 2000).map(lambda n: "u(" * n + "x" + ")" * n),
    )
)
def test_any_text_is_a_template_or_a_value_error(text: str) -> None:
    try:
        slot = read_template(text)
    except ValueError as error:
        problem = str(error)
    else:
        problem = ""
        assert read_template(str(slot)) == slot
    assert len(problem) < 400
