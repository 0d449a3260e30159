"""Known activation functions as formulas of our own grammar, with their sources."""

from __future__ import annotations

#: Name -> formula. Sources: sigmoid, tanh (classical); softsign (Turian et al. 2009); softplus
#: (Dugas et al. 2001); ReLU (Nair and Hinton 2010); Leaky ReLU (Maas et al. 2013); ELU (Clevert
#: et al. 2016); SELU (Klambauer et al. 2017); GELU (Hendrycks and Gimpel 2016); SiLU (Elfwing et
#: al. 2018; Swish: Ramachandran et al. 2017); Mish (Misra 2019); Hardswish (Howard et al. 2019);
#: squared ReLU (So et al. 2021); GCU (Noel et al. 2021); sin (Sitzmann et al. 2020).
KNOWN: dict[str, str] = {
    "ReLU": "relu(x)",
    "Leaky ReLU": "leaky_relu(x)",
    "ELU": "elu(x)",
    "SELU": "selu(x)",
    "GELU": "gelu(x)",
    "SiLU": "silu(x)",
    "Mish": "mish(x)",
    "Hardswish": "hardswish(x)",
    "Softplus": "softplus(x)",
    "Softsign": "softsign(x)",
    "tanh": "tanh(x)",
    "sigmoid": "sigmoid(x)",
    "squared ReLU": "relu(x)**2",
    "GCU": "x*cos(x)",
    "sin": "sin(x)",
}
