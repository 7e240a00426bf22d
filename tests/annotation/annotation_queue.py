"""A small queue, accounts, and people who answer."""

from pathlib import Path

from whybuy.annotation.people import People
from whybuy.annotation.queue import Queue, queue_table
from whybuy.records import Behavior, HeadKind, Role
from whybuy.relations import Relation


def make_queue(size: int) -> Queue:
    """Types with a need each; every third head is a pair, every second task was judged by a critic before."""
    return Queue(
        queue_table(
            {
                "head_kind": HeadKind.PAIR if number % 3 == 2 else HeadKind.TYPE,
                "head_key": [f"left {number}", f"right {number}"] if number % 3 == 2 else [f"thing {number}"],
                "relation": Relation.USED_FOR_EVENT,
                "tail": f"need {number} & <b>more</b>",
                "heads": [f"Left {number}", f"Right {number}"] if number % 3 == 2 else [f"thing {number}"],
                "category": "Things",
                "behavior": Behavior.CO_BUY if number % 3 == 2 else Behavior.SEARCH_BUY,
                "examples": [f"Searched for “need {number}”, bought Thing {number}"],
                "plausible": 0.25 if number % 2 else None,
                "typical": 0.125 if number % 2 else None,
            }
            for number in range(size)
        )
    )


def make_people() -> People:
    """Two judges and an adjudicator."""
    return People().joined_by(["ana", "ben"], Role.JUDGE).joined_by(["cleo"], Role.ADJUDICATOR)


def make_store(folder: Path) -> Path:
    """A store that has nothing but its settings."""
    (folder / "store.toml").write_text('[shop]\nname = "Corner shop"\n', encoding="utf-8")
    return folder
