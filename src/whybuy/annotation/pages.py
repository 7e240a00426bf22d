"""The pages: a reason to judge, progress, guidelines; they work by keyboard, and without JavaScript by buttons."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from whybuy.annotation.desk import Desk, Turn
from whybuy.annotation.people import People, Person
from whybuy.annotation.progress import Progress, progress
from whybuy.annotation.queue import Task
from whybuy.annotation.rendering import render
from whybuy.journal.judgments import item_of
from whybuy.knowledge.annotation.settling import is_finished
from whybuy.records import Judgment, Question
from whybuy.web.forms import Fields, FromOwnPage, filled

COOKIE = "whybuy_judge"
_A_MONTH = 30 * 24 * 3600  # seconds

router = APIRouter(default_response_class=HTMLResponse)


@dataclass(frozen=True, slots=True)
class Office:
    """What the routes share."""

    desk: Desk
    people: People
    shop: str


@dataclass(frozen=True, slots=True)
class Last:
    """A person's last answer, and once it finished a task, what was thought of it before."""

    judgment: Judgment
    task: Task | None  # None while it is not finished


@dataclass(frozen=True, slots=True)
class JudgeView:
    """What a person is asked now."""

    shop: str
    person: Person
    turn: Turn | None
    last: Last | None
    finished: int
    tasks: int


@dataclass(frozen=True, slots=True)
class ProgressView:
    """How far all are."""

    shop: str
    person: Person
    progress: Progress


@dataclass(frozen=True, slots=True)
class PlainView:
    """A page that asks and counts nothing."""

    shop: str
    person: Person


class AnswerForm(BaseModel):
    """An answer to one question."""

    number: int = Field(ge=0)
    question: Question
    answer: Annotated[str, Field(pattern="^(yes|no)$")]


async def _office(request: Request) -> Office:
    office = request.app.state.office
    assert isinstance(office, Office)
    return office


async def _person(request: Request) -> Person:
    """Whose token the request carries, in the cookie of the page or in the header of a program."""
    scheme, _, said = request.headers.get("authorization", "").partition(" ")
    token = said if scheme.lower() == "bearer" else request.cookies.get(COOKIE, "")
    person = (await _office(request)).people.with_token(token)
    if person is None:
        raise HTTPException(401, "Open the link that `whybuy annotate` printed for you; it says who you are.")
    return person


Here = Annotated[Office, Depends(_office)]
Me = Annotated[Person, Depends(_person)]


@router.get("/enter")
def enter(token: str, office: Here) -> RedirectResponse:
    """Remember whose browser this is, and take the token out of the address."""
    if office.people.with_token(token) is None:
        raise HTTPException(401, "Nobody has this token. Ask for a new link from whoever runs `whybuy annotate`.")
    response = RedirectResponse("/", 303)
    response.set_cookie(COOKIE, token, max_age=_A_MONTH, httponly=True, samesite="lax")
    return response


@router.get("/")
def judge_page(me: Me, office: Here) -> str:
    """The reason and the question that this person is asked now."""
    office.desk.book.refresh()
    turn, finished = office.desk.turn(me), office.desk.finished_by(me)
    view = JudgeView(office.shop, me, turn, _last(me, office.desk), finished, len(office.desk.queue))
    return render("judge.html", view)


@router.post("/answer", dependencies=[FromOwnPage])
def answer(me: Me, office: Here, fields: Fields) -> RedirectResponse:
    """Keep an answer, then show what comes next."""
    form = filled(AnswerForm, fields)
    office.desk.answer(me, form.number, form.question, yes=form.answer == "yes")
    return RedirectResponse("/", 303)


@router.post("/undo", dependencies=[FromOwnPage])
def undo(me: Me, office: Here) -> RedirectResponse:
    """Take the last answer back, and ask it again."""
    office.desk.undo(me)
    return RedirectResponse("/", 303)


@router.get("/progress")
def progress_page(me: Me, office: Here) -> str:
    """How far all are, how fast, and how far they agree."""
    office.desk.book.refresh()
    return render("progress.html", ProgressView(office.shop, me, progress(office.desk.queue, office.desk.book)))


@router.get("/guidelines")
def guidelines_page(me: Me, office: Here) -> str:
    """What each question means."""
    return render("guidelines.html", PlainView(office.shop, me))


def _last(person: Person, desk: Desk) -> Last | None:
    entered = desk.last(person)
    if entered is None:
        return None
    finished = is_finished(entered.judgment)
    return Last(entered.judgment, desk.queue.by_item.get(item_of(entered.judgment)) if finished else None)
