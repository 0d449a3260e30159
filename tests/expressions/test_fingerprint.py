"""Equal functions share a fingerprint however they are written; different ones do not."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given

from actsearch.expressions import KNOWN, Expression, Node, parse
from actsearch.expressions.fingerprint import grid, others
from tests.expressions.strategies import random_trees, trees

EQUAL = [
    ("x*sigmoid(x)", "silu(x)"),
    ("gate(x, x)", "silu(x)"),
    ("x*tanh(softplus(x))", "mish(x)"),
    ("x*erfc(-x*0.7071067811865476)/2", "gelu(x)"),
    ("x/2*(1 + erf(0.7071067811865476*x))", "gelu(x)"),
    ("max(x, 0)", "relu(x)"),
    ("(x + abs(x))/2", "relu(x)"),
    ("x*heaviside(x)", "relu(x)"),
    ("max(x, 0.01*x)", "leaky_relu(x)"),
    ("relu(x) - 0.01*relu(-x)", "leaky_relu(x)"),
    ("relu(x) + expm1(min(x, 0))", "elu(x)"),
    ("1.0507009873554805*relu(x) + 1.7580993408473766*expm1(min(x, 0))", "selu(x)"),
    ("2*sigmoid(2*x) - 1", "tanh(x)"),
    ("sinh(x)/cosh(x)", "tanh(x)"),
    ("1/(1 + exp(-x))", "sigmoid(x)"),
    ("0.5 + tanh(x/2)/2", "sigmoid(x)"),
    ("1 - sigmoid(-x)", "sigmoid(x)"),
    ("log(1 + exp(x))", "softplus(x)"),
    ("-logsigmoid(-x)", "softplus(x)"),
    ("x + softplus(-x)", "softplus(x)"),
    ("x/(1 + abs(x))", "softsign(x)"),
    ("clip(x/6 + 0.5, 0, 1)", "hardsigmoid(x)"),
    ("x*hardsigmoid(x)", "hardswish(x)"),
    ("exp(-x**2)", "gauss(x)"),
    ("rbf(x, 0, 1)", "gauss(x)"),
    ("sin(x)/x", "sinc(x)"),
    ("sin(x + 1.5707963267948966)", "cos(x)"),
    ("x*x*x", "x**3"),
    ("x*x", "abs(x)**2"),
    ("sqrt(abs(x))", "sqrt_abs(x)"),
    ("x/sqrt(1 + u**2)", "aq(x, u)"),
    ("mix(x, u, 0.5)", "(x + u)/2"),
    ("p0*x", "p1*x"),
    ("p0*x; p0=0.25", "p3*x; p3=0.2500001"),
    ("p0*x*sigmoid(x); per channel", "p0*silu(x); per channel"),
    ("x - x", "0"),
]

ONE_PART_IN_A_THOUSAND = [
    ("x*sigmoid(x)", "x*sigmoid(1.001*x)"),
    ("x*sigmoid(x)", "1.001*x*sigmoid(x)"),
    ("tanh(x)", "tanh(x + 0.001)"),
    ("tanh(x)", "tanh(x) + 0.001"),
    ("relu(x)", "leaky_relu(x)"),
    ("relu(x)", "relu(x - 0.001)"),
    ("relu(x)", "relu(x) + 0.001*gauss(x)"),
    ("sin(x)", "sin(1.001*x)"),
    ("x**2", "abs(x)**2.001"),
    ("clip(x, -1, 1)", "clip(x, -1, 1.001)"),
    ("1e-9*tanh(x)", "1.001e-9*tanh(x)"),
    ("p0*x", "p0*x + 0.001*p0"),
    ("p0*x + p1", "p1*x + p0 + 0.001"),
    ("x*u", "x*o"),
]

#: Runs keep fingerprints: these may only change together with the version of the store.
GOLDEN = {
    "relu(x)": "7eb80121d49eb618f32f85988ece23ed",
    "tanh(x)": "b43b2c8068c7a4014ce14a88af1951f0",
    "x*cos(x)": "69afb051d477d4fb4eb6acfa57141797",
    "p0*x + u": "d756ee539e517f9073e07913f1befbcd",
    "x*sigmoid(p0*x); p0=1.5": "189ea4554955f2115a9e34a6d2522091",
    "max(x, p0*x); p0=0.25, per channel": "665c6bea25d62f2bc8fe3ea1ef47d406",
}


@pytest.mark.parametrize(("one", "other"), EQUAL)
def test_equal_functions_share_it(one: str, other: str) -> None:
    assert parse(one).fingerprint() == parse(other).fingerprint()


@pytest.mark.parametrize(("one", "other"), ONE_PART_IN_A_THOUSAND)
def test_a_change_of_a_thousandth_is_seen(one: str, other: str) -> None:
    assert parse(one).fingerprint() != parse(other).fingerprint()


def test_the_known_functions_all_differ() -> None:
    prints = {name: parse(formula).fingerprint() for name, formula in KNOWN.items()}
    same = [
        pair for pair in itertools.combinations(prints, 2) if len({prints[n] for n in pair}) < 2
    ]
    assert same == [("ELU", "CELU")]  # with alpha = 1, its default


@pytest.mark.parametrize(("text", "fingerprint"), GOLDEN.items())
def test_it_is_stable(text: str, fingerprint: str) -> None:
    assert parse(text).fingerprint() == fingerprint


def test_it_is_thirty_two_hexadecimal_digits() -> None:
    for tree in random_trees(50, seed=6):
        fingerprint = Expression(tree).fingerprint()
        assert len(fingerprint) == 32
        assert set(fingerprint) <= set("0123456789abcdef")


@given(trees())
def test_neutral_rewrites_keep_it(tree: Node) -> None:
    expression = Expression(tree)
    kept = expression.fingerprint()
    rewritten = [
        f"({expression}) + 0",
        f"0 + ({expression})",
        f"({expression})*1",
        f"-(-({expression}))",
        f"({expression})/1",
        f"pow({expression}, 1)",
        f"max({expression}, {expression})",
    ]
    for text in rewritten if len(str(expression)) < 500 else []:
        assert parse(text).fingerprint() == kept, text
    assert Expression(commuted(tree)).fingerprint() == kept


def commuted(node: Node) -> Node:
    """Swap the arguments of every sum, product, maximum and minimum."""
    args = tuple(commuted(arg) for arg in node.args)
    swapped = args[::-1] if node.op in ("add", "mul", "max", "min") else args
    return Node(node.op, swapped, node.value)


@given(trees())
def test_it_depends_on_the_function_alone(tree: Node) -> None:
    """A copy that was printed, read and differently shared has the same."""
    expression = Expression(tree)
    assert parse(str(expression)).fingerprint() == expression.fingerprint()


def test_functions_that_are_not_finite_have_one_too() -> None:
    prints = {
        parse(text).fingerprint() for text in ("log(x)", "1/(x - x)", "-1/(x - x)", "0/(x - x)")
    }
    assert len(prints) == 4


def test_values_far_apart_are_told_apart() -> None:
    """Values over the scale overflow here: 1e300 beside a median of 1e-28."""
    text = "1e-28*tanh(x) + heaviside(x - {})*1e30**10"
    prints = {parse(text.format(place)).fingerprint() for place in (10, 20, 30)}
    assert len(prints) == 3


def test_the_grid_reaches_kinks_and_tails() -> None:
    points = grid()
    assert points.shape == (224,)
    assert (np.abs(points) < 0.1).sum() >= 16
    assert (np.abs(points) > 8).sum() >= 16
    assert (points > 0).sum() > 90
    assert (points < 0).sum() > 90
    assert not np.isin(points, np.round(points, 3)).any()  # kinks at round numbers are straddled


def test_further_inputs_and_parameters_vary_independently() -> None:
    names = others(parse("x*u + o + " + " + ".join(f"p{i}" for i in range(16))), grid())
    assert list(names) == ["u", "o", *(f"p{i}" for i in range(16))]
    table = np.corrcoef(np.stack([grid(), *names.values()]))
    assert np.abs(table - np.eye(19)).max() < 0.3
    assert names["p0"].min() > 0


def test_another_start_is_another_candidate() -> None:
    texts = [
        "x*sigmoid(p0*x)",
        "x*sigmoid(p0*x); p0=1.5",
        "x*sigmoid(p0*x); p0=1.501",
        "x*sigmoid(p0*x); p0=0",
        "x*sigmoid(p0*x); per channel",
        "x*sigmoid(p0*x); p0=1.5, per channel",
        "p1*x*sigmoid(p0*x); p0=1.5",
        "p1*x*sigmoid(p0*x); p1=1.5",
    ]
    assert len({parse(text).fingerprint() for text in texts}) == len(texts)


def test_starts_of_one_leave_fingerprints_as_they_were() -> None:
    text = "p0*x + u"
    assert parse(f"{text}; p0=1, per layer").fingerprint() == GOLDEN[text]


def test_an_overlap_lies_between_0_and_1() -> None:
    one, same = parse("relu(x)*o"), parse("relu(x*o)")
    assert one.fingerprint() == same.fingerprint() == parse("relu(x)*abs(o)").fingerprint()
    assert parse("max(x, o)").fingerprint() != parse("max(x, min(o, 0.5))").fingerprint()
    assert parse("relu(x)*u").fingerprint() != parse("relu(x*u)").fingerprint()
