"""Several activations for several targets: which files that makes, and what is left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from actsearch.errors import ActsearchError, BadInput, unknown
from actsearch.export.activation import Activation
from actsearch.export.targets import TARGETS, Files, Target, written


@dataclass(frozen=True)
class Piece:
    """One activation for one target: the files, by their names."""

    activation: Activation
    target: Target
    files: Files


def pieces(
    activations: Iterable[Activation],
    targets: Sequence[str] = ("torch",),
    *,
    left_out: Callable[[Activation, Target, ActsearchError], None] | None = None,
) -> tuple[Piece, ...]:
    """Return what is to be written of some activations; nothing is written yet.

    Args:
        activations: What to export.
        targets: Names of ``TARGETS``.
        left_out: Is told what can't be written for a target, and why; None: that is an error.

    Raises:
        Inexpressible: A target can't express one; as all that ``written`` raises, this is an error
            where there is no ``left_out``, or nothing at all can be written.
        BadInput: What a target is written with is not installed, or the name of an activation means
            something else in its language; or, whether there is a ``left_out`` or not, a target is
            unknown, or two activations have a file of the same name.
        ActsearchError: What is computed for one disagrees with its definition.
    """
    found: list[Piece] = []
    reasons: list[ActsearchError] = []
    for name in targets:
        if name not in TARGETS:
            raise unknown("target", name, TARGETS)
    for activation in activations:
        for name in targets:
            try:
                files = written(activation, TARGETS[name])
            except ActsearchError as reason:
                if left_out is None:
                    raise
                reasons.append(reason)
                left_out(activation, TARGETS[name], reason)
            else:
                found.append(Piece(activation, TARGETS[name], files))
    if reasons and not found:
        raise reasons[0]
    files_of(found)
    return tuple(found)


def files_of(pieces: Iterable[Piece]) -> dict[str, str | bytes]:
    """Return all files by their names.

    Raises:
        BadInput: Two have one name.
    """
    files: dict[str, str | bytes] = {}
    for piece in pieces:
        doubled = sorted(files.keys() & piece.files.keys())
        if doubled:
            raise BadInput(
                f"two activations would be written to {', '.join(doubled)}; give them other names"
            )
        files |= piece.files
    return files
