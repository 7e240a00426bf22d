"""A trained label tree: search, score, explain, change, save and open. `training` makes one."""

import json
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from whybuy.artifacts import write_array, write_json
from whybuy.errors import ArtifactError, InputError
from whybuy.xmr.added_labels import AddedLabels, NewLabel, no_labels, trimmed, with_label
from whybuy.xmr.explanation import Explanation, explain_label
from whybuy.xmr.label_tree import LabelTree
from whybuy.xmr.post_processor import PostProcessor
from whybuy.xmr.scoring import LabelScores, range_of, score_labels
from whybuy.xmr.search import BeamParams, Predictions, beam_search, beam_search_one, from_root
from whybuy.xmr.searched_tree import SearchedTree
from whybuy.xmr.span_search import LabelsBelow, labels_below
from whybuy.xmr.sparse_rows import query_arrays, single_row, sparse_rows
from whybuy.xmr.weights import PackedWeights, read_array

KIND = "label tree"
FORMAT_VERSION = 2
_ABOUT = "tree.json"
_TREE = ("first_child", "level_start", "labels")


class XMRTree:
    """A trained label tree (PECOS XR-Linear, arXiv 2010.05878).

    Safe under threads: a search uses the labels that were there when it began, and changes go one after the other.
    Labels are numbers from 0; added ones go on counting.
    """

    def __init__(self, tree: LabelTree, packed: PackedWeights) -> None:
        self.tree = tree
        self._searched, self._added = SearchedTree.of(tree, packed), no_labels()
        self._labels = len(tree.labels)  # added ones included
        self._parents, self._positions = tree.parents(), tree.position_of_label()
        self._changes = threading.Lock()
        self._below: LabelsBelow | None = None  # made for the first search of a span

    @property
    def searched(self) -> SearchedTree:
        """What searches read now; later changes leave it as it is."""
        return self._searched

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
        best = beam_search(
            self._searched, sparse_rows(features), from_root(queries), self._params(beam, limit, post), threads=threads
        )
        return best if post.is_log else Predictions(best.labels, np.exp(best.scores))

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
        labels, scores = beam_search_one(self._searched, ids, values, self._params(beam, limit, post))
        return labels, scores if post.is_log else np.exp(scores)

    def search_span(
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
        within = self._below.span(*span)
        labels, scores = beam_search_one(self._searched, ids, values, self._params(beam, limit, post), within)
        return labels, scores if post.is_log else np.exp(scores)

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
        query = single_row(ids, values)._replace(starts=np.arange(len(ids) + 1))
        return explain_label(self.tree, self._searched, query, label, post)

    def score(
        self,
        ids: NDArray[np.int32],
        values: NDArray[np.float32],
        labels: NDArray[np.int32],
        *,
        post: PostProcessor = PostProcessor.L3_HINGE,
    ) -> LabelScores:
        """The scores of given labels for one query. labels: shape (n,), trained or added.

        Raises:
            InputError: there is no such label, or more or fewer values than features.
        """
        wanted = labels.astype(np.int32, copy=False)
        if len(labels):
            self._check_labels(*range_of(labels))
        where = self._parents, self._positions
        return score_labels(self._searched.plain, *where, query_arrays(ids, values), wanted, post.power)

    def attach(self, labels: Iterable[NewLabel]) -> range:
        """Hang new labels under their leaves, in order; `training.growth.add_labels` trains them.

        Returns: the numbers that they have from now on.
        """
        with self._changes:
            first = self._labels
            for label in labels:
                self._attach(label)
            return range(first, self._labels)

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

    def _attach(self, label: NewLabel) -> None:
        place = self._labels - len(self.tree.labels)
        self._added = with_label(self._added, place, label, self.tree.nodes)
        removed = self._searched.removed
        if len(removed) <= self._labels:
            removed = np.concatenate([removed, np.zeros(self._labels + 64, np.bool_)])
        self._searched = self._searched.growing(self._added)._replace(removed=removed)
        self._labels += 1

    def _check_labels(self, *labels: int) -> None:
        for label in labels:
            if not 0 <= label < self._labels:
                raise InputError(f"There is no label {label}; labels are 0 to {self._labels - 1}.")

    def _params(self, beam: int, limit: int, post: PostProcessor) -> BeamParams:
        if beam < 1 or limit < 0:
            raise InputError(f"beam is {beam} and limit {limit}; a beam has 1 node or more, a limit is 0 or more.")
        return BeamParams(self.tree.levels, beam, limit, post.power)

    def save(self, folder: Path) -> None:
        """Write the folder that `load` opens, with all that was added and removed; it is made when missing."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _ABOUT).unlink(missing_ok=True)  # written last: while it is missing, the folder is no model
        with self._changes:
            searched, labels = self._searched, self._labels
        places = labels - len(self.tree.labels)
        searched.packed.save(folder)
        kept = trimmed(searched.added, places)._asdict()
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
