"""The search box in a real Chromium: suggestions at each key, by keyboard and mouse, for ears, and none too late."""

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, Request, Route, expect
from test_pages_browser import serving

from whybuy.discovery import Discovery

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def shop(small_discovery: Discovery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    small_discovery.warm_up()
    yield from serving(small_discovery, tmp_path_factory.mktemp("completion"))


@pytest.fixture
def page(browser: Browser, shop: str) -> Iterator[Page]:
    """The start page; the test fails when it logs an error."""
    context = browser.new_context(viewport={"width": 1000, "height": 800})
    page, faults = context.new_page(), list[str]()
    page.on("console", lambda message: faults.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(shop)
    expect(box(page)).to_be_focused()  # by itself, in the first frame: a key before that is nobody's
    yield page
    context.close()
    assert faults == []


def box(page: Page) -> Locator:
    return page.get_by_role("combobox", name="Search the shop")


def options(page: Page) -> Locator:
    return page.get_by_role("listbox", name="Suggestions").get_by_role("option")


def suggested(discovery: Discovery, typed: str) -> list[str]:
    return [one.text for one in discovery.complete(typed, limit=8).completions]


def displayed(discovery: Discovery, typed: str) -> list[re.Pattern[str]]:
    """The same as they stand in the list, with or without a label behind."""
    return [re.compile(f"^{re.escape(text)}(in [A-Z].*)?$") for text in suggested(discovery, typed)]


def prefix_of(request: Request) -> str:
    return parse_qs(urlsplit(request.url).query)["prefix"][0]


def test_each_key_brings_its_suggestions(page: Page, small_discovery: Discovery) -> None:
    typed = ""
    for letter in "slip-":
        page.keyboard.type(letter)
        typed += letter
        expected = displayed(small_discovery, typed)
        assert expected
        expect(options(page)).to_have_text(expected)
    page.keyboard.press("Backspace")
    expect(options(page)).to_have_text(displayed(small_discovery, "slip"))
    box(page).fill("")
    expect(options(page)).to_have_count(0)


def test_arrows_choose_and_enter_searches(page: Page, small_discovery: Discovery) -> None:
    page.keyboard.type("s")
    first, second, *_ = suggested(small_discovery, "s")
    expect(options(page).first).to_contain_text(first)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(box(page)).to_have_value(second)
    page.keyboard.press("ArrowUp")
    expect(box(page)).to_have_value(first)
    page.keyboard.press("ArrowUp")
    expect(box(page)).to_have_value("s")
    page.keyboard.press("ArrowUp")
    expect(box(page)).to_have_value(suggested(small_discovery, "s")[-1])
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"for “{first}”")


def test_escape_gives_back_what_was_typed(page: Page) -> None:
    page.keyboard.type("s")
    expect(options(page).first).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Escape")
    expect(box(page)).to_have_value("s")
    expect(options(page)).to_have_count(0)
    page.keyboard.press("ArrowDown")
    expect(options(page).first).to_be_visible()


def test_a_click_searches_and_leaving_the_box_closes(page: Page, small_discovery: Discovery) -> None:
    page.keyboard.type("s")
    expect(options(page).first).to_be_visible()
    page.get_by_role("heading", level=1).click()
    expect(options(page)).to_have_count(0)
    box(page).click()
    page.keyboard.type("l")
    options(page).first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"for “{suggested(small_discovery, 'sl')[0]}”")


def test_it_is_a_combobox_to_ears(page: Page) -> None:
    expect(box(page)).to_have_attribute("aria-expanded", "false")
    expect(box(page)).to_have_attribute("aria-autocomplete", "list")
    page.keyboard.type("s")
    expect(box(page)).to_have_attribute("aria-expanded", "true")
    controlled = page.locator(f"#{box(page).get_attribute('aria-controls')}")
    expect(controlled).to_have_attribute("role", "listbox")
    expect(box(page)).not_to_have_attribute("aria-activedescendant", re.compile("."))
    page.keyboard.press("ArrowDown")
    active = page.locator(f"#{box(page).get_attribute('aria-activedescendant')}")
    expect(active).to_have_attribute("aria-selected", "true")
    expect(page.locator('[aria-selected="true"]')).to_have_count(1)
    expect(box(page)).to_be_focused()


def test_what_was_typed_is_marked_and_what_was_not_is_labelled(page: Page, small_discovery: Discovery) -> None:
    page.keyboard.type("SLIP")
    expect(options(page).first.locator("span")).to_have_text(suggested(small_discovery, "slip")[0][:4])
    box(page).fill("slpi-on")
    expect(options(page).first.locator("small")).to_have_text("corrected")


def test_late_answers_never_overwrite_newer_ones(page: Page, small_discovery: Discovery) -> None:
    held: list[Route] = []

    def hold_the_first(route: Route) -> None:
        if prefix_of(route.request) == "w":
            held.append(route)
        else:
            route.continue_()

    page.route("**/v1/complete*", hold_the_first)
    page.evaluate("AbortController.prototype.abort = () => {}")  # so that the old answer does come
    page.keyboard.type("w")
    while not held:
        page.wait_for_timeout(10)
    box(page).fill("slip")
    expect(options(page)).to_have_text(displayed(small_discovery, "slip"))
    with page.expect_response(lambda response: prefix_of(response.request) == "w"):
        held[0].continue_()
    page.wait_for_timeout(200)
    expect(options(page)).to_have_text(displayed(small_discovery, "slip"))


def test_a_shop_that_does_not_answer_leaves_a_plain_box(browser: Browser, shop: str) -> None:
    page = browser.new_context().new_page()
    page.route("**/v1/complete*", lambda route: route.abort())
    page.goto(shop)
    expect(box(page)).to_be_focused()
    page.keyboard.type("slip")
    page.wait_for_timeout(300)
    expect(options(page)).to_have_count(0)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("for “slip”")
    page.context.close()


def test_what_this_tab_asked_before_goes_with_each_prefix(page: Page, shop: str) -> None:
    def told() -> list[str]:
        with page.expect_request("**/v1/complete*") as asked:
            page.keyboard.type("s")
        return parse_qs(urlsplit(asked.value.url).query).get("previous", [])

    assert told() == []
    page.goto(f"{shop}/?q=boots")
    box(page).fill("")
    assert told() == ["boots"]
    page.goto(f"{shop}/?q=floor+lamp")
    box(page).fill("")
    assert told() == ["floor lamp", "boots"]
    page.goto(shop)
    expect(box(page)).to_be_focused()
    assert told() == ["floor lamp", "boots"]


def test_where_a_suggestion_leads_is_said(page: Page) -> None:
    page.keyboard.type("slip on shoe")
    expect(options(page).first.locator("small")).to_have_text("in Shoes")
