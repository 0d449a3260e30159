"""The exported torch file inside timm, torchvision and Hugging Face transformers, for real.

These need a torch that fits torchvision, so they may live in an environment of their own:
ACTSEARCH_TEST_VISION_PYTHON names its interpreter. Without it, this one is asked.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from actsearch.export import Activation, export
from actsearch.expressions import parse

pytestmark = pytest.mark.nightly

PYTHON = os.environ.get("ACTSEARCH_TEST_VISION_PYTHON", sys.executable)

TWO_STEPS = """
import torch
from found import Found, init_, register

def two_steps(network, x, logits=lambda out: out):
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01)
    labels = torch.arange(len(x)) % 10
    places = [one for one in network.modules() if isinstance(one, Found)]
    before = [p.detach().clone() for p in network.parameters()]
    for _ in range(2):
        loss = torch.nn.functional.cross_entropy(logits(network(x)), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert torch.isfinite(loss)
    moved = [not torch.equal(p, b) for p, b in zip(network.parameters(), before)]
    assert sum(moved) > len(moved) // 2, sum(moved)
    print(len(places), "places")

torch.manual_seed(0)
x = torch.randn(4, 3, 64, 64)
"""

NETWORKS = {
    "timm ViT": (
        "timm",
        """
import timm
two_steps(timm.create_model("vit_tiny_patch16_224", img_size=64, num_classes=10,
                            act_layer=Found), x)
""",
        "12 places",
    ),
    "timm ResNet": (
        "timm",
        """
import timm
two_steps(init_(timm.create_model("resnet18", num_classes=10, act_layer=Found)), x)
""",
        "17 places",
    ),
    "torchvision": (
        "torchvision",
        """
from torchvision.ops import Conv2dNormActivation, MLP
network = torch.nn.Sequential(
    Conv2dNormActivation(3, 8, activation_layer=Found), torch.nn.AdaptiveAvgPool2d(4),
    torch.nn.Flatten(), MLP(128, [32, 10], activation_layer=Found, inplace=True))
two_steps(network, x)
""",
        "2 places",
    ),
    "transformers ViT": (
        "transformers",
        """
from transformers import ViTConfig, ViTForImageClassification
config = ViTConfig(hidden_size=48, num_hidden_layers=3, num_attention_heads=3,
                   intermediate_size=96, image_size=64, num_labels=10, hidden_act=register())
two_steps(ViTForImageClassification(config), x, lambda out: out.logits)
""",
        "3 places",
    ),
}


@pytest.mark.parametrize("formula", ["x*tanh(softplus(x))", "p0*x*sigmoid(p1*x); p0=1.5"])
@pytest.mark.parametrize("network", NETWORKS)
def test_a_network_is_built_and_trained_two_steps(
    network: str, formula: str, tmp_path: Path
) -> None:
    package, script, expected = NETWORKS[network]
    if subprocess.run(
        [PYTHON, "-c", f"import {package}"], capture_output=True, check=False
    ).returncode:
        pytest.skip(f"{package} can't be imported by {PYTHON} (ACTSEARCH_TEST_VISION_PYTHON)")
    for file, text in export(Activation(parse(formula), "found")).items():
        (tmp_path / file).write_text(str(text), encoding="utf-8")
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    environment |= {"HF_HUB_OFFLINE": "1", "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [PYTHON, "-c", TWO_STEPS + script],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == expected
