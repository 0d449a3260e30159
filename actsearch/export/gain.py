"""The gain of initial weights behind a function: the one that searches train it with.

1 / sqrt(E[f(z)^2]) for a standard normal z, and for f(x, u) of two independent ones (He et al.
2015, eq. 10, with f in ReLU's place). It is computed here from the formula, on the grid on which
``tasks.initialisation`` measures a module, and within the same limits.
"""

from __future__ import annotations

import math

import numpy as np

from actsearch.expressions import Expression

_LIMITS = (1 / 32, 32.0)


def gain(expression: Expression) -> float | None:
    """Return the gain; None for a function of ``o``, whose distribution depends on the data.

    Points where the function is not finite are left out.
    """
    if "o" in expression.inputs:
        return None
    n_inputs = len(expression.inputs)
    z = np.linspace(-6.0, 6.0, 6001 if n_inputs == 1 else 601)
    points = np.stack(np.meshgrid(*[z] * n_inputs, indexing="ij")).reshape(n_inputs, -1)
    density = np.exp(-0.5 * (points**2).sum(axis=0))
    others = dict(zip(expression.inputs[1:], points[1:], strict=True))
    values = expression.evaluate(points[0], others, dtype=np.float32)
    finite = np.isfinite(values)
    if not finite.any():
        return 1.0
    moment = float((density * values**2)[finite].sum() / density[finite].sum())
    low, high = _LIMITS
    return high if moment <= 1 / high**2 else max(low, 1 / math.sqrt(moment))
