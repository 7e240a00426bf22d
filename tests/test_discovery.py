"""Asking an opened shop: every stage, every reason, every refusal."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from small_shop import KINDS, NEEDS, product_rows, write_rows, write_store
from tiny_shop import build_graph, of_type, reason
from whybuy.artifacts import ARTIFACTS_FOLDER, CURRENT, ArtifactStore
from whybuy.behavior.init import init_store
from whybuy.build import build
from whybuy.discovery import Discovery, UnknownProduct, live_key
from whybuy.discovery.graph import GraphView
from whybuy.discovery.intents import MIN_CONFIDENCE, SHOWN
from whybuy.discovery.products import ProductLookup
from whybuy.errors import ArtifactError, ConfigError, InputError
from whybuy.graph import KnowledgeGraph
from whybuy.operations import MAX_QUERY
from whybuy.records import Answer, Filter, Hit, Query, Reason, Sort
from whybuy.relations import Relation
from whybuy.retrieval.rankers import RANKER_NAMES
from whybuy.shop import Shop

NEED = "shoes for pregnant women"
EVERYTHING = Query("shoe boot tent bag leash lamp", limit=100, ranker="lexical")
WORDS = st.sampled_from("marlowe sage shoe boots tent camping winter pregnant women for zzyx lmp a".split())


def ids(answer: Answer) -> list[str]:
    return [hit.product_id for hit in answer.hits]


def first(discovery: Discovery, text: str) -> Hit:
    return discovery.search(Query(text)).hits[0]


# ---------------------------------------------------------------- stages
@pytest.mark.parametrize(
    ("text", "source", "kind"),
    [
        ("marlowe floor lamp", "all_words", "floo"),
        ("the floor lamps", "all_words", "floo"),
        ("sleping bagg", "typo", "slee"),
        ("pregnant women", "intents", "slip"),
        ("gray floor lamp", "some_words", "floo"),
        ("lasch", "nearest_type", "dog"),
    ],
)
def test_a_hit_says_which_stage_found_it(small_discovery: Discovery, text: str, source: str, kind: str) -> None:
    hit = first(small_discovery, text)
    assert (hit.source, hit.product_id.split("-")[0]) == (source, kind)
    assert source in hit.scores


def test_words_that_no_product_is_near_find_nothing(small_discovery: Discovery) -> None:
    for text in ("xqzv", "", "   ", "?!", "\x00", "\U0001f9e6" * 50):
        answer = small_discovery.search(Query(text))
        assert (answer.total, answer.hits, answer.facets) == (0, (), {})


@pytest.mark.parametrize(("text", "kind"), NEEDS.items())
def test_every_logged_need_is_answered_with_what_was_bought_for_it(
    small_discovery: Discovery, text: str, kind: str
) -> None:
    found = small_discovery.rank(text, limit=10)
    assert {small_discovery.product(product_id).product_type for product_id in found} == {kind}


def test_matches_name_the_field_and_the_word(small_discovery: Discovery) -> None:
    hit = first(small_discovery, "marlowe lamp in sage")
    assert {("title", "marlowe"), ("brand", "marlowe"), ("attributes", "sage")} <= {
        (match.field, match.term) for match in hit.matched
    }


# ---------------------------------------------------------------- reasons
def test_reasons_are_triples_of_the_graph_with_their_evidence(small_store: Path, small_discovery: Discovery) -> None:
    graph = KnowledgeGraph(ArtifactStore(small_store / ARTIFACTS_FOLDER).current()["graph"])
    triples = list(graph.triples(range(len(graph.edges))))
    support = {(str(triple.head), triple.relation, triple.tail): triple.sources[0].support for triple in triples}
    id_of = {row["title"]: row["id"] for row in product_rows()}
    reasons = {reason for text in NEEDS for hit in small_discovery.search(Query(text)).hits for reason in hit.reasons}
    assert reasons
    for each in reasons:
        head = id_of.get(each.head, each.head)  # products go by their titles
        assert each.evidence[0].split()[0] == f"{support[head, each.relation, each.tail]:,}"
        assert 0 < each.confidence <= 1


def test_a_need_brings_its_reason_to_the_product_that_answers_it(small_discovery: Discovery) -> None:
    answer = small_discovery.search(Query(NEED))
    assert [(intent.relation, intent.tail) for intent in answer.intents] == [
        (Relation.USED_FOR_AUDIENCE, "pregnant women")
    ]
    reason = answer.hits[0].reasons[0]
    assert (reason.head, reason.relation, reason.tail) == (
        "slip-on shoe",
        Relation.USED_FOR_AUDIENCE,
        "pregnant women",
    )
    assert any(NEED in line for line in reason.evidence)


def test_what_the_graph_says_comes_before_what_the_student_guesses(small_discovery: Discovery) -> None:
    for asked in (*NEEDS, "slip-0", "something for a pregnant hiker", "marlowe tent"):
        sources = [intent.source for intent in small_discovery.intents(asked)]
        assert sources == sorted(sources, key=lambda source: source == "student")
        assert len(sources) <= SHOWN
        assert all(
            one.confidence >= MIN_CONFIDENCE for one in small_discovery.intents(asked) if one.source == "student"
        )


def test_a_product_is_asked_for_by_its_id(small_discovery: Discovery) -> None:
    said = [one for one in small_discovery.intents("slip-0") if one.source == "graph"]
    why = small_discovery.why("slip-0", limit=SHOWN)
    assert [(one.relation, one.tail, one.confidence, one.words) for one in said] == [
        (reason.relation, reason.tail, reason.confidence, reason.head) for reason in why
    ]


def test_a_shop_without_a_student_answers_from_its_graph(small_store: Path, tmp_path: Path) -> None:
    store = tmp_path / "shop"
    shutil.copytree(small_store, store)
    pointer = store / ARTIFACTS_FOLDER / CURRENT
    live = json.loads(pointer.read_text())
    pointer.write_text(json.dumps({kind: key for kind, key in live.items() if kind != "student"}))
    found = Discovery.open(store).intents(NEED)
    assert [(one.tail, one.source) for one in found] == [("pregnant women", "graph")]


def test_a_product_of_another_kind_gets_no_reason_that_is_not_its_own(small_discovery: Discovery) -> None:
    assert small_discovery.explain(NEED, "floo-0").reasons == ()


def test_explain_is_the_hit_of_the_search(small_discovery: Discovery) -> None:
    hit = small_discovery.search(Query(NEED, explain=True)).hits[0]
    assert hit.path
    assert small_discovery.explain(NEED, hit.product_id) == hit


def test_hits_tell_their_way_through_the_tree_when_asked(small_discovery: Discovery) -> None:
    plain = small_discovery.search(Query(NEED)).hits
    explained = small_discovery.search(Query(NEED, explain=True)).hits
    assert plain == tuple(replace(hit, path=()) for hit in explained)
    for hit in explained:
        assert hit.path[-1].name == "this product"
        assert hit.path[-1].score == pytest.approx(hit.scores["tree"], rel=0.01)
        assert {"pregnant", "women"} <= {sign.words for sign in hit.path[-1].contributions}


def test_why_gives_the_strongest_reason_of_a_product_first_and_each_once(small_discovery: Discovery) -> None:
    reasons = small_discovery.why("slip-0")
    assert "pregnant women" in [reason.tail for reason in reasons[:2]]
    assert len({(reason.relation, reason.tail) for reason in reasons}) == len(reasons)
    assert small_discovery.why("slip-0", limit=1) == reasons[:1]


def test_what_goes_with_a_product_comes_with_its_titles(small_discovery: Discovery) -> None:
    product_id = small_discovery.rank("tent", limit=1)[0]
    hits = small_discovery.goes_with(product_id, limit=3)
    assert [hit.title for hit in hits] == [small_discovery.product(hit.product_id).title for hit in hits]
    assert product_id not in [hit.product_id for hit in hits]
    assert len(hits) == 3
    with pytest.raises(UnknownProduct):
        small_discovery.goes_with("no such product")


def test_the_neighborhood_names_broader_and_narrower_intents(small_store: Path, tmp_path: Path) -> None:
    shop = Shop.open(small_store)
    tails = ("camping", "winter camping", "winter camping with dogs")
    shop.include(
        "graph", build_graph(tmp_path, [reason(of_type("tent"), Relation.USED_FOR_EVENT, tail) for tail in tails])
    )
    view = GraphView(shop, ProductLookup(shop))
    around = view.neighborhood("winter camping", 10)
    assert (around.broader, around.narrower) == (("camping",), ("winter camping with dogs",))


def test_the_neighborhood_shows_products_by_their_titles(small_discovery: Discovery) -> None:
    around = small_discovery.neighborhood("pregnant women")
    labels = {node.id: node.label for node in around.nodes}
    titles = {row["title"] for row in product_rows()}
    assert ("slip-on shoe", "pregnant women") in {(labels[edge.source], labels[edge.target]) for edge in around.edges}
    assert all(node.label in titles for node in around.nodes if node.kind == "product")
    assert small_discovery.neighborhood("no such thing").nodes == ()
    assert len(small_discovery.neighborhood("pregnant women", limit=1).edges) == 1


# ---------------------------------------------------------------- filters, facets, order, pages
def test_filters_keep_what_they_say_and_facets_count_what_is_kept(small_discovery: Discovery) -> None:
    kept = small_discovery.search(
        replace(EVERYTHING, filters=(Filter("brand", ("Marlowe", "Tarn")), Filter("color", ("sage",))))
    )
    assert kept.total == len(kept.hits) == 2 * len(KINDS)
    assert {(value.value, value.count) for value in kept.facets["brand"]} == {("Marlowe", 6), ("Tarn", 6)}
    assert "color" not in kept.facets  # one value is nothing to choose from
    assert {value.count for value in kept.facets["product_type"]} == {2}


def test_prices_filter_by_range_and_sort_both_ways(small_discovery: Discovery) -> None:
    lamps = Query("floor lamp", limit=100, filters=(Filter("price", ("72..75",)),))
    assert ids(small_discovery.search(replace(lamps, sort=Sort.PRICE_UP))) == ["floo-2", "floo-3", "floo-4"]
    assert ids(small_discovery.search(replace(lamps, sort=Sort.PRICE_DOWN))) == ["floo-4", "floo-3", "floo-2"]


def test_titles_sort_by_the_alphabet(small_discovery: Discovery) -> None:
    titles = [hit.title for hit in small_discovery.search(replace(EVERYTHING, sort=Sort.TITLE)).hits]
    assert titles == sorted(titles, key=str.casefold)


@given(text=st.lists(WORDS, min_size=1, max_size=5).map(" ".join), size=st.integers(1, 7))
@settings(max_examples=25, deadline=None)
def test_pages_are_pieces_of_the_whole(small_discovery: Discovery, text: str, size: int) -> None:
    whole = small_discovery.search(Query(text, limit=100))
    every = whole.total + whole.related_total
    assert every == len(whole.hits) == len(set(ids(whole)))
    assert [hit.answers for hit in whole.hits] == [True] * whole.total + [False] * whole.related_total
    for part in (whole.hits[: whole.total], whole.hits[whole.total :]):
        assert all(left.score >= right.score for left, right in pairwise(part))
    pages = [small_discovery.search(Query(text, limit=size, offset=at)) for at in range(0, every + size, size)]
    assert [product_id for page in pages for product_id in ids(page)] == ids(whole)
    assert {(page.total, page.related_total) for page in pages} == {(whole.total, whole.related_total)}


@pytest.fixture(scope="module")
def lamp_shop(tmp_path_factory: pytest.TempPathFactory) -> Discovery:
    """700 lamps, more than fusion weighs; every hundredth is by another maker, the dearer the later."""
    store = tmp_path_factory.mktemp("lamps")
    rows = (
        {
            "id": f"lamp-{number}",
            "title": "Lamp" + " with a shade" * (number % 7) + f" {number:03}",
            "description": "A lamp.",
            "brand": "Tarn" if number % 100 == 99 else "Fennel",
            "product_type": "lamp",
            "price": f"{number + 1}.00 USD",
        }
        for number in range(700)
    )
    init_store(store, [write_rows(store / "products.csv", rows)])
    build(store)
    return Discovery.open(store)


@pytest.mark.parametrize("ranker", ["lexical", "fused"])
def test_all_that_is_found_is_counted_filtered_and_sorted(lamp_shop: Discovery, ranker: str) -> None:
    lamps = Query("lamp", limit=20, ranker=ranker)
    pages = [lamp_shop.search(replace(lamps, offset=offset)) for offset in (0, 480, 690, 5_000)]
    assert [(page.total, len(page.hits)) for page in pages] == [(700, 20), (700, 20), (700, 10), (700, 0)]
    assert {value.value: value.count for value in pages[0].facets["brand"]} == {"Fennel": 693, "Tarn": 7}
    kept = lamp_shop.search(replace(lamps, filters=(Filter("brand", ("Tarn",)),)))
    assert set(ids(kept)) == {f"lamp-{number}" for number in range(99, 700, 100)}
    assert ids(lamp_shop.search(replace(lamps, sort=Sort.PRICE_DOWN)))[:2] == ["lamp-699", "lamp-698"]
    assert ids(lamp_shop.search(replace(lamps, sort=Sort.PRICE_UP)))[:2] == ["lamp-0", "lamp-1"]


def test_the_nearest_type_counts_all_its_products(lamp_shop: Discovery) -> None:
    answer = lamp_shop.search(Query("lamqz"))
    assert (answer.total, answer.related_total, answer.hits[0].source) == (0, 700, "nearest_type")


@pytest.fixture(scope="module")
def shallow(small_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Discovery:
    """The small shop where fusion weighs three products of each ranker."""
    store = shutil.copytree(small_store, tmp_path_factory.mktemp("shallow") / "shop")
    with (store / "store.toml").open("a", encoding="utf-8") as stream:
        stream.write("\n[search]\ndepth = 3\n")
    return Discovery.open(store)


@given(
    text=st.lists(WORDS, min_size=1, max_size=5).map(" ".join),
    ranker=st.sampled_from(RANKER_NAMES),
    size=st.integers(1, 7),
)
@settings(max_examples=25, deadline=None)
def test_a_place_depends_neither_on_the_page_nor_on_a_filter(
    shallow: Discovery, text: str, ranker: str, size: int
) -> None:
    whole = shallow.search(Query(text, limit=100, ranker=ranker))
    places = [(hit.product_id, hit.score) for hit in whole.hits]
    for part in ([hit for hit in whole.hits if hit.answers], [hit for hit in whole.hits if not hit.answers]):
        assert all(left.score >= right.score for left, right in pairwise(part))
    assert shallow.rank(text, limit=size, ranker=ranker) == ids(whole)[:size]
    pages = [
        shallow.search(Query(text, limit=size, offset=at, ranker=ranker)) for at in range(0, len(places) + size, size)
    ]
    assert [(hit.product_id, hit.score) for page in pages for hit in page.hits] == places
    assert {page.total + page.related_total for page in pages} == {len(places)}
    assert all(page.facets == whole.facets for page in pages)
    kept = shallow.search(Query(text, limit=100, ranker=ranker, filters=(Filter("brand", ("Marlowe",)),)))
    assert list(kept.hits) == [hit for hit in whole.hits if "Marlowe" in hit.title]


def test_no_hits_can_be_asked_for(small_discovery: Discovery) -> None:
    answer = small_discovery.search(Query("floor lamp", limit=0))
    assert answer.hits == ()
    assert answer.total > 0


# ---------------------------------------------------------------- refusals
@pytest.mark.parametrize(
    ("query", "message"),
    [
        (Query("shoe", ranker="best"), r"Ranker 'best' is not one of lexical, intents, tree, signals, fused"),
        (Query("shoe", filters=(Filter("colour", ("sage",)),)), r"no field 'colour' .*Did you mean 'color'\?"),
        (Query("shoe", filters=(Filter("price", ("cheap",)),)), r"Price 'cheap' is no range"),
        (Query("a" * (MAX_QUERY + 1)), r"has 10,001 characters; at most 10,000 are allowed"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(small_discovery: Discovery, query: Query, message: str) -> None:
    with pytest.raises(InputError, match=message):
        small_discovery.search(query)


@pytest.mark.parametrize("ranker", RANKER_NAMES)
def test_a_query_of_ten_thousand_characters_answers(small_discovery: Discovery, ranker: str) -> None:
    text = ("shoes for pregnant women and " * 400)[:MAX_QUERY]
    found = ids(small_discovery.search(Query(text, ranker=ranker)))
    assert bool(found) is (ranker != "signals"), "nobody has searched for that"


@pytest.mark.parametrize("ask", [Discovery.product, Discovery.why, lambda shop, one: shop.explain("shoe", one)])
def test_an_unknown_product_is_named(small_discovery: Discovery, ask: object) -> None:
    assert callable(ask)
    with pytest.raises(UnknownProduct, match="Small shop has no product 'nope' among its 60"):
        ask(small_discovery, "nope")


def test_opening_nothing_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is no shop"):
        Discovery.open(tmp_path)
    with pytest.raises(ArtifactError, match="holds no finished build"):
        Discovery.open(write_store(tmp_path / "shop"))


def test_a_wrong_search_setting_is_named(small_store: Path, tmp_path: Path) -> None:
    text = (small_store / "store.toml").read_text(encoding="utf-8")
    (tmp_path / "store.toml").write_text(f"{text}\n[search]\ndeep = 3\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"\[search\] has no setting 'deep'"):
        Discovery.open(tmp_path)


# ---------------------------------------------------------------- as a whole
def test_facts_count_what_the_shop_has(small_store: Path, small_discovery: Discovery) -> None:
    facts = small_discovery.facts()
    assert (facts["shop"], facts["products"]) == ("Small shop", 60)
    assert isinstance(facts["edges"], int)
    assert facts["edges"] > 0
    assert str(facts["graph_key"]) in live_key(small_store)


def test_the_live_key_changes_with_the_build_and_is_empty_without_one(tmp_path: Path) -> None:
    store = write_store(tmp_path / "shop", logs=False)
    assert live_key(store) == ""
    build(store)
    before = live_key(store)
    with (store / "store.toml").open("a", encoding="utf-8") as stream:
        stream.write("\n[lexical]\nphrase = 0.1\n")
    build(store)
    assert "" != live_key(store) != before


@pytest.mark.parametrize("published", [True, False])
def test_opening_is_tried_again_only_when_a_build_was_published_meanwhile(
    small_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, published: bool
) -> None:
    store = shutil.copytree(small_store, tmp_path / "shop")
    pointer = store / ARTIFACTS_FOLDER / CURRENT
    live = pointer.read_text(encoding="utf-8")
    stale = live.replace(json.loads(live)["graph"], "swept")
    pointer.write_text(stale, encoding="utf-8")
    looked: list[str] = []

    def current(artifacts: ArtifactStore) -> dict[str, Path]:
        folders = really_current(artifacts)
        if published and not looked:
            pointer.write_text(live, encoding="utf-8")
        looked.append("once")
        return folders

    really_current = ArtifactStore.current
    monkeypatch.setattr(ArtifactStore, "current", current)
    if published:
        assert Discovery.open(store).key == live_key(store)
    else:
        with pytest.raises(ArtifactError, match="graph-swept is no whole 'graph' artifact"):
            Discovery.open(store)
    assert len(looked) == 1 + published


def test_many_threads_get_the_answers_of_one(small_store: Path) -> None:
    texts = [*NEEDS, "lamp", "sleping bag", "xqzv"] * 6
    alone = [Discovery.open(small_store).rank(text, limit=20) for text in texts[: len(texts) // 6]]
    shared = Discovery.open(small_store)  # nothing is cached yet, so the threads race for it
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda text: shared.rank(text, limit=20), texts))
        reasons: list[tuple[Reason, ...]] = list(pool.map(shared.why, ["slip-0"] * 20))
    assert together == alone * 6
    assert len(set(reasons)) == 1
