"""What every text is held to, whoever made it: hypothesis by day, atheris by night.

Each function takes one input and fails by an assertion, or by an exception that its reader may not
raise.
"""

from __future__ import annotations

import contextlib
import pickle
from collections.abc import Callable
from xml.etree import ElementTree

from actsearch.errors import BadInput
from actsearch.expressions import Candidate, FormulaError, parse_candidate, parts_of
from actsearch.expressions.mathml import from_latex, mathml
from actsearch.expressions.parser import MAX_NODES
from actsearch.runs import rows
from actsearch.search.space import SearchSpace

_MATHML = {"math", "mfrac", "mi", "mn", "mo", "mrow", "mspace", "msqrt", "msub", "msup"}
#: No message about a space is longer, however much is wrong: a person is to read it.
_MAX_MESSAGE = 50_000


def read(text: str) -> Candidate | FormulaError:
    """Return what reading gives; another exception than ``FormulaError`` is a fault."""
    try:
        return parse_candidate(text)
    except FormulaError as error:
        return error


def formula(text: str) -> None:
    """Assert that a text is a formula that says again what it is, or an error that can be shown."""
    found = read(text)
    if isinstance(found, FormulaError):
        _refused(found, text)
    else:
        _accepted(found)


def _accepted(found: Candidate) -> None:
    again = parse_candidate(str(found))
    assert again == found
    assert str(again) == str(found)
    assert again.fingerprint() == found.fingerprint()
    assert pickle.loads(pickle.dumps(found)) == found
    assert all(part.size <= MAX_NODES for part in parts_of(found))


def _refused(error: FormulaError, text: str) -> None:
    assert (
        error.column is None or 1 <= error.column <= len(text) + 1
    )  # behind it: it ends too early
    message = str(error)
    assert message.startswith("formula: ")
    assert len(message) < 500
    assert message.replace("\n", "").isprintable()
    assert str(pickle.loads(pickle.dumps(error))) == message


def shown(text: str) -> None:
    """Assert that what is a formula is set as LaTeX and as MathML that is XML."""
    found = read(text)
    if not isinstance(found, FormulaError):
        ElementTree.fromstring(f"<p>{mathml(found)}</p>")
        for part in parts_of(found):
            latex(part.bare().latex(), refused=False)


def latex(text: str, *, refused: bool = True) -> None:
    """Assert that LaTeX becomes MathML of the elements that there are, or is refused."""
    try:
        markup = from_latex(text)
    except ValueError:
        assert refused
        return
    elements = ElementTree.fromstring(f"<math>{markup}</math>").iter()
    assert {one.tag for one in elements} <= _MATHML


def space(make: Callable[[], SearchSpace]) -> None:
    """Assert that a space breeds formulas that are read again, or is refused in one message."""
    # What breeds is imported by whom it is asked: it takes long, and other targets need none of it.
    from actsearch.search.evolution import Breeder, Parent
    from actsearch.search.space.idle import idle_settings

    try:
        made = make()
    except BadInput as error:
        message = str(error)
        assert message.startswith("space file '")
        assert len(message) < _MAX_MESSAGE
        assert " error" not in message.split("\n")[0] or "\n  " in message
        return
    idle_settings(made, is_walked=False)
    breeder = Breeder(made, seed=1)
    if not breeder.can_begin():
        return  # a search says so and ends
    parents = [Parent(number, text, 0.5) for number, text in enumerate(made.seeds)]
    for born in (breeder.random(0), breeder.random(1), breeder.breed(2, parents)):
        assert parse_candidate(str(born.expression)) == born.expression
        for part in parts_of(born.expression):
            assert set(part.inputs) <= set(made.inputs)


def row(text: str) -> None:
    """Assert that a text in the place of any JSON of a store's row is read, or is malformed."""
    outcome = ("ok", 0.5, text, "[]", 1.0, "cpu", "")
    curve = ("ok", 0.5, "{}", text, 1.0, "cpu", "")
    for read_row, values in (
        (rows.birth_from_row, (1, "random", text, "x", None, "rejected", "", None, 1, 0.0, 0.0)),
        (rows.training_from_row, (0, "full", 0, *outcome)),
        (rows.training_from_row, (0, "full", 0, *curve)),
        (rows.heat_from_row, (0, 0, "full", text, "[]", 0)),
        (rows.heat_from_row, (0, 0, "full", "[0]", text, 0)),
        (rows.session_from_row, (0, 0.0, None, 0.0, text, "")),
    ):
        with contextlib.suppress(rows.Malformed):
            read_row(values)
    with contextlib.suppress(rows.Malformed):
        rows.ladder(rows.load_object(text))
