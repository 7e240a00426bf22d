"""An opened store: its settings and its artifacts by kind, each opened at its first use."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from whybuy.artifacts import ARTIFACTS_FOLDER, ArtifactStore, Manifest, read_manifest
from whybuy.catalog import catalog
from whybuy.catalog.catalog import Catalog
from whybuy.catalog.shop import SHOP_CONFIG
from whybuy.completion import completer
from whybuy.completion.completer import COMPLETION_CONFIG, Completer
from whybuy.config import ConfigTable, Settings, read_settings
from whybuy.errors import ArtifactError
from whybuy.graph import KnowledgeGraph, RejectedEdges
from whybuy.graph import files as graph_files
from whybuy.intents import IntentConfig, IntentReader, Student, student
from whybuy.recommendation import Complements
from whybuy.records import BulkTable
from whybuy.retrieval import expansion, lexical, signals, tree
from whybuy.retrieval.expansion import ExpansionIndex
from whybuy.retrieval.finder import Finder, FinderConfig
from whybuy.retrieval.fusion import FusionConfig
from whybuy.retrieval.implied import ASKED, IMPLIED, ImpliedWords
from whybuy.retrieval.indexes import Indexes
from whybuy.retrieval.lexical import LexicalIndex
from whybuy.retrieval.ranking import reranker
from whybuy.retrieval.ranking.reranker import Reranker, open_reranker
from whybuy.retrieval.signals import SignalIndex
from whybuy.retrieval.synonyms import NAMED, SYNONYMS, Synonyms
from whybuy.retrieval.tree import TreeIndex


@dataclass(frozen=True, slots=True)
class SearchConfig:
    """How products are put in order."""

    depth: int = 500  # products of each ranker that fusion weighs against each other; all others come after these
    intents: IntentConfig = IntentConfig()
    fusion: FusionConfig = FusionConfig()


SEARCH_CONFIG = ConfigTable("search", SearchConfig)
_TABLES: tuple[ConfigTable[Any], ...] = (SHOP_CONFIG, SEARCH_CONFIG, COMPLETION_CONFIG)


class Shop:
    """One store: build, discovery, evaluation and annotation read its artifacts through this class and no other way.

    An artifact is memory-mapped when its property is first read; a kind that the shop may lack is None then. While a
    build goes on, `include` adds what was made. Reading is safe for many threads.
    """

    def __init__(self, store: Path, settings: Settings, folders: Mapping[str, Path]) -> None:
        """folders: of artifacts, by kind."""
        self.store, self.settings = store, settings
        self.manifests: dict[str, Manifest] = {}  # of the artifacts that were opened, by kind
        self._folders = dict(folders)

    @classmethod
    def open(cls, store: Path) -> "Shop":
        """The shop in a store folder, as its last finished build left it.

        Raises:
            ConfigError: the folder is no shop.
            ArtifactError: there is no finished build.
        """
        settings = read_settings(store)
        for table in _TABLES:
            settings.one(table)  # a wrong one is named before anything is opened
        return cls(store, settings, ArtifactStore(store / ARTIFACTS_FOLDER).current())

    @property
    def name(self) -> str:
        """What the shop calls itself."""
        return self.settings.one(SHOP_CONFIG).name

    @property
    def language(self) -> str:
        """Of titles and queries, as a code of two letters."""
        return self.settings.one(SHOP_CONFIG).language

    # ------------------------------------------------------------ folders and tables
    def has(self, kind: str) -> bool:
        """Whether there is an artifact of this kind."""
        return kind in self._folders

    def folder(self, kind: str) -> Path:
        """The folder of an artifact.

        Raises:
            ArtifactError: the shop has none of this kind.
        """
        if kind not in self._folders:
            raise ArtifactError(f"The last build made no {kind}. Run `whybuy build` to make it anew.")
        return self._folders[kind]

    def include(self, kind: str, folder: Path) -> None:
        """Add the artifact of a kind that the shop lacked until now."""
        self._folders[kind] = folder

    def replacing(self, kind: str, folder: Path) -> "Shop":
        """This shop with another artifact of one kind."""
        return Shop(self.store, self.settings, self._folders | {kind: folder})

    def artifact(self, kind: str, format_version: int) -> Path:
        """The folder of an artifact that is whole and of a format that this whybuy reads.

        Raises:
            ArtifactError: the shop has none of this kind, or it is damaged or of another format.
        """
        folder = self.folder(kind)
        self.manifests[kind] = read_manifest(folder, kind, format_version)
        return folder

    def table(self, bulk: BulkTable, columns: Sequence[str] | None = None) -> pa.Table:
        """All rows of a bulk table; none where the shop lacks the artifact that holds it. columns: None for all."""
        if self.has(bulk.kind):
            return pq.read_table(self._folders[bulk.kind] / bulk.file, columns=columns)
        return bulk.schema.empty_table().select(bulk.schema.names if columns is None else columns)

    # ------------------------------------------------------------ artifacts
    @cached_property
    def catalog(self) -> Catalog:
        """The products."""
        return Catalog.load(self.artifact("catalog", catalog.FORMAT_VERSION))

    @cached_property
    def graph(self) -> KnowledgeGraph:
        """Why people buy."""
        return KnowledgeGraph(self.artifact("graph", graph_files.FORMAT_VERSION))

    @cached_property
    def rejected(self) -> RejectedEdges:
        """Edges of the graph that are hidden until the next build leaves them out; none when the shop is opened."""
        return RejectedEdges(self.graph)

    @cached_property
    def intent_reader(self) -> IntentReader:
        """Finds intents of queries in the graph by the settings of `[search]`; the same in training and in serving."""
        return IntentReader(self.graph, self.settings.one(SEARCH_CONFIG).intents, self.rejected)

    @cached_property
    def complements(self) -> Complements:
        """Finds what goes with a product, in memory: by claims of the graph and words of titles."""
        return Complements(self.catalog.table, self.graph, self.language, self.rejected)

    @cached_property
    def student(self) -> Student | None:
        """Predicts intents of queries that the graph does not have."""
        folder = self.artifact("student", student.FORMAT_VERSION) if self.has("student") else None
        return Student.open(folder, self.graph)

    @cached_property
    def lexical(self) -> LexicalIndex:
        """Finds products by words."""
        index = LexicalIndex.open(self.artifact("lexical", lexical.FORMAT_VERSION))
        implied = ImpliedWords(self.table(ASKED if self.has(ASKED.kind) else IMPLIED))
        synonyms = Synonyms(self.table(SYNONYMS if self.has(SYNONYMS.kind) else NAMED))
        return index.knowing(synonyms=synonyms, implied=implied)

    @cached_property
    def expansion(self) -> ExpansionIndex:
        """Finds products by intents."""
        folder = self.artifact("expansion", expansion.FORMAT_VERSION)
        return ExpansionIndex(folder, self.graph, self.catalog.column("product_type"))

    @cached_property
    def tree(self) -> TreeIndex:
        """Finds products by what was bought for searches."""
        return TreeIndex.open(self.artifact("tree", tree.FORMAT_VERSION))

    @cached_property
    def signals(self) -> SignalIndex:
        """Ranks what earlier searches of the same words led to."""
        return SignalIndex.open(self.artifact("signals", signals.FORMAT_VERSION))

    @cached_property
    def reranker(self) -> Reranker | None:
        """Reranks candidates; trained on relevance judgments or purchases."""
        return open_reranker(self.artifact("reranker", reranker.FORMAT_VERSION) if self.has("reranker") else None)

    @cached_property
    def indexes(self) -> Indexes:
        """All that ranks products."""
        return Indexes(self.lexical, self.expansion, self.catalog.types(), self.tree, self.signals, self.reranker)

    @cached_property
    def finder(self) -> Finder:
        """Ranks products by the settings of `[search]`; the same in training and in serving."""
        config = self.settings.one(SEARCH_CONFIG)
        return Finder(self.indexes, len(self.catalog), FinderConfig(config.depth, config.fusion))

    @cached_property
    def completer(self) -> Completer:
        """Completes what shoppers type."""
        folder = self.artifact("completions", completer.FORMAT_VERSION)
        return Completer.open(folder, self.settings.one(COMPLETION_CONFIG))
