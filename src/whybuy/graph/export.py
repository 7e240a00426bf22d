"""A built graph in the formats of other tools, written as a stream and shown only when whole."""

import csv
import json
import re
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import quote
from xml.sax.saxutils import escape

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from whybuy.errors import InputError, closest
from whybuy.graph import files
from whybuy.graph.knowledge_graph import KnowledgeGraph

SOURCE_TYPE = pa.list_(
    pa.struct(
        [
            ("generator", pa.string()),
            ("support", pa.int64()),
            ("evidence", pa.list_(pa.string())),
            ("words", pa.list_(pa.string())),
        ]
    )
)
NODE_SCHEMA = files.NODE_SCHEMA.set(0, pa.field("kind", pa.string(), nullable=False))
"""As `files.NODE_SCHEMA`, the kind as a plain string."""
EDGE_SCHEMA = pa.schema(
    [
        *(
            field if field.type != files.CODE else pa.field(field.name, pa.string(), nullable=False)
            for field in files.EDGE_SCHEMA
        ),
        pa.field("sources", SOURCE_TYPE, nullable=False),
    ]
)
"""As `files.EDGE_SCHEMA`, with the sources of each edge, and plain strings."""

BATCH = 10_000  # rows in memory at a time
URN = "urn:whybuy:"
_IRI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20<>\"{}|^`\\]*")
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_RDFS_LABEL = "<http://www.w3.org/2000/01/rdf-schema#label>"
_XSD = "http://www.w3.org/2001/XMLSchema#"
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SCORES = ("plausibility", "typicality", "lift")
_KEYS = ("key", "key2", "key3")  # the parts of a node's key: a pair has two, a type with an attribute three

Row = dict[str, Any]  # one row of NODE_SCHEMA or EDGE_SCHEMA


def export_graph(folder: Path, target: Path, file_format: str, *, base: str = URN) -> tuple[Path, ...]:
    """Write the graph artifact in `folder` to files in the folder `target`; returns their paths.

    - `parquet`: `nodes.parquet` and `edges.parquet` in NODE_SCHEMA and EDGE_SCHEMA of this module.
    - `neo4j`: `nodes.csv` and `edges.csv` for `neo4j-admin database import full --nodes nodes.csv --relationships
      edges.csv`; sources are JSON text.
    - `ntriples`: `graph.nt`, plain N-Triples 1.1. Nodes, relations and terms are IRIs under `base`. Each edge is one
      triple, and its scores hang on an `rdf:Statement` about it: reification is what every RDF tool reads, while
      RDF-star is no part of N-Triples 1.1.
    - `graphml`: `graph.graphml`, directed, with typed keys.

    Existing files of these names are replaced, one by one, only after all are written.

    Raises:
        InputError: the format is unknown, or `base` is no IRI.
        ArtifactError: the folder is no whole graph of this format version.
    """
    if file_format not in FORMATS:
        raise InputError(f"A graph cannot be exported as {file_format!r}.{closest(file_format, FORMATS)}")
    if not _IRI.fullmatch(base):
        raise InputError(f"The base {base!r} is no IRI. Give one such as {URN!r} or 'https://shop.example/graph/'.")
    graph, chosen = _Graph(KnowledgeGraph(folder)), FORMATS[file_format]
    target.mkdir(parents=True, exist_ok=True)
    draft = target / f".draft-{uuid.uuid4().hex[:8]}"
    draft.mkdir()
    try:
        chosen.write(graph, draft, base)
        return tuple((draft / name).replace(target / name) for name in chosen.files)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class _Graph:
    """A graph read in batches."""

    opened: KnowledgeGraph

    def nodes(self) -> Iterator[tuple[int, Row]]:
        """Each node with its number."""
        return enumerate(row for batch in self.node_batches() for row in batch.to_pylist())

    def edges(self) -> Iterator[tuple[int, Row]]:
        """Each edge with its number."""
        return enumerate(row for batch in self.edge_batches() for row in batch.to_pylist())

    def node_batches(self) -> Iterator[pa.Table]:
        """The nodes, in NODE_SCHEMA."""
        for start in range(0, self.opened.nodes.num_rows, BATCH):
            yield self.opened.nodes.slice(start, BATCH).cast(NODE_SCHEMA)

    def edge_batches(self) -> Iterator[pa.Table]:
        """The edges, in EDGE_SCHEMA."""
        for start in range(0, self.opened.edges.num_rows, BATCH):
            batch = self.opened.edges.slice(start, BATCH)
            sources = self.opened.sources(np.arange(start, start + batch.num_rows))
            rows = [[asdict(source) for source in of_edge] for of_edge in sources]
            yield batch.append_column("sources", pa.array(rows, SOURCE_TYPE)).cast(EDGE_SCHEMA)


@dataclass(frozen=True, slots=True)
class Format:
    """An export format."""

    files: tuple[str, ...]
    write: Callable[[_Graph, Path, str], None]  # graph, folder to write to, base of IRIs


def _write_parquet(graph: _Graph, draft: Path, base: str) -> None:
    for name, schema, batches in (
        ("nodes", NODE_SCHEMA, graph.node_batches()),
        ("edges", EDGE_SCHEMA, graph.edge_batches()),
    ):
        with pq.ParquetWriter(draft / f"{name}.parquet", schema, compression="zstd") as writer:
            for batch in batches:
                writer.write_table(batch)


# ---------------------------------------------------------------- Neo4j
def _write_neo4j(graph: _Graph, draft: Path, base: str) -> None:
    with ExitStack() as files:
        nodes = csv.writer(files.enter_context(_create(draft / "nodes.csv", newline="")))
        nodes.writerow(["node:ID", ":LABEL", *(f"{name}:string" for name in _KEYS), "label:string"])
        for number, node in graph.nodes():
            key = [*node["key"], *[""] * (len(_KEYS) - len(node["key"]))]
            nodes.writerow([number, node["kind"].title().replace("_", ""), *key, node["label"]])
        edges = csv.writer(files.enter_context(_create(draft / "edges.csv", newline="")))
        scores = (f"{name}:float" for name in _SCORES)
        edges.writerow([":START_ID", ":END_ID", ":TYPE", *scores, "support:long", "scored_by:string", "sources:string"])
        for _, edge in graph.edges():
            ends = (edge["head"], edge["tail"], edge["relation"].upper())
            edges.writerow([*ends, *map(_decimal, _scores(edge)), edge["support"], edge["scored_by"], _sources(edge)])


# ---------------------------------------------------------------- N-Triples
def _write_ntriples(graph: _Graph, draft: Path, base: str) -> None:
    names: list[str] = []
    with _create(draft / "graph.nt") as file:
        for _, node in graph.nodes():
            names.append(_iri(base, node["kind"], *node["key"]))
            _write_triple(file, names[-1], f"<{_RDF}type>", _iri(base, "kind", node["kind"]))
            _write_triple(file, names[-1], _RDFS_LABEL, _literal(node["label"]))
        for number, edge in graph.edges():
            triple = (names[edge["head"]], _iri(base, "relation", edge["relation"]), names[edge["tail"]])
            _write_triple(file, *triple)
            for predicate, value in _statement(edge, triple, base):
                _write_triple(file, f"_:e{number}", predicate, value)


def _statement(edge: Row, triple: tuple[str, str, str], base: str) -> Iterator[tuple[str, str]]:
    """Predicates and objects of the statement about one edge."""
    yield f"<{_RDF}type>", f"<{_RDF}Statement>"
    for part, value in zip(("subject", "predicate", "object"), triple, strict=True):
        yield f"<{_RDF}{part}>", value
    for name, score in zip(_SCORES, _scores(edge), strict=True):
        yield _iri(base, "term", name), f"{_literal(_decimal(score))}^^<{_XSD}float>"
    yield _iri(base, "term", "support"), f"{_literal(str(edge['support']))}^^<{_XSD}integer>"
    yield _iri(base, "term", "scored_by"), _literal(edge["scored_by"])
    for name, values in _source_values(edge).items():
        for value in values:
            yield _iri(base, "term", name), _literal(value)


def _source_values(edge: Row) -> dict[str, dict[str, None]]:
    """Generators, evidence and words of an edge's sources, each value once."""
    sources = edge["sources"]
    return {
        "generator": dict.fromkeys(source["generator"] for source in sources),
        "evidence": dict.fromkeys(item for source in sources for item in source["evidence"]),
        "words": dict.fromkeys(item for source in sources for item in source["words"]),
    }


def _write_triple(file: TextIO, subject: str, predicate: str, value: str) -> None:
    file.write(f"{subject} {predicate} {value} .\n")


def _iri(base: str, *parts: str) -> str:
    return f"<{base}{'/'.join(quote(part, safe='') for part in parts)}>"


def _literal(text: str) -> str:
    # JSON's escapes of quotes, backslashes, line ends and control characters are those of N-Triples.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")


# ---------------------------------------------------------------- GraphML
_NODE_KEYS = {"kind": "string", **dict.fromkeys(_KEYS, "string"), "label": "string"}
_EDGE_KEYS = {
    "relation": "string",
    **dict.fromkeys(_SCORES, "float"),
    "support": "long",
    "scored_by": "string",
    "sources": "string",
}


def _write_graphml(graph: _Graph, draft: Path, base: str) -> None:
    with _create(draft / "graph.graphml") as file:
        file.write('<?xml version="1.0" encoding="UTF-8"?>\n<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n')
        for domain, keys in (("node", _NODE_KEYS), ("edge", _EDGE_KEYS)):
            for name, kind in keys.items():
                file.write(f'<key id="{domain}-{name}" for="{domain}" attr.name="{name}" attr.type="{kind}"/>\n')
        file.write('<graph edgedefault="directed">\n')
        for number, node in graph.nodes():
            values = {"kind": node["kind"], **dict(zip(_KEYS, node["key"], strict=False)), "label": node["label"]}
            file.write(f'<node id="n{number}">{_data("node", values)}</node>\n')
        for number, edge in graph.edges():
            scores = dict(zip(_SCORES, map(_decimal, _scores(edge)), strict=True))
            values = {"relation": edge["relation"], **scores, "support": str(edge["support"])}
            values |= {"scored_by": edge["scored_by"], "sources": _sources(edge)}
            ends = f'source="n{edge["head"]}" target="n{edge["tail"]}"'
            file.write(f'<edge id="e{number}" {ends}>{_data("edge", values)}</edge>\n')
        file.write("</graph>\n</graphml>\n")


def _data(domain: str, values: dict[str, str]) -> str:
    legal = {name: escape(_NOT_XML.sub("\ufffd", value)) for name, value in values.items()}
    return "".join(f'<data key="{domain}-{name}">{value}</data>' for name, value in legal.items())


# ---------------------------------------------------------------- shared
def _create(path: Path, newline: str = "\n") -> TextIO:
    return path.open("w", encoding="utf-8", newline=newline)


def _scores(edge: Row) -> list[float]:
    return [edge[name] for name in _SCORES]


def _decimal(score: float) -> str:
    """The shortest text that reads back as the same 32-bit number, or nearly so."""
    return f"{score:.7g}"


def _sources(edge: Row) -> str:
    return json.dumps(edge["sources"], ensure_ascii=False)


FORMATS = {
    "parquet": Format(("nodes.parquet", "edges.parquet"), _write_parquet),
    "neo4j": Format(("nodes.csv", "edges.csv"), _write_neo4j),
    "ntriples": Format(("graph.nt",), _write_ntriples),
    "graphml": Format(("graph.graphml",), _write_graphml),
}
"""The export formats by name; the only list of them."""
