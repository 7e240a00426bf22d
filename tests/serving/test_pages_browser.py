"""The pages in a real Chromium, against a live server on a free port."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from fakes import FakeDiscovery, many_products
from whybuy.discovery import Discovery
from whybuy.journal import Journal
from whybuy.serving.app import create_app
from whybuy.web.listening import address, listen, make_server

pytestmark = pytest.mark.browser
PATHS = ["/", "/?q=shoes+for+pregnant+women", "/?q=zzz", "/product/s1?q=shoe", "/graph", "/graph?node=pregnant+women"]


def serving(discovery: Discovery, folder: Path) -> Iterator[str]:
    with Journal(folder / "journal.sqlite") as journal, listen("127.0.0.1", 0) as listener:
        server = make_server(create_app(discovery, journal, examples=("shoes for pregnant women",)))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield address(listener).rstrip("/")
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    yield from serving(FakeDiscovery(), tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="module")
def large_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    yield from serving(FakeDiscovery(many_products(45)), tmp_path_factory.mktemp("large_shop"))


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, shop: str) -> Iterator[Page]:
    """A page that fails the test when it asks another host, logs an error, or breaks its own content policy."""
    page = context.new_page()
    faults: list[str] = []
    page.on(
        "request", lambda request: faults.append(request.url) if urlsplit(request.url).hostname != "127.0.0.1" else None
    )
    page.on("console", lambda message: faults.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield page
    assert faults == []


def test_a_search_by_keyboard_shows_products_with_reasons(page: Page, shop: str) -> None:
    page.goto(f"{shop}/")
    expect(page.get_by_role("combobox", name="Search the shop")).to_be_focused()
    page.keyboard.type("shoes for pregnant women")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("2 products for “shoes for pregnant women”")
    first = page.get_by_role("list", name="Reasons").first
    expect(first).to_contain_text("made for pregnant women")
    expect(page.get_by_role("heading", name="Understood")).to_be_visible()


def test_the_first_tab_stop_skips_to_the_content(page: Page, shop: str) -> None:
    page.goto(f"{shop}/?q=shoe")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_evidence_opens_by_keyboard(page: Page, shop: str) -> None:
    page.goto(f"{shop}/?q=shoes+for+pregnant+women")
    why = page.locator("summary", has_text="Why this").first
    why.focus()
    expect(page.get_by_text("said in 4 descriptions")).to_be_hidden()
    page.keyboard.press("Enter")
    expect(page.get_by_text("said in 4 descriptions")).to_be_visible()


def test_the_way_through_the_tree_opens_with_the_evidence(page: Page, shop: str) -> None:
    page.goto(f"{shop}/?q=shoes+for+pregnant+women")
    card = page.locator(".card").first
    expect(card.locator(".tree-path")).to_be_hidden()
    card.locator("summary", has_text="Why this").click()
    expect(card.locator(".tree-path li")).to_have_count(2)
    expect(card.locator(".tree-path li").first).to_contain_text("slip-on shoe 0.984")
    expect(card.locator(".tree-path li").last).to_contain_text("this product 0.00937")
    expect(card.locator(".tree-path .contribution", has_text="for").last).to_contain_text("−0.066")


def test_a_facet_narrows_and_its_chip_widens_again(page: Page, shop: str) -> None:
    page.goto(f"{shop}/?q=shoe")
    page.get_by_role("complementary").get_by_role("link", name="Stepwell 1").click()
    expect(page.locator(".card")).to_have_count(1)
    expect(page.get_by_role("complementary").get_by_role("link", name="Stepwell")).to_have_attribute(
        "aria-current", "true"
    )
    page.get_by_role("link", name="Brand Stepwell").click()
    expect(page.locator(".card")).to_have_count(4)


def test_a_price_range_narrows(page: Page, shop: str) -> None:
    page.goto(f"{shop}/?q=shoe")
    page.get_by_label("from").fill("50")
    page.get_by_label("to", exact=True).fill("60")
    page.keyboard.press("Enter")
    expect(page.locator(".card")).to_have_count(1)
    expect(page.get_by_role("link", name="50 to 60")).to_be_visible()


def test_pages_turn_and_orders_change(page: Page, large_shop: str) -> None:
    page.goto(f"{large_shop}/?q=shoe")
    page.get_by_role("link", name="Price, high first").click()
    expect(page.locator(".card h2").first).to_have_text("Shoe number 044")
    page.get_by_role("link", name="Next →").click()
    page.get_by_role("link", name="Next →").click()
    expect(page.get_by_text("Page 3 of 3")).to_be_visible()
    expect(page.locator(".card h2").last).to_have_text("Shoe number 000")


def test_a_product_says_why_and_leads_back(page: Page, shop: str) -> None:
    page.goto(f"{shop}/?q=shoes+for+pregnant+women")
    page.get_by_role("link", name="Marlowe Drift").click()
    expect(page.get_by_role("heading", name="Why people buy it")).to_be_visible()
    expect(page.get_by_role("heading", name="made for audience")).to_be_visible()
    expect(page.get_by_role("heading", name="How it answers “shoes for pregnant women”")).to_be_visible()
    expect(page.locator(".tree-path li").last).to_contain_text("this product")
    page.get_by_role("link", name="← Results").click()
    expect(page.locator(".card")).to_have_count(2)


def test_the_graph_is_drawn_and_a_click_on_a_node_goes_there(page: Page, shop: str) -> None:
    page.goto(f"{shop}/graph?node=pregnant+women")
    expect(page.locator("#drawing[data-ready]")).to_be_visible()
    expect(page.locator("#drawing canvas").first).to_be_visible()
    x, y = page.evaluate(
        "() => { const p = graph.nodes('[label = \"walking shoe\"]').renderedPosition();"
        " const box = drawing.getBoundingClientRect(); return [box.x + p.x, box.y + p.y]; }"
    )
    page.mouse.click(x, y)
    expect(page.get_by_role("heading", level=1)).to_have_text("Around “walking shoe”")


@pytest.mark.parametrize("path", PATHS)
def test_no_page_scrolls_sideways_on_a_phone(page: Page, shop: str, path: str) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"{shop}{path}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("path", PATHS)
def test_every_page_can_be_heard(page: Page, shop: str, path: str) -> None:
    page.goto(f"{shop}{path}")
    levels: list[int] = page.evaluate("[...document.querySelectorAll('h1,h2,h3')].map(h => Number(h.tagName[1]))")
    assert levels.count(1) == 1
    assert all(below <= above + 1 for above, below in zip([0, *levels], levels, strict=False))
    assert page.locator("main").count() == page.locator("html[lang=en]").count() == 1
    nameless = page.evaluate(
        "[...document.querySelectorAll('a, button, input:not([type=hidden]), summary, meter, [role=img]')].filter(e =>"
        " !(e.textContent.trim() || e.labels?.length || e.ariaLabel)).map(e => e.outerHTML)"
    )
    assert nameless == []
    ids: list[str] = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PATHS)
def test_text_stands_out_from_its_ground(
    context: BrowserContext, page: Page, shop: str, path: str, scheme: str
) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(f"{shop}{path}")
    faint = page.evaluate(_FAINT_TEXT)
    assert faint == []


_FAINT_TEXT = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255];
  };
  const over = (top, below) => top.slice(0, 3).map((c, i) => c * top[3] + below[i] * (1 - top[3]));
  const ground = (e) => {
    if (!e) return [255, 255, 255];
    const own = rgba(getComputedStyle(e).backgroundColor);
    return own[3] === 1 ? own.slice(0, 3) : over(own, ground(e.parentElement));
  };
  const light = (rgb) => rgb.map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), faint = [];
  for (let text = texts.nextNode(); text; text = texts.nextNode()) {
    const e = text.parentElement;
    if (!text.textContent.trim() || e.closest("script, [aria-hidden=true]") || !e.checkVisibility()) continue;
    const style = getComputedStyle(e), below = ground(e), ink = rgba(style.color);
    ink[3] *= Number(style.opacity);
    const [high, low] = [light(over(ink, below)), light(below)].sort((a, b) => b - a);
    const contrast = (high + 0.05) / (low + 0.05);
    if (contrast < 4.5) faint.push(`${text.textContent.trim()}: ${contrast.toFixed(2)}`);
  }
  return faint;
}"""


def test_everything_works_without_javascript(browser: Browser, shop: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{shop}/graph?node=pregnant+women")
    expect(page.locator("#drawing")).to_be_hidden()
    page.get_by_role("link", name="walking shoe").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Around “walking shoe”")
    page.goto(f"{shop}/?q=shoes+for+pregnant+women")
    page.locator("summary", has_text="Why this").first.click()
    expect(page.locator(".tree-path").first).to_be_visible()
    context.close()


def test_a_title_with_markup_stays_text(page: Page, shop: str) -> None:
    page.goto(f"{shop}/?q=shoe")
    page.get_by_role("link", name="<script>alert('shoe')</script> & co").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("<script>alert('shoe')</script> & co")


def test_an_edge_is_rejected_after_a_second_look_and_comes_back(
    context: BrowserContext, small_discovery: Discovery, tmp_path: Path
) -> None:
    page = context.new_page()
    for shop in serving(small_discovery, tmp_path):
        reason = page.get_by_role("list", name="Reasons").locator("a", has_text="made for pregnant women")
        page.goto(f"{shop}/?q=shoes+for+pregnant+women")
        expect(reason.first).to_be_visible()
        page.goto(f"{shop}/graph?node=pregnant+women")
        edges = page.locator("tbody tr", has=page.get_by_role("link", name="slip-on shoe", exact=True))
        confirm = edges.get_by_role("button", name="No reason to buy")
        expect(confirm).to_be_hidden()
        edges.locator("summary").click()
        confirm.click()
        expect(page.locator(".rejected")).to_contain_text("slip-on shoe made for pregnant women")
        expect(edges).to_have_count(0)
        page.goto(f"{shop}/?q=shoes+for+pregnant+women")
        expect(page.locator(".card").first).to_be_visible()
        expect(reason).to_have_count(0)
        page.goto(f"{shop}/graph")
        page.get_by_role("button", name="Undo").click()
        page.goto(f"{shop}/?q=shoes+for+pregnant+women")
        expect(reason.first).to_be_visible()
