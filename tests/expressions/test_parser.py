"""What is no formula is refused with one message that points at the column, and never runs."""

from __future__ import annotations

import ast
import contextlib
import pickle
import random
import re
import sys
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from actsearch.errors import BadInput
from actsearch.expressions import PRIMITIVES, Expression, FormulaError, parse
from actsearch.expressions.parser import MAX_DEPTH, MAX_NODES, MAX_TEXT_CHARS
from tests.conftest import Golden

#: Messages of our own; those of Python's parser differ between its versions.
MESSAGES = [
    "",
    "   ",
    "x + foo",
    "2*(x + bar)",
    "p16*x",
    "p + x",
    "sigmoid + 1",
    "sigmod(x)",
    "x*tanhh(softplus(x))",
    "Relu(x)",
    "gelu(x) + hardswsh(x)",
    "zzzzqq(x)",
    "tanh()",
    "tanh(x, u)",
    "max(x)",
    "clip(x, 0)",
    "clip(x, x, 1)",
    "rbf(x, u, x + 1)",
    "tanh(a=x)",
    "tanh(*x)",
    "x(2)",
    "2(x)",
    "x^2",
    "x//2",
    "x % 2",
    "x @ u",
    "x | u",
    "x << 2",
    "1e31*x",
    "-1e31*x",
    "1e999",
    "x + 'a'",
    "x*True",
    "1j*x",
    "x.real",
    "x[0]",
    "x < u",
    "x if x else u",
    "lambda: x",
    "x # twice",
    "x + \N{GREEK SMALL LETTER BETA}*x",
    "x\N{SUPERSCRIPT TWO}",
    "x\0",
    "\ttanh(x) +\n sgimoid(x)",
    "x + " * 30 + "foo" + " + x" * 30,
]

#: Each would do something if it were evaluated, or hang, or crash a careless reader.
HOSTILE = [
    "__import__('os').system('touch pwned')",
    "__import__('os')",
    "eval('1')",
    "exec('import os')",
    "open('/etc/passwd')",
    "compile('1', '', 'eval')",
    "globals()",
    "getattr(x, 'real')",
    "x.__class__.__mro__[1].__subclasses__()",
    "().__class__",
    "x.real",
    "x[0]",
    "x[::]",
    "[x for x in (1, 2)]",
    "{x: x for x in (1,)}",
    "(x for x in (1,))",
    "lambda: x",
    "(lambda: x)()",
    "(x := 1)",
    "f'{x}'",
    "f'{__import__(\"os\")}'",
    "'x' 'y'",
    "b'x'",
    "await x",
    "yield x",
    "*x",
    "{**x}",
    "x if x else x",
    "x and x or x",
    "not x",
    "~x",
    "x == x",
    "x is x",
    "...",
    "None",
    "True",
    "1j",
    "x; import os",
    "import os",
    "x = 1",
    "x\nimport os",
    "x\\\n",
    "tanh(x)(x)",
    "tanh.__call__(x)",
    "\N{FULLWIDTH LATIN SMALL LETTER X}",
    "x\N{ZERO WIDTH SPACE}",
    "\N{MATHEMATICAL ITALIC SMALL X}",
    "x\0",
    "\0",
    "x\x1b[31m",
    "\ufeffx",
    "\udc80",
    "0x" + "f" * 3000,
    "1" * 3999,
    "9" * 400 + "*x",
    "-" * 3000 + "x",
    "[" * 3000,
    "(" * 3999,
    "x" + "**x" * 1300,
    "x" + "+x" * 1999,
    "not " * 900 + "x",
    "tanh(" * 700 + "x" + ")" * 700,
    "x" * 4000,
    "x" * 100_000,
    "x + " * 25_000 + "x",
    "(" * 50_000 + ")" * 50_000,
]


def name_of(text: str) -> str:
    """Return what a test is called by, which may be given to pytest: without brackets or colons."""
    return re.sub(r"\W+", "-", text[:30], flags=re.ASCII)


# An audit hook cannot be taken out again: one is put in, and it tells whoever watches.
_watchers: list[list[str]] = []
_SIGNS_OF_RUNNING = ("exec", "import", "open", "os.", "subprocess.", "socket.")


def _audit(event: str, _args: object) -> None:
    for ran in _watchers:
        if event.startswith(_SIGNS_OF_RUNNING):
            ran.append(event)


sys.addaudithook(_audit)


@contextlib.contextmanager
def watched() -> Iterator[list[str]]:
    """Collect what Python runs, imports or opens meanwhile."""
    ran: list[str] = []
    _watchers.append(ran)
    try:
        yield ran
    finally:
        _watchers.remove(ran)


def test_the_watch_sees_code_run() -> None:
    with watched() as ran:
        eval("1 + 1")
    assert ran == ["exec"]


def refusal(text: object) -> FormulaError:
    with pytest.raises(FormulaError) as caught:
        parse(text)  # type: ignore[arg-type]
    return caught.value


def test_messages(golden: Golden) -> None:
    golden.check("formula_errors.txt", "\n".join(str(refusal(text)) for text in MESSAGES) + "\n")


@pytest.mark.parametrize("text", HOSTILE, ids=name_of)
def test_hostile_text_is_refused_and_never_runs(text: str) -> None:
    with watched() as ran:
        message = str(refusal(text))
    assert ran == []
    assert message.startswith("formula: ")
    assert len(message) < 400
    assert message.replace("\n", "").isprintable()


@pytest.mark.parametrize("value", [b"x", bytearray(b"x"), None, 3, 1.5, ["x"], ast.parse("x")])
def test_what_is_no_text_is_refused(value: object) -> None:
    assert "expected text, got " in str(refusal(value))


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("x + foo", 5),
        ("x +", 4),
        ("  -  ", 4),
        ("x)", 2),
        ("(x", 1),
        ("x y", 3),
        ("  x + (u*foo)", 10),
    ],
)
def test_the_column_counts_from_one(text: str, column: int) -> None:
    error = refusal(text)
    assert error.column == column
    first, shown, caret = str(error).split("\n")
    assert first.endswith(f"(column {column})")
    assert shown == f"  {text}"
    assert caret.index("^") - 2 == column - 1


def test_a_long_text_is_shown_around_the_column() -> None:
    error = refusal("x + " * 45 + "foo" + " + x" * 45)
    _, shown, caret = str(error).split("\n")
    assert shown[caret.index("^") :].startswith("foo")
    assert len(shown) <= 82


@pytest.mark.parametrize("name", [row for row in PRIMITIVES if len(row) > 4])
def test_a_slip_in_a_name_is_guessed(name: str) -> None:
    source = random.Random(name)
    at = source.randrange(1, len(name) - 1)
    for slip in (name[:at] + name[at + 1 :], name[:at] + "q" + name[at:], name.upper()):
        if slip in PRIMITIVES:
            continue
        message = str(refusal(f"{slip}(x)"))
        assert f"unknown function '{slip}'; did you mean '" in message
    assert f"did you mean '{name}'?" in str(refusal(f"{name.upper()}(x)"))


def test_a_tower_of_powers_is_only_read() -> None:
    tower = parse("9**9**9**9")
    assert tower.size == 7
    assert tower.evaluate(0.0) == float("inf")
    assert tower.derivative().evaluate(0.0) == 0


def test_nesting_up_to_the_limit_is_read() -> None:
    deep = parse("tanh(" * MAX_DEPTH + "x" + ")" * MAX_DEPTH)
    assert deep.depth == MAX_DEPTH
    assert parse(str(deep)) == deep
    assert "nested more than" in str(
        refusal("neg(" * (MAX_DEPTH + 1) + "x" + ")" * (MAX_DEPTH + 1))
    )
    assert deep.derivative().evaluate(0.0) == 1


def test_size_is_limited() -> None:
    def balanced(n: int) -> str:
        return "x" if n == 1 else f"({balanced(n // 2)}+{balanced(n - n // 2)})"

    assert parse(balanced(MAX_NODES // 2)).size == MAX_NODES - 1
    assert f"more than {MAX_NODES} nodes" in str(refusal(balanced(MAX_NODES // 2 + 1)))
    assert f"{MAX_TEXT_CHARS + 1} characters" in str(refusal("x" + " " * MAX_TEXT_CHARS))


def test_an_error_is_bad_input_and_pickles() -> None:
    error = refusal("x + foo")
    assert isinstance(error, BadInput)
    assert error.exit_code == 2
    twin = pickle.loads(pickle.dumps(error))
    assert (str(twin), twin.column) == (str(error), 5)


WORDS = """** p0 p1 1 2.5 1e9 1e 0x tanh max clip rbf pi e lambda if else for in not import
    __import__ f' b' \'\'\' := await yield None""".split()
SIGNS = [*"xuo()+-*/,.= \n\t\0:[]{}'\"\\#@!~^&|<>%"]
TOKENS = st.lists(st.sampled_from(WORDS + SIGNS), max_size=40).map("".join)


@given(st.one_of(st.text(), st.text(alphabet=st.characters(max_codepoint=127)), TOKENS))
@example("x" + "\x0c" * 10)
@example("\x1c\x1dx")
@example("x\r\n")
def test_any_text_is_read_or_refused_and_never_runs(text: str) -> None:
    with watched() as ran:
        try:
            outcome: Expression | FormulaError = parse(text)
        except FormulaError as error:
            outcome = error
    assert ran == []
    if isinstance(outcome, Expression):
        assert parse(str(outcome)) == outcome
    else:
        assert outcome.column is None or 1 <= outcome.column <= len(text) + 1
