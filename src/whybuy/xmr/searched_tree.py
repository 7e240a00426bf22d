"""All arrays of a tree that a search reads, as one value that can be replaced as a whole."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from whybuy.kernels import kernel
from whybuy.xmr.added_labels import AddedLabels, no_labels
from whybuy.xmr.label_tree import LabelTree
from whybuy.xmr.weights import PackedWeights, read_only

PlainTree = tuple[Any, ...]


class SearchedTree(NamedTuple):
    """All that a search reads. An addition or a removal makes another one, so searches under way are not disturbed.

    Arrays that may be mapped from disk are read-only here, wherever they come from: Numba compiles a kernel once for
    writable and once for read-only arrays, and one is enough.
    """

    packed: PackedWeights
    first_child: NDArray[np.int32]  # as in `LabelTree`
    labels: NDArray[np.int32]  # as in `LabelTree`
    added: AddedLabels
    removed: NDArray[np.bool_]  # shape (labels and places of added ones,)
    max_children: int  # of any node

    @classmethod
    def of(cls, tree: LabelTree, packed: PackedWeights) -> "SearchedTree":
        """A tree as it was trained: nothing added, nothing removed."""
        widest = int(np.diff(tree.first_child).max(initial=0))
        removed = np.zeros(len(tree.labels), np.bool_)
        children, labels = read_only(tree.first_child), read_only(tree.labels)
        untouched = cls(packed.read_only(), children, labels, no_labels(), removed, widest)
        return untouched.growing(untouched.added)

    def growing(self, added: AddedLabels) -> "SearchedTree":
        """The same with other added labels."""
        views = {name: read_only(array) for name, array in added._asdict().items()}
        return self._replace(added=AddedLabels(**views))

    @property
    def plain(self) -> PlainTree:
        """The same as nested plain tuples: Numba takes a microsecond to unwrap each named one at a call from Python."""
        return tuple(self.packed), self.first_child, self.labels, tuple(self.added), self.removed, self.max_children


@kernel
def tree_of(plain: PlainTree) -> SearchedTree:
    """The named form of `SearchedTree.plain`."""
    packed, first_child, labels, added, removed, max_children = plain
    return SearchedTree(PackedWeights(*packed), first_child, labels, AddedLabels(*added), removed, max_children)
