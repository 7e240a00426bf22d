"""Match features against the same definitions written plainly in Python."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tiny_shop import product_table
from whybuy.errors import ArtifactError, InputError
from whybuy.records import Product
from whybuy.retrieval.ranked import Ranked
from whybuy.retrieval.ranking.fitting import fit_terms
from whybuy.retrieval.ranking.match_features import Agreement, Match, agreement, match_features
from whybuy.retrieval.ranking.past_queries import PastProducts
from whybuy.retrieval.ranking.product_terms import NOTHING, UNKNOWN, ProductTerms
from whybuy.retrieval.ranking.stage_features import StageFeatures
from whybuy.retrieval.terms import words

PRODUCTS = (
    Product("a", "Acme 5 gal. Red Paint Bucket", product_type="paint bucket", brand="Acme"),
    Product("b", "Acme 1 gal. Bucket", product_type="bucket", attributes=(("color", "red"),)),
    Product("c", "Lawnmower with Bag", product_type="lawn mower"),
    Product("d", "Red Red Bucket of Paint", product_type="paint bucket"),
    Product("e", ""),
)
ALL = np.arange(len(PRODUCTS), dtype=np.int32)
VOCABULARY = [*"acme 5 1 gal red paint bucket lawn mower bag with of for unheard".split()]


@pytest.fixture(scope="module")
def terms() -> ProductTerms:
    return fit_terms(product_table(PRODUCTS))


def matched(terms: ProductTerms, query: str, product: str) -> dict[str, float]:
    """Features of one product among all, by name."""
    row = match_features(terms.query(words(query)), terms.table, ALL)["abcde".index(product)]
    return {feature.name.lower(): float(row[feature]) for feature in Match}


def test_words_are_covered_by_titles(terms: ProductTerms) -> None:
    both = matched(terms, "red bucket", "a")
    assert (both["words_covered"], both["rarest_missed"]) == (1, 0)
    assert both["rarity_covered"] == pytest.approx(1)
    one = matched(terms, "red bucket", "b")
    assert one["words_covered"] == 0.5
    assert one["rarity_covered"] + one["rarity_covered_elsewhere"] == pytest.approx(1)
    assert one["covered_to_best"] < 0
    assert matched(terms, "red bucket", "e")["words_covered"] == 0


def test_order_and_place_are_seen(terms: ProductTerms) -> None:
    paint = matched(terms, "red paint bucket", "a")
    assert (paint["pairs_adjacent"], paint["longest_run"], paint["window_gap"]) == (1, 3, 0)
    assert (paint["first_place"], paint["last_word_from_end"], paint["title_end_matched"]) == (3, 0, 1)
    turned = matched(terms, "red paint bucket", "d")
    assert (turned["pairs_adjacent"], turned["pairs_near"], turned["title_end_matched"]) == (0, 0.5, 1)


def test_measures_agree_or_contradict(terms: ProductTerms) -> None:
    assert matched(terms, "5 gallon bucket", "a")["measures_matched"] == 1
    small = matched(terms, "5 gallon bucket", "b")
    assert (small["measures_contradicted"], small["numbers_missed"], small["query_numbers"]) == (1, 1, 1)
    assert matched(terms, "5 gallon bucket", "d")["measures_contradicted"] == 0


def test_two_words_may_be_one_in_a_title(terms: ProductTerms) -> None:
    mower = matched(terms, "lawn mower", "c")
    assert (mower["words_covered"], mower["type_covered"], mower["type_has_last_word"]) == (1, 1, 1)


def test_numbers_and_units_are_not_what_is_asked_for(terms: ProductTerms) -> None:
    assert matched(terms, "bucket 5 gal", "b")["last_word_covered"] == 1
    assert matched(terms, "gal", "b")["last_word_covered"] == 1


def test_unknown_words_are_counted(terms: ProductTerms) -> None:
    query = terms.query(["unheard", "lawn", "mower"])
    assert query.terms[0] == UNKNOWN
    assert query.joined.tolist()[0] == query.joined.tolist()[2] == NOTHING
    assert query.joined[1] >= 0
    assert matched(terms, "unheard bucket", "a")["query_unknown_words"] == 1


@settings(max_examples=60, deadline=None)
@given(asked=st.lists(st.sampled_from(VOCABULARY), max_size=6))
def test_features_are_what_they_are_said_to_be(terms: ProductTerms, asked: list[str]) -> None:
    query = terms.query(asked)
    table = terms.table
    for product, row in zip(ALL, match_features(query, table, ALL), strict=True):
        title = table.title[table.title_start[product] : table.title_start[product + 1]].tolist()
        if not asked:
            assert not row.any()
            continue
        hit = [term in query.terms or term in query.joined for term in title]
        joined = [
            term in title or query.joined[at] in title or (at > 0 and query.joined[at - 1] in title)
            for at, term in enumerate(query.terms.tolist())
        ]
        heavy = [found for found, light in zip(joined, query.light, strict=True) if not light]
        rarity = table.rarity[title]
        assert row[Match.TITLE_WORDS] == len(title)
        assert row[Match.WORDS_COVERED] == pytest.approx(sum(heavy) / max(1, len(heavy)))
        assert row[Match.TITLE_RARITY_MATCHED] == pytest.approx(rarity[hit].sum() / max(1e-9, rarity.sum()))
        assert row[Match.FIRST_PLACE] == (hit.index(True) if any(hit) else len(title))
        assert row[Match.LONGEST_RUN] == max(map(len, "".join("x" if each else " " for each in hit).split()), default=0)
        assert (row[Match.BM25] > 0) == any(joined)
        assert row[Match.NUMBERS_COVERED] + row[Match.NUMBERS_MISSED] == row[Match.QUERY_NUMBERS]


def test_a_group_agrees_with_what_it_shares(terms: ProductTerms) -> None:
    group = Ranked(np.array([0, 3], np.int32), np.array([3, 1], np.float32))
    features = agreement(terms.table, group, ALL)
    assert features[:, Agreement.TYPE].tolist() == [1, 0, 0, 1, 0]
    assert features[:, Agreement.ITSELF].tolist() == [3, 0, 0, 1, 0]
    assert features[:, Agreement.START].tolist() == [0.75, 0.75, 0, 0.25, 0]
    table = terms.table
    title = table.title[table.title_start[1] : table.title_start[2]]
    share = {"acm": 0.75, "gal": 0.75, "bucket": 1.0, "1": 0.0}
    expected = [
        table.rarity[term] * share[word] for word in share for term in terms.query([word]).terms[:1] if term in title
    ]
    assert features[1, Agreement.TERMS] == pytest.approx(sum(expected))
    assert features[1, Agreement.TERMS_SHARE] == pytest.approx(sum(expected) / table.rarity[title].sum())


def test_no_group_agrees_with_nothing(terms: ProductTerms) -> None:
    assert not agreement(terms.table, Ranked.empty(), ALL).any()


def test_candidates_come_from_all_stages_once(terms: ProductTerms) -> None:
    extractor = StageFeatures({"lexical": 2, "cosine": 2})
    stages = {
        "lexical": Ranked(np.array([3, 0, 1], np.int32), np.array([3, 2, 1], np.float32)),
        "cosine": Ranked(np.array([0, 4], np.int32), np.array([0.5, 0.4], np.float32)),
    }
    past = PastProducts(Ranked(np.array([0], np.int32), np.ones(1, np.float32)), 0.5)
    found = extractor.of(terms.query(["red", "bucket"]), stages, past, terms.table)
    column = {name: found.features[:, at] for at, name in enumerate(extractor.names)}
    assert found.rows.tolist() == [3, 0, 4]
    assert found.features.shape == (3, len(set(extractor.names)))
    assert {"past_itself", "cosine_score"} < set(extractor.monotone) < set(extractor.names)
    near = found.within(stages, {"lexical": 1, "cosine": 1})
    assert near.rows.tolist() == [3, 0]
    np.testing.assert_array_equal(near.features, found.features[:2])
    assert column["past_itself"].tolist() == [0, 1, 0]
    assert column["past_similarity"].tolist() == [0.5, 0.5, 0.5]
    assert column["cosine_score"].tolist() == pytest.approx([0, 0.5, 0.4])
    assert column["best_type"].tolist() == pytest.approx([97 / 98, 97 / 98, 0])  # 3**4 and 2**4 of 3**4 + 2**4 + 1**4


def test_without_anything_found_there_are_no_candidates(terms: ProductTerms) -> None:
    extractor = StageFeatures({"lexical": 2})
    found = extractor.of(terms.query([]), {"lexical": Ranked.empty()}, PastProducts(Ranked.empty(), 0.0), terms.table)
    assert found.features.shape == (0, len(extractor.names))


def test_a_missing_stage_is_named(terms: ProductTerms) -> None:
    with pytest.raises(InputError, match="cosine is missing"):
        StageFeatures({"lexical": 2, "cosine": 2}).of(
            terms.query([]), {"lexical": Ranked.empty()}, PastProducts(Ranked.empty(), 0.0), terms.table
        )


def test_saved_terms_are_the_same(terms: ProductTerms, tmp_path: Path) -> None:
    terms.save(tmp_path)
    loaded = ProductTerms.load(tmp_path)
    assert len(loaded) == len(PRODUCTS)
    query = terms.query(words("red 5 gal bucket"))
    np.testing.assert_array_equal(
        match_features(loaded.query(words("red 5 gal bucket")), loaded.table, ALL),
        match_features(query, terms.table, ALL),
    )


def test_damaged_terms_are_named(terms: ProductTerms, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="no readable product terms"):
        ProductTerms.load(tmp_path)
    terms.save(tmp_path)
    np.save(tmp_path / "title.npy", np.zeros(1, np.int32))
    with pytest.raises(ArtifactError, match="arrays are cut"):
        ProductTerms.load(tmp_path)
