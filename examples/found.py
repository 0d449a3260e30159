"""The activation function found, written by actsearch.

Formula: sigmoid(relu(x))*(x*tanh(1.7*x))
LaTeX: \\sigma\\left(\\operatorname{ReLU}\\left(x\\right)\\right) \\cdot \\left(x \\cdot
    \\tanh\\left(1.7 \\cdot x\\right)\\right)
Derivative: (1.7*x*sech2(1.7*x) + tanh(1.7*x))*sigmoid(relu(x)) +
    x*tanh(1.7*x)*(sigmoid(relu(x))*sigmoid(-relu(x)))*step(x)
Range on [-10, 10]: 0 to 9.99955
Limits: inf at -infinity, inf at infinity
Kinks on [-10, 10]: none

Gain: 1.52729: the search trained it with initial weights of standard deviation gain /
    sqrt(fan_in)

run: placeholder
Licence: MIT

Needs torch alone. Test it by running it (pytest collects it, too); --bench shows what it costs.

found is plain operations, for tracing and compilers; found_fused saves only its arguments for the
backward; Found is the module, for act_layer= and activation_layer= of timm and torchvision; init_
draws the weights it was trained with, and register() names it for Hugging Face transformers.
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
from torch import Tensor, nn

METADATA: dict[str, Any] = {
    "formula": "sigmoid(relu(x))*(x*tanh(1.7*x))",
    "latex": "\\sigma\\left(\\operatorname{ReLU}\\left(x\\right)\\right) \\cdot \\left(x \\cdot \\tanh\\left(1.7 \\cdot x\\right)\\right)",
    "derivative": "(1.7*x*sech2(1.7*x) + tanh(1.7*x))*sigmoid(relu(x)) + x*tanh(1.7*x)*(sigmoid(relu(x))*sigmoid(-relu(x)))*step(x)",
    "inputs": ["x"],
    "parameters": {},
    "per_channel": False,
    "learned": {},
    "gain": 1.52728643681097,
    "range_on_10": [0.0, 9.999546021312943],
    "limits": ["inf", "inf"],
    "kinks_on_10": [],
    "provenance": {"run": "placeholder"},
    "measured": {},
    "licence": "MIT",
}

#: Where learnable parameters start, and what the run that found it learned of them (means).
PARAMETERS: dict[str, float] = METADATA["parameters"]
LEARNED: dict[str, float] = METADATA["learned"]

#: The gain of the weights behind this function: 1/sqrt(E[f(z)^2]) of a standard normal z.
GAIN: float | None = 1.52728643681097

_HALF = (torch.float16, torch.bfloat16)


def found(x: Tensor) -> Tensor:
    """Compute sigmoid(relu(x))*(x*tanh(1.7*x))."""
    dtype = x.dtype
    if dtype in _HALF:
        x = x.float()
    t1 = torch.clamp_min(x, 0.0)
    t1 = torch.sigmoid(t1)
    t2 = 1.7 * x
    t2 = torch.tanh(t2)
    t2 = x * t2
    t2 = t1 * t2
    y = t2
    return y if y.dtype == dtype else y.to(dtype)


def found_derivative(x: Tensor) -> Tensor:
    """Compute the derivative with respect to x: (1.7*x*sech2(1.7*x) +
    tanh(1.7*x))*sigmoid(relu(x)) + x*tanh(1.7*x)*(sigmoid(relu(x))*sigmoid(-relu(x)))*step(x).
    """
    dtype = x.dtype
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
    t2 = torch.clamp_min(x, 0.0)
    t4 = torch.sigmoid(t2)
    t3 = t3 * t4
    t1 = x * t1
    t2 = -t2
    t2 = torch.sigmoid(t2)
    t2 = t4 * t2
    t2 = t1 * t2
    t1 = x > 0.0
    t1 = t1.to(x.dtype)
    t1 = t2 * t1
    t1 = t3 + t1
    y = t1
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
        (x,) = ctx.saved_tensors
        gradients: list[Tensor | None] = [None] * 1
        if ctx.needs_input_grad[0]:
            slope = gradient * found_derivative(x)
            gradients[0] = slope.sum_to_size(x.shape).to(x.dtype)
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
    if fused is False or torch.jit.is_tracing():
        return found(x)
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

    Measured in a random network of 10 layers of 256 units: the signal behind the last one is 1.6
    times that of the first, and the gradient at the first 2.5 times that at the last; with the
    weights that torch draws by itself, 0 times and 0 times. Where these are far from 1, a network
    without init_ learns slowly, or not at all, unless it normalises.

    Args:
        module: Changed in place.
        gain: By default that of this function.
        input_scale: Root mean square of the data, 1 where they are standardised.
        generator: Of the random numbers; None: torch's global one.

    Returns:
        The module.
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
    """
    from transformers.activations import ACT2FN

    ACT2FN[name] = Found
    return name


# Arguments; the true value and its derivatives by the arguments, computed from the
# mathematical definition in high precision; by how many units of rounding, of the type
# that is computed in, each may be off.
_EXPECTED = (
    ((-0.001953125,), (3.242480760240542e-06, -0.003320288097026436), (0.00049, 0.77)),
    ((0.001953125,), (3.2456472443513664e-06, 0.003325151803674422), (0.00049, 0.77)),
    ((-0.1298828125,), (0.014110544704667704, -0.21382885080201885), (2.0, 58.0)),
    ((0.1298828125,), (0.015025617277454068, 0.23472130958614468), (2.1, 67.0)),
    ((-0.5703125,), (0.21343894733768212, -0.5874249931877592), (24.0, 87.0)),
    ((0.5703125,), (0.27270465927072046, 0.8490269217010143), (43.0, 96.0)),
    ((-1.1015625,), (0.5253540621937614, -0.5613740338230649), (51.0, 86.0)),
    ((1.1015625,), (0.7886118790745177, 1.039398716465594), (94.0, 170.0)),
    ((-1.8984375,), (0.9462369502425488, -0.5085515356829887), (99.0, 84.0)),
    ((1.8984375,), (1.6459121421034537, 1.099027725717944), (190.0, 100.0)),
    ((-3.703125,), (1.8515498954329577, -0.5000394516171344), (130.0, 50.0)),
    ((3.703125,), (3.6140270841729834, 1.0629536440677674), (390.0, 170.0)),
    ((-8.6875,), (4.343749999998709, -0.5000000000042407), (410.0, 50.0)),
    ((8.6875,), (8.686034829197137, 1.0012962709496807), (830.0, 100.0)),
    ((-31.375,), (15.6875, -0.5), (1600.0, 50.0)),
    ((31.375,), (31.374999999999257, 1.0000000000007188), (3200.0, 100.0)),
    ((-2.0954757928848267e-09,), (3.732365978781349e-18, -3.562308847904205e-09), (5.9e-16, 1e-06)),
    ((2.0954757928848267e-09,), (3.73236598269189e-18, 3.562308853502754e-09), (5.9e-16, 1e-06)),
    ((-500.0,), (250.0, -0.5), (8400.0, 17.0)),
    ((500.0,), (500.0, 1.0), (17000.0, 34.0)),
    ((-61440.0,), (30720.0, -0.5), (1000000.0, 17.0)),
    ((61440.0,), (61440.0, 1.0), (2100000.0, 34.0)),
    ((-10023000064.0,), (5011500032.0, -0.5), (460000000000.0, 50.0)),
    ((10023000064.0,), (10023000064.0, 1.0), (910000000000.0, 100.0)),
    ((-1.004300013072108e30,), (5.02150006536054e29, -0.5), (1.7e31, 17.0)),
    ((1.004300013072108e30,), (1.004300013072108e30, 1.0), (3.4e31, 34.0)),
)
# The same, where the steps of the formula need the range or the digits of float64.
_WIDE = (
    ((-3.0110999598015462e38,), (1.5055499799007731e38, -0.5), (1.6e40, 50.0)),
    ((3.0110999598015462e38,), (3.0110999598015462e38, 1.0), (3.3e40, 100.0)),
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

/* sigmoid(relu(x))*(x*tanh(1.7*x)) */
own_INLINE float ownf(float x)
{
    float y;
    const float t1 = own_at_leastf(x, (float)0.0);
    const float t2 = (float)1 / ((float)1 + expf(-t1));
    const float t3 = (float)1.7 * x;
    const float t4 = tanhf(t3);
    const float t5 = x * t4;
    const float t6 = t2 * t5;
    y = t6;
    return y;
}

/* the derivative with respect to x: (1.7*x*sech2(1.7*x) + tanh(1.7*x))*sigmoid(relu(x)) +
   x*tanh(1.7*x)*(sigmoid(relu(x))*sigmoid(-relu(x)))*step(x) */
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
    const float t12 = own_at_leastf(x, (float)0.0);
    const float t13 = (float)1 / ((float)1 + expf(-t12));
    const float t14 = t11 * t13;
    const float t15 = x * t10;
    const float t16 = -t12;
    const float t17 = (float)1 / ((float)1 + expf(-t16));
    const float t18 = t13 * t17;
    const float t19 = t15 * t18;
    const int t20 = -(int)(x > (float)0.0);
    const float t21 = (float)-t20;
    const float t22 = t19 * t21;
    const float t23 = t14 + t22;
    y = t23;
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
        const float t1 = own_at_leastf(x, (float)0.0);
        const float t2 = (float)1 / ((float)1 + expf(-t1));
        const float t3 = (float)1.7 * x;
        const float t4 = tanhf(t3);
        const float t5 = x * t4;
        const float t6 = t2 * t5;
        y = t6;
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
        const float t12 = own_at_leastf(x, (float)0.0);
        const float t13 = (float)1 / ((float)1 + expf(-t12));
        const float t14 = t11 * t13;
        const float t15 = x * t10;
        const float t16 = -t12;
        const float t17 = (float)1 / ((float)1 + expf(-t16));
        const float t18 = t13 * t17;
        const float t19 = t15 * t18;
        const int t20 = -(int)(x > (float)0.0);
        const float t21 = (float)-t20;
        const float t22 = t19 * t21;
        const float t23 = t14 + t22;
        d0 = t23;
        gx[i] = g * d0;
    }
}

#undef own_INLINE

#define PIECE 8192

typedef struct {
    const float *gradient, *in[3], *parameters;
    float *out[3];
    double *sums;
    long planes, channels, inner, per_plane;
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

typedef void (*act_parallel)(void (*)(void *), void *, unsigned, unsigned);
typedef int (*act_number)(void);
static act_number act_thread, act_threads;

static void act_share(void *data)
{
    const act_job *job = data;
    const long thread = act_thread(), threads = act_threads(), n = job->planes * job->per_plane;
    for (long k = n * thread / threads; k < n * (thread + 1) / threads; ++k) act_piece(job, k);
}

void act_run(const float *gradient, const float *x, const float *u, const float *o,
             const float *parameters, float *out0, float *out1, float *out2, double *sums,
             long planes, long channels, long inner, long per_plane, act_parallel start,
             act_number thread, act_number threads, unsigned n_threads)
{
    const act_job job = {gradient, {x, u, o}, parameters, {out0, out1, out2}, sums,
                         planes, channels, inner, per_plane};
    if (start) {
        act_thread = thread;
        act_threads = threads;
        start(act_share, (void *)&job, n_threads, 0);
    } else
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
    asked = shlex.split(os.environ.get("CC", ""))
    usual = next(([one] for one in ("cc", "gcc", "clang") if shutil.which(one)), [])
    reason = "no C compiler is found (cc, gcc or clang; CC names another)"
    if asked or usual:
        # A folder of our own, which nobody else can write to, and gone once the code is loaded.
        with tempfile.TemporaryDirectory() as folder:
            source, target = os.path.join(folder, "source.c"), os.path.join(folder, "library.so")
            with open(source, "w", encoding="utf-8") as file:
                file.write(_C_SOURCE)
            for flags, libraries in _PLANS:
                command = [*(asked or usual), *flags, "-o", target, source, *libraries]
                try:
                    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
                    if done.returncode == 0:
                        library = ctypes.CDLL(target)
                        if _is_right(library):
                            return library
                        reason = "what it computes differs from plain torch"
                        break
                    reason = (done.stderr.strip().splitlines() or ["it failed"])[0][:200]
                except (OSError, subprocess.SubprocessError) as error:
                    reason = str(error)
    warnings.warn(f"found: plain torch takes the place of native code: {reason}", stacklevel=4)
    return None


def _is_right(library: Any) -> bool:
    """Hold compiled code against the constants of the self-test, in float32."""

    def compute(*columns: list[float]) -> list[list[float]]:
        inputs = [torch.tensor(column) for column in columns]
        parameters = [torch.tensor(start) for start in PARAMETERS.values()]
        (value,), _ = _run(library, inputs, parameters)
        slopes, _ = _run(library, inputs, parameters, torch.ones_like(value))
        return [one.tolist() for one in (value, *slopes)]

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
    packed = torch.stack(rows or [torch.zeros(1)])
    sums = torch.zeros(planes * per_plane, len(parameters), dtype=torch.float64)
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
        if torch.is_grad_enabled() or not _plain_memory(gradient):
            return _Found.backward(ctx, gradient)
        inputs, parameters = ctx.saved_tensors[:1], ctx.saved_tensors[1:]
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
    """Tell whether a tensor is numbers in memory, in an order that C can go through."""
    if type(tensor) not in (Tensor, nn.Parameter) or tensor.device.type != "cpu":
        return False
    if getattr(torch._C, "_are_functorch_transforms_active", lambda: True)():
        return False
    return not tensor.is_neg() and tensor.dtype in (torch.float32, *_HALF)


def _fits_native(inputs: tuple[Tensor, ...], parameters: tuple[Tensor, ...]) -> bool:
    """Tell whether the C takes these tensors; plain torch takes all others."""
    from torch.autograd import forward_ad

    x = inputs[0]
    if forward_ad._current_level >= 0 or not all(map(_plain_memory, (*inputs, *parameters))):
        return False
    dense = x.is_contiguous() or x.is_contiguous(memory_format=torch.channels_last)
    channels = max([p.numel() for p in parameters], default=1)
    if channels > 1:  # one value a channel, in planes long enough for a loop
        form = (x.shape[1], *(1,) * (x.dim() - 2)) if x.dim() > 2 else ()
        if not x.is_contiguous() or any(p.shape != form for p in parameters):
            return False
        dense = x.numel() >= 64 * x.shape[0] * x.shape[1]
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
    columns = [torch.tensor(column, dtype=torch.float64) for column in zip(*_SMOOTH)]
    columns += [torch.tensor(start, dtype=torch.float64) for start in PARAMETERS.values()]
    inputs = tuple(column.requires_grad_() for column in columns)
    got = torch.autograd.grad(found_fused(*inputs).sum(), inputs)
    for one, slope in zip(got, _SLOPES):
        torch.testing.assert_close(one, slope(*inputs))
    if _SMOOTH:
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
        torch.testing.assert_close(module(*[other] * 1), expected)


def test_special_values() -> None:
    """Both zeros are one argument, and NaN in any input comes out as NaN."""
    for dtype in _DTYPES:
        for function in (found, found_fused):
            others = [torch.full((2,), 0.5, dtype=dtype)] * (1 - 1)
            both = function(torch.tensor([0.0, -0.0], dtype=dtype), *others)
            assert both[0] == both[1] or both.isnan().all()
            for place in range(1):
                inputs = [torch.full((3,), 0.5, dtype=dtype) for _ in range(1)]
                inputs[place][1] = math.nan
                assert function(*inputs).isnan()[1]


def test_transforms() -> None:
    x, *others = [torch.tensor(column, dtype=torch.float64) for column in zip(*_SMOOTH)]
    slopes = _SLOPES[0](x, *others)
    got = torch.func.vmap(torch.func.grad(found_fused))(x, *others)
    torch.testing.assert_close(got, slopes)

    def total(v: Tensor) -> Tensor:
        return found_fused(v, *others).sum()

    with _quiet():
        curvature = torch.func.hessian(total)(x)
    torch.testing.assert_close(curvature, torch.diag(curvature.diagonal()))
    step = 1e-6
    differences = (_SLOPES[0](x + step, *others) - _SLOPES[0](x - step, *others)) / (2 * step)
    torch.testing.assert_close(curvature.diagonal(), differences, rtol=1e-3, atol=1e-4)


def test_tracing() -> None:
    module, example = _module(), _example()
    expected = module(*example)
    program = torch.export.export(module, example)
    torch.testing.assert_close(program.module()(*example), expected)
    with _quiet():  # which is on its way out, and still in use
        traced = torch.jit.trace(module, example)
        torch.testing.assert_close(traced(*example), expected)
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
    for shape in ((2, 3, 40, 50), (5, 3), (4, 3, 17)):
        x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
        results = []
        for one in (module, other):
            one.zero_grad()
            inputs = [(x + 0.1 * k).requires_grad_() for k in range(1)]
            result = one(*inputs)
            (result * torch.linspace(-1, 1, x.numel()).reshape(shape)).sum().backward()
            got = [result, *(v.grad for v in inputs), *(p.grad for p in one.parameters())]
            results.append(got)
        for got, expected in zip(*results):
            torch.testing.assert_close(got, expected, rtol=1e-3, atol=1e-4, equal_nan=True)


def test_copies() -> None:
    module, example = _module(), _example()
    for copied in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        torch.testing.assert_close(copied(*example), module(*example))
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


def bench(n: int = 1_000_000, repeats: int = 30) -> None:
    """Print the time of forward and backward beside PyTorch's own, and what is kept in between."""
    ones, kept = torch.ones(n), {}
    own, theirs = [torch.randn(n) for _ in range(1)], [torch.randn(n)]
    cases: dict[str, tuple[Any, list[Tensor]]] = {
        "plain": (functools.partial(found_fused, fused=False), own),
        "fused": (found_fused, own),
        "native": (functools.partial(found_fused, fused="native"), own),
        "torch silu": (nn.functional.silu, theirs),
        "torch mish": (nn.functional.mish, theirs),
    }
    for label, (function, tensors) in cases.items():
        saved: dict[int, int] = {}

        def keep(tensor: Tensor, saved: dict[int, int] = saved) -> Tensor:
            if tensor.numel() > 1:
                memory = tensor.untyped_storage()
                saved[memory.data_ptr()] = memory.nbytes()
            return tensor

        inputs = [x.clone().requires_grad_() for x in tensors]
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            function(*inputs).backward(ones)
        kept[label] = sum(saved.values()) / (4 * n)
    times: dict[str, list[float]] = {label: [] for label in cases}
    for _ in range(repeats):  # in turn, so that what else the machine does meets all alike
        for label, (function, tensors) in cases.items():
            inputs = [x.detach().requires_grad_() for x in tensors]
            begin = time.perf_counter()
            function(*inputs).backward(ones)
            times[label].append(time.perf_counter() - begin)
    medians = {label: sorted(spent)[repeats // 2] for label, spent in times.items()}
    print(f"found: forward and backward of {n:,} float32 on {torch.get_num_threads()} threads")
    print(f"{'form':<12}{'ms':>8}{'speed, plain = 1':>18}{'mish = 1':>10}{'tensors kept':>14}")
    for label, median in medians.items():
        speeds = f"{medians['plain'] / median:>18.2f}{medians['torch mish'] / median:>10.2f}"
        print(f"{label:<12}{1e3 * median:>8.2f}{speeds}{kept[label]:>14.1f}")


if __name__ == "__main__":
    if sys.argv[1:] == ["--bench"]:
        bench()
        sys.exit()
    for _name, _case in list(globals().items()):
        if _name.startswith("test_"):
            _case()
    print(f"found: {METADATA['formula']}: all tests passed")
