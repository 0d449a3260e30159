"""The package: it installs, imports, tests itself, shows its types, and holds what it should."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

from actsearch.errors import BadInput
from actsearch.export import TARGETS, Activation, package_files, pieces, write_package
from actsearch.export.package import REQUIREMENTS
from actsearch.expressions import parse
from tests.wheels import build_wheel, install_wheel

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = 'r|1`_"""\n\\ [click](http://x) <b>'
MEASURED: dict[str, Any] = {
    "sentence": f"ripple beats all of {HOSTILE}",
    "score": "accuracy",
    "rows": [
        {"activation": "ripple", "mean": 0.51234, "standard_error": 0.012, "n": 3},
        {
            "activation": "G|LU",
            "mean": 0.5,
            "n": 3,
            "difference": 0.0123,
            "low": 0.01,
            "high": 0.02,
        },
    ],
}
ACTIVATIONS = (
    Activation(parse("x*sin(x)"), "ripple", {"run": HOSTILE, "date": "2027-03-01"}, MEASURED),
    Activation(parse("x*sigmoid(p0*x); p0=1.5"), "my_swish"),
)


def files(*targets: str, name: str = "acts") -> dict[str, str]:
    found = package_files(name, pieces(ACTIVATIONS, targets or ("torch",)))
    return {path: text.decode("latin1") if isinstance(text, bytes) else text
            for path, text in found.items()}  # fmt: skip


def test_what_it_holds() -> None:
    found = files("torch", "latex", "json")
    assert set(found) == {
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "src/acts/__init__.py",
        "src/acts/py.typed",
        "tests/test_ripple.py",
        "tests/test_my_swish.py",
        *(
            f"src/acts/{name}.{end}"
            for name in ("ripple", "my_swish")
            for end in ("py", "tex", "json")
        ),
    }
    project = tomllib.loads(found["pyproject.toml"])["project"]
    assert (project["name"], project["license"]) == ("acts", "MIT")
    assert [one.split(">")[0] for one in project["dependencies"]] == ["torch"]
    assert "Copyright (c) 2027 the authors of acts" in found["LICENSE"]
    for path, text in found.items():
        if path.endswith(".py"):
            ast.parse(text)
    assert found == files("torch", "latex", "json")


def test_without_a_date_the_licence_has_no_year() -> None:
    licence = package_files("acts", pieces(ACTIVATIONS[1:], ["torch"]))["LICENSE"]
    assert "Copyright (c) the authors of acts" in str(licence)


def test_it_asks_for_what_exported_files_are_tested_with() -> None:
    ours = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    tested = {*ours["dependencies"], *ours["optional-dependencies"]["dev"]}
    for target, needs in REQUIREMENTS.items():
        assert {one for one in needs if not one.startswith("triton")} <= tested, target
    project = tomllib.loads(files()["pyproject.toml"])["project"]
    assert project["requires-python"] == ours["requires-python"]


def test_the_readme_says_what_is_in_it_and_text_stays_text() -> None:
    text = files()["README.md"]
    assert (
        "| `ripple` | `x*sin(x)` | 0.5123 ± 0.012 | 3 | +0.0123 [+0.01, +0.02] (G\\|LU) |" in text
    )
    assert "| `my_swish` | `x*sigmoid(p0*x); p0=1.5` |  |  |  |" in text
    assert "from acts import ripple" in text
    assert "from acts.ripple import METADATA" in text
    assert "[click]" not in text
    assert "<b>" not in text
    assert "r\\|1\\`\\_" in text


def test_every_requirement_is_that_of_a_target() -> None:
    assert set(REQUIREMENTS) & set(TARGETS) >= {"torch"}
    for needs in REQUIREMENTS.values():
        assert all(">=" in one for one in needs)


def test_a_package_needs_modules(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="one of torch, jax, numpy, keras"):
        write_package(tmp_path, "acts", ACTIVATIONS, ["json", "latex"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("package", "names", "hint"),
    [
        ("ripple", ("ripple",), "both called 'ripple'"),
        ("acts", ("my_f", "myF"), "'MyF' would be in my_f and in myF"),
        ("___", ("ripple",), "use letters"),
    ],
)
def test_names_that_would_clash(package: str, names: tuple[str, ...], hint: str) -> None:
    several = [Activation(parse(f"x*sin({k + 1}*x)"), name) for k, name in enumerate(names)]
    with pytest.raises(BadInput, match=hint):
        package_files(package, pieces(several, ["torch"]))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the package and build its wheel with the tools of this environment."""
    folder = tmp_path_factory.mktemp("written")
    (folder / ".gitignore").write_text("*\n")  # as the folder of the runs has one
    write_package(folder, "acts_of_mine", ACTIVATIONS, ["torch", "json"])
    return build_wheel(folder / "acts_of_mine", folder / "dist")


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install_wheel(wheel, tmp_path_factory.mktemp("site"))


def run(installed: Path, where: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        cwd=where,
        env={**os.environ, "PYTHONPATH": str(installed)},
        check=False,
    )


@pytest.mark.slow
def test_the_wheel_holds_the_package_and_its_data(wheel: Path) -> None:
    names = {name for name in zipfile.ZipFile(wheel).namelist() if "dist-info" not in name}
    ends = ("ripple.py", "ripple.json", "my_swish.py", "my_swish.json", "__init__.py", "py.typed")
    assert names == {f"acts_of_mine/{end}" for end in ends}


#: The tests that take no compiler; by night all are run.
QUICK = ("-k", "values or package")


def run_tests(
    wheel: Path, installed: Path, where: Path, *which: str
) -> subprocess.CompletedProcess[str]:
    """Run the package's own tests on the installed one."""
    tests = str(wheel.parent.parent / "acts_of_mine" / "tests")
    plain = ("-m", "pytest", "-q", "-p", "no:cacheprovider", tests)
    return run(installed, where, *plain, *which)


@pytest.mark.slow
def test_installed_it_passes_its_own_tests(wheel: Path, installed: Path, tmp_path: Path) -> None:
    done = run_tests(wheel, installed, tmp_path, *QUICK)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "skipped" not in done.stdout
    module = installed / "acts_of_mine" / "ripple.py"
    whole = module.read_text(encoding="utf-8")
    try:  # and they are able to fail
        module.write_text(whole.replace("torch.sin(", "torch.cos(", 1), encoding="utf-8")
        broken = run_tests(wheel, installed, tmp_path, "-k", "ripple and values")
    finally:
        module.write_text(whole, encoding="utf-8")
    assert broken.returncode == 1, broken.stdout


@pytest.mark.nightly
def test_installed_it_passes_all_of_them(wheel: Path, installed: Path, tmp_path: Path) -> None:
    done = run_tests(wheel, installed, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_a_user_s_program_finds_the_types(installed: Path, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "from acts_of_mine import MySwish, my_swish, ripple\n"
        "print(my_swish, ripple, MySwish())\n"
        "from acts_of_mine import nothing_like_it\n"
    )
    (tmp_path / "mypy.ini").write_text("[mypy]\n[mypy-torch.*]\nfollow_imports = skip\n")
    done = run(installed, tmp_path, "-m", "mypy", "--strict", "program.py")
    said = [line for line in done.stdout.splitlines() if "program.py" in line]
    assert "py.typed" not in done.stdout, done.stdout
    assert any("nothing_like_it" in line for line in said), done.stdout + done.stderr
    # of what follows the second line alone may lack a type hint
    assert all("nothing_like_it" in line or "no-untyped-call" in line for line in said), said
