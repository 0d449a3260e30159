"""Why a formula was not trained, in words that need no knowledge of the search."""

from __future__ import annotations

import re

#: What a reason begins with -> what is said instead; the first that fits.
_SAID = (
    ("promised ", "a sibling promised a higher score"),
    ("guessed to score ", "a sibling promised a higher score"),
    ("trains as birth ", "nearly the same function as one that was trained before"),
    ("the same function as its sibling", "the same function as a sibling"),
    ("constant", "constant: it does not depend on its input"),
    ("affine: a sum of multiples", "a sum of multiples of its inputs: it adds nothing to a layer"),
    ("affine", "a straight line: it adds nothing to a layer"),
    ("over size", "longer than the space allows"),
    ("gradient non-finite", "its slopes are not finite, or beyond all use"),
    ("gradient zero: it changes", "its slope is 0 wherever it has one"),
    ("gradient zero", "nothing would flow back through it"),
)
_NOT_FINITE = "its values are not finite, or beyond all use"
_GROUP = re.compile(r" \(in the group (\w+)\)$")


def plainly(reason: str) -> str:
    """Return what a stored reason means; one that is of no known kind as it is.

    A condition of the space keeps its own numbers, as in "not bounded below by 0".
    """
    group = _GROUP.search(reason)
    bare = reason[: group.start()] if group else reason
    where = f", in the group {group.group(1)}" if group else ""
    if not bare:
        return "no reason was kept"
    for beginning, said in _SAID:
        if bare.startswith(beginning):
            return said + where
    if bare.startswith("non-finite"):
        return _NOT_FINITE + (" in float32" if bare.endswith("in float32") else "") + where
    if bare.startswith("not ") and ":" in bare:
        return f"the space asks for what it is not: {bare.partition(':')[0]}{where}"
    return reason
