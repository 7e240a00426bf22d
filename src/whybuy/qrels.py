"""Relevance judgments of query-product pairs (qrels), read from plain tables, TREC qrels, ESCI and WANDS."""

import csv
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet

from whybuy.errors import InputError

GRADE_COLUMNS = ("relevance", "rating", "grade")
ESCI_GRADES = {"E": 1.0, "S": 0.1, "C": 0.01, "I": 0.0}
"""Gains of Exact, Substitute, Complement and Irrelevant, as the Amazon shopping-queries challenge counts them."""
WANDS_GRADES = {"Exact": 2.0, "Partial": 1.0, "Irrelevant": 0.0}
RELEVANT_SHARE = 2 / 3


@dataclass(frozen=True, slots=True)
class _Rows:
    """One judgment per row, in columns."""

    topics: list[str]
    products: list[str]
    grades: list[float]
    texts: dict[str, str] = field(default_factory=dict)  # of topics that are not the query text itself


@dataclass(frozen=True, slots=True)
class Scale:
    """Lowest and highest possible grade."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise InputError(
                f"The scale of grades must rise; {self.low:g} to {self.high:g} does not. "
                "Give it as `--scale LOW..HIGH`, for example `--scale 0..3`."
            )


@dataclass(frozen=True, slots=True)
class Qrels:
    """Grades by topic and product id; a product judged twice for a topic keeps its highest grade."""

    grades: Mapping[str, Mapping[str, float]]
    scale: Scale
    texts: Mapping[str, str] = field(default_factory=dict)  # of topics that are not the query text itself

    def text(self, topic: str) -> str:
        """The query text of a topic."""
        return self.texts.get(topic, topic)

    def gains(self, topic: str) -> dict[str, float]:
        """Linear gain of each judged product: its grade above the lowest, >= 0."""
        return {product: grade - self.scale.low for product, grade in self.grades[topic].items()}

    def relevant(self, topic: str, *, relevant_from: float | None = None) -> frozenset[str]:
        """The products graded at or above `relevant_from`, by default two thirds up the scale."""
        if relevant_from is None:
            relevant_from = self.scale.low + RELEVANT_SHARE * (self.scale.high - self.scale.low)
        tolerance = 1e-9 + 0.004 * (self.scale.high - self.scale.low)  # grades rounded to two digits: 2.33 for 7/3
        return frozenset(product for product, grade in self.grades[topic].items() if grade >= relevant_from - tolerance)

    def only(self, topics: Iterable[str]) -> "Qrels":
        """The judgments of some of the topics, on the same scale."""
        return Qrels({topic: self.grades[topic] for topic in topics}, self.scale, self.texts)


def read_qrels(path: Path, *, scale: Scale | None = None, topics: Path | None = None) -> Qrels:
    """The judgments of a file, or of a WANDS folder (`query.csv` and `label.csv`).

    Tables (Parquet, CSV, TSV, JSONL) have the columns `query`, `product_id` and one of `relevance`, `rating`, `grade`,
    or ESCI's `esci_label`. Any other file is TREC qrels. The topic of a row is its query text; of an ESCI row, when the
    file has several locales, `locale:query`; of qrels, what stands there. Ids are compared as text.

    scale: lowest and highest possible grade; those of the file when not given.
    topics: lines of topic, tab, query text, for qrels whose topics are numbers.

    Raises:
        InputError: the file is missing, empty, unreadable, lacks a column, or has a grade off the scale.
    """
    try:
        rows = _reader(path)(path)
        texts = _read_topics(topics) if topics else rows.texts
    except FileNotFoundError as error:
        raise InputError(
            f"There is no judgment file {error.filename}. Give a Parquet, CSV, TSV, JSONL or TREC qrels file."
        ) from None
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise InputError(
            f"{path} cannot be read as judgments: {error}. Check that its content fits its name."
        ) from error
    if not rows.topics:
        raise InputError(f"{path} holds no judgments. Each row needs a query, a product id and a grade.")
    if scale is None:
        scale = _scale_of(path, rows.grades)
    return Qrels(_grouped(path, rows, scale), scale, texts)


def _reader(path: Path) -> Callable[[Path], _Rows]:
    if path.is_dir():
        return _read_wands
    if path.suffix in TABLES:
        return _read_table
    return _read_qrels


def _scale_of(path: Path, grades: list[float]) -> Scale:
    low, high = min(grades), max(grades)
    if low == high:
        raise InputError(
            f"{path}: all grades are {low:g}, so the file does not show its scale. Judge some otherwise, "
            "or give the scale to `whybuy evaluate search` as `--scale LOW..HIGH`."
        )
    return Scale(low, high)


def _grouped(path: Path, rows: _Rows, scale: Scale) -> dict[str, dict[str, float]]:
    grouped: dict[str, dict[str, float]] = {}
    for query, product, grade in zip(rows.topics, rows.products, rows.grades, strict=True):
        if not scale.low <= grade <= scale.high:
            raise InputError(
                f"{path}: the grade {grade:g} of product {product!r} for {query!r} is off the scale "
                f"{scale.low:g}..{scale.high:g}. Correct the file, or give another `--scale`."
            )
        judged = grouped.setdefault(query, {})
        judged[product] = max(grade, judged.get(product, grade))
    return grouped


# ---------------------------------------------------------------- tables
def _read_delimited(path: Path, delimiter: str) -> pa.Table:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        names = next(csv.reader(stream, delimiter=delimiter), [])
    return pyarrow.csv.read_csv(
        path,
        parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""]
        ),
    )


TABLES: Mapping[str, Callable[[Path], pa.Table]] = {
    ".parquet": pyarrow.parquet.read_table,
    ".csv": lambda path: _read_delimited(path, ","),
    ".tsv": lambda path: _read_delimited(path, "\t"),
    ".jsonl": pyarrow.json.read_json,
}


def _read_table(path: Path) -> _Rows:
    table = TABLES[path.suffix](path)
    if "esci_label" in table.column_names:
        return _esci_rows(path, table)
    grade_column = next((name for name in GRADE_COLUMNS if name in table.column_names), None)
    if grade_column is None:
        raise _lacks(path, "relevance`, `rating` or `grade", table)
    return _Rows(_texts(path, table, "query"), _texts(path, table, "product_id"), _numbers(path, table, grade_column))


def _esci_rows(path: Path, table: pa.Table) -> _Rows:
    queries, products = _texts(path, table, "query"), _texts(path, table, "product_id")
    grades = _labels(path, _texts(path, table, "esci_label"), ESCI_GRADES)
    locales = _texts(path, table, "product_locale") if "product_locale" in table.column_names else []
    if len(set(locales)) < 2:
        return _Rows(queries, products, grades)
    topics = [f"{locale}:{query}" for locale, query in zip(locales, queries, strict=True)]
    return _Rows(topics, products, grades, dict(zip(topics, queries, strict=True)))


def _read_wands(path: Path) -> _Rows:
    topics, labels = _read_delimited(path / "query.csv", "\t"), _read_delimited(path / "label.csv", "\t")
    text_of = dict(zip(_texts(path, topics, "query_id"), _texts(path, topics, "query"), strict=True))
    try:
        queries = [text_of[topic] for topic in _texts(path, labels, "query_id")]
    except KeyError as error:
        raise InputError(f"{path / 'label.csv'} judges query_id {error}, which query.csv does not list.") from None
    grades = _labels(path, _texts(path, labels, "label"), WANDS_GRADES)
    return _Rows(queries, _texts(path, labels, "product_id"), grades)


def _column(path: Path, table: pa.Table, name: str) -> pa.ChunkedArray:
    if name not in table.column_names:
        raise _lacks(path, name, table)
    column = table[name]
    if column.null_count:
        row = pc.index(pc.is_null(column), True).as_py() + 1
        raise InputError(f"{path}: row {row} has no {name}. Fill it in, or take the row out.")
    return column


def _texts(path: Path, table: pa.Table, name: str) -> list[str]:
    return [str(value) for value in _column(path, table, name).to_pylist()]


def _numbers(path: Path, table: pa.Table, name: str) -> list[float]:
    try:
        return [float(value) for value in _column(path, table, name).to_pylist()]
    except ValueError as error:
        raise InputError(f"{path}: {name} must hold numbers ({error}).") from None


def _labels(path: Path, labels: list[str], grades: Mapping[str, float]) -> list[float]:
    try:
        return [grades[label] for label in labels]
    except KeyError as error:
        raise InputError(f"{path} has the label {error}; allowed: {', '.join(grades)}.") from None


def _lacks(path: Path, name: str, table: pa.Table) -> InputError:
    return InputError(
        f"{path} has no column `{name}`; it has {', '.join(table.column_names)}. Rename the one that is it."
    )


# ---------------------------------------------------------------- TREC
def _read_qrels(path: Path) -> _Rows:
    rows = _Rows([], [], [])
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                # from the right, since topics that are query texts may have spaces
                topic, _, product, grade = line.rsplit(maxsplit=3)
                rows.grades.append(float(grade))
            except ValueError:
                raise InputError(
                    f"{path}:{number}: {line.strip()[:80]!r} is no line of TREC qrels (topic 0 product grade). "
                    f"Tables are known by their names: {', '.join(TABLES)}."
                ) from None
            rows.topics.append(topic.strip())
            rows.products.append(product)
    return rows


def _read_topics(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    if wrong := next((line for line in lines if "\t" not in line), None):
        raise InputError(f"{path}: {wrong[:80]!r} is no topic. Each line is a topic, a tab and its query text.")
    return {topic.strip(): text.strip() for topic, _, text in (line.partition("\t") for line in lines)}
