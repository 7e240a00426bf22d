"""The pages over a real, small demo shop in a real Chromium: what they show is what the line mined."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect
from test_pages_browser import serving

from built_shops import BuiltShops
from whybuy.demo.store import make_store
from whybuy.discovery import Discovery

pytestmark = pytest.mark.browser
SESSIONS = 20_000
SEARCH = "/?q=shoes+for+pregnant+women"


def write_demo_store(store: Path) -> None:
    """A third of the demo shop's sessions."""
    make_store(store, sessions=SESSIONS)


@pytest.fixture(scope="session")
def demo_shop(built_shops: BuiltShops, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    discovery = Discovery.open(built_shops.copy(write_demo_store, tmp_path_factory.mktemp("demo") / "shop"))
    discovery.warm_up()
    yield from serving(discovery, tmp_path_factory.mktemp("journal"))


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that fails the test when it asks another host or logs an error."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    faults: list[str] = []
    page.on(
        "request", lambda request: faults.append(request.url) if urlsplit(request.url).hostname != "127.0.0.1" else None
    )
    page.on("console", lambda message: faults.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield page
    context.close()
    assert faults == []


def test_a_need_that_no_product_names_is_understood_and_answered(page: Page, demo_shop: str) -> None:
    page.goto(demo_shop + SEARCH)
    expect(page.locator(".understood").first).to_contain_text("made for pregnant women")
    chips = page.get_by_role("list", name="Reasons")
    expect(chips.first).to_contain_text("made for pregnant women")
    expect(chips.filter(has_text="slip-resistant").first).to_be_visible()
    expect(page.locator(".card").first).to_contain_text("fits the need")


def test_a_hit_opens_to_its_evidence(page: Page, demo_shop: str) -> None:
    page.goto(demo_shop + SEARCH)
    page.locator("summary", has_text="Why this").first.click()
    evidence = page.locator(".card .evidence").first
    expect(evidence).to_contain_text("searches led to it")
    expect(evidence).to_contain_text("asked as “")
    way = page.locator(".card .tree-path").first
    expect(way).to_contain_text("shoe")
    expect(way.locator("li").last).to_contain_text(re.compile(r"this product 0\.\d+\s*.*pregnant\s\+0\.\d"))


def test_the_product_page_says_why(page: Page, demo_shop: str) -> None:
    page.goto(demo_shop + SEARCH)
    page.locator(".card h2 a").first.click()
    expect(page.get_by_role("heading", name="Why people buy it")).to_be_visible()
    expect(page.get_by_role("link", name="pregnant women", exact=True)).to_be_visible()
    assert page.locator(".reasons .evidence li").count() >= 2


def test_a_chip_leads_to_the_graph_and_the_graph_to_a_product_type(page: Page, demo_shop: str) -> None:
    page.goto(demo_shop + SEARCH)
    page.get_by_role("list", name="Reasons").first.get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Around “pregnant women”")
    expect(page.locator("#drawing[data-ready] canvas").first).to_be_visible()
    page.get_by_role("link", name="walking shoe", exact=True).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Around “walking shoe”")
    expect(page.get_by_role("table").get_by_role("link", name="pregnant women")).to_be_visible()


def test_facets_narrow_a_real_search(page: Page, demo_shop: str) -> None:
    page.goto(demo_shop + SEARCH)
    facet = page.get_by_role("complementary").get_by_role("link", name="Shoes", exact=False).first
    count = int(facet.locator("small").inner_text().replace(",", ""))
    facet.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"{count:,} products")


@pytest.mark.parametrize("path", [SEARCH, "/graph?node=pregnant+women", "/?q=winter+camping&sort=price"])
def test_nothing_scrolls_sideways_on_a_phone(page: Page, demo_shop: str, path: str) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(demo_shop + path)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
