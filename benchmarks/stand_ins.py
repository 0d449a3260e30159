"""Stand-ins of the known activations: how far off they are, and how fast beside the exact function.

Ratios say how many times as fast the stand-in is, float32, one thread: with vectors, and one number
after the other, as a small device computes. Maximum errors are those on [-8, 8].
"""

from __future__ import annotations

import argparse

from actsearch.errors import BadInput
from actsearch.export.approximate import KINDS, approximate, speed
from actsearch.expressions import KNOWN, parse


def row(name: str, *, timed: bool) -> str:
    """Return a row of the table: error, and ratios of speed, of each kind."""
    cells = [name]
    for kind in KINDS:
        try:
            stand_in = approximate(parse(KNOWN[name]), kind)
        except BadInput as reason:
            cells += [f"refused: {reason}", ""]
            continue
        missed = "" if stand_in.reaches else " *"
        ratios = " / ".join(f"{pace.ratio:.1f}" for pace in speed(stand_in)) if timed else "-"
        cells += [f"{stand_in.errors.window[0]:.2g}{missed}", ratios]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="known activations; all by default")
    parser.add_argument("--no-speed", action="store_true", help="errors alone")
    options = parser.parse_args()
    heads = ["function", *(head for kind in KINDS for head in (kind, "times as fast"))]
    print(f"| {' | '.join(heads)} |")
    print(f"|{'---|' * len(heads)}")
    for name in options.names or KNOWN:
        print(row(name, timed=not options.no_speed), flush=True)
    print("\n* not as close as the default asks for (hard: 0.01 with at most 8 pieces)")


if __name__ == "__main__":
    main()
