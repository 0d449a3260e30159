"""Ctrl-C before anything is there to be interrupted, and in code that Python made from text."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

#: Pressed as a module begins to be imported: the program's first, its last, one between.
EARLY = """
import os, signal, sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[1]:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Finder())
"""

#: Pressed there, too, where Python lets no exception out, as in what its imports call.
UNHEARD = """
import os, signal, sys

class Deaf:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[1]:
            Deaf()

sys.meta_path.insert(0, Finder())
"""

#: Pressed while a module is imported that makes a class from text.
TEXT = """
import actsearch.cli.main as main

def interrupted(args):
    exec("raise KeyboardInterrupt")

main.run = interrupted
"""

#: Says what is held from a process that a command starts, which inherits it.
MASK = """
import actsearch.cli.main as main

def show(args):
    import signal
    print(signal.pthread_sigmask(signal.SIG_BLOCK, []))
    return 0

main.run = show
"""

#: A network that ends the process while it is built.
CRASH = """
import actsearch.cli.main as main

def network_of_the_user(args):
    import os, resource, signal
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.kill(os.getpid(), signal.SIGSEGV)

main.run = network_of_the_user
"""

ENTER = """
import runpy
runpy.run_module("actsearch", run_name="__main__")
"""


Enter = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def enter(tmp_path: Path) -> Enter:
    """Run some code, and then the program, as ``python -m`` does."""

    def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "entered.py").write_text(code + ENTER, encoding="utf-8")
        return subprocess.run(
            [sys.executable, "-m", "entered", *arguments],
            env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{Path.cwd()}"},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.mark.parametrize("how", [EARLY, UNHEARD])
@pytest.mark.parametrize("module", ["actsearch.cli.main", "typer", "actsearch.cli.watch"])
def test_ctrl_c_while_the_program_is_imported(enter: Enter, module: str, how: str) -> None:
    done = enter(how, module)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "actsearch: interrupted\n"


def test_what_a_command_starts_can_be_interrupted(enter: Enter) -> None:
    done = enter(MASK)
    assert (done.returncode, done.stdout) == (0, "set()\n")


def test_code_of_the_user_that_ends_the_process_is_named(enter: Enter) -> None:
    done = enter(CRASH)
    assert done.returncode == -signal.SIGSEGV
    assert "Segmentation fault" in done.stderr
    assert "in network_of_the_user" in done.stderr


def test_ctrl_c_in_code_that_was_text_is_an_interrupt_like_any_other(enter: Enter) -> None:
    done = enter(TEXT)
    assert (done.returncode, done.stderr) == (130, "actsearch: interrupted\n")
