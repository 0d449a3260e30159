"""Hostile space files, and what stands in their place."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from actsearch.search.space import load_space
from tests.security.hostile import Call, Case

TEXTS = {
    "nothing": "",
    "no TOML": "{{{{",
    "a NUL": 'unary = ["\x00"]',
    "half a surrogate": 'name = "\\ud800"',
    "not UTF-8": "name = '\udcff'",
    "code for a primitive": "unary = [\"__import__('os')\"]",
    "code for a seed": 'unary = ["tanh"]\nseeds = ["open(x)"]',
    "code for a condition": 'unary = ["tanh"]\n[[conditions]]\nkind = "__class__"',
    "an escape for a name": 'unary = ["\\u001b[2J"]',
    "a long name": f'unary = ["tanh"]\nname = "{"x" * 10_000}"',
    "a long text for a primitive": f'unary = ["{"x" * 500_000}"]',
    "a deep primitive": f'unary = ["{"(" * 50_000}"]',
    "many unknown primitives": "unary = [" + ", ".join(f'"evil{k}"' for k in range(2_000)) + "]",
    "many bad seeds": 'unary = ["tanh"]\nseeds = [' + ", ".join(["''"] * 10_000) + "]",
    "many weights": 'unary = ["tanh"]\n[weights]\n' + "\n".join(f"e{k} = 1" for k in range(3_000)),
    "some unknown primitives": "unary = [" + ", ".join(f'"evil{k}"' for k in range(200)) + "]",
    "some bad seeds": 'unary = ["tanh"]\nseeds = [' + ", ".join(["'('"] * 1_000) + "]",
    "some tables": "[[conditions]]\n" * 40,
    "a key of many parts, inside": "unary = {" + ".".join(["a"] * 5_000) + " = 1}",
    "a deep list": "unary = " + "[" * 5_000 + "]" * 5_000,
    "deep keys": ".".join(["a"] * 90_000) + " = 1",
    "many keys": "\n".join(f"k{n} = 1" for n in range(5_000)),
    "many tables": "[[conditions]]\n" * 20_000,
    "a number without end": f'unary = ["tanh"]\n[shape]\nmax_nodes = {"9" * 4_000}',
    "a longer number": f'unary = ["tanh"]\n[shape]\nmax_nodes = {"9" * 100_000}',
    "a huge number of nodes": 'unary = ["tanh"]\n[shape]\nmax_nodes = 999999999999',
    "a huge depth": 'unary = ["tanh"]\n[shape]\nmax_depth = 999999999999',
    "a negative population": 'unary = ["tanh"]\n[evolution]\npopulation = -5',
    "a population without end": 'unary = ["tanh"]\n[evolution]\npopulation = inf',
    "a share that is no number": 'unary = ["tanh"]\n[constants]\nshare = nan',
    "values that are no numbers": 'unary = ["tanh"]\n[constants]\nvalues = [nan, inf]',
    "a weight that is none": 'unary = ["tanh"]\n[weights]\ntanh = nan',
    "a table for a list": "[unary]\na = 1",
    "an unknown key": 'unary = ["tanh"]\n__class__ = 1',
    "an input of no task": 'unary = ["tanh"]\ninputs = ["x", "__import__"]',
    "a template of code": 'unary = ["tanh"]\n[shape]\ntemplate = ["__import__(1)"]',
    "a deep template": f'unary = ["tanh"]\n[shape]\ntemplate = ["{"unary(" * 5_000}"]',
    "a text larger than any": "#" * 200_001,
}
FILES: dict[str, Callable[[Path], object]] = {
    "none there": lambda path: None,
    "a folder": Path.mkdir,
    "a pipe": os.mkfifo,
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a terabyte": lambda path: os.truncate(_touched(path), 1 << 40),
}
NAMES = ("evil", "", "../../etc/passwd", "/etc/passwd", "\x00.toml", "a\x00/b", "~root/x.toml",
         "x" * 5_000 + ".toml", "\x1b[2J", "default.toml/", "-", "\udcff/x")  # fmt: skip


def _touched(path: Path) -> Path:
    path.touch()
    return path


def _of_text(text: str) -> Callable[[Path], Call]:
    def prepare(folder: Path) -> Call:
        path = folder / "space.toml"
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        return lambda: load_space(path)

    return prepare


def _of_file(make: Callable[[Path], object]) -> Callable[[Path], Call]:
    def prepare(folder: Path) -> Call:
        make(folder / "space.toml")
        return lambda: load_space(folder / "space.toml")

    return prepare


def cases() -> Iterator[Case]:
    """Yield all of them."""
    for name, text in TEXTS.items():
        yield Case("space", name, _of_text(text))
    for name, make in FILES.items():
        yield Case("space, file", name, _of_file(make))
    for name in NAMES:
        shown = name.encode("unicode_escape").decode()[:30]
        yield Case("space, name", shown, lambda _folder, name=name: lambda: load_space(name))  # type: ignore[misc]
