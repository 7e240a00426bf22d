"""The templates of the annotation pages, with the words and numbers that they need."""

import math
from pathlib import Path

from whybuy.annotation.guidelines import GUIDELINES, Guideline
from whybuy.records import Head, HeadKind, Question
from whybuy.web.templates import templates

_LEAD = {
    HeadKind.QUERY: "People search for",
    HeadKind.PRODUCT: "People buy",
    HeadKind.PAIR: "People buy together",
    HeadKind.TYPE: "People buy a",
    HeadKind.TYPE_ATTRIBUTE: "People buy a",
}


def render(template: str, view: object) -> str:
    """A page as HTML from what it shows, `view` in the template; every value is escaped."""
    return _TEMPLATES.get_template(template).render(view=view, questions=tuple(Question))


def lead_words(head: Head) -> str:
    """The words before the head: "People search for"."""
    return _LEAD[head.kind]


def guideline(question: Question) -> Guideline:
    """The guideline of a question."""
    return GUIDELINES[Question(question)]


def answer_words(answer: bool | None) -> str:
    """An answer in a word; a dash where there is none."""
    return "–" if answer is None else "yes" if answer else "no"


def share_words(share: float | None) -> str:
    """A share in percent; a dash where there is none."""
    return "–" if share is None or math.isnan(share) else f"{share:.0%}".replace("%", " %")


def figure_words(value: float | None) -> str:
    """A figure to two digits; a dash where there is none."""
    return "–" if value is None or math.isnan(value) else f"{value:.2f}".replace("-", "−")


_TEMPLATES = templates(
    Path(__file__).parent / "pages", (lead_words, guideline, answer_words, share_words, figure_words)
)
