"""People say what means the same, and what does not; the graph follows, and forgets it when they do."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tiny_shop import of_type, reason
from whybuy.artifacts import ArtifactStore
from whybuy.errors import InputError
from whybuy.graph import GraphConfig, KnowledgeGraph, NodeMerger, assemble
from whybuy.graph.files import FORMAT_VERSION, KIND, MERGES_FILE, WITHDRAWN_SCHEMA
from whybuy.graph.increment import update
from whybuy.graph.node_merging import read_corrections
from whybuy.knowledge.proposing.hypothesizer import to_table
from whybuy.relations import Relation

SHOE = of_type("slip-on shoe")
WORDINGS = ("pregnant women", "a pregnant woman", "expecting mothers", "moms to be", "glasses", "glass")


def corrections(folder: Path, *rows: str) -> NodeMerger:
    path = folder / "merges.csv"
    path.write_text("\n".join(["wording_a,wording_b,same", *rows]) + "\n", encoding="utf-8")
    return read_corrections(path)


def graph_of(root: Path, merger: NodeMerger, wordings: tuple[str, ...] = WORDINGS) -> KnowledgeGraph:
    hypotheses = to_table(reason(SHOE, Relation.USED_BY, wording) for wording in wordings)
    store = ArtifactStore(root)
    with store.create(KIND, "test", FORMAT_VERSION, {}) as (folder, _):
        assemble(hypotheses, folder, GraphConfig(), merger=merger)
    return KnowledgeGraph(store.folder(KIND, "test"))


def test_what_people_join_is_one_node_under_all_its_wordings(tmp_path: Path) -> None:
    said = corrections(tmp_path, "pregnant women,expecting mothers,yes", "expecting mother,moms to be,yes")
    graph = graph_of(tmp_path, said)
    nodes = {graph.intent(words) for words in ("pregnant woman", "expecting mothers", "mom to be")}
    assert len(nodes) == 1
    assert nodes != {None}
    assert graph_of(tmp_path / "without", NodeMerger()).intent("expecting mothers") not in (None, *nodes)


def test_what_people_keep_apart_is_a_node_of_its_own(tmp_path: Path) -> None:
    apart = graph_of(tmp_path, corrections(tmp_path, "glass,glasses,no"))
    assert apart.intent("Glasses") not in (None, apart.intent("glass"))
    together = graph_of(tmp_path / "without", NodeMerger())
    assert together.intent("Glasses") == together.intent("glass")


def test_the_graph_says_which_wordings_went_where_and_why(tmp_path: Path) -> None:
    said = corrections(tmp_path, "pregnant women,expecting mothers,yes", "glass,glasses,no")
    graph = graph_of(tmp_path, said)
    rows = pq.read_table(tmp_path / "graph-test" / MERGES_FILE).to_pylist()
    assert {(row["wording"], row["how"]) for row in rows} == {
        ("pregnant women", "words"),
        ("a pregnant woman", "words"),
        ("expecting mothers", "joined"),
        ("moms to be", "words"),
        ("glass", "words"),
        ("glasses", "apart"),
    }
    assert all(graph.intent(row["wording"]) == row["node"] for row in rows)


def test_an_update_knows_what_people_said(tmp_path: Path) -> None:
    said = corrections(tmp_path, "pregnant women,expecting mothers,yes")
    graph_of(tmp_path, said, ("pregnant women",))
    store = ArtifactStore(tmp_path)
    with store.create(KIND, "more", FORMAT_VERSION, {}) as (folder, _):
        more = to_table([reason(SHOE, Relation.USED_BY, "an expecting mother")])
        update(store.folder(KIND, "test"), more, WITHDRAWN_SCHEMA.empty_table(), folder, GraphConfig())
    graph = KnowledgeGraph(store.folder(KIND, "more"))
    (triple,) = graph.triples(range(graph.edges.num_rows))
    assert (triple.tail, triple.support) == ("an expecting mother", 10)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("wording_a,wording_b\na,b\n", r"lacks the columns same\. Write them"),
        ("wording_a,wording_b,same\na,b,maybe\n", r"line 2: same is 'maybe'\. Write yes or no"),
    ],
)
def test_corrections_that_cannot_be_understood_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "merges.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_corrections(path)
    with pytest.raises(InputError, match=r"does not exist\. Correct \[graph\] merges"):
        read_corrections(tmp_path / "none.csv")
