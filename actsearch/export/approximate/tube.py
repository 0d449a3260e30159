"""Paths of straight lines within an error of a function, with as few lines as there can be.

Each line reaches as far as any can from where the one before it was, so that no path has fewer
(Imai and Iri 1986, An optimal algorithm for approximating a piecewise linear function). The first
and the last line are the function's asymptotes, where it has them. The least error for a number of
lines is found by bisection.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from actsearch.errors import BadInput
from actsearch.export.approximate.subject import Array, Subject

#: Points that the path is held against, within the window and beyond each end.
_N_INSIDE, _N_BEYOND = 801, 160
_BEYOND = 1e5
#: From where on a line the next one may start is tried at so many places, then nearer to the best.
_N_TRIED, _N_ZOOMS = 33, 2
_N_BISECTIONS = 18
#: Fewer pieces are as good if their error is larger by no more than this, relative.
_SAME = 0.003
#: An error that allows any path, and pieces enough for it.
_ANY, _MOST = 1e9, 64
#: An error below this is none.
_NOTHING = 1e-12


@dataclass(frozen=True)
class Broken:
    """A continuous piecewise-linear function.

    Attributes:
        x, y: Its knots, x ascending; one at least.
        left, right: The slopes beyond the first and the last.
    """

    x: tuple[float, ...]
    y: tuple[float, ...]
    left: float
    right: float

    @property
    def n_pieces(self) -> int:
        """How many lines it has."""
        return len(self.x) + 1

    def value(self, x: Array) -> Array:
        """Return the values at ``x``."""
        inner = np.interp(x, self.x, self.y)
        below, above = np.minimum(x - self.x[0], 0), np.maximum(x - self.x[-1], 0)
        return np.asarray(inner + self.left * below + self.right * above)


@dataclass(frozen=True)
class _Source:
    """Where the next line may start: from one point to the other, and the line it lies on."""

    x: tuple[float, float]
    y: tuple[float, float]


@dataclass(frozen=True)
class _Step:
    """One line.

    Attributes:
        begin: Its first point.
        end: Its last point, where that is the end of the path.
        source: Else the part of it from which the next line may start.
        rank: How far it reaches, as the number of a point, and how much room is left there.
    """

    begin: tuple[float, float]
    end: tuple[float, float] | None
    source: _Source | None
    rank: tuple[int, float] = (0, 0.0)


@dataclass(frozen=True)
class _View:
    """What lines from several starts may be, up to each point of the tube: shape (starts, points).

    Attributes:
        away: The distances, 1 for what is not ahead.
        ahead: Which points lie ahead.
        flat, steep: The least and the greatest slope that a point itself allows.
        least, most: Those that all points up to it allow.
    """

    away: Array
    ahead: NDArray[np.bool_]
    flat: Array
    steep: Array
    least: Array
    most: Array


class Tube:
    """What lies within an error of the function, on points."""

    def __init__(self, subject: Subject) -> None:
        low, high = subject.window
        steps = np.geomspace((high - low) / _N_INSIDE, _BEYOND, _N_BEYOND)
        parts = [np.linspace(low, high, _N_INSIDE), np.asarray(subject.bends)]
        if subject.ends[0].kind == "line":
            parts.append(low - steps)
        if subject.ends[1].kind == "line":
            parts.append(high + steps)
        self.x: Array = np.unique(np.concatenate(parts))
        self.f = subject.value(self.x)
        self._ends = subject.ends
        self._left, self._right = (end.slope * self.x + end.offset for end in subject.ends)

    def best(self, error: float, pieces: int) -> Broken:
        """Return the path of the fewest pieces within ``error``, or the best of all there may be.

        For its number of pieces its error is the least.
        """
        path = self.path(error, pieces)
        if path is not None and error > _NOTHING:
            pieces = path.n_pieces
            low, high = _NOTHING, error
        else:
            if path is None and self.path(_ANY, pieces) is None:
                least = self.path(_ANY, _MOST)
                needed = f"at least {least.n_pieces} pieces" if least else "more pieces"
                raise BadInput(f"to end as the function ends takes {needed}, got {pieces}")
            low = high = error
            while path is None:
                low, high = high, 2 * high
                path = self.path(high, pieces)
        exact = self.path(_NOTHING, pieces)
        if exact is not None:
            return exact
        while low < 1e-3 * high:  # by size first
            middle = max(high / 8, low)
            tried = self.path(middle, pieces)
            if tried is None:
                low = middle
                break
            path, high = tried, middle
        for _ in range(_N_BISECTIONS):
            middle = (low + high) / 2
            tried = self.path(middle, pieces)
            if tried is None:
                low = middle
            else:
                path, high = tried, middle
        fewer = self.path(high * (1 + _SAME), pieces)
        return path if fewer is None else fewer

    def path(self, error: float, pieces: int) -> Broken | None:
        """Return a path within an error with as few pieces as there can be, None if too many."""
        self._low, self._high = self.f - error, self.f + error
        first, last = self._ends
        knots: list[tuple[float, float]] = []
        if first.kind == "line":
            stays = self._prefix(self._left)
            if stays == len(self.x) and first == last:
                return self._made([(0.0, first.offset)])
            if not stays:
                return None
            x0, x1 = float(self.x[0]), float(self.x[stays - 1])
            y0, y1 = (first.slope * x + first.offset for x in (x0, x1))
            source = _Source((x0, x1), (y0, y1))
            n_used = 1
        else:
            at, y = float(self.x[0]), float(self.f[0])
            source, n_used = _Source((at, at), (y - error, y + error)), int(first.kind == "wave")
        start = self._suffix() if last.kind == "line" else len(self.x)
        while True:
            crossing = self._crossing(source, start, n_used)
            if crossing is not None:
                if n_used + 1 > pieces:
                    return None
                return self._made([*knots, crossing])
            # One more line, and the one that the function ends on.
            n_used += 1
            if n_used + (last.kind != "grows") > pieces:
                return None
            step = self._step(source, start)
            if step is None:
                return None
            knots.append(step.begin)
            if step.source is None:
                assert step.end is not None
                return self._made([*knots, step.end])
            source = step.source

    def _made(self, knots: list[tuple[float, float]]) -> Broken:
        knots = [k for i, k in enumerate(knots) if i == 0 or k[0] - knots[i - 1][0] > 1e-9]
        x, y = zip(*knots, strict=True)
        first, last = self._ends
        left, right = first.slope, last.slope
        if first.kind == "grows" and len(x) > 1:
            left = (y[1] - y[0]) / (x[1] - x[0])
            x, y = (x[1:], y[1:]) if len(x) > 2 else (x, y)
        if last.kind == "grows" and len(x) > 1:
            right = (y[-1] - y[-2]) / (x[-1] - x[-2])
            x, y = (x[:-1], y[:-1]) if len(x) > 2 else (x, y)
        return Broken(x, y, left, right)

    def _prefix(self, line: Array) -> int:
        """Return at how many points from the left a line is in the tube."""
        outside = np.flatnonzero((line < self._low) | (line > self._high))
        return int(outside[0]) if outside.size else len(self.x)

    def _suffix(self) -> int:
        """Return the number of the point from which on the last line is in the tube."""
        outside = np.flatnonzero((self._right < self._low) | (self._right > self._high))
        return int(outside[-1]) + 1 if outside.size else 0

    def _crossing(self, source: _Source, start: int, n_used: int) -> tuple[float, float] | None:
        """Return where the line of a source meets the one that the function ends on."""
        last = self._ends[1]
        (x0, x1), (y0, y1) = source.x, source.y
        if last.kind != "line" or not n_used or x1 <= x0 or start >= len(self.x):
            return None
        gap0, gap1 = (y - last.slope * x - last.offset for x, y in ((x0, y0), (x1, y1)))
        if gap0 * gap1 > 0 or gap0 == gap1:
            return None
        x = x0 + (x1 - x0) * gap0 / (gap0 - gap1)
        return (x, last.slope * x + last.offset) if x >= self.x[start] else None

    def _step(self, source: _Source, start: int) -> _Step | None:
        """Return the line from a source that reaches furthest, or one that reaches the end."""
        low, high = 0.0, 1.0
        best: _Step | None = None
        for _ in range(1 + _N_ZOOMS):
            share = np.linspace(low, high, _N_TRIED)
            sx = source.x[0] + share * (source.x[1] - source.x[0])
            sy = source.y[0] + share * (source.y[1] - source.y[0])
            view = self._view(sx, sy)
            landed = self._landing(sx, sy, view, start)
            if landed is not None:
                return landed
            fits = view.least <= view.most
            reach = np.where(fits.all(axis=1), len(self.x), fits.argmin(axis=1))
            room = (view.most - view.least)[np.arange(len(sx)), np.maximum(reach - 1, 0)]
            row = int(np.lexsort((room, reach))[-1])
            rank = (int(reach[row]), float(room[row]))
            if best is None or rank > best.rank:
                until = rank[0] - 1
                if until < 0 or not view.ahead[row, until]:
                    return None
                slope = float(view.least[row, until] + view.most[row, until]) / 2
                before = slice(until + 1)
                # The later of the places where the line touches the tube.
                contact = max(view.flat[row, before].argmax(), view.steep[row, before].argmin())
                begin = (float(sx[row]), float(sy[row]))
                x0, x1 = float(self.x[contact]), float(self.x[until])
                y0, y1 = (begin[1] + slope * (x - begin[0]) for x in (x0, x1))
                best = _Step(begin, None, _Source((x0, x1), (y0, y1)), rank)
            step = (high - low) / (_N_TRIED - 1)
            low, high = max(0.0, share[row] - step), min(1.0, share[row] + step)
        return best

    def _view(self, sx: Array, sy: Array) -> _View:
        away = self.x[None, :] - sx[:, None]
        ahead = away > 1e-9 * (1 + np.abs(sx))[:, None]
        away = np.where(ahead, away, 1.0)
        flat = np.where(ahead, (self._low - sy[:, None]) / away, -np.inf)
        steep = np.where(ahead, (self._high - sy[:, None]) / away, np.inf)
        least, most = np.maximum.accumulate(flat, axis=1), np.minimum.accumulate(steep, axis=1)
        return _View(away, ahead, flat, steep, least, most)

    def _landing(self, sx: Array, sy: Array, view: _View, start: int) -> _Step | None:
        """Return a line that the last line, or the window's end, is reached by."""
        if self._ends[1].kind != "line":
            # From the end itself every slope seems to lead there.
            ahead = view.ahead[:, -1]
            room = np.full(len(sx), -np.inf)
            room[ahead] = view.most[ahead, -1] - view.least[ahead, -1]
            row, at = int(room.argmax()), len(self.x) - 1
            if room[row] < 0:
                return None
            slope = float(view.least[row, -1] + view.most[row, -1]) / 2
        else:
            slopes = (self._right[None, :] - sy[:, None]) / view.away
            seen = view.ahead & (slopes >= view.least) & (slopes <= view.most)
            seen[:, :start] = False
            n_seen = seen.sum(axis=1)
            row = int(n_seen.argmax())
            if not n_seen[row]:
                return None
            at = int(seen[row].argmax())
            slope = float(slopes[row, at])
        begin, x = (float(sx[row]), float(sy[row])), float(self.x[at])
        return _Step(begin, (x, begin[1] + slope * (x - begin[0])), None)
