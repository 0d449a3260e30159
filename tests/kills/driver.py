"""A process whose children are drivers of the real program, each one command with its points.

All is imported once and each driver is a fork, so that hundreds of kills cost little more than the
work that they interrupt. Started by ``drivers.Drivers``; on standard input comes a plan a line, out
go the driver's process id and, when it has ended, its status.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import sys
from typing import Any, NoReturn

from actsearch.cli import main
from actsearch.expressions import parse
from tests.kills import operations
from tests.kills.points import Fuse, Points, install

#: What the commands import only when they need it.
AHEAD = (
    "actsearch.cli.launch",
    "actsearch.cli.afterwards",
    "actsearch.cli.progress",
    "actsearch.search",
    "actsearch.trials.confirm",
    "actsearch.trials.account",
    "actsearch.workers.processes",
    "actsearch.workers.inprocess",
    "actsearch.results.view",
    "sympy",
    "torch",
)
#: What is looked at once beforehand, for what is imported, and kept, at the first formula.
FORMULAS = ("x*tanh(softplus(x))", "relu(x) - p0*relu(-x)", "max(sin(x), erf(x)/2)")


def serve(*ahead: str) -> None:
    """Import what is named, then fork and wait, plan after plan, until the input ends."""
    for name in (*AHEAD, *ahead):
        importlib.import_module(name)
    for formula in FORMULAS:
        expression = parse(formula)
        expression.fingerprint()
        expression.check()
    gc.freeze()  # else each fork would go through all of it, and have its own copy, at its end
    # A word of the driver's must not come between the lines: they have another way out.
    lines = os.fdopen(os.dup(1), "w", buffering=1, encoding="ascii")
    os.dup2(2, 1)
    for plan in sys.stdin:
        pid = os.fork()
        if pid == 0:
            lines.close()
            _drive(json.loads(plan))
        lines.write(f"{pid}\n")
        lines.write(f"{os.waitpid(pid, 0)[1]}\n")


def _drive(plan: dict[str, Any]) -> NoReturn:
    """Carry out a plan in this process and end it as the program would."""
    _redirect(plan["log"])
    os.environ.pop("LD_PRELOAD", None)  # the workers are to live
    os.environ.update(plan["environment"])
    os.chdir(plan["where"])
    points = Points([Fuse(**fuse) for fuse in plan["fuses"]], plan["acknowledged"])
    install(points)
    if plan["folder"] is not None:
        operations.install(points, plan["folder"])
    if plan["call"] is not None:
        call, path, nth, how = plan["call"]
        # Of those that the loader has put before libc.
        ctypes.CDLL(None).kills_arm(call.encode(), path.encode(), ctypes.c_long(nth), how)
    if plan["record"] is not None:
        ctypes.CDLL(None).kills_record(*(os.fsencode(path) for path in plan["record"]))
    sys.argv = ["actsearch", *plan["argv"]]
    if plan["argv"][0] == "-c":
        exec(plan["argv"][1], {})
        code = 0
    else:
        code = main.run(plan["argv"])
    with open(plan["passes"], "w", encoding="utf-8") as file:  # noqa: PTH123 - not counted
        json.dump(points.passes, file)
    sys.exit(code)


def _redirect(log: str) -> None:
    null = os.open(os.devnull, os.O_RDONLY)
    out = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.dup2(null, 0)
    os.dup2(out, 1)
    os.dup2(out, 2)
