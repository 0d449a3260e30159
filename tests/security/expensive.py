"""Formulas that are accepted, and would take for ever where nothing bounds what is asked."""

from __future__ import annotations


def _nested(function: str, times: int) -> str:
    return f"{function}(" * times + "x" + ")" * times


#: By what is expensive about them.
EXPENSIVE: dict[str, str] = {
    "a power of many digits": "9**9**9",
    "times x": "x*9**9**9",
    "of a negative base": "x + (-9)**9**9**9",
    "higher": "x + 9**9**9**9",
    "an exponential of many digits": "exp(9**9)*x",
    "nested exponentials": _nested("exp", 60),
    "many factors": "*".join(f"(x+{k})" for k in range(60)),
}
