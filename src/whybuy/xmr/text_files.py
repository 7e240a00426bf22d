"""Training data and label texts as plain lines of text."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix

from whybuy.errors import InputError
from whybuy.tables import ReadReport
from whybuy.tables.streams import open_bytes, to_text


@dataclass(frozen=True, slots=True, eq=False)
class TextData:
    """Training data: texts, each with the labels that are right for it."""

    texts: list[str]
    labels: csr_matrix  # texts x labels, weights > 0
    names: list[str]  # of the labels
    label_texts: list[str]  # of each label, "" where there is none


def read_training(path: Path, label_file: Path | None = None, *, report: ReadReport) -> TextData:
    """Read `label[:weight][,label...]<TAB>text` lines, and `label<TAB>text` lines about the labels.

    The number of a label is its place in the label file; those that it lacks follow as they first come. Lines that
    cannot be used are set aside in the report.

    Raises:
        InputError: a file cannot be read, or no line of it can be used.
    """
    label_texts = {} if label_file is None else dict(_label_lines(label_file, report))
    numbers = {name: number for number, name in enumerate(label_texts)}
    texts: list[str] = []
    columns: list[int] = []
    weights: list[float] = []
    starts = [0]
    for weights_of, text in _training_lines(path, report):
        texts.append(text)
        columns += [numbers.setdefault(name, len(numbers)) for name in weights_of]
        weights += weights_of.values()
        starts.append(len(columns))
    if not texts:
        raise InputError(f"{path} has no line that can be used. Allowed: label[:weight][,label...]<TAB>text.")
    labels = csr_matrix((np.array(weights, np.float32), columns, starts), shape=(len(texts), len(numbers)))
    return TextData(texts, labels, list(numbers), [label_texts.get(name, "") for name in numbers])


def read_queries(lines: Iterable[bytes]) -> list[str]:
    """A text per line that is not blank; what is no UTF-8 is read as Windows-1252, as in training."""
    texts = (to_text(line)[0].removeprefix("\ufeff").strip() for line in lines)
    return [text for text in texts if text]


def _training_lines(path: Path, report: ReadReport) -> Iterator[tuple[dict[str, float], str]]:
    for number, line in _lines(path, report):
        labels, tab, text = line.partition("\t")
        weights = _weights(labels)
        if fault := _fault(tab, text) or ("" if weights else "no labels, or a weight that is not above 0"):
            report.reject(fault, path, number, line)
        else:
            yield weights, text.strip()


def _label_lines(path: Path, report: ReadReport) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for number, line in _lines(path, report):
        name, tab, text = line.partition("\t")
        fault = (
            _fault(tab, text) or ("" if name.strip() else "no label") or ("label again" if name.strip() in seen else "")
        )
        if fault:
            report.reject(fault, path, number, line)
        else:
            seen.add(name.strip())
            yield name.strip(), text.strip()


def _lines(path: Path, report: ReadReport) -> Iterator[tuple[int, str]]:
    """Numbered lines that are not blank."""
    with open_bytes(path) as stream:
        for number, content in enumerate(stream, 1):
            text, foreign = to_text(content)
            if foreign:
                report.foreign_encoding.add(path.name)
            if text.strip():
                report.rows_read += 1
                yield number, text.rstrip("\r\n")


def _fault(tab: str, text: str) -> str:
    if not tab:
        return "no tab"
    return "" if text.strip() else "no text"


def _weights(labels: str) -> dict[str, float]:
    """Weights by label; none when one of them is no number above 0. What follows the last colon is a weight."""
    weights: dict[str, float] = {}
    for entry in labels.split(","):
        name, colon, weight = entry.strip().rpartition(":")
        name, value = (name.strip(), _number(weight)) if colon else (weight, 1.0)
        if not name or not 0 < value < np.inf:
            return {}
        weights[name] = weights.get(name, 0.0) + value
    return weights


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
