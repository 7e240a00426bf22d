"""The reranker of a shop: orders the candidates of all rankers, trained on judgments or purchases."""

from pathlib import Path

from whybuy.retrieval.ranked import Ranked
from whybuy.retrieval.ranking.features import FeatureExtractor, RerankerInput
from whybuy.retrieval.ranking.lambdamart import LambdaMART
from whybuy.retrieval.tree import TreeIndex

FORMAT_VERSION = 8
MODEL = "model"  # folder of the trained model within the artifact


class Reranker:
    """Ranks the candidates of a query by LambdaMART (Burges, MSR-TR-2010-82); immutable, safe for many threads."""

    def __init__(self, features: FeatureExtractor, model: LambdaMART) -> None:
        self._features, self.model = features, model

    @classmethod
    def open(cls, folder: Path) -> "Reranker":
        """Open what `training.train_reranker` wrote.

        Raises:
            ArtifactError: a part is missing, damaged or of another format version.
        """
        return cls(FeatureExtractor.open(folder), LambdaMART.load(folder / MODEL))

    def rank(self, retrieved: RerankerInput, tree: TreeIndex) -> Ranked:
        """The candidates of all rankers, best first. Scores: comparable within the query, of any sign."""
        candidates = self._features.describe(retrieved, tree)
        return self.model.rank(candidates.rows, candidates.features) if len(candidates.rows) else Ranked.empty()


def open_reranker(folder: Path | None) -> Reranker | None:
    """The reranker in an artifact folder; None without a folder, or where the build had too few queries to train one.

    Raises:
        ArtifactError: a part is damaged or of another format version.
    """
    return Reranker.open(folder) if folder is not None and (folder / MODEL).is_dir() else None
