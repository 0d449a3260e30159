"""The activation function found, written by actsearch.

Formula: hardswish(x*tanh(1.7*x))
LaTeX: \\operatorname{hardswish}\\left(x \\cdot \\tanh\\left(1.7 \\cdot x\\right)\\right)
Derivative: (1.7*x*sech2(1.7*x) + tanh(1.7*x))*hardswish_d1(x*tanh(1.7*x))
Range on [-10, 10], at 20,001 points: 0 to 10
Limits: inf at -infinity, inf at infinity
Kinks on [-10, 10]: -3.00022, 3.00022

Gain: 1.34065: searches train it with initial weights of standard deviation gain / sqrt(fan_in)

run: real
birth: 1070
task: mnist1d-cnn
space: default
data: mnist1d, 4000 training samples, 4000 validation samples, digest
    b3bcc7eac4e2b1fe15d7ffa09f1f3a15
seed of the search: 0
seeds of the trainings: [0]
rung of the trainings: full
actsearch: 0.1.0
torch: 2.13.0+cpu
numpy: 2.4.6
python: 3.11.7
date: 2026-11-23
Licence: MIT

Measured: hardswish(x*tanh(1.7*x)) beats all 31 known activations: +0.70 points over the best of
    them, GELU; 95 % interval 0.50 to 0.90; 14 seeds. Measured on the test split with fresh seeds;
    ± is the standard error. Differences are this function's score minus the other's at the same
    seeds, with the 95 % interval of the single comparison.
Scores: test accuracy
    activation  mean ± standard error  n   difference [low, high]
    found       0.96732 ± 0.00052      24
    GELU        0.96102 ± 0.00069      24  0.007 [0.00497, 0.00903]
    GRAFS-GELU  0.95922 ± 0.00069      24  0.00839 [0.00594, 0.0108]
    ELiSH       0.95918 ± 0.00084      24  0.00827 [0.00546, 0.0111]
    AQuaSurF    0.95856 ± 0.00079      24  0.00943 [0.00657, 0.0123]
    ReLU        0.95719 ± 0.00099      24  0.0105 [0.00758, 0.0135]
    E-Swish     0.95623 ± 0.00087      14  0.0117 [0.00928, 0.0141]
    Leaky ReLU  0.95603 ± 0.00096      24  0.0119 [0.00895, 0.0149]
    SiLU        0.95561 ± 0.0011       14  0.0112 [0.00831, 0.014]
    EELU        0.95489 ± 0.0011       14  0.0123 [0.00981, 0.0148]
    Mish        0.95468 ± 0.00076      14  0.0123 [0.00906, 0.0156]

Needs torch alone. Test it by running it (pytest collects it, too); --bench shows what it costs.

found is plain operations, for tracing and compilers; found_fused saves only its arguments for the
backward; Found is the module; init_ draws weights as the searches do. timm takes the class as
act_layer=, torchvision as activation_layer=; register() names it for Hugging Face transformers.
"""

from __future__ import annotations

import copy
import ctypes
import functools
import io
import math
import os
import pickle
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from typing import Any

import torch
from torch import Tensor, fx, nn

METADATA: dict[str, Any] = {
    "formula": "hardswish(x*tanh(1.7*x))",
    "latex": "\\operatorname{hardswish}\\left(x \\cdot \\tanh\\left(1.7 \\cdot x\\right)\\right)",
    "derivative": "(1.7*x*sech2(1.7*x) + tanh(1.7*x))*hardswish_d1(x*tanh(1.7*x))",
    "inputs": ["x"],
    "parameters": {},
    "per_channel": False,
    "learned": {},
    "gain": 1.3406521561394793,
    "range_on_10": [0.0, 9.999999999999966],
    "limits": ["inf", "inf"],
    "kinks_on_10": [-3.000223, 3.000223],
    "steps_on_10": [],
    "provenance": {
        "run": "real",
        "birth": 1070,
        "task": "mnist1d-cnn",
        "space": "default",
        "data": "mnist1d, 4000 training samples, 4000 validation samples, digest b3bcc7eac4e2b1fe15d7ffa09f1f3a15",
        "seed of the search": 0,
        "seeds of the trainings": [0],
        "rung of the trainings": "full",
        "actsearch": "0.1.0",
        "torch": "2.13.0+cpu",
        "numpy": "2.4.6",
        "python": "3.11.7",
        "date": "2026-11-23",
    },
    "measured": {
        "sentence": "hardswish(x*tanh(1.7*x)) beats all 31 known activations: +0.70 points over the best of them, GELU; 95 % interval 0.50 to 0.90; 14 seeds. Measured on the test split with fresh seeds; ± is the standard error. Differences are this function's score minus the other's at the same seeds, with the 95 % interval of the single comparison.",
        "score": "test accuracy",
        "rows": [
            {
                "activation": "found",
                "mean": 0.9673229166666667,
                "standard_error": 0.0005174664727522981,
                "n": 24,
            },
            {
                "activation": "GELU",
                "mean": 0.9610208333333333,
                "standard_error": 0.0006923685760988008,
                "n": 24,
                "difference": 0.007,
                "low": 0.004969665171822169,
                "high": 0.009030334828177831,
            },
            {
                "activation": "GRAFS-GELU",
                "mean": 0.9592187499999999,
                "standard_error": 0.0006865214544553849,
                "n": 24,
                "difference": 0.008392857142857143,
                "low": 0.005939493441237138,
                "high": 0.010846220844477148,
            },
            {
                "activation": "ELiSH",
                "mean": 0.9591770833333334,
                "standard_error": 0.0008408823607530401,
                "n": 24,
                "difference": 0.008267857142857143,
                "low": 0.005455486098154392,
                "high": 0.011080228187559894,
            },
            {
                "activation": "AQuaSurF",
                "mean": 0.9585625000000001,
                "standard_error": 0.0007890283076606679,
                "n": 24,
                "difference": 0.009428571428571429,
                "low": 0.00656875018757437,
                "high": 0.012288392669568486,
            },
            {
                "activation": "ReLU",
                "mean": 0.9571875,
                "standard_error": 0.0009909291953968551,
                "n": 24,
                "difference": 0.01053125,
                "low": 0.0075830006848477275,
                "high": 0.013479499315152275,
            },
            {
                "activation": "E-Swish",
                "mean": 0.9562321428571429,
                "standard_error": 0.0008709538654789871,
                "n": 14,
                "difference": 0.011678571428571429,
                "low": 0.009282239752841048,
                "high": 0.01407490310430181,
            },
            {
                "activation": "Leaky ReLU",
                "mean": 0.95603125,
                "standard_error": 0.0009624179454012886,
                "n": 24,
                "difference": 0.011928571428571429,
                "low": 0.00895015519416105,
                "high": 0.014906987662981808,
            },
            {
                "activation": "SiLU",
                "mean": 0.9556071428571429,
                "standard_error": 0.001102480434438748,
                "n": 14,
                "difference": 0.01115625,
                "low": 0.00830812575911372,
                "high": 0.01400437424088628,
            },
            {
                "activation": "EELU",
                "mean": 0.9548928571428572,
                "standard_error": 0.0010912093445324678,
                "n": 14,
                "difference": 0.0123125,
                "low": 0.009810041851645987,
                "high": 0.014814958148354014,
            },
            {
                "activation": "Mish",
                "mean": 0.9546785714285715,
                "standard_error": 0.0007565776451389664,
                "n": 14,
                "difference": 0.0123125,
                "low": 0.009059702469181207,
                "high": 0.015565297530818794,
            },
        ],
    },
    "licence": "MIT",
}

#: Where learnable parameters start, and what the run that found it learned of them (means).
PARAMETERS: dict[str, float] = METADATA["parameters"]
LEARNED: dict[str, float] = METADATA["learned"]

#: The gain of the weights behind this function: 1/sqrt(E[f(z)^2]) of a standard normal z.
GAIN: float | None = 1.3406521561394793

_HALF = (torch.float16, torch.bfloat16)


def found(x: Tensor) -> Tensor:
    """Compute hardswish(x*tanh(1.7*x))."""
    dtype = x.dtype
    if not dtype.is_floating_point:
        raise TypeError(f"found takes floating-point tensors, got {dtype}")
    if dtype in _HALF:
        x = x.float()
    t1 = 1.7 * x
    t1 = torch.tanh(t1)
    t1 = x * t1
    t2 = t1 + 3.0
    t2 = torch.clamp_min(t2, 0.0)
    t2 = torch.clamp_max(t2, 6.0)
    t2 = t2 / 6.0
    t2 = t1 * t2
    y = t2
    return y if y.dtype == dtype else y.to(dtype)


def found_derivative(x: Tensor) -> Tensor:
    """Compute the derivative with respect to x: (1.7*x*sech2(1.7*x) +
    tanh(1.7*x))*hardswish_d1(x*tanh(1.7*x)).
    """
    dtype = x.dtype
    if not dtype.is_floating_point:
        raise TypeError(f"found takes floating-point tensors, got {dtype}")
    if dtype in _HALF:
        x = x.float()
    t1 = 1.7 * x
    t2 = torch.abs(t1)
    t2 = (-2.0) * t2
    t2 = torch.exp(t2)
    t3 = 1.0 + t2
    t2 = 4.0 * t2
    t3 = t3 * t3
    t3 = t2 / t3
    t3 = t1 * t3
    t1 = torch.tanh(t1)
    t3 = t3 + t1
    t1 = x * t1
    t2 = torch.abs(t1)
    t2 = t2 < 3.0
    t4 = t1 + 1.5
    t4 = t4 / 3.0
    t5 = t1 > 0.0
    t5 = t5.to(t1.dtype)
    t5 = torch.where(t2, t4, t5)
    t5 = t3 * t5
    y = t5
    return y if y.dtype == dtype else y.to(dtype)


class _Found(torch.autograd.Function):
    """The function with its own derivative: only its arguments are saved for the backward."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return found(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        return _gradients(ctx.saved_tensors, gradient, ctx.needs_input_grad)


def _gradients(saved: tuple[Tensor, ...], gradient: Tensor, needed: tuple[bool, ...]) -> Any:
    """Return the gradients of the arguments that were saved, None where one is not needed."""
    (x,) = saved
    gradients: list[Tensor | None] = [None] * 1
    if x.dtype in _HALF:
        (x,) = (x.float(),)
        gradient = gradient.float()
    if needed[0]:
        slope = gradient * found_derivative(x)
        slope = slope.sum_to_size(saved[0].shape)
        gradients[0] = slope.to(saved[0].dtype)
    return tuple(gradients)


class _FoundForwardMode(_Found):
    """The same with forward-mode derivatives, which torch.compile does not take."""

    @staticmethod
    def jvp(ctx: Any, *tangents: Tensor | None) -> Tensor:
        (x,) = ctx.saved_tensors
        terms = []
        if tangents[0] is not None:
            terms.append(tangents[0] * found_derivative(x))
        return functools.reduce(torch.add, terms)


def found_fused(x: Tensor, *, fused: bool | str = True) -> Tensor:
    """Compute the same with the derivative above as its backward, saving only the arguments.

    Args:
        x: Any shape and floating-point type; half precision is computed in float32.
        fused: True; or "native": on a CPU through C that is compiled once a process, where a
            compiler is found; False is the plain form.
    """
    if fused not in (True, False, "native"):
        raise ValueError(f'fused is True, False or "native", got {fused!r}')
    if fused is False or torch.jit.is_tracing():
        return found(x)
    # Parameters stay in float32 beside half precision: their gradients are sums.
    wide = torch.float32 if x.dtype in _HALF else x.dtype
    if torch.compiler.is_compiling():
        return _Found.apply(x)
    if fused == "native" and _fits_native((x,), ()):
        return _FoundNative.apply(x)
    return _FoundForwardMode.apply(x)


class Found(nn.Module):
    """found_fused as a module.

    Args:
        inplace: Accepted, as other activations have it, and without effect.
        fused: As in found_fused.
    """

    def __init__(self, inplace: bool = False, fused: bool | str = True) -> None:
        super().__init__()
        self.inplace, self.fused = inplace, fused

    def forward(self, x: Tensor) -> Tensor:
        return found_fused(x, fused=self.fused)

    def extra_repr(self) -> str:
        return str(METADATA["formula"])


# Symbolic tracing takes them as they are, without a look inside.
fx.wrap("found")
fx.wrap("found_fused")


def init_(
    module: nn.Module,
    gain: float | None = GAIN,
    input_scale: float = 1.0,
    generator: torch.Generator | None = None,
) -> nn.Module:
    """Draw the weights of a network with this activation as the search that found it did.

    The first linear or convolutional layer, which sees the data, gets N(0, 1/fan_in); all that
    follow, in the order of registration, N(0, gain^2/fan_in); their biases become 0. Other modules
    stay as they are, and so do networks' own tricks: a residual branch that should start at 0, or
    the last layer, is the caller's to scale afterwards.

    Measured in a random network of 10 layers of 256 units, in the weights of init_: the signal
    behind the last layer is 4.1 times that of the first, the gradient at the first 6.1 times that
    at the last. In the weights that torch draws by itself: the signal or the gradient grows
    beyond all numbers, or dies. Where these are far from 1, a network learns slowly, or not at
    all, unless it normalises.

    Args:
        module: Changed in place.
        gain: By default that of this function.
        input_scale: Root mean square of the data, 1 where they are standardised.
        generator: Of the random numbers; None: torch's global one.

    Returns:
        The module.

    Raises:
        ValueError: There is no gain.
    """
    if gain is None:
        raise ValueError("this function has no gain of its own: say gain=...")
    factor = 1.0 / input_scale
    for layer in module.modules():
        if not isinstance(layer, (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)):
            continue
        with torch.no_grad():
            deviation = factor / math.sqrt(layer.weight[0].numel())
            layer.weight.normal_(0.0, deviation, generator=generator)
            if layer.bias is not None:
                layer.bias.zero_()
        factor = gain
    return module


def register(name: str = "found") -> str:
    """Put the module into the table of Hugging Face transformers, for hidden_act="found".

    timm and torchvision take the class itself: act_layer=Found, activation_layer=Found.

    Raises:
        ImportError: transformers is not installed.
    """
    from transformers.activations import ACT2FN

    ACT2FN[name] = Found
    return name


# Arguments; the true value and its derivatives by the arguments, computed from the
# mathematical definition in high precision; by how many units of rounding, of the type
# that is computed in, each may be off.
_EXPECTED = (
    ((-0.001953125,), (3.242487769361529e-06, -0.003320302451653467), (0.00049, 0.77)),
    ((0.001953125,), (3.242487769361529e-06, 0.003320302451653467), (0.00049, 0.77)),
    ((-0.1298828125,), (0.014243283019242655, -0.21785183954653833), (2.1, 58.0)),
    ((0.1298828125,), (0.014243283019242655, 0.21785183954653833), (2.1, 58.0)),
    ((-0.5703125,), (0.24380973683142737, -0.7545974894355465), (25.0, 59.0)),
    ((0.5703125,), (0.24380973683142737, 0.7545974894355465), (25.0, 59.0)),
    ((-1.1015625,), (0.7093519893027522, -0.954600872595125), (91.0, 99.0)),
    ((1.1015625,), (0.7093519893027522, 0.954600872595125), (91.0, 99.0)),
    ((-1.8984375,), (1.5431465275787621, -1.1501652079041034), (120.0, 240.0)),
    ((1.8984375,), (1.5431465275787621, 1.1501652079041034), (120.0, 240.0)),
    ((-3.703125,), (3.7030997908659153, -1.0000789032342687), (260.0, 100.0)),
    ((3.703125,), (3.7030997908659153, 1.0000789032342687), (260.0, 100.0)),
    ((-8.6875,), (8.687499999997417, -1.0000000000084814), (830.0, 100.0)),
    ((8.6875,), (8.687499999997417, 1.0000000000084814), (830.0, 100.0)),
    ((-31.375,), (31.375, -1.0), (2100.0, 100.0)),
    ((31.375,), (31.375, 1.0), (2100.0, 100.0)),
    ((-2.0954757928848267e-09,), (3.732365978781349e-18, -3.562308847904205e-09), (5.9e-16, 1e-06)),
    ((2.0954757928848267e-09,), (3.732365978781349e-18, 3.562308847904205e-09), (5.9e-16, 1e-06)),
    ((-500.0,), (500.0, -1.0), (17000.0, 34.0)),
    ((500.0,), (500.0, 1.0), (17000.0, 34.0)),
    ((-61440.0,), (61440.0, -1.0), (2100000.0, 34.0)),
    ((61440.0,), (61440.0, 1.0), (2100000.0, 34.0)),
    ((-10023000064.0,), (10023000064.0, -1.0), (910000000000.0, 67.0)),
    ((10023000064.0,), (10023000064.0, 1.0), (910000000000.0, 67.0)),
    ((-1.004300013072108e+30,), (1.004300013072108e+30, -1.0), (3.4e+31, 34.0)),
    ((1.004300013072108e+30,), (1.004300013072108e+30, 1.0), (3.4e+31, 34.0)),
)
# The same, where the steps of the formula need the range or the digits of float64.
_WIDE = (
    ((-3.0110999598015462e+38,), (3.0110999598015462e+38, -1.0), (2.2e+40, 67.0)),
    ((3.0110999598015462e+38,), (3.0110999598015462e+38, 1.0), (2.2e+40, 67.0)),
)

# Digits (binary), smallest normal and largest number, and the unit of rounding of the type that is
# computed in: half precision is computed in float32 and rounded once.
_FORMATS = {
    "float64": (53, 2.0**-1022, (2.0 - 2.0**-52) * 2.0**1023, 2.0**-52),
    "float32": (24, 2.0**-126, (2.0 - 2.0**-23) * 2.0**127, 2.0**-23),
    "float16": (11, 2.0**-14, 65504.0, 2.0**-23),
    "bfloat16": (8, 2.0**-126, (2.0 - 2.0**-7) * 2.0**127, 2.0**-23),
}


def _holds(form, number):
    """Tell whether a format can represent a number."""
    digits, least, most, _ = _FORMATS[form]
    whole = math.ldexp(math.frexp(number)[0], digits).is_integer()
    return number == 0 or (least <= abs(number) <= most and whole)


def _misses(form, compute):
    """Return what is off in a format: arguments, which output, what came, what is true.

    ``compute`` takes one list an argument and returns one list of values, then one of derivatives
    for each argument. What the format cannot represent is passed over.
    """
    digits, least, most, eps = _FORMATS[form]
    given = _EXPECTED + (_WIDE if form == "float64" else ())
    rows = [row for row in given if all(_holds(form, number) for number in row[0])]
    missed = []
    if not rows:
        return missed
    for place, column in enumerate(compute(*map(list, zip(*(row[0] for row in rows))))):
        for got, (arguments, true, slack) in zip(column, rows):
            bound = eps * slack[place] + 2.0 ** (1 - digits) * abs(true[place]) + least
            if abs(true[place]) <= most and not abs(got - true[place]) <= bound:
                missed.append((arguments, place, got, true[place]))
    return missed


# ---- the same as C, compiled when it is first asked for ----

_C_SOURCE = r"""
#include <math.h>
#include <string.h>

#if defined(__GNUC__)
#define own_INLINE static inline __attribute__((always_inline, unused))
#else
#define own_INLINE static inline
#endif

/* The first value where all bits of the mask are set, the second where none is. */
own_INLINE float own_choosef(int mask, float yes, float no)
{
    int a, b;
    float chosen;
    memcpy(&a, &yes, sizeof a);
    memcpy(&b, &no, sizeof b);
    a = (a & mask) | (b & ~mask);
    memcpy(&chosen, &a, sizeof chosen);
    return chosen;
}

/* The same beside a number, which is not NaN; of equal zeros the first, with its sign. */
own_INLINE float own_at_leastf(float a, float number)
{
    return own_choosef(-(int)!(a < number), a, number);
}

own_INLINE float own_at_mostf(float a, float number)
{
    return own_choosef(-(int)!(a > number), a, number);
}

/* hardswish(x*tanh(1.7*x)) */
own_INLINE float ownf(float x)
{
    float y;
    const float t1 = (float)1.7 * x;
    const float t2 = tanhf(t1);
    const float t3 = x * t2;
    const float t4 = t3 + (float)3.0;
    const float t5 = own_at_leastf(t4, (float)0.0);
    const float t6 = own_at_mostf(t5, (float)6.0);
    const float t7 = t6 / (float)6.0;
    const float t8 = t3 * t7;
    y = t8;
    return y;
}

/* the derivative with respect to x: (1.7*x*sech2(1.7*x) + tanh(1.7*x))*hardswish_d1(x*tanh(1.7*x))
   */
own_INLINE float own_derivativef(float x)
{
    float y;
    const float t1 = (float)1.7 * x;
    const float t2 = fabsf(t1);
    const float t3 = (float)-2.0 * t2;
    const float t4 = expf(t3);
    const float t5 = (float)1.0 + t4;
    const float t6 = (float)4.0 * t4;
    const float t7 = t5 * t5;
    const float t8 = t6 / t7;
    const float t9 = t1 * t8;
    const float t10 = tanhf(t1);
    const float t11 = t9 + t10;
    const float t12 = x * t10;
    const float t13 = fabsf(t12);
    const int t14 = -(int)(t13 < (float)3.0);
    const float t15 = t12 + (float)1.5;
    const float t16 = t15 / (float)3.0;
    const int t17 = -(int)(t12 > (float)0.0);
    const float t18 = (float)-t17;
    const float t19 = own_choosef(t14, t16, t18);
    const float t20 = t11 * t19;
    y = t20;
    return y;
}

static inline void own_forwardf(
    const float *x_in, float *y_out, long n)
{
#if defined(__clang__)
#pragma clang loop vectorize(assume_safety)
#elif defined(__GNUC__)
#pragma GCC ivdep
#endif
    for (long i = 0; i < n; ++i) {
        const float x = x_in[i];
        float y;
        const float t1 = (float)1.7 * x;
        const float t2 = tanhf(t1);
        const float t3 = x * t2;
        const float t4 = t3 + (float)3.0;
        const float t5 = own_at_leastf(t4, (float)0.0);
        const float t6 = own_at_mostf(t5, (float)6.0);
        const float t7 = t6 / (float)6.0;
        const float t8 = t3 * t7;
        y = t8;
        y_out[i] = y;
    }
}

static inline void own_backwardf(
    const float *gradient, const float *x_in, float *gx, long n)
{
#if defined(__clang__)
#pragma clang loop vectorize(assume_safety)
#elif defined(__GNUC__)
#pragma GCC ivdep
#endif
    for (long i = 0; i < n; ++i) {
        const float g = gradient[i];
        const float x = x_in[i];
        float d0;
        const float t1 = (float)1.7 * x;
        const float t2 = fabsf(t1);
        const float t3 = (float)-2.0 * t2;
        const float t4 = expf(t3);
        const float t5 = (float)1.0 + t4;
        const float t6 = (float)4.0 * t4;
        const float t7 = t5 * t5;
        const float t8 = t6 / t7;
        const float t9 = t1 * t8;
        const float t10 = tanhf(t1);
        const float t11 = t9 + t10;
        const float t12 = x * t10;
        const float t13 = fabsf(t12);
        const int t14 = -(int)(t13 < (float)3.0);
        const float t15 = t12 + (float)1.5;
        const float t16 = t15 / (float)3.0;
        const int t17 = -(int)(t12 > (float)0.0);
        const float t18 = (float)-t17;
        const float t19 = own_choosef(t14, t16, t18);
        const float t20 = t11 * t19;
        d0 = t20;
        gx[i] = g * d0;
    }
}

#undef own_INLINE

#define PIECE 8192

typedef void (*act_parallel)(void (*)(void *), void *, unsigned, unsigned);
typedef int (*act_number)(void);

typedef struct {
    const float *gradient, *in[3], *parameters;
    float *out[3];
    double *sums;
    long planes, channels, inner, per_plane;
    act_number thread, threads;
} act_job;

/* One piece of one plane; of parameters by channel, those of the plane's. */
static void act_piece(const act_job *job, long piece)
{
    const long plane = piece / job->per_plane, begin = piece % job->per_plane * PIECE;
    const long left = job->inner - begin, offset = plane * job->inner + begin;
    const long n = left < PIECE ? left : PIECE;
    if (job->gradient) own_backwardf(job->gradient + offset, job->in[0] + offset, job->out[0] + offset, n);
    else own_forwardf(job->in[0] + offset, job->out[0] + offset, n);
}

static void act_share(void *data)
{
    const act_job *job = data;
    const long thread = job->thread(), threads = job->threads();
    const long n = job->planes * job->per_plane;
    for (long k = n * thread / threads; k < n * (thread + 1) / threads; ++k) act_piece(job, k);
}

void act_run(const float *gradient, const float *x, const float *u, const float *o,
             const float *parameters, float *out0, float *out1, float *out2, double *sums,
             long planes, long channels, long inner, long per_plane, act_parallel start,
             act_number thread, act_number threads, unsigned n_threads)
{
    const act_job job = {gradient, {x, u, o}, parameters, {out0, out1, out2}, sums,
                         planes, channels, inner, per_plane, thread, threads};
    if (start)
        start(act_share, (void *)&job, n_threads, 0);
    else
        for (long k = 0; k < planes * per_plane; ++k) act_piece(&job, k);
}
"""

# Flags, the fastest first. NaN and infinity stay right: -ffast-math does not promise them. Called
# functions stay as they are written, and __FAST_MATH__ only shows glibc's vector functions.
_COMMON = ("-w", "-shared", "-fPIC", "-fno-math-errno", "-fno-trapping-math")
_AS_WRITTEN = tuple(
    f"-fno-builtin-{name}{end}"
    for name in "sin cos exp expm1 log log1p sinh cosh tanh asinh atan erf erfc pow".split()
    for end in ("", "f")
)
_FAST = ("-O3", "-march=native", "-fopenmp-simd")
_PLANS = (
    ((*_FAST, "-fveclib=libmvec", *_COMMON), ("-lmvec", "-lm")),
    ((*_FAST, "-D__FAST_MATH__", *_AS_WRITTEN, *_COMMON), ("-lmvec", "-lm")),
    ((*_FAST, *_COMMON), ("-lm",)),
    (("-O2", *_COMMON), ("-lm",)),
)


@functools.cache
def _library() -> Any:
    """Return the compiled C, or None with a warning that says why there is none."""
    usual = next(([one] for one in ("cc", "gcc", "clang") if shutil.which(one)), [])
    reason = "no C compiler is found (cc, gcc or clang; CC names another)"
    try:
        asked = shlex.split(os.environ.get("CC", ""))
        plans = _PLANS if asked or usual else ()
        # A folder of our own, which nobody else can write to, and gone once the code is loaded.
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            source = os.path.join(folder, "source.c")
            with open(source, "w", encoding="utf-8") as file:
                file.write(_C_SOURCE)
            for number, (flags, libraries) in enumerate(plans):
                target = os.path.join(folder, f"library{number}.so")
                command = [*(asked or usual), *flags, "-o", target, source, *libraries]
                done = subprocess.run(command, capture_output=True, text=True, timeout=120)
                if done.returncode:
                    reason = (done.stderr.strip().splitlines() or ["it failed"])[0][:200]
                    continue
                library = ctypes.CDLL(target)
                if _is_right(library):
                    return library
                reason = "what it computes differs from plain torch"
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        reason = str(error)
    warnings.warn(f"found: plain torch takes the place of native code: {reason}", stacklevel=4)
    return None


def _is_right(library: Any) -> bool:
    """Hold compiled code against the constants of the self-test, in float32.

    They stand in so many copies that all pieces and threads have work; each point is looked at in
    another copy.
    """

    def compute(*columns: list[float]) -> list[list[float]]:
        n = len(columns[0])
        copies = 2 * 32768 // n
        inputs = [torch.tensor(one, dtype=torch.float32, device="cpu") for one in columns]
        parameters = [torch.tensor(one, device="cpu") for one in PARAMETERS.values()]
        many = [one.repeat(copies) for one in inputs]
        (value,), _ = _run(library, many, parameters)
        slopes, _ = _run(library, many, parameters, torch.ones_like(value))
        rows = [copies * k // n for k in range(n)]
        return [one.reshape(copies, n)[rows, range(n)].tolist() for one in (value, *slopes)]

    return not _misses("float32", compute)


@functools.cache
def _threads() -> tuple[Any, ...] | None:
    """Return the entry points of torch's own thread pool: a second one would fight it."""
    try:
        torch_cpu = os.path.join(os.path.dirname(torch.__file__), "lib", "libtorch_cpu.so")
        library = ctypes.CDLL(torch_cpu)
        names = ("GOMP_parallel", "omp_get_thread_num", "omp_get_num_threads")
        return tuple(ctypes.cast(getattr(library, one), ctypes.c_void_p) for one in names)
    except (OSError, AttributeError):
        return None


def _run(
    library: Any, inputs: list[Tensor], parameters: list[Tensor], gradient: Tensor | None = None
) -> tuple[list[Tensor], Tensor | None]:
    """Run the C over tensors of one shape: the value, or with a gradient those of the arguments.

    Returns the results, and sums for the parameters, of shape (parameters, channels).
    """
    first = inputs[0]
    channels = max([p.numel() for p in parameters], default=1)
    planes = first.shape[0] * channels if channels > 1 else 1
    inner = first.numel() // planes
    per_plane = -(-inner // 8192)
    outs = [torch.empty_like(one) for one in (inputs if gradient is not None else [first])]
    rows = [p.detach().float().reshape(-1).expand(channels) for p in parameters]
    packed = torch.stack(rows or [torch.zeros(1, device="cpu")])
    size = (planes * per_plane, len(parameters))
    sums = torch.zeros(size, dtype=torch.float64, device="cpu")
    pool = _threads() if first.numel() >= 32768 and torch.get_num_threads() > 1 else None
    pointers = [gradient, *inputs, *[None] * (3 - len(inputs)), packed]
    pointers += [*outs, *[None] * (3 - len(outs)), sums]
    library.act_run(
        *(None if one is None else ctypes.c_void_p(one.data_ptr()) for one in pointers),
        *(ctypes.c_long(size) for size in (planes, channels, inner, per_plane)),
        *(pool or (None, None, None)),
        ctypes.c_uint(torch.get_num_threads()),
    )
    if gradient is None or not parameters:
        return outs, None
    return outs, sums.reshape(-1, channels, per_plane, len(parameters)).sum((0, 2)).T


class _FoundNative(_Found):
    """The same through C; second derivatives come from plain torch."""

    generate_vmap_rule = False

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        (out,), _ = _run(_library(), [one.float() for one in (x,)], [])
        return out.to(x.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        saved = ctx.saved_tensors
        inputs, parameters = saved[:1], saved[1:]
        # What was saved may come back otherwise: hooks may have moved or compressed it.
        fits = _plain_memory(gradient) and _fits_native(inputs, parameters)
        if torch.is_grad_enabled() or not fits:
            return _gradients(saved, gradient, ctx.needs_input_grad)
        wide = [one.float() for one in inputs]
        if gradient.dtype != torch.float32 or gradient.stride() != wide[0].stride():
            gradient = torch.empty_like(wide[0]).copy_(gradient)
        outs, sums = _run(_library(), wide, list(parameters), gradient)
        gradients = [out.to(one.dtype) for out, one in zip(outs, inputs)]
        for k, parameter in enumerate(parameters):
            own = sums[k] if parameter.numel() > 1 else sums[k].sum()  # type: ignore[index]
            gradients.append(own.reshape(parameter.shape).to(parameter.dtype))
        return tuple(gradients)


def _plain_memory(tensor: Tensor) -> bool:
    """Tell whether a tensor is numbers in memory that C can read."""
    if type(tensor) not in (Tensor, nn.Parameter) or tensor.device.type != "cpu":
        return False
    if getattr(torch._C, "_are_functorch_transforms_active", lambda: True)() or tensor.is_neg():
        return False
    try:
        tensor.data_ptr()
    except RuntimeError:  # a batch of gradients under way, as for a Jacobian
        return False
    return tensor.dtype in (torch.float32, *_HALF)


def _fits_native(inputs: tuple[Tensor, ...], parameters: tuple[Tensor, ...]) -> bool:
    """Tell whether the C takes these tensors; plain torch takes all others."""
    from torch.autograd import forward_ad

    x = inputs[0]
    if getattr(forward_ad, "_current_level", -1) >= 0 or not all(map(_plain_memory, (*inputs, *parameters))):
        return False
    dense = x.is_contiguous() or x.is_contiguous(memory_format=torch.channels_last)
    if any(p.numel() != 1 or p.dim() > x.dim() for p in parameters):
        # One value a channel, in planes that are long enough for a loop.
        form = (x.shape[1], *(1,) * (x.dim() - 2)) if x.dim() > 2 else ()
        if not x.is_contiguous() or not form or any(p.shape != form for p in parameters):
            return False
        dense = x.numel() >= 64 * x.shape[0] * x.shape[1] > 0
    return (
        dense
        and x.numel() > 0
        and all(one.shape == x.shape and one.stride() == x.stride() for one in inputs)
        and all(one.dtype == x.dtype for one in inputs)
        and _library() is not None
    )





# ---- the self-test: python THIS_FILE, or pytest THIS_FILE ----

# Inputs apart from kinks, for finite differences.
_SMOOTH = (
    (-0.1298828125,),
    (0.1298828125,),
    (-0.5703125,),
    (0.5703125,),
    (-1.1015625,),
    (1.1015625,),
    (-1.8984375,),
    (1.8984375,),
)

_DTYPES = (torch.float64, torch.float32, torch.bfloat16, torch.float16)
_SLOPES = (found_derivative,)


def _module() -> Found:
    return Found()


def _example() -> tuple[Tensor, ...]:
    ramp = torch.linspace(-3, 3, 30).reshape(2, 3, 5)
    return tuple(ramp + 0.1 * k for k in range(1))


def _quiet() -> Any:
    """Pass over what torch warns of in its own code."""
    return warnings.catch_warnings(action="ignore")


def test_values_and_derivatives() -> None:
    for function in (found, found_fused):
        for dtype in _DTYPES:

            def compute(*columns: list[float]) -> list[list[float]]:
                inputs = [torch.tensor(column, dtype=dtype) for column in columns]
                got = [one(*inputs) for one in (function, *_SLOPES)]
                assert all(one.dtype == dtype for one in got)
                return [one.tolist() for one in got]

            missed = _misses(str(dtype).removeprefix("torch."), compute)
            assert not missed, (dtype, missed)


def test_gradients() -> None:
    """The fused form against the derivatives, and against differences, up to the second order."""
    if not _SMOOTH:
        return
    columns = [torch.tensor(column, dtype=torch.float64) for column in zip(*_SMOOTH)]
    columns += [torch.tensor(start, dtype=torch.float64) for start in PARAMETERS.values()]
    inputs = tuple(column.requires_grad_() for column in columns)
    got = torch.autograd.grad(found_fused(*inputs).sum(), inputs)
    for one, slope in zip(got, _SLOPES):
        torch.testing.assert_close(one, slope(*inputs))
    close: dict[str, Any] = {"atol": 1e-4, "rtol": 1e-3}
    with _quiet():
        assert torch.autograd.gradcheck(found_fused, inputs, check_forward_ad=True, **close)
    assert torch.autograd.gradgradcheck(found_fused, inputs, **close)


def test_shapes() -> None:
    module = _module()
    for shape in ((), (0,), (3,), (2, 3, 4, 5)):
        x = torch.randn(shape)
        assert module(*[x] * 1).shape == x.shape
    x = torch.randn(4, 3, 2, 5)
    expected = module(*[x] * 1)
    for other in (x.to(memory_format=torch.channels_last), x.mT.contiguous().mT):
        assert not other.is_contiguous()
        torch.testing.assert_close(module(*[other] * 1), expected, equal_nan=True)


def test_special_values() -> None:
    """Both zeros are one argument, and NaN in any input comes out as NaN."""
    for dtype in _DTYPES:
        for function in (found, found_fused):
            others = [torch.full((2,), 0.5, dtype=dtype)] * (1 - 1)
            both = function(torch.tensor([0.0, -0.0], dtype=dtype), *others)
            assert both[0] == both[1] or not True
            for place in range(1):
                inputs = [torch.full((3,), 0.5, dtype=dtype) for _ in range(1)]
                inputs[place][1] = math.nan
                assert function(*inputs).isnan()[1]


def test_transforms() -> None:
    if not _SMOOTH:
        return
    x, *others = [torch.tensor(column, dtype=torch.float64) for column in zip(*_SMOOTH)]
    slopes = _SLOPES[0](x, *others)
    got = torch.func.vmap(torch.func.grad(found_fused))(x, *others)
    torch.testing.assert_close(got, slopes)

    def total(v: Tensor) -> Tensor:
        return found_fused(v, *others).sum()

    with _quiet():
        curvature = torch.func.hessian(total)(x)
    finite = curvature.diagonal().isfinite()  # some pass through infinite steps
    block = curvature[finite][:, finite]
    torch.testing.assert_close(block, torch.diag(block.diagonal()))
    step = 1e-6
    differences = (_SLOPES[0](x + step, *others) - _SLOPES[0](x - step, *others)) / (2 * step)
    torch.testing.assert_close(block.diagonal(), differences[finite], rtol=1e-3, atol=1e-4)


def test_tracing() -> None:
    module, example = _module(), _example()
    expected = module(*example)
    symbolic = fx.symbolic_trace(module)
    torch.testing.assert_close(symbolic(*example), expected, equal_nan=True)
    program = torch.export.export(module, example)
    torch.testing.assert_close(program.module()(*example), expected, equal_nan=True)
    with _quiet():  # which is on its way out, and still in use
        traced = torch.jit.trace(module, example)
        torch.testing.assert_close(traced(*example), expected, equal_nan=True)
    _same_when_compiled(torch.compile(module, fullgraph=True, backend="aot_eager"))


def test_compiled() -> None:
    """Through torch.compile's own compiler, where this machine has what it needs."""
    if sys.platform != "win32" and (shutil.which("g++") or shutil.which("clang++")):
        _same_when_compiled(torch.compile(_module(), fullgraph=True))


def _same_when_compiled(compiled: Any) -> None:
    gradients = []
    for one in (compiled, _module()):
        inputs = [x.clone().requires_grad_() for x in _example()]
        with _quiet():
            result = one(*inputs)
            result.sum().backward()
        gradients.append((result, *(x.grad for x in inputs)))
    for got, expected in zip(*gradients):
        torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5, equal_nan=True)


def test_native() -> None:
    """The C against plain torch, in one and in several dimensions; plain torch where none is."""
    module, other = _module(), _module()
    other.fused = "native"
    for shape in ((2, 3, 40, 500), (2, 3, 40, 50), (5, 3), (4, 3, 17)):
        x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
        results = []
        for one in (module, other):
            one.zero_grad()
            inputs = [(x + 0.1 * k).requires_grad_() for k in range(1)]
            result = one(*inputs)
            (result * torch.linspace(0, 1, x.numel()).reshape(shape)).sum().backward()
            got = [result, *(v.grad for v in inputs), *(p.grad for p in one.parameters())]
            results.append(got)
        for got, expected in zip(*results):
            assert got.shape == expected.shape
            # Where terms cancel, or tie, both are rounded, and differently; sums add that up. True
            # values are held above.
            slack = 1e-3 * x.numel() / got.numel()
            alike = torch.isclose(got, expected, rtol=1e-3, atol=slack, equal_nan=True)
            assert alike.double().mean() > 0.999


def test_copies() -> None:
    module, example = _module(), _example()
    for copied in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        torch.testing.assert_close(copied(*example), module(*example), equal_nan=True)
    saved = io.BytesIO()
    torch.save(module.state_dict(), saved)
    saved.seek(0)
    _module().load_state_dict(torch.load(saved, weights_only=True))
    assert METADATA["formula"] in repr(module)


def test_initialisation() -> None:
    if GAIN is None:
        return
    network = nn.Sequential(nn.Linear(40, 500), nn.Linear(500, 400))
    init_(network, generator=torch.Generator().manual_seed(0))
    for layer, gain in zip(network, (1.0, GAIN)):
        assert isinstance(layer, nn.Linear)
        assert abs(layer.weight.std().item() * layer.in_features**0.5 / gain - 1) < 0.05
        assert layer.bias.abs().max() == 0


def measure(n: int = 1_000_000, repeats: int = 30) -> dict[str, tuple[float, float]]:
    """Return the seconds of forward and backward, and how many tensors of n are kept in between.

    Of the module in each of its forms, its parameters learning, and of PyTorch's own: medians.
    """
    side = round(n ** (1 / 3))
    shape = (side, side, n // side**2)
    own = [torch.randn(shape) for _ in range(1)]
    cases: dict[str, tuple[Any, list[Tensor]]] = {
        label: (Found(fused=fused), own)
        for label, fused in (("plain", False), ("fused", True), ("native", "native"))
    }
    for label, function in (("silu", nn.functional.silu), ("mish", nn.functional.mish)):
        cases[f"torch {label}"] = (function, own[:1])
    ones, kept = torch.ones(shape), {}
    for label, (function, tensors) in cases.items():
        saved: dict[int, int] = {}

        def keep(tensor: Tensor, saved: dict[int, int] = saved) -> Tensor:
            if tensor.numel() > side:
                memory = tensor.untyped_storage()
                saved[memory.data_ptr()] = memory.nbytes()
            return tensor

        inputs = [x.clone().requires_grad_() for x in tensors]
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            function(*inputs).backward(ones)
        kept[label] = sum(saved.values()) / (4 * ones.numel())
    times: dict[str, list[float]] = {label: [] for label in cases}
    for _ in range(repeats):  # in turn, so that what else the machine does meets all alike
        for label, (function, tensors) in cases.items():
            inputs = [x.detach().requires_grad_() for x in tensors]
            begin = time.perf_counter()
            function(*inputs).backward(ones)
            times[label].append(time.perf_counter() - begin)
    return {label: (sorted(spent)[repeats // 2], kept[label]) for label, spent in times.items()}


def bench() -> None:
    """Print the time of forward and backward beside PyTorch's own, and what is kept in between."""
    measured = measure()
    plain, mish = measured["plain"][0], measured["torch mish"][0]
    print(f"found: forward and backward, 1M float32, {torch.get_num_threads()} threads, medians")
    print(f"{'form':<12}{'ms':>8}{'speed, plain = 1':>18}{'mish = 1':>10}{'tensors kept':>14}")
    for label, (median, kept) in measured.items():
        speeds = f"{plain / median:>18.2f}{mish / median:>10.2f}"
        print(f"{label:<12}{1e3 * median:>8.2f}{speeds}{kept:>14.1f}")


if __name__ == "__main__":
    if sys.argv[1:] == ["--bench"]:
        bench()
        sys.exit()
    for _name, _case in list(globals().items()):
        if _name.startswith("test_"):
            _case()
    print(f"found: {METADATA['formula']}: all tests passed")
