"""The pages as HTML: escaped, addressable, safe."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from fakes import REASONS, SHOES, FakeDiscovery, many_products
from snapshot import assert_snapshot
from whybuy.journal import Journal
from whybuy.records import Node, Product, Sort
from whybuy.relations import Relation
from whybuy.serving.addresses import SearchAddress
from whybuy.serving.app import create_app
from whybuy.serving.rendering import (
    around_url,
    attribute_words,
    by_relation,
    facet_words,
    head_words,
    price_words,
    product_url,
    range_words,
    stage_words,
)

BROWSER = {"accept": "text/html,application/xhtml+xml"}


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "journal.sqlite") as journal:
        yield journal


@pytest.fixture
def client(journal: Journal) -> TestClient:
    app = create_app(FakeDiscovery(), journal, examples=("shoes for pregnant women", "hiking & more"))
    return TestClient(app, headers=BROWSER, raise_server_exceptions=False)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("start", "/"),
        ("search", "/?q=shoes+for+pregnant+women&filter=price:..80"),
        ("product", "/product/s1?q=shoes"),
        ("graph", "/graph?node=pregnant+women"),
    ],
)
def test_pages_are_as_reviewed(client: TestClient, name: str, path: str) -> None:
    response = client.get(path)
    assert (response.status_code, response.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert_snapshot(f"serving/{name}.html", response.text)


@pytest.mark.parametrize(
    "path",
    [
        "/?q=%3Cscript%3Ealert(1)%3C/script%3E+shoe",
        "/?q=shoe&filter=%3Cscript%3E:%22%3E%3Cimg+src=x%3E",
        "/product/s4?q=%3Cscript%3E",
        "/graph?node=%3Cu%3Etail%3C/u%3E",
        "/graph?node=%3C/script%3E%3Cscript%3Ealert(1)%3C/script%3E",
        "/product/%3Cscript%3E",
    ],
)
def test_what_comes_from_outside_stays_text(client: TestClient, path: str) -> None:
    page = client.get(path).text
    assert not re.search(r"<script>|<img src=x|<u>|<s>|<i>head|<i>shoe|<b>Bold", page)


def test_a_page_asks_no_other_host_and_may_not(client: TestClient) -> None:
    for path in ("/", "/?q=shoe", "/product/s1", "/graph?node=pregnant+women", "/product/nope"):
        response = client.get(path)
        assert not re.search(r"""(src|href|action)=["'](https?:)?//""", response.text)
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "http" not in policy
        assert "unsafe" not in policy


def test_every_static_file_that_pages_name_is_there(client: TestClient) -> None:
    named = set(re.findall(r'"(/static/[^"]+)"', client.get("/graph?node=hiking").text))
    assert len(named) == 6
    assert all(client.get(path).status_code == 200 for path in named)


@pytest.mark.parametrize("product", SHOES, ids=lambda product: product.product_id)
def test_a_product_page_is_reached_whatever_the_id(client: TestClient, product: Product) -> None:
    response = client.get(product_url(product.product_id, "a&b=c"))
    assert response.status_code == 200
    assert "a&amp;b=c" in response.text


def test_a_person_gets_a_page_and_a_program_a_problem(client: TestClient) -> None:
    page = client.get("/product/nope")
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "has no product &#39;nope&#39;" in page.text
    problem = client.get("/product/nope", headers={"accept": "application/json"})
    assert problem.headers["content-type"] == "application/problem+json"
    assert client.get("/?q=x&page=0").status_code == 422


def test_parameters_that_others_add_are_passed_over(client: TestClient) -> None:
    assert client.get("/?q=shoe&utm_source=letter").status_code == 200


def test_pages_part_the_hits_without_loss(journal: Journal) -> None:
    client = TestClient(create_app(FakeDiscovery(many_products(45)), journal), headers=BROWSER)
    titles = [
        title
        for page in (1, 2, 3)
        for title in re.findall(r"Shoe number (\d+)</a>", client.get(f"/?q=shoe&sort=title&page={page}").text)
    ]
    assert titles == [f"{number:03}" for number in range(45)]
    assert "There are no more products" in client.get("/?q=shoe&page=4").text


def test_an_empty_page_says_what_to_try(client: TestClient) -> None:
    page = client.get("/?q=zzz&ranker=lexical&filter=brand:Marlowe").text
    assert "Nothing in this shop fits" in page
    assert "Search again without filters" in page
    assert "Search by words and needs" in page


def test_an_unknown_node_offers_a_search(client: TestClient) -> None:
    assert "The graph has no node “zzz”" in client.get("/graph?node=zzz").text


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
addresses = st.builds(
    SearchAddress,
    q=texts,
    page=st.integers(1, 9),
    sort=st.sampled_from(Sort),
    ranker=st.sampled_from(["fused", "lexical", "intents"]),
    filters=st.lists(st.builds("{}:{}".format, st.sampled_from(["brand", "size"]), texts), unique=True).map(tuple),
)


@given(addresses, texts)
def test_a_filter_toggled_twice_is_as_before_on_the_first_page(address: SearchAddress, value: str) -> None:
    text = f"color:{value}"
    assert address.toggled(text).toggled(text) == address.at_page(1)


@given(addresses)
def test_an_address_says_all_that_is_unusual(address: SearchAddress) -> None:
    said = parse_qs(urlsplit(address.url).query, keep_blank_values=True)
    assert said["q"] == [address.q]
    assert said.get("page", ["1"]) == [str(address.page)]
    assert said.get("sort", ["relevance"]) == [address.sort]
    assert said.get("ranker", ["fused"]) == [address.ranker]
    assert tuple(said.get("filter", [])) == address.filters


def test_words_and_numbers_read_well() -> None:
    assert price_words(Product("p", "t", price=1234.5, currency="USD")) == "$1,234.50"
    assert price_words(Product("p", "t", price=7.0, currency="CHF")) == "7.00 CHF"
    assert price_words(Product("p", "t")) == ""
    assert [range_words(text) for text in ("20..80", "..80", "20..")] == ["20 to 80", "up to 80", "from 20"]
    assert range_words("cheap") == "cheap"
    assert facet_words("product_type") == "Product type"
    assert (stage_words("typo"), stage_words("a_later_stage")) == ("spelling forgiven", "a later stage")
    assert attribute_words("slip-on shoe [sole: slip-resistant]") == "slip-resistant"
    assert attribute_words("slip-on shoe") == ""
    assert head_words("slip-on shoe [sole: slip-resistant]") == "slip-on shoe, sole slip-resistant"
    assert head_words('slip-on shoe "harbor"') == 'slip-on shoe "harbor"'


@pytest.mark.parametrize(
    ("node", "url"),
    [
        (Node("1", "Odd-named shoe", "product", "a/b"), "/product/a%2Fb"),
        (Node("1", "Shoe + Insole", "pair"), ""),
        (Node("1", "pregnant women", "intent"), "/graph?node=pregnant+women"),
        (Node("1", "shoe [sole: lugged]", "type_attribute"), "/graph?node=shoe+%5Bsole%3A+lugged%5D"),
    ],
    ids=lambda value: value.kind if isinstance(value, Node) else None,
)
def test_a_product_of_a_drawing_leads_to_its_page_and_a_pair_nowhere(node: Node, url: str) -> None:
    assert around_url(node) == url


def test_many_values_of_a_facet_fold_away(journal: Journal) -> None:
    many = tuple(replace(product, brand=f"Maker {number}") for number, product in enumerate(many_products(9)))
    page = TestClient(create_app(FakeDiscovery(many), journal), headers=BROWSER).get("/?q=shoe").text
    assert "3 more" in page
    assert all(f"<span>Maker {number}</span>" in page for number in range(9))


def test_a_page_without_hits_offers_what_to_ask_instead_of_orders(client: TestClient) -> None:
    page = client.get("/?q=zzz").text
    assert "/?q=hiking+%26+more" in page.replace("&amp;", "&").replace("%20", "+")
    assert "Price, low first" not in page
    assert "<aside" not in page


def test_reasons_are_grouped_with_the_surest_first() -> None:
    grouped = by_relation([*REASONS["s2"], *REASONS["s1"]])
    assert [relation for relation, _ in grouped] == [
        Relation.USED_FOR_AUDIENCE,
        Relation.USED_FOR_FUNCTION,
        Relation.CAPABLE_OF,
        Relation.USED_BY,
    ]
    assert [reason.confidence for reason in grouped[0][1]] == [0.91, 0.62]
