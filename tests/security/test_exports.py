"""What a run says of a function stays text in the files that are exported of it."""

from __future__ import annotations

import ast
import json
import re

import pytest

from actsearch.export import Activation, export
from actsearch.expressions import parse
from tests.security.audit import CANARY

#: Ends of comments, strings and lines in the languages of the files, with a word behind them.
BREAKS = (
    '"""', "'''", '"', "'", "*/", "//", "/*", "\n", "\r", "\r\n", "\\\n", "\\", "??/\n", "??/",
    "\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x00", "#", "%", "}", "{", "$", "]]>",
    "\\end{document}",
    "\\input{", "\\u000a", "\\N{LINE FEED}", "{0}", "%s", "\u202e", "\x1b[2J", "-->", "<script>",
)  # fmt: skip


def activation(text: str) -> Activation:
    said = f"a {text} {CANARY}()"
    facts = {"run": said, said: 1, "deeper": {"list": [said]}}
    return Activation(parse("x*sin(x) + p0*tanh(x)"), "found", facts, {"sentence": said})


def code_of_c(text: str) -> str:
    """Return what a C compiler sees: trigraphs, joined lines and comments are gone."""
    joined = text.replace("??/", "\\").replace("\\\r\n", "").replace("\\\n", "")
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', " ", joined, flags=re.DOTALL)


def code_of_latex(text: str) -> str:
    """Return what TeX reads as more than a comment."""
    return re.sub(r"(?<!\\)%[^\n\r]*", "", text)


def commands(text: str) -> set[str]:
    return set(re.findall(r"\\[A-Za-z]+", text))


@pytest.mark.parametrize("part", range(4))
def test_nothing_breaks_out(part: int) -> None:
    text = f" {CANARY}() ".join(BREAKS[part::4])
    targets = ("torch", "jax", "numpy", "keras", "triton", "c", "cuda", "latex", "json")
    one, plain = activation(text), activation("word")
    for target in targets:
        files, usual = export(one, (target,)), export(plain, (target,))
        assert files.keys() == usual.keys()
        for name, content in files.items():
            assert isinstance(content, str)
            expected = usual[name]
            assert isinstance(expected, str)
            if name.endswith(".py"):
                tree = ast.parse(content)
                names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
                assert CANARY not in names
                kinds = [type(node) for node in tree.body]
                assert kinds == [type(node) for node in ast.parse(expected).body]
            elif name.endswith((".c", ".h", ".cu", ".cuh")):
                assert CANARY not in code_of_c(content)
            elif name.endswith(".json"):
                assert json.loads(content)
            elif name.endswith(".tex"):
                assert commands(code_of_latex(content)) - commands(code_of_latex(expected)) <= {
                    f"\\{word}" for word in ("textbackslash", "textasciitilde", "textasciicircum")
                }, name
            else:
                raise AssertionError(f"nothing is known of {name}")
