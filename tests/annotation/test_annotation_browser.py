"""Judging in a real Chromium against the real command: by keyboard, to the end, through kill -9."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from annotation_queue import make_people, make_queue, make_store
from playwright.sync_api import Browser, Page, expect

from whybuy.annotation.people import write_people
from whybuy.annotation.queue import write_queue
from whybuy.journal import JOURNAL_FILE, Journal
from whybuy.journal.judgments import JudgmentLog
from whybuy.knowledge.annotation.settling import settle
from whybuy.records import Question

pytestmark = pytest.mark.browser


@dataclass
class Annotating:
    """`whybuy annotate`, running."""

    process: subprocess.Popen[str]
    links: dict[str, str]  # by name

    @property
    def address(self) -> str:
        return self.links["ana"].partition("enter")[0]

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def annotating(store: Path, port: str = "0") -> Iterator[Annotating]:
    command = [sys.executable, "-m", "whybuy.cli", "annotate", "--store", str(store), "--sample", "0", "--port", port]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(3)]
        yield Annotating(process, {line.split()[0]: line.split()[-1] for line in lines})
        process.kill()


@pytest.fixture
def store(tmp_path: Path) -> Path:
    write_people(make_store(tmp_path), make_people())
    write_queue(tmp_path, make_queue(30))
    return tmp_path


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[[str], Page]]:
    """Opens a link in a browser of its own, as another person would."""
    contexts = []

    def opened(link: str) -> Page:
        contexts.append(browser.new_context(viewport={"width": 1280, "height": 860}))
        page = contexts[-1].new_page()
        page.goto(link)
        return page

    yield opened
    for context in contexts:
        context.close()


def judge(page: Page, keys: Sequence[str], finished: int) -> None:
    """Press keys for the questions of one reason, each once the one before was kept."""
    questions = list(Question)
    for place, key in enumerate(keys):
        expect(page.locator(".reason")).to_have_attribute("data-question", questions[place])
        page.keyboard.press(key)
        if key == "y" and place < 4:
            expect(page.locator(".reason")).to_have_attribute("data-question", questions[place + 1])
    expect(page.locator(".done")).to_contain_text(f"{finished} of 30")


def test_two_judges_and_an_adjudicator_finish_thirty_reasons(store: Path, visit: Callable[[str], Page]) -> None:
    """Typical: 15 both yes, 5 and 5 apart, 5 both no. po = 20/30, pe = (20/30)^2 + (10/30)^2 = 5/9, kappa = 1/4.

    The last five break off for both: complete is 25 yes and 5 no for both, so kappa is 1.
    """
    with annotating(store) as server:
        ana, ben = visit(server.links["ana"]), visit(server.links["ben"])
        for number in range(30):
            both = "n" if number >= 25 else "yyyyy" if number < 15 else ""
            judge(ana, both or ("yyyyy" if number < 20 else "yyyyn"), number + 1)
            judge(ben, both or ("yyyyn" if number < 20 else "yyyyy"), number + 1)
        expect(ana.get_by_role("heading", level=1)).to_have_text("Nothing to judge now")
        cleo = visit(server.links["cleo"])
        for finished in range(1, 11):
            expect(cleo.locator(".notice")).to_contain_text("The two judges differ")
            expect(cleo.locator(".questions")).to_contain_text("The judges said yes and no.")
            judge(cleo, "yyyyy", finished)
        while cleo.locator(".reason").count():  # audits
            finished += 1
            judge(cleo, "n", finished)
        cleo.goto(f"{server.address}progress")
        row = cleo.locator("tr[data-question=typical] td")
        expect(row).to_have_text(["30", "67 %", "0.25", re.compile(r"0\.2\d")])
        expect(cleo.locator("tr[data-question=complete] .kappa")).to_have_text("1.00")
        expect(cleo.locator(".facts div", has_text="Settled").locator("dd")).to_have_text("30")
    with Journal(store / JOURNAL_FILE) as journal:
        table = settle(entered.judgment for entered in JudgmentLog(journal).current())
    assert table.num_rows == 30
    assert sum(table["typical"].to_pylist()) >= 25 - (finished - 10)


def answers_kept(store: Path) -> int:
    with Journal(store / JOURNAL_FILE) as journal:
        return sum(len(entries) for entries in JudgmentLog(journal).by_judge().values())


def expect_answers(page: Page, count: int) -> None:
    """The page shows the reason and question that come after so many answers, all of them yes."""
    expect(page.locator(".reason")).to_have_attribute("data-number", str(count // 5))
    expect(page.locator(".reason")).to_have_attribute("data-question", list(Question)[count % 5])


def test_no_answer_is_lost_when_the_server_is_killed(store: Path, visit: Callable[[str], Page]) -> None:
    with annotating(store) as server:
        page = visit(server.links["ana"])
        port = str(urlsplit(server.address).port)
        server.kill()
    kept = 0
    for _ in range(3):
        with annotating(store, port) as server:
            page.reload()
            expect_answers(page, kept)
            for told in range(kept + 1, kept + 5):
                page.keyboard.press("y")
                expect_answers(page, told)
            page.keyboard.press("y")  # on its way when the server dies
            server.kill()
        kept = answers_kept(store)
        assert told <= kept <= told + 1
        page.keyboard.press("y")
        expect(page.get_by_role("alert")).to_contain_text("Not kept: the server does not answer.")
    with annotating(store, port):
        page.keyboard.press("y")  # the page did not hear whether the one on its way was kept
        expect_answers(page, told + 1)
        expect(page.get_by_role("alert")).to_have_count(1 if kept > told else 0)
        assert answers_kept(store) == told + 1


def test_a_key_for_one_reason_never_answers_the_next(store: Path, visit: Callable[[str], Page]) -> None:
    with annotating(store) as server:
        page = visit(server.links["ana"])
        page.evaluate("for (const key of 'nyyyy') dispatchEvent(new KeyboardEvent('keydown', { key }))")
        expect(page.locator(".done")).to_contain_text("1 of 30")
        page.keyboard.press("?")
        expect(page.get_by_role("heading", name="Guidelines")).to_be_visible()
        page.keyboard.press("n")
        page.keyboard.press("?")
        expect(page.get_by_role("dialog")).to_be_hidden()
        expect(page.locator(".reason")).to_have_attribute("data-question", "complete")
        page.keyboard.press("u")
        expect(page.locator(".done")).to_contain_text("0 of 30")


def test_buttons_answer_without_javascript(store: Path, browser: Browser) -> None:
    with annotating(store) as server:
        context = browser.new_context(java_script_enabled=False)
        page = context.new_page()
        page.goto(server.links["ana"])
        page.get_by_role("button", name="No").click()
        expect(page.locator(".done")).to_contain_text("1 of 30")
        page.get_by_role("button", name="Undo").click()
        expect(page.locator(".done")).to_contain_text("0 of 30")
        page.get_by_role("link", name="Guidelines").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Guidelines")
        context.close()
