"""Offline composition: a shop's files → the artifact folders that `discovery` opens; resumable, nothing done twice."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

import whybuy
from whybuy.artifacts import ARTIFACTS_FOLDER, ArtifactStore, digest, file_digest, write_json
from whybuy.behavior.events import IMPORT_CONFIG, read_events
from whybuy.behavior.mining import PAIR_CONFIG, PAIRS_FILE, mine_pairs
from whybuy.behavior.recognize import LOG_CONFIG
from whybuy.catalog import catalog as catalog_files
from whybuy.catalog.catalog import PRODUCTS_FILE, Catalog
from whybuy.catalog.recognize import FEED_CONFIG
from whybuy.catalog.shop import SHOP_CONFIG
from whybuy.catalog.sources import read_catalog, source_files
from whybuy.catalog.types import TYPE_CONFIG, infer_types
from whybuy.completion import completer
from whybuy.completion.building import build_parts
from whybuy.completion.catalog_phrases import catalog_phrases, purchased_category
from whybuy.completion.completer import COMPLETION_CONFIG
from whybuy.completion.query_log import QueryLog, read_query_log
from whybuy.completion.session_training import SESSION_CONFIG
from whybuy.completion.vocabulary import VOCABULARY_CONFIG, ShopLookups
from whybuy.config import ConfigTable, Settings, read_settings
from whybuy.errors import ArtifactError, ConfigError
from whybuy.graph import KnowledgeGraph, NodeMerger, assemble
from whybuy.graph import files as graph_files
from whybuy.graph.increment import rejections
from whybuy.graph.node_merging import read_corrections
from whybuy.graph.writing import GRAPH_CONFIG
from whybuy.intents import IntentReader, student
from whybuy.intents.student_training import STUDENT_CONFIG, train_student
from whybuy.journal import JOURNAL_FILE
from whybuy.journal.judgments import read_rejections
from whybuy.journal.judgments import to_table as judgment_table
from whybuy.knowledge.critic.edge_critic import CRITIC_CONFIG, EdgeCritic
from whybuy.knowledge.critic.edge_judgments import read_reason_judgments
from whybuy.knowledge.critic.edge_noise_model import MIN_ANSWERS
from whybuy.knowledge.filters import apply_filters
from whybuy.knowledge.filters.default import FILTER_CONFIG, usual_filters
from whybuy.knowledge.filters.limit_tuning import answers
from whybuy.knowledge.filters.report import YIELDS_FILE, origins, yield_table
from whybuy.knowledge.proposing.co_buy import CO_BUY_CONFIG, ComplementHypothesizer
from whybuy.knowledge.proposing.demand import DEMAND_CONFIG, weigh_claims
from whybuy.knowledge.proposing.descriptions import DESCRIPTION_CONFIG, DescriptionHypothesizer
from whybuy.knowledge.proposing.evidence import EVIDENCE_CONFIG, EvidenceHypothesizer
from whybuy.knowledge.proposing.generated import GENERATED_FILE, GeneratedHypothesizer
from whybuy.knowledge.proposing.hypothesizer import Hypothesizer, ProposerInput, to_table
from whybuy.knowledge.proposing.patterns import load_patterns
from whybuy.knowledge.proposing.synonyms import NAME_CONFIG, NameHypothesizer
from whybuy.qrels import read_qrels
from whybuy.records import PAIR_SCHEMA, Question
from whybuy.retrieval import expansion, lexical, tree
from whybuy.retrieval.expansion import ExpansionIndex, build_expansion
from whybuy.retrieval.finder import Indexes
from whybuy.retrieval.lexical import LEXICAL_CONFIG, LexicalIndex, build_lexical
from whybuy.retrieval.ranking import reranker
from whybuy.retrieval.ranking.training import RERANKER_CONFIG, train_reranker
from whybuy.retrieval.training_set import qrels_training_set, reason_training_set, search_training_set
from whybuy.retrieval.tree import TreeIndex
from whybuy.retrieval.tree_training import TREE_CONFIG, TreeTrainer
from whybuy.shop import SEARCH_CONFIG

HYPOTHESES_FILE = "hypotheses.parquet"
FIT_REPORT_FILE = "fit_report.json"
Summary = dict[str, float | int | str]


class State(Enum):
    """How far a stage is."""

    STARTED = "started"
    DONE = "done"
    REUSED = "reused"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Progress:
    """One sign of life of a build."""

    stage: str
    state: State
    seconds: float = 0.0
    summary: Mapping[str, float | int | str] | None = None
    note: str = ""  # why a stage was skipped


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a finished build made and where."""

    folder: Path
    keys: Mapping[str, str]  # artifact key by kind
    seconds: float
    made: int  # stages that ran
    reused: int


Listener = Callable[[Progress], None]


def build(store: Path, *, listen: Listener = lambda progress: None, with_events: bool = True) -> BuildReport:
    """Build a shop from the files that its `store.toml` names, and make the result the live one.

    Stages whose inputs did not change are taken from before, so a stopped build goes on where it was. The live build
    stays untouched until the new one is whole.

    with_events: False builds from the catalog alone, as a shop without logs would.

    Raises:
        ConfigError: `store.toml` is missing or wrong.
        InputError: a file cannot be understood.
    """
    return _Line(store, read_settings(store), listen).run(with_events=with_events)


def open_critic(store: Path) -> tuple[EdgeCritic, pa.Table]:
    """The critic of a built shop's proposed reasons, and the judgments of them (JUDGMENT_SCHEMA).

    Raises:
        ConfigError: the folder is no shop.
        ArtifactError: there is no finished build.
        InputError: `[critic] judgments` names no file of judgments.
    """
    settings, folders = read_settings(store), ArtifactStore(store / ARTIFACTS_FOLDER).current()
    config, language = settings.one(CRITIC_CONFIG), settings.one(SHOP_CONFIG).language
    types = Catalog.load(folders["catalog"]).types()
    critic = EdgeCritic(pq.read_table(folders["hypotheses"] / HYPOTHESES_FILE), types, language, config)
    return critic, read_reason_judgments(store, config.judgments)


_TABLES: tuple[ConfigTable[Any], ...] = (
    SHOP_CONFIG,
    IMPORT_CONFIG,
    TYPE_CONFIG,
    PAIR_CONFIG,
    EVIDENCE_CONFIG,
    DESCRIPTION_CONFIG,
    CO_BUY_CONFIG,
    NAME_CONFIG,
    DEMAND_CONFIG,
    FILTER_CONFIG,
    CRITIC_CONFIG,
    GRAPH_CONFIG,
    STUDENT_CONFIG,
    LEXICAL_CONFIG,
    VOCABULARY_CONFIG,
    SESSION_CONFIG,
    COMPLETION_CONFIG,
    TREE_CONFIG,
    RERANKER_CONFIG,
)


def _check(settings: Settings) -> None:
    """Raise ConfigError for unknown tables, keys and languages, before hours go into the first stages."""
    settings.expect_only("catalog", "events", "search", "generate", "endpoint", *(table.name for table in _TABLES))
    for table in _TABLES:
        settings.one(table)
    settings.many(FEED_CONFIG)
    settings.many(LOG_CONFIG)
    load_patterns(settings.one(SHOP_CONFIG).language)


class _Line:
    """The stages of one build; each is a folder under the key of what it was made from."""

    def __init__(self, store: Path, settings: Settings, listen: Listener) -> None:
        _check(settings)
        self._store, self._settings, self._listen = store, settings, listen
        self._artifacts = ArtifactStore(store / ARTIFACTS_FOLDER)
        self._shop = settings.one(SHOP_CONFIG)
        self._keys: dict[str, str] = {}
        self._made = self._reused = 0

    def run(self, *, with_events: bool) -> BuildReport:
        with self._artifacts.building():
            return self._run(with_events=with_events)

    def _run(self, *, with_events: bool) -> BuildReport:
        started = time.perf_counter()
        judged = self._judgments() if with_events else None
        reasons = read_reason_judgments(self._store, self._settings.one(CRITIC_CONFIG).judgments)
        catalog = self._catalog()
        pairs = self._pairs(catalog) if with_events and self._settings.many(LOG_CONFIG) else None
        if pairs is None:
            note = "the shop has no logs" if with_events else "building from the catalog alone"
            self._listen(Progress("pairs", State.SKIPPED, note=note))
        hypotheses = self._critic(catalog, self._hypotheses(catalog, pairs, reasons), reasons)
        graph = self._graph(hypotheses)
        self._student(catalog, graph, pairs)
        self._completions(catalog, graph, self._lexical(catalog), pairs)
        self._expansion(catalog, graph)
        self._tree(catalog, graph, pairs)
        if pairs is not None or judged:
            self._reranker(catalog, graph, pairs, judged)
        before = self._live()
        self._artifacts.publish(self._keys)
        self._artifacts.sweep(self._keys, before)  # a server may still open what was live until now
        seconds = time.perf_counter() - started
        return BuildReport(self._artifacts.root, dict(self._keys), seconds, self._made, self._reused)

    def _live(self) -> dict[str, str]:
        try:
            return self._artifacts.live()
        except ArtifactError:
            return {}

    # ------------------------------------------------------------ stages
    def _catalog(self) -> Path:
        feeds = self._settings.many(FEED_CONFIG)
        if not feeds:
            raise ConfigError(f'{self._settings.origin} names no product feed. Add [[catalog]] with path = "...".')
        types = self._settings.one(TYPE_CONFIG)
        corrected = self._shop.type_corrections
        corrections = self._store / corrected if corrected else None
        files = [path for feed in feeds for path in source_files(feed.path, self._store)]

        def make(folder: Path, summary: Summary) -> None:
            products, report = read_catalog(feeds, self._store)
            typed = infer_types(products, corrections, types)
            Catalog(typed).save(folder)
            summary |= {"products": report.products, "set_aside": report.reading.set_aside.total()}
            summary |= {"types": len(Catalog(typed).types()), "typed_by_feed": report.typed}

        inputs = self._contents([*files, *([corrections] if corrections else [])])
        return self._stage("catalog", catalog_files.FORMAT_VERSION, inputs | {"config": repr((feeds, types))}, make)

    def _pairs(self, catalog: Path) -> Path:
        sources = self._settings.many(LOG_CONFIG)
        importing, mining = self._settings.one(IMPORT_CONFIG), self._settings.one(PAIR_CONFIG)
        files = [path for source in sources for path in source_files(source.path, self._store)]

        def read(folder: Path, summary: Summary) -> None:
            report = read_events(sources, self._store, folder, importing)
            summary |= {"events": report.events, "queries": report.queries}
            summary |= {"set_aside": report.reading.set_aside.total()}

        events = self._stage("events", 1, self._contents(files) | {"config": repr((sources, importing))}, read)

        def mine(folder: Path, summary: Summary) -> None:
            report = mine_pairs(events, catalog / PRODUCTS_FILE, folder, mining)
            summary |= {"search_buy": report.search_buy, "co_buy": report.co_buy, "sessions": report.sessions}
            summary |= {f"step {index}": str(step) for index, step in enumerate(report.steps, 1)}

        return self._stage("pairs", 1, self._from("catalog", "events") | {"config": repr(mining)}, mine)

    def _hypotheses(self, catalog: Path, pairs: Path | None, said: pa.Table) -> Path:
        evidence = self._settings.one(EVIDENCE_CONFIG)
        descriptions = self._settings.one(DESCRIPTION_CONFIG)
        co_buy = self._settings.one(CO_BUY_CONFIG)
        names = self._settings.one(NAME_CONFIG)
        demand = self._settings.one(DEMAND_CONFIG)
        sifting = self._settings.one(FILTER_CONFIG)
        said = said if sifting.tuned else said.slice(0, 0)
        generated = self._store / GENERATED_FILE if pairs and (self._store / GENERATED_FILE).exists() else None
        hypothesizers: tuple[Hypothesizer, ...] = (
            EvidenceHypothesizer(evidence),
            DescriptionHypothesizer(descriptions),
            ComplementHypothesizer(co_buy),
            NameHypothesizer(names),
            *([GeneratedHypothesizer(generated)] if generated else []),
        )

        def make(folder: Path, summary: Summary) -> None:
            products = pq.read_table(catalog / PRODUCTS_FILE)
            shop = ProposerInput(products, _found(pairs), self._shop.language)
            proposed = pa.concat_tables([to_table(one.propose(shop)) for one in hypothesizers])
            weighed = weigh_claims(proposed, demand, language=self._shop.language)
            plausible = answers(weighed, said, Question.PLAUSIBLE) if said.num_rows else None
            filters = usual_filters(shop, sifting)
            sifted = apply_filters(weighed, filters, limits=sifting.limits, plausible=plausible, aim=sifting.aim)
            kept = weighed.filter(pa.array(sifted.kept))
            pq.write_table(kept, folder / HYPOTHESES_FILE, compression="zstd")
            pq.write_table(yield_table(weighed, sifted, origins(weighed, shop)), folder / YIELDS_FILE)
            summary |= {"proposed": proposed.num_rows, "kept": kept.num_rows}
            summary |= {f"filter {name}": count for name, count in sifted.counts().items()}

        inputs = self._from("catalog", *(["pairs"] if pairs else []))
        inputs |= self._contents([generated] if generated else []) | _rows_key(said)
        inputs["patterns"] = load_patterns(self._shop.language).digest
        return self._stage(
            "hypotheses",
            4,
            inputs | {"config": repr((evidence, descriptions, co_buy, names, demand, sifting, self._shop.language))},
            make,
        )

    def _critic(self, catalog: Path, hypotheses: Path, judged: pa.Table) -> Path:
        """What people said of some hypotheses, told of all; the hypotheses as they are where nobody said anything."""
        if not judged.num_rows:
            return hypotheses
        config = self._settings.one(CRITIC_CONFIG)

        def make(folder: Path, summary: Summary) -> None:
            types = Catalog.load(catalog).types()
            critic = EdgeCritic(pq.read_table(hypotheses / HYPOTHESES_FILE), types, self._shop.language, config)
            rescored, report = critic.rescored(judged)
            pq.write_table(rescored, folder / HYPOTHESES_FILE, compression="zstd")
            write_json(folder / FIT_REPORT_FILE, asdict(report))
            summary |= {f"{question} answers": count for question, count in report.answers.items()}
            summary["unknown"] = report.unknown
            if not report.held_out:
                summary["why"] = f"nothing was trained: {MIN_ANSWERS} answers of yes and of no are needed"

        inputs = self._from("catalog", "hypotheses") | _rows_key(judged)
        inputs["patterns"] = load_patterns(self._shop.language).digest
        return self._stage("critic", 4, inputs | {"config": repr((config, self._shop.language))}, make)

    def _graph(self, hypotheses: Path) -> Path:
        config, language = self._settings.one(GRAPH_CONFIG), self._shop.language
        merges = self._store / config.merges if config.merges else None
        rejected = rejections(judgment_table(read_rejections(self._store / JOURNAL_FILE)))

        def make(folder: Path, summary: Summary) -> None:
            merger = read_corrections(merges, language) if merges else NodeMerger(language)
            counts = assemble([hypotheses / HYPOTHESES_FILE, rejected], folder, config, merger=merger)
            summary |= asdict(counts) | {"rejected": rejected.num_rows}
            if not counts.edges:
                summary["why"] = (
                    "no reason was found: needs take two queries each and three purchases of a type, "
                    "claims of descriptions take two brands"
                )

        return self._stage(
            "graph",
            graph_files.FORMAT_VERSION,
            {"hypotheses": hypotheses.name, "config": repr((config, language)), **_rows_key(rejected)}
            | self._contents([merges] if merges else []),
            make,
        )

    def _student(self, catalog: Path, graph: Path, pairs: Path | None) -> None:
        config = self._settings.one(STUDENT_CONFIG)

        def make(folder: Path, summary: Summary) -> None:
            opened = KnowledgeGraph(graph)
            model = train_student(opened, pq.read_table(catalog / PRODUCTS_FILE), _found(pairs), config)
            summary["reasons"] = len(model.tails) if model else 0
            if model is None:
                summary["why"] = "the graph speaks of too few queries and products to know how sure a guess may be"
            else:
                model.save(folder)

        inputs = self._from("catalog", "graph", *(["pairs"] if pairs else []))
        self._stage("student", student.FORMAT_VERSION, inputs | {"config": repr((config, self._shop.language))}, make)

    def _lexical(self, catalog: Path) -> Path:
        config = self._settings.one(LEXICAL_CONFIG)

        def make(folder: Path, summary: Summary) -> None:
            products = pq.read_table(catalog / PRODUCTS_FILE)
            build_lexical(products, folder, config)
            summary["products"] = products.num_rows

        return self._stage("lexical", lexical.FORMAT_VERSION, self._from("catalog") | {"config": repr(config)}, make)

    def _completions(self, catalog: Path, graph: Path, lexical: Path, pairs: Path | None) -> None:
        config = self._settings.one(VOCABULARY_CONFIG)
        session, language = self._settings.one(SESSION_CONFIG), self._shop.language
        intents = self._settings.one(SEARCH_CONFIG).needs
        events = self._artifacts.folder("events", self._keys["events"]) if pairs else None

        def make(folder: Path, summary: Summary) -> None:
            log = read_query_log(events, folder, config, language=language) if events else QueryLog.empty()
            index = LexicalIndex.open(lexical)
            products, opened = pq.read_table(catalog / PRODUCTS_FILE), KnowledgeGraph(graph)
            phrases = catalog_phrases(products, opened, least_products=config.least_products)
            intent, category = IntentReader(opened, intents).first, purchased_category(_found(pairs), products)
            lookups = ShopLookups(index.finds, index.spelled, intent, category)
            parts = build_parts(log, phrases, lookups, config, session, language=language)
            parts.completer().save(folder)
            weights = parts.ranker.weights if parts.ranker else ()
            summary |= asdict(parts.report) | {"suffixes": len(parts.suffixes), "session weights": weights}

        inputs = self._from("catalog", "graph", "lexical", *(["events", "pairs"] if events else []))
        config_key = repr((config, session, language, intents))
        self._stage("completions", completer.FORMAT_VERSION, inputs | {"config": config_key}, make)

    def _expansion(self, catalog: Path, graph: Path) -> Path:
        def make(folder: Path, summary: Summary) -> None:
            opened = KnowledgeGraph(graph)
            summary["entries"] = build_expansion(opened, pq.read_table(catalog / PRODUCTS_FILE), folder)

        return self._stage("expansion", expansion.FORMAT_VERSION, self._from("catalog", "graph"), make)

    def _tree_trainer(self, catalog: Path, graph: Path, pairs: Path | None) -> TreeTrainer:
        products = pq.read_table(catalog / PRODUCTS_FILE)
        opened = KnowledgeGraph(graph)
        expansion = self._artifacts.folder("expansion", self._keys["expansion"])
        reasons = reason_training_set(opened, expansion, products["product_type"].to_pylist())
        searches = search_training_set(_found(pairs), products)
        return TreeTrainer(products, searches, reasons, self._settings.one(TREE_CONFIG))

    def _tree(self, catalog: Path, graph: Path, pairs: Path | None) -> None:
        config = self._settings.one(TREE_CONFIG)

        def make(folder: Path, summary: Summary) -> None:
            trainer = self._tree_trainer(catalog, graph, pairs)
            trainer.train().save(folder)
            TreeIndex.open(folder).warm_up(trainer.products["title"][0].as_py() if trainer.products.num_rows else "")
            summary |= {"searches": len(trainer.searches), "reasons": len(trainer.reasons)}

        inputs = self._from("catalog", "graph", "expansion", *(["pairs"] if pairs else []))
        self._stage("tree", tree.FORMAT_VERSION, inputs | {"config": repr(config)}, make)

    def _judgments(self) -> Path | None:
        """The judgments that train the reranker, missed before anything is built."""
        named = self._settings.one(RERANKER_CONFIG).judgments
        if named and not (self._store / named).exists():
            raise _missing(self._store / named)
        return self._store / named if named else None

    def _reranker(self, catalog: Path, graph: Path, pairs: Path | None, judged: Path | None) -> None:
        config, intents = self._settings.one(RERANKER_CONFIG), self._settings.one(SEARCH_CONFIG).needs

        def make(folder: Path, summary: Summary) -> None:
            trainer = self._tree_trainer(catalog, graph, pairs)
            opened = KnowledgeGraph(graph)
            ids = trainer.products["product_id"].to_pylist()
            gains = qrels_training_set(read_qrels(judged), ids) if judged else trainer.searches
            indexes = self._indexes(trainer.products, opened)
            reader = IntentReader(opened, intents)
            learned = train_reranker(trainer, gains, indexes, reader.read, folder, config=config)
            summary["queries"] = min(len(gains), config.most_queries) if learned else 0
            if learned is None:
                summary["why"] = f"too few of {len(gains)} queries to train on; {config.least_queries} are needed"

        inputs = self._from("tree", "lexical") | self._contents([judged] if judged else [])
        self._stage("reranker", reranker.FORMAT_VERSION, inputs | {"config": repr((config, intents))}, make)

    def _indexes(self, products: pa.Table, graph: KnowledgeGraph) -> Indexes:
        folders = {kind: self._artifacts.folder(kind, self._keys[kind]) for kind in ("lexical", "expansion", "tree")}
        types = products["product_type"].to_pylist()
        return Indexes(
            lexical=LexicalIndex.open(folders["lexical"]),
            expansion=ExpansionIndex(folders["expansion"], graph, types),
            types=Catalog(products).types(),
            tree=TreeIndex.open(folders["tree"]),
        )

    # ------------------------------------------------------------ the machinery under them
    def _stage(self, kind: str, version: int, inputs: Mapping[str, str], make: Callable[[Path, Summary], None]) -> Path:
        """The folder of a stage: the one from before when nothing changed, else a new one."""
        key = digest(
            kind, str(version), whybuy.__version__, *(f"{name}={value}" for name, value in sorted(inputs.items()))
        )
        self._keys[kind] = key
        if self._artifacts.has(kind, key, version):
            self._reused += 1
            self._listen(Progress(kind, State.REUSED))
            return self._artifacts.folder(kind, key)
        self._listen(Progress(kind, State.STARTED))
        started = time.perf_counter()
        with self._artifacts.create(kind, key, version, inputs) as (folder, summary):
            make(folder, summary)
        self._made += 1
        self._listen(Progress(kind, State.DONE, time.perf_counter() - started, dict(summary)))
        return self._artifacts.folder(kind, key)

    def _from(self, *kinds: str) -> dict[str, str]:
        return {kind: self._keys[kind] for kind in kinds}

    def _contents(self, files: list[Path]) -> dict[str, str]:
        """Hash of the content of each source file; of a folder, of all files in it."""
        files = [file for path in files for file in (sorted(path.glob("*.csv")) if path.is_dir() else [path])]
        return {os.path.relpath(path, self._store): _content_key(path) for path in files}


def _rows_key(table: pa.Table) -> dict[str, str]:
    """What a few rows from people add to the inputs of a stage; nothing when there are none."""
    return {"said": digest(repr(table.to_pylist()))} if table.num_rows else {}


def _found(pairs: Path | None) -> pa.Table:
    """The behavior pairs of a shop; none where it has no logs."""
    return pq.read_table(pairs / PAIRS_FILE) if pairs else PAIR_SCHEMA.empty_table()


def _content_key(path: Path) -> str:
    try:
        return file_digest(path)
    except FileNotFoundError:
        raise _missing(path) from None


def _missing(path: Path) -> ConfigError:
    return ConfigError(f"{path} does not exist. Correct its path in store.toml.")
