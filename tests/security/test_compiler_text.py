"""What the C compiler is given: fixed text, tokens of a closed set, never a word of the input."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from actsearch.errors import BadInput
from actsearch.expressions import Expression, Node, parse, parse_candidate
from actsearch.expressions.c_prelude import prelude
from actsearch.expressions.dialects import TORCH, C
from actsearch.expressions.known import KNOWN
from actsearch.expressions.layered import parts_of
from actsearch.kernels import eager
from actsearch.kernels.native import compiler
from actsearch.kernels.native.c_source import TooLarge, file_source, kernel_source
from tests.expressions.strategies import trees
from tests.security import formulas

NAME = "k0123456789abcdef0123"
#: The frame of a kernel, and how numbers that are none are written.
_FRAME = """void const act_arguments a long n double sums REAL MASK restrict in out parameters step
gradient i for _Pragma omp simd reduction INFINITY NAN g"""
#: The words of the language that kernels are written in.
WORDS = frozenset(_FRAME.split()) | {
    word
    for template in (*C.ops.values(), *C.beside_number.values(), *C.non_finite.values(), *C.whole)
    for word in re.findall(r"[A-Za-z_]\w*", template)
}
TORCH_WORDS = {
    word
    for template in (
        *TORCH.ops.values(),
        *TORCH.beside_number.values(),
        *TORCH.non_finite.values(),
        TORCH.constant,
        TORCH.number,
        TORCH.beyond,
    )
    for word in re.findall(r"(?<![\w.])[A-Za-z_][\w.]*", template)
}
#: Names that are made: of the kernel, of values, arguments, results and sums.
MADE = re.compile(
    rf"{NAME}_(value|gradients)(_channels)?|t\d{{1,5}}|[xuo](_in)?|p\d{{1,2}}(_in)?"
    r"|out[0-2]|[dys]\d{0,2}",
    re.ASCII,
)
NUMBER = re.compile(r"(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d{1,3})?", re.ASCII)
TOKEN = re.compile(
    r"""(?P<word>[A-Za-z_]\w*)|(?P<number>\d[\w.]*(?:(?<=[eE])[+-]\d+)?)"""
    r"""|(?P<sign>->|\+\+|\+=|[<>=!&|]=?|&&|\|\||/(?![/*])|\*(?!/)|\?(?!\?)|[-+~:;,(){}\[\].])"""
    r"""|(?P<space>[ \n]+)""",
    re.ASCII,
)
_PRAGMA = re.compile(
    r'_Pragma\("omp simd(?: reduction\(\+ : s\d{1,2}(?:, s\d{1,2})*\))?"\)', re.ASCII
)


def strange(text: str, words: frozenset[str] = WORDS) -> list[str]:
    """Return what is in the text of a kernel and in no kernel's."""
    text = _PRAGMA.sub("", text)  # the only place with quotes
    found: list[str] = []
    at = 0
    while at < len(text):
        token = TOKEN.match(text, at)
        if token is None:
            return [*found, text[at : at + 20]]
        at = token.end()
        word, number = token["word"], token["number"]
        if word is not None and word not in words and not MADE.fullmatch(word):
            found.append(word)
        if number is not None and not NUMBER.fullmatch(number):
            found.append(number)
    return found


def check(expression: Expression) -> None:
    try:
        text = kernel_source(NAME, expression)
    except TooLarge:
        return
    assert strange(text) == []
    frame = file_source([], "float")
    assert file_source([text], "float") == f"{frame}\n{text}"
    assert frame.startswith(prelude("float"))


@settings(max_examples=60)
@given(st.builds(Expression, trees(max_size=12)))
@example(parse("max(x, p0*x)*sin(x) + 0.25*erf(u)"))
@example(Expression(Node("div", (Node("x"), parse("0").root))))
def test_a_kernel_is_made_of_a_closed_set_of_tokens(expression: Expression) -> None:
    check(expression)


@pytest.mark.parametrize("formula", KNOWN.values())
def test_the_known_ones_are(formula: str) -> None:
    for part in parts_of(parse_candidate(formula)):
        check(part)


#: What looks hostile and is a formula; spaces and names are gone from what becomes of it.
TAKEN = (
    "9**9",
    "0x1F*x",
    "1_000*x",
    "x  \t\n + 1",
    "((((((((x))))))))",
    "+ + + x",
    "- - x",
    "1e-300*x",
    "1e30*x",
    "4.9e-324*x",
    "x*0.1e+1",
    "x*p15",
    "x*00",
    "x*p0; p0=-1e30",
    "x*p0; per channel",
)


@pytest.mark.parametrize("text", TAKEN)
def test_what_is_taken_is_printed_anew(text: str) -> None:
    for part in parts_of(parse_candidate(text)):
        check(part)


def test_none_of_the_hostile_formulas_gets_so_far() -> None:
    for case in formulas.cases():
        with pytest.raises(BadInput):
            case.prepare(Path())()


@pytest.mark.parametrize(
    "evil",
    [
        "system(x)",
        "x; system(x)",
        '"text"',
        "'c'",
        "#include x",
        "x \\\n y",
        "x ?\u003f/ y",
        "// x",
        "/* x */",
        "asm(x)",
        "0x1F",
        "1f",
        "x @ y",
        "x $ y",
        "x\r",
        "\u202e",
        '_Pragma("once")',
        "__attribute__",
        "k0123456789abcdef0123_evil",
        "t123456",
    ],
)
def test_the_set_is_closed(evil: str) -> None:
    text = kernel_source(NAME, parse("x*sin(x)"))
    assert strange(text) == []
    inside = text.replace("y0 =", f"{evil}; y0 =", 1)
    assert strange(inside) != []


@settings(max_examples=40)
@given(st.builds(Expression, trees(max_size=12)))
@example(parse("1/1.5625e-39"))
def test_what_python_runs_is_printed_from_the_tree(expression: Expression) -> None:
    """The eager functions: assignments of calls of torch and math, and nothing else."""
    text = eager.source(expression, (*expression.inputs, *expression.parameters), "f")
    first, *rest = text.splitlines()
    assert re.fullmatch(r"def f\(([xuop0-9]+(, )?)*\):", first)
    for line in rest:
        assert re.fullmatch(r"    (return y|\w+ = [\w\s.,()+*/<>=!~&|%-]*)", line, re.ASCII), line
        for name in re.findall(r"(?<![\w.])[A-Za-z_][\w.]*", line):
            own = re.fullmatch(r"(return|[tyxuo]\d*|p\d+)(\.\w+)?", name, re.ASCII)
            assert own or name in TORCH_WORDS, line
            assert "__" not in name


def test_no_argument_of_the_compiler_is_of_the_input(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A library's name is a digest, its folder the cache's; flags are constants; CC is trusted."""
    commands: list[list[str]] = []

    def note(command: list[str]) -> tuple[int, str]:
        commands.append(command)
        return 1, "error: no"

    monkeypatch.setattr(compiler, "_run", note)
    source = tmp_path / f"{NAME}-1.c"
    with pytest.raises(compiler.CompilerFault):
        compiler.compile_library(
            compiler.Compiler(("/usr/bin/cc", "-pipe"), ""), source, source.with_suffix(".so")
        )
    assert len(commands) == len(compiler.PLANS)
    for command, (flags, libraries) in zip(commands, compiler.PLANS, strict=True):
        made = ["-o", str(source.with_suffix(".so")), str(source)]
        assert command == ["/usr/bin/cc", "-pipe", *flags, *made, *libraries]


def test_flags_of_the_environment_are_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    before = compiler.find()
    for name in ("CFLAGS", "CPPFLAGS", "LDFLAGS", "CXX", "LIBS"):
        monkeypatch.setenv(name, "-fplugin=/tmp/evil.so")
    assert compiler.find() == before
