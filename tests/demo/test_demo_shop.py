"""The demo shop as it is written: its size, its honesty, its gap queries and its shoppers' behavior."""

import csv
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from whybuy.demo.queries import SHOWCASE, content_lemmas
from whybuy.demo.shop import (
    EVENTS,
    FEED,
    FEED_COLUMNS,
    JUDGMENTS,
    JUDGMENTS_GAP,
    JUDGMENTS_GAP_UNLOGGED,
    JUDGMENTS_PLAIN,
    NAMED,
    NEXT,
    QUERIES,
    REASONS,
    ShopSummary,
    write_shop,
)
from whybuy.demo.world import TypeReason, World, load_world
from whybuy.errors import InputError
from whybuy.relations import Relation
from whybuy.text import lemmas, normalize

pytestmark = pytest.mark.heavy

Row = dict[str, Any]
FEW = 3000  # sessions of the shops that only tests of the writing need


@dataclass(frozen=True)
class Written:
    """One demo shop on disk, read back."""

    folder: Path
    summary: ShopSummary

    @cached_property
    def feed(self) -> list[dict[str, str]]:
        with (self.folder / FEED).open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream, delimiter="\t"))

    @cached_property
    def queries(self) -> list[Row]:
        return self.rows(QUERIES)

    @cached_property
    def events(self) -> list[Row]:
        return self.rows(EVENTS)

    @cached_property
    def judgments(self) -> list[Row]:
        return self.rows(JUDGMENTS)

    @cached_property
    def reasons(self) -> list[Row]:
        return self.rows(REASONS)

    @cached_property
    def logged(self) -> Counter[str]:
        return Counter(normalize(row["user_query"]) for row in self.queries)

    @cached_property
    def details(self) -> dict[str, dict[str, str]]:
        """Attributes by product id."""
        return {row["id"]: attributes(row) for row in self.feed}

    @cached_property
    def type_of(self) -> dict[str, str]:
        return {row["id"]: row["product_type"].split(" > ")[-1] for row in self.feed}

    def rows(self, name: str) -> list[Row]:
        rows: list[Row] = pq.read_table(self.folder / name).to_pylist()
        return rows


def attributes(row: dict[str, str]) -> dict[str, str]:
    parts = [detail.split(":") for detail in row["product_detail"].split(",")]
    return {name: value for _, name, value in parts}


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Written:
    folder = tmp_path_factory.mktemp("demo")
    return Written(folder, write_shop(folder))


@pytest.fixture(scope="session")
def world() -> World:
    return load_world()


# ---------------------------------------------------------------- size
def test_shop_is_as_large_as_promised(shop: Written) -> None:
    summary = shop.summary
    assert summary.categories >= 18
    assert summary.types >= 200
    assert summary.products >= 3000
    assert summary.intents >= 300
    assert summary.sessions >= 40_000
    assert summary.purchases >= 25_000
    assert summary.gap_queries >= 120
    assert summary.plain_queries >= 150


def test_summary_counts_what_the_files_hold(shop: Written) -> None:
    assert len(shop.feed) == len({row["id"] for row in shop.feed}) == shop.summary.products
    assert len(shop.queries) == len({row["query_id"] for row in shop.queries}) == shop.summary.queries
    assert len(shop.events) == shop.summary.events
    assert len(shop.reasons) == shop.summary.reasons
    bought = {tuple(map(str, row.values())) for row in shop.events if row["action_name"] == "purchase"}
    assert len(bought) == shop.summary.purchases
    assert len({row["session_id"] for row in shop.events}) <= shop.summary.sessions


def test_all_relations_are_reasons_in_seen_and_held_out_categories(shop: Written) -> None:
    for held_out in (False, True):
        relations = {row["relation"] for row in shop.reasons if row["held_out"] is held_out}
        assert relations == {relation.value for relation in Relation}
    categories = {row["category"]: row["held_out"] for row in shop.reasons}
    assert sum(categories.values()) * 3 == len(categories)


def test_most_needs_lead_to_five_purchases(shop: Written, world: World) -> None:
    reasons = {(reason.type.name, reason.intent.relation.value, reason.intent.tail) for reason in world.reasons}
    counts = [
        row["purchases"] for row in shop.reasons if (row["product_type"], row["relation"], row["tail"]) in reasons
    ]
    assert len(counts) == len(reasons)
    assert sum(count >= 5 for count in counts) >= 0.9 * len(counts)
    assert sum(counts) <= shop.summary.purchases


def test_the_needs_of_queries_are_told_by_their_words(shop: Written) -> None:
    rows = shop.rows(NAMED)
    assert {row["query"] for row in rows} <= set(shop.logged)
    spelled = [row for row in rows if any(wording in row["query"] for wording in row["wordings"])]
    assert 0.9 < sum(row["times"] for row in spelled) / sum(row["times"] for row in rows) < 1  # some are mistyped


# ---------------------------------------------------------------- gap queries
def answered(reason: TypeReason, details: dict[str, dict[str, str]], type_of: dict[str, str]) -> set[str]:
    return {
        product
        for product, kind in type_of.items()
        if kind == reason.type.name and reason.latent.answered_by(details[product])
    }


def test_half_of_the_gap_queries_are_never_logged(shop: Written) -> None:
    groups = defaultdict(set)
    for row in shop.judgments:
        groups[row["group"]].add(row["query"])
    assert len(groups["gap_unlogged"]) == shop.summary.gap_queries_unlogged
    assert abs(len(groups["gap_unlogged"]) - len(groups["gap_logged"])) <= 1
    assert not groups["gap_unlogged"] & set(shop.logged)
    assert not {normalize(row["user_query"] or "") for row in shop.events} & groups["gap_unlogged"]
    assert groups["gap_logged"] <= set(shop.logged)
    assert SHOWCASE in groups["gap_unlogged"]


def test_no_answering_product_says_the_need_of_a_gap_query(shop: Written, world: World) -> None:
    """From the files alone: what a query says of the need is its longest wording that some reason has."""
    shown = ("title", "description", "brand", "product_detail")
    words = {row["id"]: set(lemmas(" ".join(row[column] for column in shown))) for row in shop.feed}
    wordings = sorted(
        {wording for reason in world.reasons for wording in reason.intent.wordings}, key=len, reverse=True
    )
    answers = defaultdict(set)
    for row in shop.rows(JUDGMENTS_GAP):
        if row["relevance"] == 3:
            answers[row["query"]].add(row["product_id"])
    assert len(answers) == shop.summary.gap_queries
    for query, products in answers.items():
        named = [wording for wording in wordings if f" {wording} " in f" {query} "]
        assert named, query
        assert any(not any(content_lemmas(wording) & words[product] for product in products) for wording in named), (
            query
        )


def test_type_word_alone_answers_no_gap_query(shop: Written) -> None:
    grades: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for row in shop.rows(JUDGMENTS_GAP):
        grades[row["query"]][row["relevance"]] += 1
    named = [counts for counts in grades.values() if counts[1]]
    assert all(counts[3] <= counts[1] for counts in named)
    assert 0.3 < len(named) / len(grades) < 0.7


def test_judged_products_answer_by_their_attributes(shop: Written, world: World) -> None:
    right = {row["product_id"] for row in shop.judgments if row["query"] == SHOWCASE and row["relevance"] == 3}
    near = {row["product_id"] for row in shop.judgments if row["query"] == SHOWCASE and row["relevance"] == 1}
    audience = [reason for reason in world.reasons if reason.intent.tail == "pregnant women"]
    answering = {product for reason in audience for product in answered(reason, shop.details, shop.type_of)}
    assert right
    assert right <= answering
    assert not near & answering
    assert {shop.type_of[product] for product in right | near} > {"slip-on shoe", "walking shoe"}


def test_judgment_files_are_the_groups_of_the_whole(shop: Written) -> None:
    gap, unlogged, plain = (shop.rows(name) for name in (JUDGMENTS_GAP, JUDGMENTS_GAP_UNLOGGED, JUDGMENTS_PLAIN))
    assert {row["group"] for row in unlogged} == {"gap_unlogged"}
    assert {row["group"] for row in plain} == {"plain"}
    assert len(gap) + len(plain) == len(shop.judgments)
    assert [row for row in gap if row["group"] == "gap_unlogged"] == unlogged
    assert {row["relevance"] for row in shop.judgments} == {1, 3}
    for rows in (gap, plain):
        assert {row["query"] for row in rows} == {row["query"] for row in rows if row["relevance"] == 3}


# ---------------------------------------------------------------- honesty
def test_feed_has_only_what_a_merchant_sends(shop: Written) -> None:
    assert tuple(shop.feed[0]) == FEED_COLUMNS
    assert not any("{" in "".join(row.values()) for row in shop.feed)
    assert all(float(row["price"].removesuffix(" USD")) > 0 for row in shop.feed)


def test_told_sentences_stand_only_in_answering_products(shop: Written, world: World) -> None:
    for reason in world.reasons:
        if reason.latent.sentence:
            telling = {
                row["id"]
                for row in shop.feed
                if shop.type_of[row["id"]] == reason.type.name and reason.latent.sentence in row["description"]
            }
            others = [other for other in reason.type.reasons if other.sentence == reason.latent.sentence]
            assert telling
            assert all(any(other.answered_by(shop.details[product]) for other in others) for product in telling)


def test_every_reason_is_answered_by_three_products(shop: Written, world: World) -> None:
    assert min(len(answered(reason, shop.details, shop.type_of)) for reason in world.reasons) >= 3


# ---------------------------------------------------------------- behavior
def test_answering_products_are_bought_far_more_often(shop: Written, world: World) -> None:
    """Of what is shown for a logged gap query, per product of the right type."""
    grades = {(row["query"], row["product_id"]): row["relevance"] for row in shop.rows(JUDGMENTS_GAP)}
    shown: Counter[int] = Counter()
    bought: Counter[int] = Counter()
    for row in shop.queries:
        shown.update(grade for hit in row["query_response_hit_ids"] if (grade := grades.get((row["user_query"], hit))))
    for row in shop.events:
        if row["action_name"] == "purchase" and row["user_query"]:
            bought[grades.get((row["user_query"], row["event_attributes"]["object"]["object_id"]), 0)] += 1
    assert bought[3] / shown[3] > 5 * bought[1] / shown[1]
    assert bought[1] > 0


def test_pages_are_not_ordered_by_need(shop: Written) -> None:
    grades = {(row["query"], row["product_id"]): row["relevance"] for row in shop.rows(JUDGMENTS_GAP)}
    positions = defaultdict(list)
    for row in shop.queries:
        for position, hit in enumerate(row["query_response_hit_ids"][:10], 1):
            if grade := grades.get((row["user_query"], hit)):
                positions[grade].append(position)
    means = {grade: sum(found) / len(found) for grade, found in positions.items()}
    assert abs(means[3] - means[1]) < 0.5


def test_clicks_fall_with_the_position(shop: Written) -> None:
    clicks = Counter(
        row["event_attributes"]["position"]["ordinal"]
        for row in shop.events
        if row["action_name"] == "click" and row["event_attributes"]["position"]
    )
    assert clicks[1] > 1.2 * clicks[3] > 1.4 * clicks[6] > 2 * clicks[12] > 0


def test_events_point_at_what_their_query_showed(shop: Written) -> None:
    pages = {row["query_id"]: row for row in shop.queries}
    for row in shop.events:
        attributes = row["event_attributes"]
        if row["query_id"] is None:
            assert attributes["position"] is None
            assert row["user_query"] is None
        else:
            page = pages[row["query_id"]]
            shown = page["query_response_hit_ids"][attributes["position"]["ordinal"] - 1]
            assert shown == attributes["object"]["object_id"]
            assert (page["user_query"], page["client_id"]) == (row["user_query"], row["client_id"])
            assert row["timestamp"] > page["timestamp"]


def test_pages_have_ten_to_twenty_four_different_products(shop: Written) -> None:
    for row in shop.queries:
        hits = row["query_response_hit_ids"]
        assert 10 <= len(hits) == len(set(hits)) <= 24


def test_seasonal_needs_come_in_their_season(shop: Written) -> None:
    christmas = [row["timestamp"].month for row in shop.queries if "christmas" in row["user_query"]]
    assert sum(month in {11, 12} for month in christmas) > 0.4 * len(christmas)


def test_logs_carry_a_little_dirt(shop: Written) -> None:
    times = [row["timestamp"] for row in shop.events]
    late = sum(after < before for before, after in pairwise(times))
    repeated = len(shop.events) - len({str(row) for row in shop.events})
    assert 0 < late < 0.01 * len(times)
    assert 0 < repeated < 0.01 * len(times)


def test_some_baskets_hold_two_products(shop: Written) -> None:
    baskets = defaultdict(set)
    for row in shop.events:
        if row["action_name"] == "purchase":
            baskets[row["session_id"]].add(row["event_attributes"]["object"]["object_id"])
    sizes = Counter(map(len, baskets.values()))
    assert set(sizes) == {1, 2}
    assert 0.1 < sizes[2] / sizes.total() < 0.3


# ---------------------------------------------------------------- writing
def test_same_seed_gives_the_same_bytes_and_another_seed_does_not(tmp_path: Path) -> None:
    write_shop(tmp_path / "one", seed=3, sessions=FEW)
    write_shop(tmp_path / "two", seed=3, sessions=FEW)
    write_shop(tmp_path / "three", seed=4, sessions=FEW)
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file())
    assert len(files) == 11
    for file in files:
        one, two, three = ((tmp_path / name / file).read_bytes() for name in ("one", "two", "three"))
        assert one == two, file
        assert (one == three) is (file == Path(NEXT)), file  # what follows a need is written, not drawn


def test_too_few_sessions_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"10 sessions are too few for \d+ needs\. Ask for \d+ or more\."):
        write_shop(tmp_path, sessions=10)
    assert list(tmp_path.iterdir()) == []


def test_full_disk_leaves_no_part_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(table: object, path: Path, **_: object) -> None:
        path.write_bytes(b"PAR1")
        raise OSError("No space left on device")

    monkeypatch.setattr(pq, "write_table", full)
    with pytest.raises(OSError, match="No space left"):
        write_shop(tmp_path, sessions=FEW)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["products.tsv"]
