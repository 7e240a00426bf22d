"""The annotation server of one shop."""

import contextlib
from collections.abc import Callable
from pathlib import Path

from whybuy.annotation.app import create_app
from whybuy.annotation.assignment import Assigner
from whybuy.annotation.people import Person, read_people
from whybuy.annotation.queue import read_queue
from whybuy.catalog.shop import SHOP_CONFIG
from whybuy.config import read_settings
from whybuy.errors import InputError
from whybuy.journal import JOURNAL_FILE, Journal
from whybuy.journal.judgments import JudgmentLog
from whybuy.web.listening import address, listen, make_server

Listening = Callable[[str, tuple[Person, ...]], None]
"""Called with the address of the start page and the accounts, once the port is taken."""


def annotate(store: Path, *, host: str = "127.0.0.1", port: int = 8010, listening: Listening = lambda *_: None) -> None:
    """Serve the annotation pages of a store with a queue and accounts until Ctrl-C or SIGTERM.

    port: 0 takes any free one.

    Raises:
        InputError: there is nothing to judge, or nobody to judge it.
        ListenError: the port is taken, not allowed, or the host is unknown.
        JournalError: the journal in the store cannot be used.
    """
    queue, people = read_queue(store), read_people(store)
    if not len(queue):
        raise InputError(
            f"{store} has no reasons to judge. Draw some with `whybuy annotate --store {store} --sample 200`."
        )
    if not len(people):
        raise InputError(
            "Nobody may judge yet. Name two judges and an adjudicator: --judge ana --judge ben --adjudicator cleo."
        )
    name = read_settings(store).one(SHOP_CONFIG).name
    with Journal(store / JOURNAL_FILE) as journal, contextlib.suppress(KeyboardInterrupt):
        app = create_app(Assigner(queue, JudgmentLog(journal)), people, shop=name)
        with listen(host, port) as listener:
            listening(address(listener), tuple(people))
            make_server(app).run(sockets=[listener])


def link(start: str, person: Person) -> str:
    """The address with which a person enters. start: that of the start page."""
    return f"{start}enter?token={person.token}"
