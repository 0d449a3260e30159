"""Mixture density networks: a network whose outputs are a density of the target.

C. M. Bishop, "Mixture Density Networks" (1994, NCRG/94/004): the density of a target t given the
input is a sum of Gaussian kernels, whose weights, means and scales are outputs of the network. What
is under judgement here is the function that makes the scales from outputs of any sign. It has to be
above 0, and nothing helps it: a scale of 0 or less has no logarithm, and ends the training.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import log_softmax

from actsearch.tasks.data import TrainingData
from actsearch.tasks.goals import Goal, Score, negative_loss
from actsearch.tasks.units import MakeActivation, build_activation

#: What keeps the variance of standard normal inputs through a layer of tanh, as torch has it
#: (``nn.init.calculate_gain``).
TANH_GAIN = 5 / 3


class MixtureDensityNetwork(nn.Module):
    """One hidden layer of tanh, and from it the weights, scales and means of Gaussian kernels.

    The activation is called for once, for the scales; the hidden layer's tanh is fixed, so the
    network says its initial gain itself.

    Args:
        make_activation: builds what turns an output of any sign into a scale.
        n_inputs: numbers in an input.
        n_hidden: tanh units.
        n_kernels: Gaussian kernels, round ones, each with one scale for all targets.
        n_targets: numbers in a target.
    """

    initial_gain = TANH_GAIN

    def __init__(
        self,
        make_activation: MakeActivation,
        *,
        n_inputs: int = 1,
        n_hidden: int = 20,
        n_kernels: int = 3,
        n_targets: int = 1,
    ) -> None:
        super().__init__()
        self.hidden = nn.Linear(n_inputs, n_hidden)
        self.logits = nn.Linear(n_hidden, n_kernels)
        self.means = nn.Linear(n_hidden, n_kernels * n_targets)
        self.scales = nn.Linear(n_hidden, n_kernels)
        self.scale_activation = build_activation(make_activation, n_kernels)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map inputs (n, n_inputs) to mixtures (n, n_kernels, 2 + n_targets).

        Of each kernel come the logit of its weight, its scale, and its means. All is computed in
        float32, for scales of a few hundredths need more digits than half precision has.
        """
        with torch.autocast(inputs.device.type, enabled=False):
            hidden = torch.tanh(self.hidden(inputs.float()))
            logits = self.logits(hidden)
            scales = self.scale_activation(self.scales(hidden))
            means = self.means(hidden).reshape(*logits.shape, -1)
            return torch.cat([logits[..., None], scales[..., None], means], dim=-1)

    def extra_repr(self) -> str:
        """Say what the layers do not show."""
        return f"initial_gain={self.initial_gain:.4g}"


def negative_log_likelihood(outputs: Tensor, targets: Tensor, reduction: str = "mean") -> Tensor:
    """Return minus the logarithm of the density of targets; NaN where a scale is not above 0.

    Bishop 1994, equations 23 and 29, by logsumexp over the kernels, so that no density underflows.

    Args:
        outputs: mixtures (n, kernels, 2 + d): logit of the weight, scale, d means.
        targets: (n, d).
        reduction: "mean" or "sum" over the samples.
    """
    logits, scales, means = outputs[..., 0], outputs[..., 1], outputs[..., 2:]
    distances = (targets[:, None, :] - means) / scales[..., None]
    of_scale = targets.shape[1] * (torch.log(scales) + 0.5 * math.log(2 * math.pi))
    log_kernels = -0.5 * distances.square().sum(-1) - of_scale
    losses = -torch.logsumexp(log_softmax(logits, -1) + log_kernels, -1)
    return losses.mean() if reduction == "mean" else losses.sum()


def scales_at_fault(mixtures: Tensor) -> str:
    """Return in words which scales are not above 0, "" where all are."""
    scales = mixtures[..., 1]
    n_bad = int((scales <= 0).sum())
    if not n_bad:
        return ""
    least = float(scales[scales <= 0].min())
    return f"{n_bad} of {scales.numel()} scales are not above 0, the least {least:.3g}"


def _mixtures_shape(data: TrainingData) -> tuple[int | str, ...]:
    return ("kernels", 2 + data.train.targets.shape[1])


#: A density of targets that are numbers; scored by its mean log-likelihood, in nats a sample.
MIXTURE_DENSITY = Goal(
    name="mixture density",
    loss=negative_log_likelihood,
    scores=(Score("log-likelihood", "validation log-likelihood", negative_loss),),
    output=("mixtures", _mixtures_shape),
    of_labels=False,
    least_loss=-math.inf,
    reason=scales_at_fault,
)
