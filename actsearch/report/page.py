"""A report as one HTML page: its template, style and script in one file that fetches nothing.

Nothing on the page is trusted but the markup made here (MathML of parsed formulas, SVG of our own
figures): all text is escaped by the template, and the content-security policy names the one style
sheet and the one script by their hashes, so that nothing else could run.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import fields
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from actsearch.plots.figures import RUN_FIGURES
from actsearch.plots.style import svg_text
from actsearch.report.facts import Facts, facts_of
from actsearch.report.values import Picture
from actsearch.report.writing import FILE, check_out, replace
from actsearch.runs import existing_run
from actsearch.trials.account import Account, read_account


def write_report(
    run: str | Path,
    out: Path | None = None,
    *,
    runs_dir: Path | None = None,
    force: bool = False,
) -> Path:
    """Write the report of a run; one that is being written is told of as of now.

    Args:
        run: name or folder of the run.
        out: the file; None for ``report.html`` in the run's folder, which is replaced.
        runs_dir: the folder of the runs; by default ``ACTSEARCH_RUNS`` or ``runs``.
        force: replace ``out`` though it is another file than an earlier report.

    Returns:
        The file.

    Raises:
        BadInput: there is no readable run, no such folder to write into, or the file is there and
            is no report.
        ActsearchError: the file can't be written.
    """
    folder = existing_run(run, runs_dir) if isinstance(run, str) else run
    file = folder / FILE if out is None else out
    check_out(file, force=force or file == folder / FILE)
    replace(file, report(read_account(folder)))
    return file


def report(account: Account) -> str:
    """Return the report of a run as HTML; the same run gives the same bytes."""
    return render(facts_of(account, pictures(account)))


def pictures(account: Account) -> tuple[Picture, ...]:
    """Return the figures of a run, each as SVG or with the reason why there is none."""
    found = []
    for one in RUN_FIGURES:
        figure = one.draw(account)
        svg = "" if figure is None else svg_text(figure, one.name, one.title)
        found.append(Picture(one.name, one.title, one.caption.replace("`", ""), svg, one.lacks))
    return tuple(found)


def render(facts: Facts) -> str:
    """Return the page that says ``facts``."""
    loader = PackageLoader("actsearch.report", "templates")
    jinja = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_unbroken,
    )
    style, script = (
        loader.get_source(jinja, name)[0].strip() for name in ("report.css", "report.js")
    )
    jinja.filters["markup"] = Markup  # of MathML and SVG alone
    jinja.filters["exact"] = _Exact
    template = jinja.get_template("report.html.jinja")
    said = {field.name: getattr(facts, field.name) for field in fields(facts)}
    return template.render(
        **said,
        style=Markup(style),
        script=Markup(script),
        style_hash=_hash(style),
        script_hash=_hash(script),
    )


class _Exact(str):
    """Text that is shown as it is, to be copied."""

    __slots__ = ()


def _unbroken(value: object) -> object:
    """Keep a number together with the sign that follows it."""
    if type(value) is not str:  # markup, and what is to be copied, stay as they are
        return value
    return value.replace(" %", "\u00a0%").replace(" ± ", "\u00a0±\u00a0")


def _hash(text: str) -> str:
    """Return the hash by which a content-security policy knows an inline text."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
