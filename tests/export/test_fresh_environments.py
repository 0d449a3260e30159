"""Files from a real run pass their own tests where only the target's library is installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.nightly

ROOT = Path(__file__).resolve().parents[2]
#: What is installed, the file that is run, and what it is told.
ENVIRONMENTS = {
    "torch": (["torch"], "{}.py", {}),
    "jax": (["jax"], "{}_jax.py", {"JAX_PLATFORMS": "cpu"}),
    "jax with flax": (["jax", "flax"], "{}_jax.py", {"JAX_PLATFORMS": "cpu"}),
    "numpy": (["numpy"], "{}_numpy.py", {}),
    "onnx": (["onnx"], "{}_onnx.py", {}),
    "onnx with onnxruntime": (["onnx", "onnxruntime"], "{}_onnx.py", {}),
    "keras on jax": (["keras", "jax"], "{}_keras.py", {"KERAS_BACKEND": "jax"}),
    "keras on torch": (["keras", "torch"], "{}_keras.py", {"KERAS_BACKEND": "torch"}),
}


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Search for real, a little, and export the three best to all targets."""
    folder = tmp_path_factory.mktemp("exported")
    for arguments in (
        ["search", "parametric", "--births", "40", "--confirm", "none", "--run", "night"],
        ["export", "night", "--top", "3", "--to", "all", "--out", str(folder / "out")],
    ):
        command = [sys.executable, "-m", "actsearch", *arguments, "--runs-dir", str(folder)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return folder / "out"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_in_an_environment_of_its_own(environment: str, exported: Path, tmp_path: Path) -> None:
    packages, file, told = ENVIRONMENTS[environment]
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "env")], check=True)
    python = tmp_path / "env" / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    install += ["-c", str(ROOT / "constraints.txt"), *packages]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"pip can't install {', '.join(packages)} here: {done.stderr[-300:]}")
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "ACTSEARCH"))}
    names = [path.stem for path in exported.glob("*.json")]
    assert len(names) == 3
    for name in names:
        path = exported / file.format(name)
        run = [str(python), str(path)]
        done = subprocess.run(
            run, cwd=tmp_path, env=clean | told, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.endswith("all tests passed\n")
