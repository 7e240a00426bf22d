"""The stages of the offline COSMO line: proposed reasons, the critic that people's judgments train, the graph."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from whybuy.artifacts import write_json
from whybuy.build.stage import Stage, StageShop, Summary
from whybuy.catalog.shop import SHOP_CONFIG
from whybuy.graph import NodeMerger, assemble
from whybuy.graph import files as graph_files
from whybuy.graph.increment import rejections
from whybuy.graph.node_merging import read_corrections
from whybuy.graph.writing import GRAPH_CONFIG
from whybuy.journal.judgments import to_table as judgment_table
from whybuy.knowledge.critic.edge_critic import CRITIC_CONFIG, EdgeCritic
from whybuy.knowledge.critic.edge_judgments import read_judgment_table, read_reason_judgments
from whybuy.knowledge.critic.edge_noise_model import MIN_ANSWERS
from whybuy.knowledge.filters import apply_filters
from whybuy.knowledge.filters.default import FILTER_CONFIG, default_filters
from whybuy.knowledge.filters.limit_tuning import majority_answers
from whybuy.knowledge.filters.report import FILTER_REPORT_FILE, filter_report, origins
from whybuy.knowledge.proposing.asked import ASKED_CONFIG, AskedHypothesizer, without_parts
from whybuy.knowledge.proposing.co_buy import CO_BUY_CONFIG, ComplementHypothesizer
from whybuy.knowledge.proposing.demand import DEMAND_CONFIG, weigh_claims
from whybuy.knowledge.proposing.descriptions import DESCRIPTION_CONFIG, DescriptionHypothesizer
from whybuy.knowledge.proposing.evidence import EVIDENCE_CONFIG, EvidenceHypothesizer
from whybuy.knowledge.proposing.generated import GENERATED_FILE, GeneratedHypothesizer
from whybuy.knowledge.proposing.hypothesizer import Hypothesizer, ProposerInput, to_table
from whybuy.knowledge.proposing.patterns import load_patterns
from whybuy.knowledge.proposing.synonyms import SYNONYM_CONFIG, SynonymHypothesizer
from whybuy.knowledge.tuning.instruction_export import Known
from whybuy.qrels import read_qrels
from whybuy.records import HYPOTHESES, JUDGMENT_SCHEMA, PAIRS, Judgment, Question, Role
from whybuy.shop import Shop

FIT_REPORT_FILE = "fit_report.json"
_LANGUAGE = SHOP_CONFIG.only("language")


def open_critic(shop: Shop) -> tuple[EdgeCritic, pa.Table]:
    """The critic of a built shop's proposed reasons, untrained, and the judgments of them (JUDGMENT_SCHEMA).

    Raises:
        InputError: `[critic] judgments` names no file of judgments.
        JournalError: the journal is locked or damaged.
    """
    return _critic(shop), _judgments(shop)


def _critic(shop: Shop) -> EdgeCritic:
    return EdgeCritic(shop.table(HYPOTHESES), shop.catalog.types(), shop.language, shop.settings.one(CRITIC_CONFIG))


def read_known(store: Path, judgments: Path | None = None, relevance: Path | None = None) -> Known:
    """The knowledge of the last build of a store, for the instructions that a language model is tuned on.

    judgments: a Parquet file in JUDGMENT_SCHEMA, in place of the judgments that the next build would read. relevance: a
    file of relevance judgments.

    Raises:
        ArtifactError: there is no finished build.
        InputError: judgments cannot be read.
    """
    shop = Shop.open(store)
    return Known(
        ProposerInput(shop.catalog.table, shop.table(PAIRS), shop.language),
        shop.graph.triples(range(shop.graph.edges.num_rows)),
        read_judgment_table(judgments) if judgments else _judgments(shop),
        read_qrels(relevance) if relevance else None,
    )


# ------------------------------------------------------------ what the stages are made from
def _patterns(shop: Shop) -> Mapping[str, str]:
    return {"patterns": load_patterns(shop.language).digest}


def _generated(shop: Shop) -> Sequence[Path]:
    """The answers of a language model about behavior pairs, where there are pairs and answers."""
    file = shop.store / GENERATED_FILE
    return [file] if shop.has(PAIRS.kind) and file.exists() else []


def _merges(shop: Shop) -> Sequence[Path]:
    named = shop.settings.one(GRAPH_CONFIG).merges
    return [shop.store / named] if named else []


def _judgments(shop: Shop, journaled: Sequence[Judgment] | None = None) -> pa.Table:
    return read_reason_judgments(shop.store, shop.settings.one(CRITIC_CONFIG).judgments, journaled)


def _judgments_to_filter_by(shop: Shop, journaled: Sequence[Judgment]) -> pa.Table:
    return _judgments(shop, journaled) if shop.settings.one(FILTER_CONFIG).tuned else JUDGMENT_SCHEMA.empty_table()


def _rejections(shop: Shop, journaled: Sequence[Judgment]) -> pa.Table:
    return judgment_table(one for one in journaled if one.role is Role.READER)


def _without_judgments(shop: Shop, judgments: pa.Table) -> str:
    return "" if judgments.num_rows else "nobody has judged a reason"


# ------------------------------------------------------------ how they are made
def _propose(shop: StageShop, folder: Path) -> Summary:
    settings, judgments = shop.settings, shop.judgments
    config = settings.one(FILTER_CONFIG)
    hypothesizers: tuple[Hypothesizer, ...] = (
        EvidenceHypothesizer(settings.one(EVIDENCE_CONFIG)),
        DescriptionHypothesizer(settings.one(DESCRIPTION_CONFIG)),
        ComplementHypothesizer(settings.one(CO_BUY_CONFIG)),
        SynonymHypothesizer(settings.one(SYNONYM_CONFIG)),
        *map(GeneratedHypothesizer, _generated(shop)),
    )
    inputs = ProposerInput(shop.catalog.table, shop.table(PAIRS), shop.language)
    proposed = pa.concat_tables([to_table(one.propose(inputs)) for one in hypothesizers])
    asked = AskedHypothesizer(settings.one(ASKED_CONFIG)).propose(inputs)
    proposed = pa.concat_tables([proposed, to_table(without_parts(asked, proposed, shop.language))])
    weighed = weigh_claims(proposed, settings.one(DEMAND_CONFIG), language=shop.language)
    plausible = majority_answers(weighed, judgments, Question.PLAUSIBLE) if judgments.num_rows else None
    filtered = apply_filters(
        weighed, default_filters(inputs, config), limits=config.limits, plausible=plausible, aim=config.aim
    )
    kept = weighed.filter(pa.array(filtered.kept))
    pq.write_table(kept, folder / HYPOTHESES.file, compression="zstd")
    pq.write_table(filter_report(weighed, filtered, origins(weighed, inputs)), folder / FILTER_REPORT_FILE)
    counts: Summary = {"proposed": proposed.num_rows, "kept": kept.num_rows}
    return counts | {f"filter {name}": count for name, count in filtered.counts().items()}


def _criticize(shop: StageShop, folder: Path) -> Summary:
    rescored, report = _critic(shop).rescored(shop.judgments)
    pq.write_table(rescored, folder / HYPOTHESES.file, compression="zstd")
    write_json(folder / FIT_REPORT_FILE, asdict(report))
    summary: Summary = {f"{question} answers": count for question, count in report.answers.items()}
    summary["unknown"] = report.unknown
    if not report.held_out:
        summary["why"] = f"nothing was trained: {MIN_ANSWERS} answers of yes and of no are needed"
    return summary


def _assemble(shop: StageShop, folder: Path) -> Summary:
    merges, rejected = _merges(shop), rejections(shop.judgments)
    merger = read_corrections(merges[0], shop.language) if merges else NodeMerger(shop.language)
    hypotheses = shop.folder("critic" if shop.has("critic") else HYPOTHESES.kind) / HYPOTHESES.file
    counts = assemble([hypotheses, rejected], folder, shop.settings.one(GRAPH_CONFIG), merger=merger)
    summary: Summary = asdict(counts) | {"rejected": rejected.num_rows}
    if not counts.edges:
        summary["why"] = (
            "no reason was found: needs take two queries each that led to a type three times, "
            "claims of descriptions take three brands"
        )
    return summary


HYPOTHESES_STAGE = Stage(
    kind=HYPOTHESES.kind,
    version=10,
    make=_propose,
    after=("catalog",),
    after_if_there=("pairs",),
    config=(
        *(
            EVIDENCE_CONFIG,
            ASKED_CONFIG,
            DESCRIPTION_CONFIG,
            CO_BUY_CONFIG,
            SYNONYM_CONFIG,
            DEMAND_CONFIG,
            FILTER_CONFIG,
        ),
        _LANGUAGE,
    ),
    files=_generated,
    judgments=_judgments_to_filter_by,
    also=_patterns,
)
CRITIC = Stage(
    kind="critic",
    version=4,
    make=_criticize,
    after=("catalog", HYPOTHESES.kind),
    config=(CRITIC_CONFIG, _LANGUAGE),
    judgments=_judgments,
    also=_patterns,
    skip=_without_judgments,
)
GRAPH = Stage(
    kind="graph",
    version=graph_files.FORMAT_VERSION,
    make=_assemble,
    after=(HYPOTHESES.kind,),
    after_if_there=("critic",),
    config=(GRAPH_CONFIG, _LANGUAGE),
    files=_merges,
    judgments=_rejections,
)
