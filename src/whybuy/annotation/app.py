"""The annotation application: routes, accounts, pages and answers."""

from pathlib import Path

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from whybuy import __version__
from whybuy.annotation import pages
from whybuy.annotation.assignment import Assigner, StaleAnswerError
from whybuy.annotation.people import People
from whybuy.annotation.rendering import render
from whybuy.errors import InputError
from whybuy.journal import JournalError
from whybuy.web.envelope import Envelope
from whybuy.web.problems import ProblemConfig, add_problem_handlers

_STATIC = Path(__file__).parent / "static"
_PROBLEMS = ProblemConfig(
    status_of={StaleAnswerError: 409, InputError: 422, JournalError: 503},
    page=lambda problem: render("problem.html", problem),
    is_page=lambda path: not path.startswith("/static/"),
    routes="The pages are /, /progress and /guidelines.",
)


def create_app(assigner: Assigner, people: People, *, shop: str) -> FastAPI:
    """The pages over one assigner. shop: its name."""
    app = FastAPI(title="whybuy annotation", version=__version__, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.services = pages.Services(assigner, people, shop)
    app.include_router(pages.router)
    app.mount("/static", StaticFiles(directory=_STATIC, packages=[("whybuy.web", "static")]), name="static")
    app.add_middleware(Envelope, largest_body=10_000)
    add_problem_handlers(app, _PROBLEMS)
    return app
