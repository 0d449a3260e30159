"""What is wrong with a value of a space file, in the words of such files."""

from __future__ import annotations

import json
from typing import Any

#: pydantic's kinds of errors -> what is accepted; others are told in pydantic's words.
_ACCEPTED = {
    "tuple_type": "a list in square brackets is needed",
    "dict_type": "a table is needed",
    "model_type": "a table is needed",
    "bool_type": "true or false is needed",
    "string_type": "text in quotes is needed",
    "float_type": "a number is needed",
    "int_type": "a whole number is needed",
    "int_from_float": "a whole number is needed",
    "too_short": "the list needs {min_length} entries or more, and has {actual_length}",
    "too_long": "the list has {actual_length} entries, and may have {max_length}",
}


def explained(problem: Any) -> str:
    """Put one of pydantic's errors into words: what is accepted, and what came."""
    if problem["type"] in _ACCEPTED:
        message = _ACCEPTED[problem["type"]].format(**problem.get("ctx", {}))
    else:
        message = str(problem["msg"]).removeprefix("Value error, ")
        message = message[:1].lower() + message[1:]
    got = problem.get("input")
    if isinstance(got, bool):
        return f"{message}, got {json.dumps(got)}"
    return f"{message}, got {got!r}" if isinstance(got, str | int | float) else message
