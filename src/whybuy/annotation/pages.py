"""The pages: a reason to judge, progress, guidelines; they work by keyboard, and without JavaScript by buttons."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from whybuy.annotation.assignment import Assigner, Assignment
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
class Services:
    """Objects that the routes share."""

    assigner: Assigner
    people: People
    shop: str


@dataclass(frozen=True, slots=True)
class Last:
    """A person's last answer, with the task and its predicted probabilities once that answer finished it."""

    judgment: Judgment
    task: Task | None  # None while it is not finished


@dataclass(frozen=True, slots=True)
class JudgeView:
    """The page on which a person answers a question."""

    shop: str
    person: Person
    assignment: Assignment | None
    last: Last | None
    finished: int
    tasks: int


@dataclass(frozen=True, slots=True)
class ProgressView:
    """The page of the progress of all annotators."""

    shop: str
    person: Person
    progress: Progress


@dataclass(frozen=True, slots=True)
class PlainView:
    """A page without a question or figures."""

    shop: str
    person: Person


class AnswerForm(BaseModel):
    """An answer to one question."""

    number: int = Field(ge=0)
    question: Question
    answer: Annotated[str, Field(pattern="^(yes|no)$")]


async def _services(request: Request) -> Services:
    services = request.app.state.services
    assert isinstance(services, Services)
    return services


async def _person(request: Request) -> Person:
    """Whose token the request carries, in the cookie of the page or in the header of a program."""
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    token = bearer if scheme.lower() == "bearer" else request.cookies.get(COOKIE, "")
    person = (await _services(request)).people.with_token(token)
    if person is None:
        raise HTTPException(401, "Open the link that `whybuy annotate` printed for you; it says who you are.")
    return person


ServicesDep = Annotated[Services, Depends(_services)]
PersonDep = Annotated[Person, Depends(_person)]


@router.get("/enter")
def enter(token: str, services: ServicesDep) -> RedirectResponse:
    """Set a cookie with the account's token, and redirect to the address without it."""
    if services.people.with_token(token) is None:
        raise HTTPException(401, "Nobody has this token. Ask for a new link from whoever runs `whybuy annotate`.")
    response = RedirectResponse("/", 303)
    response.set_cookie(COOKIE, token, max_age=_A_MONTH, httponly=True, samesite="lax")
    return response


@router.get("/")
def judge_page(person: PersonDep, services: ServicesDep) -> str:
    """The reason and the question that this person is to answer next."""
    services.assigner.log.refresh()
    assignment, finished = services.assigner.next_for(person), services.assigner.finished_by(person)
    view = JudgeView(
        services.shop, person, assignment, _last(person, services.assigner), finished, len(services.assigner.queue)
    )
    return render("judge.html", view)


@router.post("/answer", dependencies=[FromOwnPage])
def answer(person: PersonDep, services: ServicesDep, fields: Fields) -> RedirectResponse:
    """Record an answer, then show the next question."""
    form = filled(AnswerForm, fields)
    services.assigner.answer(person, form.number, form.question, yes=form.answer == "yes")
    return RedirectResponse("/", 303)


@router.post("/undo", dependencies=[FromOwnPage])
def undo(person: PersonDep, services: ServicesDep) -> RedirectResponse:
    """Retract the last answer, and show its question again."""
    services.assigner.undo(person)
    return RedirectResponse("/", 303)


@router.get("/progress")
def progress_page(person: PersonDep, services: ServicesDep) -> str:
    """Progress, speed and agreement of all annotators."""
    services.assigner.log.refresh()
    return render(
        "progress.html", ProgressView(services.shop, person, progress(services.assigner.queue, services.assigner.log))
    )


@router.get("/guidelines")
def guidelines_page(person: PersonDep, services: ServicesDep) -> str:
    """What each question means."""
    return render("guidelines.html", PlainView(services.shop, person))


def _last(person: Person, assigner: Assigner) -> Last | None:
    entered = assigner.last(person)
    if entered is None:
        return None
    finished = is_finished(entered.judgment)
    return Last(entered.judgment, assigner.queue.by_item.get(item_of(entered.judgment)) if finished else None)
