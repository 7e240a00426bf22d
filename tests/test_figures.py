"""Figures in README.md, docs/results.md and docs/relevance.md are those of the files under results/.

After a table or paragraph, a comment names where its figures come from: a file, then lines of a path in it and the
figures as quoted, in their order. Braces list several keys, `* 100` or `/ 1000` changes the unit:

    <!-- results/demo.json
    search/judgments/rankers/{lexical,fused}/ndcg@10: .513 .918
    -->
"""

import json
import re
from collections.abc import Iterator
from itertools import product as combinations
from pathlib import Path
from typing import Any

import pytest

import whybuy

PROJECT = Path(whybuy.__file__).parents[2]
PAGES = ["README.md", "docs/results.md", "docs/relevance.md"]
COMMENT = re.compile(r"<!-- (results/.*?)-->", flags=re.DOTALL)
NUMBER = re.compile(r"(?<![\w.])[+−-]?(?:\d[\d,]*)?\.?\d+(?![\d\w]*\])")


def read(name: str) -> str:
    return (PROJECT / name).read_text(encoding="utf-8")


def paths(pattern: str) -> Iterator[list[str]]:
    """Those that a pattern with braces stands for, each as its keys."""
    parts = [part.split(",") if braced else [part] for part, braced in re.findall(r"([^{}]+)(\}?)", pattern)]
    for chosen in combinations(*parts):
        yield "".join(chosen).split("/")


def value_at(content: Any, keys: list[str]) -> float:  # noqa: ANN401 (JSON)
    for key in keys:
        content = content[int(key)] if isinstance(content, list) else content[key]
    return float(content)


def is_quoted_as(value: float, figure: str) -> bool:
    """Whether a value, rounded to as many decimals as the figure has, is the figure."""
    half_a_unit: float = 0.5 * 10.0 ** -len(figure.partition(".")[2])
    return abs(value - float(figure.replace(",", "").replace("−", "-"))) <= half_a_unit + 1e-9


def claims(comment: str) -> Iterator[tuple[str, list[str], float, str]]:
    """(file, keys, factor, figure as quoted) of each figure in a comment."""
    name = ""
    for line in filter(None, map(str.strip, comment.splitlines())):
        if line.startswith("results/"):
            name = line
            continue
        where, _, figures = line.rpartition(": ")
        pattern, sign, factor = re.fullmatch(r"(.*?)(?: ([*/]) (\d+))?", where).groups()  # type: ignore[union-attr]
        scale = 1.0 if sign is None else float(factor) if sign == "*" else 1 / float(factor)
        for keys, figure in zip(paths(pattern), figures.split(), strict=True):
            yield name, keys, scale, figure


def faults(page: str, contents: dict[str, Any]) -> Iterator[str]:
    """Figures that are not what their file says, and figures that the text before their comment does not have."""
    end = 0
    for comment in COMMENT.finditer(page):
        numbers = iter(NUMBER.findall(page[end : comment.start()]))
        end = comment.end()
        for name, keys, scale, figure in claims(comment[1]):
            value = value_at(contents[name], keys) * scale
            if not is_quoted_as(value, figure):
                yield f"{name}: {'/'.join(keys)} is {value:.6g}, quoted as {figure}"
            if figure not in numbers:
                yield f"{name}: {figure} ({'/'.join(keys)}) does not stand in the text before, in this order"


@pytest.mark.parametrize("page", PAGES)
def test_figures_are_those_of_the_results(page: str) -> None:
    text = read(page)
    named = set(re.findall(r"results/\w+\.json", text))
    assert list(faults(text, {name: json.loads(read(name)) for name in named})) == []


@pytest.mark.parametrize("page", PAGES)
def test_a_page_holds_figures_of_each_file_that_it_names(page: str) -> None:
    text = read(page)
    held = {name for comment in COMMENT.findall(text) for name, *_ in claims(comment)}
    assert held >= set(re.findall(r"results/\w+\.json", COMMENT.sub("", text)))


COMMENTED = "<!-- results/a.json\n{low,high}/share * 100: 4.1 1,250\nrows/1: -.5\n-->"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("From 4.1 to 1,250, or -.5. ", []),
        ("From 4.2 to 1,250, or -.5. ", ["4.1 (low/share)", "1,250 (high/share)", "-.5 (rows/1)"]),
        ("From 1,250 to 4.1, or -.5. ", ["1,250 (high/share)", "-.5 (rows/1)"]),
    ],
)
def test_a_figure_that_is_not_in_the_text_is_found(text: str, found: list[str]) -> None:
    contents = {"results/a.json": {"low": {"share": 0.0412}, "high": {"share": 12.5}, "rows": [1, -0.46]}}
    said = [fault.split(" does")[0].removeprefix("results/a.json: ") for fault in faults(text + COMMENTED, contents)]
    assert said == found


@pytest.mark.parametrize("share", [0.0406, 0.0404, 0.0416, 0.41])
def test_a_figure_that_is_not_in_the_file_is_found(share: float) -> None:
    contents = {"results/a.json": {"low": {"share": share}, "high": {"share": 12.5}, "rows": [1, -0.46]}}
    wrong = [] if share == 0.0406 else [f"results/a.json: low/share is {share * 100:.6g}, quoted as 4.1"]
    assert list(faults("From 4.1 to 1,250, or -.5. " + COMMENTED, contents)) == wrong
