"""The pages as HTML: who may see and send what, escaped, stale answers refused."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from annotation_queue import make_people, make_queue
from starlette.testclient import TestClient

from snapshot import assert_snapshot
from whybuy.annotation.app import create_app
from whybuy.annotation.assignment import Assigner
from whybuy.annotation.people import PEOPLE_FILE, People, read_people, write_people
from whybuy.annotation.queue import QUEUE_FILE, read_queue, write_queue
from whybuy.errors import InputError
from whybuy.journal import Journal
from whybuy.journal.judgments import JudgmentLog
from whybuy.records import Role

PEOPLE = make_people()
TOKENS = {person.name: person.token for person in PEOPLE}
FIRST = {"number": "0", "question": "complete", "answer": "yes"}


@pytest.fixture
def log(tmp_path: Path) -> Iterator[JudgmentLog]:
    with Journal(tmp_path / "journal.sqlite", patience=0.05) as journal:
        yield JudgmentLog(journal)


@pytest.fixture
def client(log: JudgmentLog) -> TestClient:
    return TestClient(
        create_app(Assigner(make_queue(4), log), PEOPLE, shop="Corner shop"), raise_server_exceptions=False
    )


def as_(client: TestClient, name: str) -> TestClient:
    client.cookies.clear()
    assert client.get(f"/enter?token={TOKENS[name]}").status_code == 200
    return client


def test_pages_are_as_reviewed(client: TestClient) -> None:
    ana = as_(client, "ana")
    assert_snapshot("annotation/judge.html", ana.get("/").text)
    assert_snapshot("annotation/guidelines.html", ana.get("/guidelines").text)
    assert_snapshot("annotation/progress.html", ana.get("/progress").text)


@pytest.mark.parametrize("path", ["/", "/progress", "/guidelines"])
def test_only_people_with_an_account_may_look(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 401
    client.cookies.set("whybuy_judge", "guessed")
    response = client.get(path)
    assert response.status_code == 401
    assert "Open the link that `whybuy annotate` printed for you" in response.text


def test_a_link_leaves_a_cookie_that_scripts_cannot_read_and_no_token_in_the_address(client: TestClient) -> None:
    response = client.get(f"/enter?token={TOKENS['ana']}", follow_redirects=False)
    assert (response.status_code, response.headers["location"]) == (303, "/")
    assert re.search(r"HttpOnly;.*SameSite=lax", response.headers["set-cookie"])
    assert client.get("/enter?token=guessed").status_code == 401


def test_a_program_may_send_its_token_in_a_header(client: TestClient) -> None:
    headers = {"authorization": f"Bearer {TOKENS['ben']}"}
    assert client.post("/answer", data=FIRST, headers=headers).status_code == 200
    assert "ben, judge" in client.get("/", headers=headers).text


@pytest.mark.parametrize("path", ["/answer", "/undo"])
@pytest.mark.parametrize(
    "headers", [{"sec-fetch-site": "cross-site"}, {"origin": "https://elsewhere.example"}, {"origin": "null"}]
)
def test_another_site_cannot_answer_in_a_persons_name(
    client: TestClient, log: JudgmentLog, path: str, headers: dict[str, str]
) -> None:
    response = as_(client, "ana").post(path, data=FIRST, headers=headers)
    assert response.status_code == 403
    assert "sent from another site" in response.text
    assert log.current() == []


def test_nothing_is_changed_by_looking(client: TestClient, log: JudgmentLog) -> None:
    ana = as_(client, "ana")
    assert {ana.get(path).status_code for path in ("/answer?number=0&question=complete&answer=yes", "/undo")} == {405}
    assert log.current() == []


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({}, 422),
        ({**FIRST, "answer": "maybe"}, 422),
        ({**FIRST, "question": "nice"}, 422),
        ({**FIRST, "number": "-1"}, 422),
        ({**FIRST, "number": "1"}, 409),
        ({**FIRST, "question": "typical"}, 409),
    ],
)
def test_a_wrong_answer_is_refused(client: TestClient, log: JudgmentLog, form: dict[str, str], status: int) -> None:
    assert as_(client, "ana").post("/answer", data=form).status_code == status
    assert log.current() == []


def test_a_journal_that_cannot_be_written_keeps_nothing_and_says_so(client: TestClient, log: JudgmentLog) -> None:
    ana = as_(client, "ana")
    with Journal(log._journal.path) as other, other._writing():
        response = ana.post("/answer", data=FIRST)
    assert response.status_code == 503
    assert "is locked by another program" in response.text
    assert "0 of 4 reasons finished" in ana.get("/").text
    assert log.current() == []


def test_judges_are_blind_to_each_other_and_to_the_critic_until_they_have_answered(client: TestClient) -> None:
    untouched = as_(client, "ben").get("/").text
    as_(client, "ana")
    for number in range(2):
        for question in ("complete", "relevant", "informative", "plausible", "typical"):
            form = {"number": str(number), "question": question, "answer": "yes"}
            page = client.post("/answer", data=form).text
    assert "Thought before:" in page
    assert "25 % plausible, 12 % typical" in page
    assert as_(client, "ben").get("/").text == untouched
    client.post("/answer", data={**FIRST, "answer": "no"})
    assert "Thought before" not in client.get("/").text


def test_what_comes_from_the_shop_stays_text(client: TestClient) -> None:
    page = as_(client, "ana").get("/").text
    assert "need 0 &amp; &lt;b&gt;more&lt;/b&gt;" in page
    assert "<b>more" not in page


def test_a_page_asks_no_other_host_and_may_not(client: TestClient) -> None:
    for path in ("/", "/progress", "/guidelines"):
        response = as_(client, "ana").get(path)
        assert not re.search(r"""(src|href|action)=["'](https?:)?//""", response.text)
        assert "default-src 'none'" in response.headers["content-security-policy"]
        named = set(re.findall(r'"(/static/[^"]+)"', response.text))
        assert all(client.get(path).status_code == 200 for path in named)


# ---------------------------------------------------------------- files of the store
def test_accounts_are_kept_for_their_owner_alone(tmp_path: Path) -> None:
    assert len(read_people(tmp_path)) == 0
    write_people(tmp_path, PEOPLE)
    assert (tmp_path / PEOPLE_FILE).stat().st_mode & 0o777 == 0o600
    again = read_people(tmp_path).joined_by(["ana", "dora"], Role.JUDGE)
    assert list(again)[:3] == list(PEOPLE)
    assert [person.name for person in again] == ["ana", "ben", "cleo", "dora"]
    assert len({person.token for person in again}) == 4


def test_names_are_plain_and_have_one_part() -> None:
    with pytest.raises(InputError, match="'<b>' is no name for a judge"):
        People().joined_by(["<b>"], Role.JUDGE)
    with pytest.raises(InputError, match="ana is judge here already, so cannot be adjudicator"):
        PEOPLE.joined_by(["ana"], Role.ADJUDICATOR)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format_version": 2, "people": []}'])
def test_damaged_accounts_are_named(tmp_path: Path, text: str) -> None:
    (tmp_path / PEOPLE_FILE).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=PEOPLE_FILE):
        read_people(tmp_path)


def test_a_queue_grows_and_keeps_its_order(tmp_path: Path) -> None:
    assert len(read_queue(tmp_path)) == 0
    write_queue(tmp_path, make_queue(3))
    grown = read_queue(tmp_path).grown(make_queue(9).table, 5)
    assert grown.tasks == make_queue(5).tasks
    (tmp_path / QUEUE_FILE).write_bytes(b"nonsense")
    with pytest.raises(InputError, match="no readable queue"):
        read_queue(tmp_path)
