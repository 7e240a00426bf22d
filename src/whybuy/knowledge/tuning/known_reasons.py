"""What a built store knows, and what was judged beside it."""

from pathlib import Path

import pyarrow.parquet as pq

from whybuy.artifacts import ARTIFACTS_FOLDER, ArtifactStore
from whybuy.behavior.mining import PAIRS_FILE
from whybuy.catalog.catalog import PRODUCTS_FILE
from whybuy.catalog.shop import SHOP_CONFIG
from whybuy.config import read_settings
from whybuy.graph import KnowledgeGraph
from whybuy.knowledge.critic.edge_critic import CRITIC_CONFIG
from whybuy.knowledge.critic.edge_judgments import read_judgment_table, read_reason_judgments
from whybuy.knowledge.proposing.hypothesizer import ProposerInput
from whybuy.knowledge.tuning.instruction_export import Known
from whybuy.qrels import read_qrels
from whybuy.records import PAIR_SCHEMA


def read_known(store: Path, judgments: Path | None = None, relevance: Path | None = None) -> Known:
    """The live build of a store, with judgments of reasons and of query-product pairs.

    judgments: a Parquet file in JUDGMENT_SCHEMA in place of what the store's next build would hear.

    Raises:
        ArtifactError: there is no finished build.
        InputError: judgments cannot be read.
    """
    settings = read_settings(store)
    language, heard = settings.one(SHOP_CONFIG).language, settings.one(CRITIC_CONFIG).judgments
    folders = ArtifactStore(store / ARTIFACTS_FOLDER).current()
    pairs = pq.read_table(folders["pairs"] / PAIRS_FILE) if "pairs" in folders else PAIR_SCHEMA.empty_table()
    graph = KnowledgeGraph(folders["graph"])
    return Known(
        ProposerInput(pq.read_table(folders["catalog"] / PRODUCTS_FILE), pairs, language),
        graph.triples(range(graph.edges.num_rows)),
        read_judgment_table(judgments) if judgments else read_reason_judgments(store, heard),
        read_qrels(relevance) if relevance else None,
    )
