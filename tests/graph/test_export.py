"""Other tools read the exported graph, and read all of it."""

import csv
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings

from tiny_shop import build_graph, hypotheses_lists, of_type, reason
from whybuy.errors import ArtifactError, InputError
from whybuy.graph import KnowledgeGraph
from whybuy.graph import export as export_module
from whybuy.graph.export import FORMATS, export_graph
from whybuy.records import Head, HeadKind, Hypothesis, Source, Triple
from whybuy.relations import Relation

TRIPLE = re.compile(
    r"(?P<subject><[^<>\"{}|^`\\\x00-\x20]+>|_:\w+) (?P<predicate><[^<>\"{}|^`\\\x00-\x20]+>) "
    r"(?P<object><[^<>\"{}|^`\\\x00-\x20]+>|\"(?:[^\"\\\n\r]|\\[tbnrf\"'\\]|\\u[0-9A-Fa-f]{4})*\"(?:\^\^<[^<>]+>)?) \."
)
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
GRAPHML = "{http://graphml.graphdrawing.org/xmlns}"
NASTY = [
    reason(Head(HeadKind.QUERY, ('12" <shoe> & "é" \\ 100%',)), Relation.USED_BY, "nurses\u2028"),
    reason(Head(HeadKind.PRODUCT, ("a/b c#?;,",)), Relation.X_WANT, "tab\there \x0b bell\x07"),
    reason(Head(HeadKind.TYPE_ATTRIBUTE, ("shoe", "sole", "slip;resistant")), Relation.USED_FOR_AUDIENCE, "kids"),
    reason(Head(HeadKind.PAIR, ("p1", "p2")), Relation.USED_FOR_EVENT, "line\nbreak"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return build_graph(tmp_path / "store", NASTY)


def all_triples(folder: Path) -> list[Triple]:
    graph = KnowledgeGraph(folder)
    return list(graph.triples(range(graph.edges.num_rows)))


def parse(path: Path) -> list[tuple[str, str, str]]:
    """Subjects, predicates and objects, line by line."""
    found = []
    for line in path.read_text(encoding="utf-8").removesuffix("\n").split("\n"):
        match = TRIPLE.fullmatch(line)
        assert match, line
        found.append((match["subject"], match["predicate"], match["object"]))
    return found


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_writes_the_files_that_it_names(folder: Path, tmp_path: Path, name: str) -> None:
    paths = export_graph(folder, tmp_path / "out", name)
    assert [path.name for path in paths] == list(FORMATS[name].files)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(FORMATS[name].files)


@pytest.mark.parametrize("name", FORMATS)
def test_exporting_twice_gives_the_same_bytes(folder: Path, tmp_path: Path, name: str) -> None:
    first = [path.read_bytes() for path in export_graph(folder, tmp_path, name)]
    assert [path.read_bytes() for path in export_graph(folder, tmp_path, name)] == first


def test_parquet_holds_every_triple_with_its_scores_and_sources(folder: Path, tmp_path: Path) -> None:
    nodes, edges = (pq.read_table(path).to_pylist() for path in export_graph(folder, tmp_path / "out", "parquet"))
    found = [
        Triple(
            Head(HeadKind(nodes[edge["head"]]["kind"]), tuple(nodes[edge["head"]]["key"])),
            Relation(edge["relation"]),
            nodes[edge["tail"]]["label"],
            edge["plausibility"],
            edge["typicality"],
            edge["support"],
            tuple(
                Source(one["generator"], one["support"], tuple(one["evidence"]), tuple(one["words"]))
                for one in edge["sources"]
            ),
        )
        for edge in edges
    ]
    assert found == all_triples(folder)


def test_neo4j_files_have_typed_headers_and_every_edge_finds_its_nodes(folder: Path, tmp_path: Path) -> None:
    nodes, edges = export_graph(folder, tmp_path / "out", "neo4j")
    with nodes.open(encoding="utf-8", newline="") as file:
        node_rows = list(csv.DictReader(file))
    with edges.open(encoding="utf-8", newline="") as file:
        edge_rows = list(csv.DictReader(file))
    assert list(node_rows[0]) == ["node:ID", ":LABEL", "key:string", "key2:string", "key3:string", "label:string"]
    assert list(edge_rows[0])[:5] == [":START_ID", ":END_ID", ":TYPE", "plausibility:float", "typicality:float"]
    by_id = {row["node:ID"]: row for row in node_rows}
    assert {row[":LABEL"] for row in node_rows} == {"Query", "Product", "TypeAttribute", "Pair", "Intent"}
    found = {
        (by_id[row[":START_ID"]]["label:string"], row[":TYPE"], by_id[row[":END_ID"]]["label:string"])
        for row in edge_rows
    }
    assert found == {(str(t.head), t.relation.value.upper(), t.tail) for t in all_triples(folder)}
    assert {float(row["plausibility:float"]) for row in edge_rows} == {0.8}
    assert all(json.loads(row["sources:string"])[0]["generator"] == "test.v1" for row in edge_rows)


def test_ntriples_parse_and_name_every_edge_with_its_scores(folder: Path, tmp_path: Path) -> None:
    (path,) = export_graph(folder, tmp_path / "out", "ntriples")
    triples = parse(path)
    labels = {s: json.loads(o) for s, p, o in triples if p.endswith("#label>")}
    edges = {(s, p, o) for s, p, o in triples if p.startswith("<urn:whybuy:relation/")}
    assert {(labels[s], p[len("<urn:whybuy:relation/") : -1], labels[o]) for s, p, o in edges} == {
        (str(t.head), t.relation.value, t.tail) for t in all_triples(folder)
    }
    about: dict[str, dict[str, str]] = {}
    for subject, predicate, value in triples:
        if subject.startswith("_:"):
            about.setdefault(subject, {})[predicate] = value
    assert {tuple(one[f"<{RDF}{part}>"] for part in ("subject", "predicate", "object")) for one in about.values()} == (
        edges
    )
    assert {one["<urn:whybuy:term/plausibility>"] for one in about.values()} == {
        '"0.8"^^<http://www.w3.org/2001/XMLSchema#float>'
    }


def test_iris_are_percent_encoded_under_the_given_base(folder: Path, tmp_path: Path) -> None:
    (path,) = export_graph(folder, tmp_path / "out", "ntriples", base="https://shop.example/graph/")
    subjects = {subject for subject, _, _ in parse(path)}
    assert "<https://shop.example/graph/product/a%2Fb%20c%23%3F%3B%2C>" in subjects
    query = next(subject for subject in subjects if "/query/" in subject)
    assert unquote(query).endswith('/query/12" <shoe> & "é" \\ 100%>')


@pytest.mark.parametrize("base", ["no scheme", "urn:with space", "https://a.example/<x>/", ""])
def test_a_base_that_is_no_iri_is_refused(folder: Path, tmp_path: Path, base: str) -> None:
    with pytest.raises(InputError, match=r"is no IRI\. Give one such as"):
        export_graph(folder, tmp_path / "out", "ntriples", base=base)


def test_graphml_loads_and_declares_every_key_that_it_uses(folder: Path, tmp_path: Path) -> None:
    (path,) = export_graph(folder, tmp_path / "out", "graphml")
    root = ET.parse(path).getroot()
    declared = {key.attrib["id"]: key.attrib["attr.type"] for key in root.iter(f"{GRAPHML}key")}
    assert declared["edge-plausibility"] == "float"
    assert {data.attrib["key"] for data in root.iter(f"{GRAPHML}data")} <= declared.keys()
    labels = {
        node.attrib["id"]: node.findtext(f"{GRAPHML}data[@key='node-label']") for node in root.iter(f"{GRAPHML}node")
    }
    ends = {(labels[edge.attrib["source"]], labels[edge.attrib["target"]]) for edge in root.iter(f"{GRAPHML}edge")}
    assert ("shoe [sole: slip;resistant]", "kids") in ends
    assert ("a/b c#?;,", "tab\there \ufffd bell\ufffd") in ends


def test_an_unknown_format_is_refused_with_the_allowed_ones(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'yaml'\. Allowed: graphml, neo4j, ntriples, parquet"):
        export_graph(folder, tmp_path / "out", "yaml")
    with pytest.raises(InputError, match=r"Did you mean 'ntriples'\?"):
        export_graph(folder, tmp_path / "out", "ntriple")
    assert not (tmp_path / "out").exists()


def test_a_folder_without_a_graph_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="is no whole 'graph' artifact"):
        export_graph(tmp_path, tmp_path / "out", "parquet")


@pytest.mark.parametrize("interruption", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_a_stopped_export_leaves_what_was_there(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interruption: BaseException
) -> None:
    out = tmp_path / "out"
    (path,) = export_graph(folder, out, "graphml")
    before = path.read_bytes()

    def stop(domain: str, values: dict[str, str]) -> str:
        raise interruption

    monkeypatch.setattr(export_module, "_data", stop)
    with pytest.raises(type(interruption)):
        export_graph(folder, out, "graphml")
    assert [entry.name for entry in out.iterdir()] == ["graph.graphml"]
    assert path.read_bytes() == before


@settings(max_examples=15, deadline=None)
@given(hypotheses_lists())
def test_each_edge_is_one_edge_in_every_format(hypotheses: list[Hypothesis]) -> None:
    with TemporaryDirectory() as root:
        folder = build_graph(Path(root) / "store", hypotheses)
        count = len(all_triples(folder))
        out = Path(root) / "out"
        (triples,) = export_graph(folder, out, "ntriples")
        (graphml,) = export_graph(folder, out, "graphml")
        _, neo4j = export_graph(folder, out, "neo4j")
        statements = [line for line in triples.read_text().splitlines() if line.endswith(f"<{RDF}Statement> .")]
        with neo4j.open(newline="") as file:
            rows = list(csv.reader(file))[1:]
        edges = list(ET.parse(graphml).getroot().iter(f"{GRAPHML}edge"))
        assert (len(statements), len(rows), len(edges)) == (count, count, count)


def test_a_type_head_reads_as_its_name(tmp_path: Path) -> None:
    folder = build_graph(tmp_path / "store", [reason(of_type("slip-on shoe"), Relation.USED_BY, "nurses")])
    (path,) = export_graph(folder, tmp_path / "out", "ntriples")
    assert "<urn:whybuy:type/slip-on%20shoe> <urn:whybuy:relation/used_by> <urn:whybuy:intent/nurse> ." in (
        path.read_text().splitlines()
    )
