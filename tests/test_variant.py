"""A variant of a shop is what a build would make of other artifacts, and the shop itself stays as it is."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from small_shop import FEED, product_rows, write_rows
from whybuy.artifacts import MANIFEST, file_digest, read_manifest
from whybuy.build import STAGES, Stage, Summary, build, make_variant, retrain
from whybuy.build.stage import StageShop
from whybuy.discovery import Discovery
from whybuy.records import HYPOTHESES
from whybuy.shop import Shop

ALIKE = ("catalog", "pairs", "hypotheses", "graph", "expansion", "signals", "tree", "student")
"""Kinds whose files are the same whenever they are made; tantivy names the files of `lexical` by chance."""


def empty_hypotheses(before: Path, after: Path) -> None:
    pq.write_table(pq.read_table(before / HYPOTHESES.file).slice(0, 0), after / HYPOTHESES.file)


def files(folder: Path) -> dict[str, str]:
    """A digest of each file by its path."""
    return {str(path.relative_to(folder)): file_digest(path) for path in folder.rglob("*") if path.is_file()}


def contents(shop: Shop) -> Mapping[str, Mapping[str, str]]:
    """By kind a digest of each file."""
    return {kind: {name: one for name, one in files(shop.folder(kind)).items() if name != MANIFEST} for kind in ALIKE}


def test_it_is_what_a_build_makes_of_other_files(small_store: Path, tmp_path: Path) -> None:
    rebuilt = shutil.copytree(small_store, tmp_path / "rebuilt")
    rows = list(product_rows())
    write_rows(rebuilt / FEED, [{**rows[0], "product_type": "Shoes > clog", "title": "Marlowe clog, sage"}, *rows[1:]])
    build(rebuilt)
    after, before = Shop.open(rebuilt), Shop.open(small_store)

    def take_other(_: Path, folder: Path) -> None:
        shutil.copytree(after.folder("catalog"), folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(MANIFEST))

    variant = make_variant(before, STAGES, {"catalog": take_other}, tmp_path / "variant")
    assert contents(variant) == contents(after) != contents(before)
    assert variant.folder("events") == before.folder("events")
    assert [Discovery(shop).rank("clog", limit=5) for shop in (variant, after)] == 2 * [["slip-0"]]


def test_a_change_remakes_what_is_made_from_it_and_no_more(small_store: Path, tmp_path: Path) -> None:
    made: list[str] = []
    shop, before = Shop.open(small_store), files(small_store)
    changes = {HYPOTHESES.kind: empty_hypotheses}
    variant = make_variant(shop, STAGES, changes, tmp_path, kept=["tree"], listen=made.append)
    assert variant.graph.edges.num_rows == 0 < shop.graph.edges.num_rows
    assert made[:3] == ["hypotheses", "graph", "expansion"]
    assert not {"catalog", "events", "pairs", "lexical", "signals", "tree"}.intersection(made)
    stages = {stage.kind: stage for stage in STAGES if shop.has(stage.kind)}
    assert {kind for kind in stages if variant.folder(kind) != shop.folder(kind)} == set(made)
    for kind in made:
        read_manifest(variant.folder(kind), kind, stages[kind].version, verify=True)
    assert files(small_store) == before


def test_a_stopped_one_goes_on(small_store: Path, tmp_path: Path) -> None:
    shop = Shop.open(small_store)
    changes = {HYPOTHESES.kind: empty_hypotheses}
    made: list[str] = []

    def stop(stage_shop: StageShop, folder: Path) -> Summary:
        (folder / "half").touch()
        raise KeyboardInterrupt

    stopping = [
        Stage(one.kind, one.version, stop, one.after, one.after_if_there) if one.kind == "expansion" else one
        for one in STAGES
    ]
    with pytest.raises(KeyboardInterrupt):
        make_variant(shop, stopping, changes, tmp_path)
    (tmp_path / ".draft-of-a-killed-process").mkdir()
    variant = make_variant(shop, STAGES, changes, tmp_path, listen=made.append)
    assert made[0] == "expansion", "hypotheses and graph were there"
    assert variant.folder("graph").parent == tmp_path
    assert not list(tmp_path.glob(".draft-*"))
    again: list[str] = []
    assert contents(make_variant(shop, STAGES, changes, tmp_path, listen=again.append)) == contents(variant)
    assert again == []


def test_a_stage_reads_what_it_names_alone(small_store: Path, tmp_path: Path) -> None:
    seen: list[set[str]] = []

    def look(shop: StageShop, folder: Path) -> Summary:
        seen.append({stage.kind for stage in STAGES if shop.has(stage.kind)})
        return {}

    stages = [*STAGES[:4], Stage("graph", 1, look, (HYPOTHESES.kind,), ("critic",))]
    make_variant(Shop.open(small_store), stages, {HYPOTHESES.kind: empty_hypotheses}, tmp_path)
    assert seen == [{HYPOTHESES.kind}]


def test_models_are_trained_by_seed_and_the_first_are_those_of_the_build(judged_store: Path, tmp_path: Path) -> None:
    shop, made = Shop.open(judged_store), list[str]()
    same, other = (retrain(shop, tmp_path, seed=seed, listen=made.append) for seed in (0, 1))
    assert made == ["tree", "reranker"] * 2
    for kind in ("tree", "reranker"):
        built, first, second = (files(one.folder(kind)) for one in (shop, same, other))
        assert built.keys() == first.keys()
        assert {name for name in built if built[name] != first[name]} == {MANIFEST}
        assert {name for name in built if first[name] != second.get(name)} > {MANIFEST}
    retrain(shop, tmp_path, seed=1, listen=pytest.fail)
