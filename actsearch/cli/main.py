"""The command line: the table of commands, and every failure as one message and an exit code.

Nothing heavy is imported here: ``actsearch --help`` has to answer at once. Exit codes: 0 done, 1 a
failure of the program or machine, 2 bad input, 130 interrupted with everything saved.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shlex
import sys
import warnings
from collections.abc import Sequence
from typing import Annotated, NoReturn

import typer

from actsearch.cli import (
    analyze,
    compare,
    confirm,
    data,
    diagnose,
    doctor,
    export,
    inspect,
    plot,
    report,
    resume,
    runs,
    search,
    spaces,
    tasks,
    watch,
)
from actsearch.errors import ActsearchError, NotSo, lack, nearest

_EPILOG = """Examples:

\b
  actsearch search                         the default: MNIST-1D, about five minutes
  actsearch search swish --task mnist-cnn --budget 30m --run first
  actsearch resume first --budget 1h
  actsearch watch first                    from another terminal
  actsearch inspect first
  actsearch analyze 'x*tanh(softplus(x))'

Every command explains itself: actsearch COMMAND --help
"""

# Plain help and plain tracebacks: rich's would cost more to import than all else here together.
app = typer.Typer(
    name="actsearch",
    help="Search for activation functions: evolve formulas, train each for real, keep what works.",
    epilog=_EPILOG,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command("search", short_help="Start a search.")(search.search)
app.command("resume", short_help="Go on with a run, after any kind of end.")(resume.resume)
app.command("confirm", short_help="Try a run's best against all known activations.")(
    confirm.confirm
)
app.command("compare", short_help="Train any activations head to head.")(compare.compare)
app.command("diagnose", short_help="Look into the layers while activations train.")(
    diagnose.diagnose
)
app.add_typer(runs.app, name="runs", short_help="List the runs, or check one.")
app.command("watch", short_help="Follow a run from another terminal.")(watch.watch)
app.command("inspect", short_help="Show a run's hall of fame, or one of its births.")(
    inspect.inspect
)
app.command("report", short_help="Write a run's report, one page of HTML.")(report.report)
app.command("analyze", short_help="Show the properties of a formula.")(analyze.analyze)
app.command("plot", short_help="Draw a run: pictures as files.")(plot.plot)
app.command("export", short_help="Write functions as files to drop into a network.")(export.export)
app.add_typer(spaces.app, name="spaces", short_help="List, show and check search spaces.")
app.command("tasks", short_help="List the tasks that can be searched for.")(tasks.tasks)
app.add_typer(data.app, name="data", short_help="List the data sets and get them.")
app.command("doctor", short_help="Say what this machine can do.")(doctor.doctor)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            typer.echo(f"actsearch {version('actsearch')}")
        except PackageNotFoundError:
            typer.echo("actsearch (a checkout that is not installed)")
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    pass


def main() -> NoReturn:
    """Do as ``actsearch.__main__``: scripts of checkouts that were installed long ago call this."""
    sys.exit(run(sys.argv[1:]))


def run(args: Sequence[str]) -> int:
    """Run one command and return its exit code; a failure is one message on standard error.

    Args:
        args: what stands behind ``actsearch``.

    Returns:
        0 done, 1 failure, 2 bad input, 130 interrupted.
    """
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character shows a ``?``; that is no reason to fail.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    warnings.showwarning = _warn  # type: ignore[assignment]
    try:
        code = _invoke(args)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        return _reader_left()
    except KeyboardInterrupt:
        _say("interrupted")
        return 130
    except Exception as error:  # the last stop: each becomes a message and a code
        if os.environ.get("ACTSEARCH_DEBUG") == "1":
            raise
        return _explain(error, args)


def _invoke(args: Sequence[str]) -> int:
    # Not app(): typer's own main prints usage errors at length and turns Ctrl-C and a closed pipe
    # into exits of its own.
    command = typer.main.get_command(app)
    try:
        with command.make_context("actsearch", list(args)) as context:
            command.invoke(context)
    except typer.Exit as done:
        return done.exit_code
    except typer.Abort:
        raise KeyboardInterrupt from None
    return 0


def _explain(error: Exception, args: Sequence[str]) -> int:
    if isinstance(error, NotSo):
        again = shlex.join(["actsearch", *error.corrected(args)])
        _say(f"error: {error.args[0]}\ngo on with it as it is: {again}")
        return error.exit_code
    if isinstance(error, ActsearchError):
        _say(f"error: {error}")
        return error.exit_code
    if hasattr(error, "format_message"):  # typer's (or click's) own: a mistake in the arguments
        return _explain_usage(error)
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        where = f" ({error.filename})" if error.filename else ""
        _say(f"error: the disk is full{where}; free some space and try again")
        return 1
    if isinstance(error, OSError) and error.errno in {errno.EMFILE, errno.ENFILE, errno.ENOMEM}:
        _say(f"error: {lack(error)}")  # which file it would have been tells nothing
        return 1
    if isinstance(error, OSError) and error.strerror:
        where = f": {error.filename}" if error.filename else ""
        _say(f"error: {error.strerror}{where}")
        return 1
    if isinstance(error, MemoryError):
        _say("error: out of memory; try fewer --workers")
        return 1
    detail = " ".join(str(error).split())
    _say(
        f"error: {type(error).__name__}: {detail} "
        "(this is a fault of the program; ACTSEARCH_DEBUG=1 shows where it happened)"
    )
    return 1


def _explain_usage(error: Exception) -> int:
    code = int(getattr(error, "exit_code", 2))
    if type(error).__name__ == "NoArgsIsHelpError":
        sys.stderr.write(f"{error}\n")
        return code
    message = str(getattr(error, "message", error))
    options = list(getattr(error, "possibilities", None) or ())
    option = str(getattr(error, "option_name", ""))
    if not options:
        message = str(error.format_message()) if hasattr(error, "format_message") else message
    message = message.rstrip(".")
    if options:
        message += f"; did you mean '{nearest(option, options) or options[0]}'?"
    elif option.startswith("-") and not option.startswith("--"):
        message += f"; a formula that begins with '-' goes behind '--', as in: -- '{option}...'"
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "actsearch"
    _say(f"error: {message} (see: {path} --help)")
    return code


def _reader_left() -> int:
    # Whoever read standard output has what it wanted (| head). Python would complain once more
    # when it flushes at exit, so the stream is pointed elsewhere.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _warn(message: Warning | str, category: type[Warning], *_where: object) -> None:
    # No source line: whoever typed a command did not write the code that warns.
    kind = "" if category.__module__.startswith("actsearch.") else f"{category.__name__}: "
    _say(f"warning: {kind}{message}")


def _say(message: str) -> None:
    from actsearch.results.tables import printable

    # A run's file may hold anything; escape sequences must not reach the terminal.
    message = "\n".join(printable(line) for line in message.split("\n"))
    with contextlib.suppress(OSError):  # nobody may be listening; the exit code still tells
        sys.stderr.write(f"actsearch: {message}\n")


if __name__ == "__main__":
    main()
