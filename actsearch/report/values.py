"""What a report says, as plain values: the template writes them down and decides nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from actsearch.errors import shorten
from actsearch.results.tables import number, printable
from actsearch.results.units import Unit, unit_of

#: Text from outside is cut to so many characters where it stands in a sentence or a table.
MOST_CHARS = 160
#: And where it is shown in full.
MOST_CHARS_IN_FULL = 20_000


def clean(text: object, limit: int = MOST_CHARS) -> str:
    """Return a text from outside on one line, with nothing but print, cut to ``limit``."""
    return printable(shorten(str(text), limit))


@dataclass(frozen=True)
class Cell:
    """One cell of a table.

    Attributes:
        text: What is shown.
        value: What it is sorted by, where that is no text.
        exact: More of the same, shown on hover: a number with all its digits.
        kind: ``number``, ``formula`` or ``text``.
    """

    text: str
    value: float | None = None
    exact: str = ""
    kind: str = "text"


@dataclass(frozen=True)
class Head:
    """A column: its title, and what it means where that is not plain."""

    title: str
    hint: str = ""
    kind: str = "text"


@dataclass(frozen=True)
class Table:
    """A table; ``marked`` are the places of rows that stand out, ``notes`` stand below it."""

    id: str
    caption: str
    heads: tuple[Head, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    marked: tuple[int, ...] = ()


@dataclass(frozen=True)
class Fact:
    """A name with its value, ``code`` where that is to be read letter by letter."""

    name: str
    value: str
    code: bool = False


@dataclass(frozen=True)
class Command:
    """A line to be typed, and what it does."""

    line: str
    does: str


@dataclass(frozen=True)
class Step:
    """One step of a lineage: who, its formula, and how it was made."""

    who: str
    formula: str
    how: str


@dataclass(frozen=True)
class Picture:
    """A figure: its SVG, or instead of it why there is none."""

    name: str
    title: str
    caption: str
    svg: str = ""
    lacks: str = ""


@dataclass(frozen=True)
class Verdict:
    """The first thing that is read.

    Attributes:
        tone: ``shown``, ``open``, ``none`` or ``unconfirmed``: which colour it has.
        label: The same in a word or two.
        headline: What was found, in a sentence without numbers.
        sentence: The same with all its numbers.
        explained: Paragraphs: what that means.
        amounts: The numbers that matter.
        formula: The function it is about, as text, "" for none.
        mathml: The same as mathematics.
        commands: What to type to know more.
    """

    tone: str
    label: str
    headline: str
    sentence: str
    explained: tuple[str, ...] = ()
    amounts: tuple[Fact, ...] = ()
    formula: str = ""
    mathml: str = ""
    commands: tuple[Command, ...] = ()


@dataclass(frozen=True)
class Finalist:
    """A function that the run puts forward.

    Attributes:
        title: Who it is.
        formula: As text.
        mathml: As mathematics, "" where this version can't read it.
        derivative: Its derivative by x.
        is_readable: Whether this version can read it.
        inputs: What it reads besides x, "" for nothing.
        facts: How it scored.
        portraits: What it is like, titled; one for each group of layers that has its own formula.
        sections: All that the analysis says, titled.
        origin: Where it comes from.
        further: So many steps of that are left out.
        parameters: What its learned parameters became.
        export: The command that exports it.
    """

    title: str
    formula: str
    mathml: str
    derivative: str
    is_readable: bool
    inputs: str
    facts: tuple[Fact, ...]
    portraits: tuple[tuple[str, tuple[Fact, ...]], ...]
    sections: tuple[tuple[str, tuple[Fact, ...]], ...]
    origin: tuple[Step, ...]
    further: int
    parameters: Table | None
    export: str


@dataclass(frozen=True)
class Measure:
    """How scores are written: accuracies in percent and points, others as they are."""

    name: str
    unit: Unit = field(default_factory=Unit)

    @classmethod
    def of(cls, name: str, *, shares: bool) -> Measure:
        """Return the measure of scores called ``name``; ``shares``: all lie between 0 and 1."""
        unit = unit_of(name)
        return cls(clean(name), unit if shares or unit.scale == 1 else Unit())

    def score(self, value: float | None, error: float | None = None) -> Cell:
        """Write a score with its standard error."""
        if value is None:
            return Cell("no score")
        if self.unit.scale == 1:
            text = number(value) if error is None else f"{number(value)} ± {number(error)}"
        else:
            text = f"{self.unit.scale * value:.2f}"
            text += "" if error is None else f" ± {self.unit.scale * error:.2f}"
            text += " %"
        return Cell(text, value, repr(value), "number")

    def difference(self, value: float | None, error: float | None = None) -> Cell:
        """Write a difference of two scores with its sign."""
        if value is None:
            return Cell("")
        scaled = self.unit.scale * value
        digits = 4 if self.unit.scale == 1 else 2
        text = f"{scaled:+.{digits}f}"
        if error is not None:
            text += f" ± {self.unit.scale * error:.{digits}f}"
        return Cell(text.replace("-", "−"), value, repr(value), "number")

    def interval(self, low: float | None, high: float | None) -> Cell:
        """Write an interval of differences."""
        if low is None or high is None:
            return Cell("")
        text = f"{self.difference(low).text} to {self.difference(high).text}"
        return Cell(text, low, f"{low!r} to {high!r}", "number")

    @property
    def of_differences(self) -> str:
        """What differences are counted in, "" where they are as scores are."""
        return self.unit.word.strip()


def trainings(n: int) -> str:
    """Count trainings in words."""
    return "1 training" if n == 1 else f"{n:,} trainings"


def ident(value: int) -> Cell:
    """Write the number of a birth, as commands take it."""
    return Cell(str(value), float(value), "", "number")


def count(value: int, exact: str = "") -> Cell:
    """Write a whole number, its thousands apart."""
    return Cell(f"{value:,}", float(value), exact, "number")


def decimal(value: float | None, digits: int = 2) -> Cell:
    """Write a number with some decimals."""
    if value is None:
        return Cell("")
    text = f"{value:.{digits}f}" if math.isfinite(value) else str(value)
    return Cell(text.replace("-", "−"), value, repr(value), "number")


def probability(value: float | None) -> Cell:
    """Write a p-value; a very small one as that it is below some power of ten."""
    if value is None:
        return Cell("")
    if value < 1e-4:
        power = max(4, min(99, math.floor(-math.log10(value)))) if value > 0 else 99
        text = "< 0.0001" if power == 4 else f"< 1e−{power}"
    else:
        text = f"{value:.4f}" if value < 0.1 else f"{value:.2f}"
    return Cell(text, value, repr(value), "number")


def formula(*texts: str) -> Cell:
    """Write formulas, a line each; a very long one is cut, and whole on hover."""
    shown = "\n".join(clean(text, MOST_CHARS) for text in texts)
    whole = "\n".join(texts)
    return Cell(shown, None, "" if shown == whole else clean(whole, 2000), "formula")


def words(text: object) -> Cell:
    """Write a text from outside."""
    shown = clean(text)
    return Cell(shown, None, "" if shown == text else clean(text, 2000))


def whole(value: object) -> Cell:
    """Write what should be a whole number, whatever it is."""
    return count(value) if isinstance(value, int) else words("" if value is None else value)
