"""The label tree as an estimator: train, predict, grow, explain, save."""

import json
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix

from whybuy.artifacts import write_array, write_json
from whybuy.errors import ArtifactError, InputError
from whybuy.xmr.clustering import BalancedKMeans
from whybuy.xmr.embeddings import pifa, pifa_with_text, unit_rows
from whybuy.xmr.explaining import Explanation, explain_label
from whybuy.xmr.growth import AddedLabels, Positives, Siblings, first_ranker, no_labels, with_label
from whybuy.xmr.label_tree import LabelTree
from whybuy.xmr.matching import BeamMatcher
from whybuy.xmr.ports import Indexer, Ranker
from whybuy.xmr.scoring import LabelScores, range_of, score_labels
from whybuy.xmr.search import (
    Lists,
    PostProcessor,
    Predictions,
    SearchedTree,
    Walk,
    from_root,
    lists_of,
    one_list,
    pair,
    plain_tree,
    walk_down,
    walk_down_once,
)
from whybuy.xmr.training import DEFAULT_RANKER, Listener, train
from whybuy.xmr.weights import PackedWeights, check_bits, code_bits, codes_of, features_of, pack, read_array, read_chunk
from whybuy.xmr.within import Below, labels_below, search_within

KIND = "label tree"
FORMAT_VERSION = 2
_ABOUT = "tree.json"
_TREE = ("first_child", "level_start", "labels")
_INDEXER = BalancedKMeans()
_ROUTING_BEAM = 10  # nodes per level on the way of a new label to its leaf
_ROOT = from_root(1)


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


class XMRTree:
    """A trained label tree (PECOS XR-Linear, arXiv 2010.05878).

    Safe under threads: a search sees the labels that were there when it began, and changes go one after the other.
    Labels are numbers from 0; added ones go on counting.
    """

    def __init__(self, tree: LabelTree, packed: PackedWeights) -> None:
        self.tree = tree
        self._searched, self._added = SearchedTree.of(tree, packed), no_labels()
        self._labels = len(tree.labels)  # added ones included
        self._parents, self._positions = tree.parents(), tree.position_of_label()
        self._changes = threading.Lock()
        self._below: Below | None = None  # made when they are asked for

    @classmethod
    def fit(
        cls,
        features: csr_matrix,
        labels: csr_matrix,
        *,
        label_texts: csr_matrix | None = None,
        config: TrainingConfig = DEFAULT_CONFIG,
        threads: int = 1,
        listen: Listener | None = None,
    ) -> "XMRTree":
        """Arrange the labels in a tree and train its rankers.

        features: instances x features. labels: instances x labels, weights > 0: how much each counts. label_texts:
        labels x features; used as `config` says, not as instances of their own.

        Raises:
            InputError: a feature is no finite number, the matrices do not fit, or there is no thread.
        """
        if threads < 1:
            raise InputError(f"threads is {threads}; training takes 1 or more.")
        features, labels = csr_matrix(features), csr_matrix(labels)
        _check_numbers(features)
        if label_texts is None:
            embeddings = pifa(features, labels)
        else:
            embeddings = pifa_with_text(features, labels, label_texts, share=config.text_share)
        tree = config.indexer(embeddings, threads=threads)
        matcher = BeamMatcher(tree, config.matched, threads=threads) if config.matched else None
        prior = None if label_texts is None or not config.prior else unit_rows(label_texts) * config.prior
        chunks = train(
            features, labels, tree, ranker=config.ranker, matcher=matcher, prior=prior, threads=threads, listen=listen
        )
        return cls(tree, pack(chunks, tree, features.shape[1], bits=config.bits))

    @property
    def features(self) -> int:
        """Columns that queries have."""
        return self._searched.packed.features

    @property
    def labels(self) -> int:
        """How many labels there are: one more than the largest, added and removed ones included."""
        return self._labels

    @property
    def size(self) -> int:
        """Bytes of the trained weights."""
        return self._searched.packed.size

    def predict(
        self,
        features: csr_matrix,
        *,
        beam: int = 10,
        limit: int = 10,
        post: PostProcessor = PostProcessor.L3_HINGE,
        threads: int = 1,
    ) -> Predictions:
        """The best labels of many queries. features: queries x features.

        Places left over have the label -1 and the score 0, or -inf with a log form.
        """
        if features.shape[1] != self.features:
            raise InputError(
                f"The queries have {features.shape[1]} features, but the tree was trained on {self.features}."
            )
        queries = features.shape[0]
        found = walk_down(
            self._searched, lists_of(features), from_root(queries), self._walk(beam, limit, post), threads=threads
        )
        return found if post.is_log else Predictions(found.labels, np.exp(found.scores))

    def search(
        self,
        ids: NDArray[np.int32],
        values: NDArray[np.float32],
        *,
        beam: int = 10,
        limit: int = 10,
        post: PostProcessor = PostProcessor.L3_HINGE,
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The best labels of one query, best first, with their scores. Features that are not known are left out."""
        labels, scores = walk_down_once(self._searched, ids, values, self._walk(beam, limit, post))
        if limit and labels[-1] < 0:
            labels, scores = labels[labels >= 0], scores[labels >= 0]
        return labels, scores if post.is_log else np.exp(scores)

    def search_within(
        self,
        ids: NDArray[np.int32],
        values: NDArray[np.float32],
        span: tuple[int, int],
        *,
        beam: int = 10,
        limit: int = 10,
        post: PostProcessor = PostProcessor.L3_HINGE,
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """As `search` among the trained labels of a span, low and high; no node without one of them is visited."""
        if self._below is None:
            self._below = labels_below(self.tree)
        below, walk = self._below, self._walk(beam, limit, post)
        plain = below.labels, below.begin, below.end
        found, scores = search_within(plain_tree(self._searched), plain, pair(ids, values), span, walk.plain)
        return found, scores if post.is_log else np.exp(scores)

    def explain(
        self,
        ids: NDArray[np.int32],
        values: NDArray[np.float32],
        label: int,
        *,
        post: PostProcessor = PostProcessor.L3_HINGE,
    ) -> Explanation:
        """The path to a label for a query, and what each feature gave on it.

        Raises:
            InputError: there is no such label, or more or fewer values than features.
        """
        self._check_labels(label)
        query = one_list(ids, values)._replace(starts=np.arange(len(ids) + 1))
        return explain_label(self.tree, self._searched, query, label, post)

    def score(
        self,
        ids: NDArray[np.int32],
        values: NDArray[np.float32],
        labels: NDArray[np.int32],
        *,
        post: PostProcessor = PostProcessor.L3_HINGE,
    ) -> LabelScores:
        """What the tree thinks of labels for one query, found by whatever means. labels: shape (n,), trained or added.

        Raises:
            InputError: there is no such label, or more or fewer values than features.
        """
        asked_for = labels.astype(np.int32, copy=False)
        if len(labels):
            self._check_labels(*range_of(labels))
        where = self._parents, self._positions
        return score_labels(plain_tree(self._searched), *where, pair(ids, values), asked_for, post.power)

    def add(self, features: csr_matrix, labels: csr_matrix) -> range:
        """Add labels without training: each goes to the leaf that its instances lead to.

        features: instances x features, the label's own text and its queries. labels: instances x new labels, weights
        > 0. Returns: the numbers of the new labels, in order.

        Raises:
            InputError: a label has no instance, or the matrices do not fit.
        """
        by_label = _check_instances(features, labels, self.features)
        rows = lists_of(features)
        with self._changes:
            first = self._labels
            for new in range(labels.shape[1]):
                instances = slice(by_label.indptr[new], by_label.indptr[new + 1])
                self._add(_positives(rows, by_label.indices[instances], by_label.data[instances], self.features))
        return range(first, first + labels.shape[1])

    def remove(self, labels: Iterable[int]) -> None:
        """Never return these labels again. Removing one twice changes nothing.

        Raises:
            InputError: there is no such label; none is removed then.
        """
        gone = list(labels)
        self._check_labels(*gone)
        with self._changes:
            removed = self._searched.removed.copy()
            removed[gone] = True
            self._searched = self._searched._replace(removed=removed)

    def _add(self, positives: Positives) -> None:
        searched, nodes = self._searched, self.tree.nodes
        leaf = self._leaf(positives)
        first, last = self.tree.first_child[leaf : leaf + 2]
        codes, lengths, children, stored = read_chunk(searched.packed, leaf)
        weights = stored * searched.packed.scale[first - 1 : last - 1][children]
        siblings = Siblings(codes, lengths, children, weights, searched.packed.bias[first - 1 : last - 1])
        place = self._labels - len(self.tree.labels)
        self._added = with_label(self._added, place, first_ranker(leaf, siblings, positives), nodes)
        removed = searched.removed
        if len(removed) <= self._labels:
            removed = np.concatenate([removed, np.zeros(self._labels + 64, np.bool_)])
        self._searched = searched.growing(self._added)._replace(removed=removed)
        self._labels += 1

    def _leaf(self, positives: Positives) -> int:
        """The leaf that the sum of some instances leads to."""
        if self.tree.levels == 1:
            return 0
        weights = np.repeat(positives.costs, np.diff(positives.starts)) * positives.values
        codes, place = np.unique(positives.codes, return_inverse=True)
        total = np.bincount(place, weights).astype(np.float32)
        length = np.sqrt((total * total).sum()) or np.float32(1)
        query = one_list(features_of(codes, code_bits(self.features)), total / length)
        walk = Walk(self.tree.levels - 1, _ROUTING_BEAM, 1, PostProcessor.L3_HINGE.power)
        return int(walk_down(self._searched, query, _ROOT, walk).labels[0, 0])

    def _check_labels(self, *labels: int) -> None:
        for label in labels:
            if not 0 <= label < self._labels:
                raise InputError(f"There is no label {label}; labels are 0 to {self._labels - 1}.")

    def _walk(self, beam: int, limit: int, post: PostProcessor) -> Walk:
        if beam < 1 or limit < 0:
            raise InputError(f"beam is {beam} and limit {limit}; a beam has 1 node or more, a limit is 0 or more.")
        return Walk(self.tree.levels, beam, limit, post.power)

    def save(self, folder: Path) -> None:
        """Write the folder that `load` opens, with all that was added and removed; it is made when missing."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _ABOUT).unlink(missing_ok=True)  # written last: while it is missing, the folder is no model
        with self._changes:
            searched, labels = self._searched, self._labels
        places = labels - len(self.tree.labels)
        searched.packed.save(folder)
        kept = _trimmed(searched.added, places)._asdict()
        arrays = {f"added_{name}": array for name, array in kept.items()}
        arrays["removed"] = np.flatnonzero(searched.removed).astype(np.int32)
        arrays |= {name: getattr(self.tree, name) for name in _TREE}
        for name, array in arrays.items():
            write_array(folder / f"{name}.npy", array)
        numbers = {name: getattr(searched.packed, name) for name in ("features", "child_bytes", "weight_bytes")}
        written = [f"{name}.npy" for name in (*PackedWeights._fields[:5], *arrays)]
        sizes = {name: (folder / name).stat().st_size for name in sorted(written)}
        about = {"kind": KIND, "format_version": FORMAT_VERSION, "labels": labels, "weights": numbers, "sizes": sizes}
        write_json(folder / _ABOUT, about)

    @classmethod
    def load(cls, folder: Path) -> "XMRTree":
        """Open a saved folder; its arrays are memory-mapped, so that processes share one copy.

        Raises:
            ArtifactError: the folder holds no tree, one of another format version, or a damaged one.
        """
        about = _read_about(folder)
        tree = LabelTree(*(read_array(folder / f"{name}.npy") for name in _TREE))
        loaded = cls(tree, PackedWeights.load(folder, **about["weights"]))
        loaded._added = AddedLabels(*(read_array(folder / f"added_{name}.npy") for name in AddedLabels._fields))
        removed = np.zeros(about["labels"], np.bool_)
        removed[read_array(folder / "removed.npy")] = True
        loaded._labels = about["labels"]
        loaded._searched = loaded._searched.growing(loaded._added)._replace(removed=removed)
        return loaded


def _trimmed(added: AddedLabels, places: int) -> AddedLabels:
    """Without the room for more."""
    entries = int(added.starts[places])
    return AddedLabels(
        added.leaf[:places],
        added.newest,
        added.older[:places],
        added.starts[: places + 1],
        added.codes[:entries],
        added.weights[:entries],
        added.bias[:places],
    )


def _read_about(folder: Path) -> dict[str, Any]:
    path = folder / _ABOUT
    try:
        about: dict[str, Any] = json.loads(path.read_text())
        kind, version = about["kind"], about["format_version"]
    except FileNotFoundError:
        raise ArtifactError(f"{folder} is no whole label tree: it has no {_ABOUT}. Train and save it.") from None
    except (ValueError, TypeError, KeyError) as error:
        raise ArtifactError(f"{path} is damaged ({error}). Train and save the model again.") from error
    if (kind, version) != (KIND, FORMAT_VERSION):
        raise ArtifactError(
            f"{folder} holds {kind!r} in format {version}; this whybuy reads {KIND!r} in format {FORMAT_VERSION}. "
            "Train and save the model again."
        )
    if missing := {"labels", "weights", "sizes"} - about.keys():
        raise ArtifactError(
            f"{path} is damaged: it lacks {', '.join(sorted(missing))}. Train and save the model again."
        )
    for name, size in about["sizes"].items():
        if not (folder / name).is_file() or (folder / name).stat().st_size != size:
            raise ArtifactError(f"{folder / name} is missing or damaged. Train and save the model again.")
    return about


def _positives(rows: Lists, instances: NDArray[np.int32], weights: NDArray[np.float32], features: int) -> Positives:
    """Some of the instances, the heaviest with the cost 1."""
    entries = [slice(rows.starts[row], rows.starts[row + 1]) for row in instances]
    ids = np.concatenate([rows.ids[part] for part in entries])
    values = np.concatenate([rows.values[part] for part in entries])
    starts = np.cumsum([0, *(part.stop - part.start for part in entries)])
    return Positives(starts, codes_of(ids, code_bits(features)), values, (weights / weights.max()).astype(np.float32))


def _check_instances(features: csr_matrix, labels: csr_matrix, known: int) -> csc_matrix:
    """The labels column by column, without what is not above 0."""
    if features.shape[0] != labels.shape[0]:
        raise InputError(f"features have {features.shape[0]} rows and labels {labels.shape[0]}: one row per instance.")
    if features.shape[1] != known:
        raise InputError(f"The instances have {features.shape[1]} features, but the tree was trained on {known}.")
    _check_numbers(features)
    by_label = csc_matrix(labels, copy=True)
    by_label.data[~(by_label.data > 0)] = 0
    by_label.eliminate_zeros()
    bare = np.flatnonzero(np.diff(by_label.indptr) == 0)
    if len(bare):
        raise InputError(f"New label {bare[0]} has no instance. Give it one at least, such as its text.")
    return by_label


def _check_numbers(features: csr_matrix) -> None:
    bad = np.flatnonzero(~np.isfinite(features.data))
    if len(bad):
        row = int(np.searchsorted(features.indptr, bad[0], side="right")) - 1
        raise InputError(f"Instance {row} has a feature that is {features.data[bad[0]]}. Give finite numbers.")
