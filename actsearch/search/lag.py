"""How far decisions run ahead of results, and how many workers that keeps busy.

The k-th decision sees the results of those before k - lag, and waits for all of them. So a training
that takes many times as long as the others holds the search up as soon as ``lag`` decisions were
made after it: the more workers, the sooner. A larger lag keeps more of them busy; the price is that
formulas are bred from older results. docs/performance.md has both as measured.
"""

from __future__ import annotations

from actsearch.errors import BadInput, counted
from actsearch.search.space import SearchSpace

#: A lag of so many times the number of workers keeps 95 % of 64 busy where the times of trainings
#: of one length vary log-normally with sigma 0.8 (benchmarks/scaling.py).
AMPLE = 32


def with_lag(space: SearchSpace, lag: int | None) -> SearchSpace:
    """Return the space with another lag; None for its own.

    Raises:
        BadInput: There can be no such lag.
    """
    if lag is None:
        return space
    known = type(space.evolution).model_fields["lag"].metadata
    least, most = (next(getattr(m, of) for m in known if hasattr(m, of)) for of in ("ge", "le"))
    if isinstance(lag, bool) or not isinstance(lag, int) or not least <= lag <= most:
        raise BadInput(f"the lag must be a whole number from {least} to {most}, got {lag!r}")
    return space.model_copy(update={"evolution": space.evolution.model_copy(update={"lag": lag})})


def too_many(workers: int, space: SearchSpace) -> str:
    """Say what to do where there are more workers than the lag of a space has work for."""
    lag = space.evolution.lag
    return (
        f"{workers} workers are more than the lag of {lag} of space '{space.name}': births wait "
        f"for the results of all but the last {'one' if lag == 1 else f'{lag} candidates'}. Use "
        f"at most {counted(lag, 'worker')}, or "
        f"start a run with a larger --lag (lag=... from Python, or 'lag' under [evolution] in a "
        f"space file of your own): {AMPLE * workers} keeps {workers} workers busy"
    )
