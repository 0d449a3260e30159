"""The zoo: known activation functions as formulas of our own grammar, each with its source.

They go through the same kernels and the same training as every candidate: a comparison with them is
one of functions, not of implementations.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Known:
    """One known activation function.

    Attributes:
        name: What people call it.
        formula: What it is, in our grammar; ``p0`` is learned, ``u`` is a second projection.
        source: Who published it, when and where.
        note: What a reader should know of this form of it.
    """

    name: str
    formula: str
    source: str
    note: str = ""


_SWISH_SEARCH = "Ramachandran, Zoph and Le 2017, Searching for Activation Functions"
_GRAFS = (
    "Strack, Safari and Hutter 2024, Efficient Search for Customized Activation Functions with "
    "Gradient Descent"
)
_AQUASURF = (
    "Bingham and Miikkulainen 2023, Efficient Activation Function Optimization through Surrogate "
    "Modeling"
)

ZOO: tuple[Known, ...] = (
    Known("ReLU", "relu(x)", "Nair and Hinton 2010"),
    Known("Leaky ReLU", "leaky_relu(x)", "Maas, Hannun and Ng 2013", "slope 0.01 below 0"),
    Known(
        "PReLU",
        "relu(x) - p0*relu(-x); p0=0.25",
        "He et al. 2015, Delving Deep into Rectifiers",
        "one learned slope a layer, which starts at 0.25",
    ),
    Known("ELU", "elu(x)", "Clevert, Unterthiner and Hochreiter 2016"),
    Known(
        "CELU",
        "relu(x) + expm1(min(x, 0))",
        "Barron 2017, Continuously Differentiable Exponential Linear Units",
        "with its default, alpha = 1, the same function as ELU, so the two count as one; the "
        "minimum is taken inside, as a slope with exp(x) in it overflows above x = 88",
    ),
    Known("SELU", "selu(x)", "Klambauer et al. 2017"),
    Known(
        "SERLU",
        "1.07862*(relu(x) + 2.90427*min(x, 0)*exp(min(x, 0)))",
        "Zhang and Li 2018, Effectiveness of Scaled Exponentially-Regularized Linear Units",
    ),
    Known("GELU", "gelu(x)", "Hendrycks and Gimpel 2016"),
    Known(
        "SiLU",
        "silu(x)",
        "Elfwing, Uchibe and Doya 2018, as Swish: Ramachandran, Zoph and Le 2017",
    ),
    Known(
        "E-Swish",
        "1.375*silu(x)",
        "Alcaide 2018, E-swish: Adjusting Activations to Different Network Depths",
        "beta = 1.375, in the middle of the range from 1 to 1.75 that is recommended",
    ),
    Known("Mish", "mish(x)", "Misra 2019"),
    Known("Hardswish", "hardswish(x)", "Howard et al. 2019, Searching for MobileNetV3"),
    Known(
        "ELiSH",
        "elu(x)*sigmoid(x)",
        "Basirat and Roth 2018, The Quest for the Golden Activation Function",
    ),
    Known("squared ReLU", "relu(x)**2", "So et al. 2021, Primer"),
    Known("Softplus", "softplus(x)", "Dugas et al. 2001"),
    Known("Softsign", "softsign(x)", "Turian, Bergstra and Bengio 2009"),
    Known("tanh", "tanh(x)", "classical; LeCun et al. 1998, Efficient BackProp"),
    Known(
        "penalized tanh",
        "max(tanh(x), 0.25*tanh(x))",
        "Xu, Huang and Li 2016, Revise Saturated Activation Functions",
        "a quarter of tanh below 0",
    ),
    Known("sigmoid", "sigmoid(x)", "classical; Rumelhart, Hinton and Williams 1986"),
    Known(
        "hard sigmoid",
        "hardsigmoid(x)",
        "with slope 1/6 Howard et al. 2019, Searching for MobileNetV3",
        "with slope 1/2 Courbariaux, Bengio and David 2015, BinaryConnect",
    ),
    Known("GCU", "x*cos(x)", "Noel et al. 2021, Growing Cosine Unit"),
    Known("sin", "sin(x)", "Sitzmann et al. 2020"),
    Known("AQuaSurF", "-x*sigmoid(x)*clip(0.2*x + 0.5, 0, 1)", _AQUASURF),
    Known(
        "EELU",
        "-x*erf(exp(-x))",
        "Activation Function Optimization Scheme for Image Classification, 2024, arXiv:2409.04915",
    ),
    Known("GRAFS-ELU", "sigmoid(relu(x))*elu(x)", _GRAFS),
    Known("GRAFS-GELU", "sigmoid(relu(x))*gelu(x)", _GRAFS),
    Known("exp(cos)", "exp(cos(x))", _SWISH_SEARCH),
    Known("max(x, sigmoid)", "max(x, sigmoid(x))", _SWISH_SEARCH),
    Known("cos - x", "cos(x) - x", _SWISH_SEARCH),
    Known("min(x, sin)", "min(x, sin(x))", _SWISH_SEARCH),
    Known("atan^2 - x", "atan(x)**2 - x", _SWISH_SEARCH),
    Known("max(x, tanh)", "max(x, tanh(x))", _SWISH_SEARCH),
)

_GLU_VARIANTS = "Shazeer 2020, GLU Variants Improve Transformer"

#: Units that read a second projection ``u`` of the layer's input, or the overlap ``o`` of input and
#: weights. Only networks whose layers give these train them.
GATED: tuple[Known, ...] = (
    Known("Maxout", "max(x, u)", "Goodfellow et al. 2013, Maxout Networks", "of two pieces"),
    Known(
        "GLU",
        "x*sigmoid(u)",
        "Dauphin, Fan, Auli and Grangier 2017, Language Modeling with Gated Convolutional Networks",
    ),
    Known(
        "bilinear",
        "x*u",
        _GLU_VARIANTS,
        "without its gate; so named after Mnih and Hinton 2007",
    ),
    Known("ReGLU", "relu(x)*u", _GLU_VARIANTS),
    Known("GEGLU", "gelu(x)*u", _GLU_VARIANTS),
    Known("SwiGLU", "silu(x)*u", _GLU_VARIANTS, "with SiLU, which is Swish at beta = 1"),
    Known(
        "overlap ReLU",
        "relu(x)*o",
        "ReLU times the similarity of Ruzicka 1958, Anwendung mathematisch-statistischer Methoden "
        "in der Geobotanik, the soft form of Jaccard 1901",
        "our own combination, for sparse features that are not negative",
    ),
)

_BISHOP = "Bishop 1994, Mixture Density Networks"
_ENSEMBLES = (
    "Lakshminarayanan, Pritzel and Blundell 2017, Simple and Scalable Predictive Uncertainty "
    "Estimation using Deep Ensembles"
)

#: What networks make the scale (standard deviation) of a density of, which has to be above 0.
SCALES: tuple[Known, ...] = (
    Known("exp", "exp(x)", _BISHOP),
    Known(
        "exp of half",
        "exp(0.5*x)",
        "Nix and Weigend 1994; Kingma and Welling 2014, Auto-Encoding Variational Bayes",
        "the output is the logarithm of the variance",
    ),
    Known(
        "clipped exp",
        "exp(clip(x, -20, 2))",
        "Haarnoja et al. 2018, Soft Actor-Critic",
        "the bounds of its published code",
    ),
    Known(
        "Softplus",
        "softplus(x)",
        "as a scale Salinas, Flunkert and Gasthaus 2017, DeepAR",
    ),
    Known(
        "root softplus",
        "sqrt_abs(softplus(x))",
        _ENSEMBLES,
        "the variance is softplus, to which 1e-6 is added there",
    ),
    Known(
        "bounded softplus",
        "0.1 + 0.9*softplus(x)",
        "Garnelo et al. 2018, Conditional Neural Processes; Neural Processes",
        "no scale is below 0.1",
    ),
    Known(
        "squareplus",
        "exp(asinh(0.5*x))",
        "Barron 2021, Squareplus: A Softplus-Like Algebraic Rectifier",
        "with b = 4: (x + sqrt(x^2 + 4))/2, in a form that no rounding makes 0",
    ),
    Known("ReLU + eps", "relu(x) + 0.001", "widespread", "eps is 0.001"),
    Known(
        "ELU + 1",
        "elu(x) + 1",
        "Guillaumes 2017, Mixture Density Networks for Distribution and Uncertainty Estimation",
        "in float32 it is 0 below about -17",
    ),
)

#: Name -> formula of the scales.
KNOWN_SCALES: dict[str, str] = {known.name: known.formula for known in SCALES}

#: Name -> formula, of those that read x alone.
KNOWN: dict[str, str] = {known.name: known.formula for known in ZOO}

#: Formula -> name, as runs made by earlier versions of this program have them.
FORMER: dict[str, str] = {"relu(x) - 0.25*p0*relu(-x)": "PReLU"}


#: The same of all, those that read more behind.
NAMED: dict[str, str] = {known.name: known.formula for known in (*ZOO, *GATED)}


def formula_of(text: str) -> str:
    """Return the formula of the known activation called ``text`` in any case, else ``text``."""
    wanted = text.strip().lower()
    return next((k.formula for k in ZOO + GATED + SCALES if k.name.lower() == wanted), text)
