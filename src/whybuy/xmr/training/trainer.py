"""From instances with labels to a trained label tree (PECOS XR-Linear, Yu et al., arXiv 2010.05878)."""

from dataclasses import dataclass

from scipy.sparse import csr_matrix

from whybuy.errors import InputError
from whybuy.vectors.unit import unit_rows
from whybuy.xmr.training.checks import check_numbers
from whybuy.xmr.training.clustering import BalancedKMeans
from whybuy.xmr.training.embeddings import pifa, pifa_with_text
from whybuy.xmr.training.matching import BeamMatcher
from whybuy.xmr.training.node_rankers import DEFAULT_RANKER, Listener, train_rankers
from whybuy.xmr.training.packing import check_bits, pack
from whybuy.xmr.training.ports import Indexer, Ranker
from whybuy.xmr.tree import XMRTree

_INDEXER = BalancedKMeans()


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """How a tree is trained."""

    indexer: Indexer = _INDEXER
    ranker: Ranker = DEFAULT_RANKER
    text_share: float = 0.5  # of a label's text in its embedding, in [0, 1]; PIFA has the rest
    prior: float = 0.0  # how far a label's weights are drawn to its text, >= 0
    matched: int = 0  # nodes of each level where a beam search adds negatives to those of teacher forcing
    bits: int = 8  # of a stored weight: 8, 16 or 32

    def __post_init__(self) -> None:
        check_bits(self.bits)


DEFAULT_CONFIG = TrainingConfig()


def train_tree(
    features: csr_matrix,
    labels: csr_matrix,
    *,
    label_texts: csr_matrix | None = None,
    config: TrainingConfig = DEFAULT_CONFIG,
    threads: int = 1,
    listen: Listener | None = None,
) -> XMRTree:
    """Arrange the labels in a tree and train its rankers.

    features: instances x features. labels: instances x labels, weights > 0: how much each counts. label_texts:
    labels x features; used by the settings of `config`, not as instances of their own.

    Raises:
        InputError: a feature is no finite number, the matrices do not fit, or there is no thread.
    """
    if threads < 1:
        raise InputError(f"threads is {threads}; training takes 1 or more.")
    features, labels = csr_matrix(features), csr_matrix(labels)
    check_numbers(features)
    if label_texts is None:
        embeddings = pifa(features, labels)
    else:
        embeddings = pifa_with_text(features, labels, label_texts, share=config.text_share)
    tree = config.indexer(embeddings, threads=threads)
    matcher = BeamMatcher(tree, config.matched, threads=threads) if config.matched else None
    prior = None if label_texts is None or not config.prior else unit_rows(label_texts) * config.prior
    chunks = train_rankers(
        features, labels, tree, ranker=config.ranker, matcher=matcher, prior=prior, threads=threads, listen=listen
    )
    return XMRTree(tree, pack(chunks, tree, features.shape[1], bits=config.bits))
