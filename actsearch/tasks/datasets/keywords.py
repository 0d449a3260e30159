"""Documents as the keywords in them: sparse binary features, drawn from latent topics.

The story, after latent Dirichlet allocation (Blei, Ng and Jordan 2003): a vocabulary of 600 words
has general frequencies that fall as Zipf's law has it. Each of ten topics prefers some forty words
of its own, some strongly and most a little, and topics may share words. Lengths are log-normal: of
half of the documents below 40 words, of some beyond 300. A document is about one topic, its label,
which gives a share of its words, about a third; further topics come up in passing, the more of
them the longer it is; the other words are general. One document in five is about no topic (label
10) and mentions several. What is kept of a document is which words occur in it, 0 or 1.

So a long document has keywords of many topics, and what it is about has to be told by the share of
them, not by their number. With a topic's 20 most telling words given, their number times its soft
Jaccard overlap with the document detects the topic better than the number does (mean area under the
curve 0.958 against 0.933). A trained layer has another way to this: small negative weights of all
other words make a linear unit one of shares. The constants were set before any activation was tried
on the data, and not changed then.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from actsearch.tasks.data import Split

N_WORDS = 600
N_TOPICS = 10
N_CLASSES = N_TOPICS + 1  # the last: about none of them
SIZES = {"train": 4_000, "validation": 4_000, "test": 4_000}
SEED = 20_260_101

_KEYWORDS_A_TOPIC = 40
_MEDIAN_LENGTH, _SPREAD = 40.0, 0.8  # words; deviation of the logarithm
_WORDS_A_MENTION = 40.0  # so many words bring one further topic, on average
_NO_TOPIC = 0.2


def source_key() -> str:
    """Return what the arrays depend on."""
    return f"keywords 1 {SEED} {SIZES} {N_WORDS} {N_TOPICS}"


def generate() -> dict[str, Split]:
    """Make the three splits: inputs (4000, 600) uint8, labels 0 to 10; takes about a second."""
    rng = np.random.RandomState(SEED)  # its stream is frozen for good
    general = 1 / np.arange(1, N_WORDS + 1)
    general = rng.permutation(general / general.sum())
    topics = np.array([_topic(rng) for _ in range(N_TOPICS)])
    return {name: _documents(rng, n, general, topics) for name, n in SIZES.items()}


def _topic(rng: np.random.RandomState) -> NDArray[np.float64]:
    """Draw the word frequencies of a topic: uneven ones over forty words."""
    words = np.zeros(N_WORDS)
    chosen = rng.choice(N_WORDS, _KEYWORDS_A_TOPIC, replace=False)
    words[chosen] = rng.dirichlet(np.full(_KEYWORDS_A_TOPIC, 0.5))
    return words


def _documents(
    rng: np.random.RandomState,
    n: int,
    general: NDArray[np.float64],
    topics: NDArray[np.float64],
) -> Split:
    inputs, labels = np.zeros((n, N_WORDS), np.uint8), np.zeros(n, np.uint8)
    for k in range(n):
        length = max(5, round(_MEDIAN_LENGTH * np.exp(_SPREAD * rng.randn())))
        none = rng.rand() < _NO_TOPIC
        labels[k] = N_TOPICS if none else rng.randint(N_TOPICS)
        n_passing = rng.poisson(length / _WORDS_A_MENTION) + 2 * none
        passing = rng.choice(N_TOPICS, min(n_passing, N_TOPICS), replace=False)
        about = 0.0 if none else rng.beta(4, 8)
        aside = (1 - about) * rng.beta(2, 6) if len(passing) else 0.0
        words = (1 - about - aside) * general
        if len(passing):
            words = words + aside * topics[passing].mean(axis=0)
        if not none:
            words = words + about * topics[labels[k]]
        inputs[k] = rng.multinomial(length, words / words.sum()) > 0
    return Split(inputs, labels)
