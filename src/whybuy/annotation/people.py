"""Accounts of annotators: name, role and token, in a file of the store that only its owner can read."""

import json
import os
import re
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from whybuy.errors import InputError
from whybuy.records import Role

PEOPLE_FILE = "people.json"
_FORMAT_VERSION = 1
_NAME = re.compile(r"[\w][\w .@-]{0,49}")


@dataclass(frozen=True, slots=True)
class Person:
    """An account."""

    name: str
    part: Role  # judge, or adjudicator, who audits too
    token: str


class People:
    """The accounts of one store."""

    def __init__(self, people: Iterable[Person] = ()) -> None:
        self._by_name = {person.name: person for person in people}

    def __iter__(self) -> Iterator[Person]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    def with_token(self, token: str) -> Person | None:
        """The person with this token, None without one; the time of the comparison reveals nothing."""
        given = token.encode()
        matches = [person for person in self._by_name.values() if secrets.compare_digest(person.token.encode(), given)]
        return matches[0] if matches else None

    def joined_by(self, names: Sequence[str], part: Role) -> "People":
        """These accounts and those of more people, each with a new token; existing accounts keep theirs.

        Raises:
            InputError: a name is no plain name, or that of someone with another part.
        """
        people = dict(self._by_name)
        for name in names:
            if not _NAME.fullmatch(name):
                raise InputError(f"{name!r} is no name for a judge: use up to 50 letters, digits, spaces, . @ _ or -.")
            known = people.setdefault(name, Person(name, part, secrets.token_urlsafe(24)))
            if known.part is not part:
                raise InputError(f"{name} is {known.part.value} here already, so cannot be {part.value}. Name another.")
        return People(people.values())


def read_people(store: Path) -> People:
    """The accounts of a store; none where there is no file.

    Raises:
        InputError: the file is damaged.
    """
    path = store / PEOPLE_FILE
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        people = People(Person(one["name"], Role(one["part"]), one["token"]) for one in raw["people"])
        version = raw["format_version"]
    except FileNotFoundError:
        return People()
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} holds no readable accounts ({error}). Delete it to make new ones.") from error
    if version != _FORMAT_VERSION:
        raise InputError(f"{path} has format {version!r}; this whybuy reads format {_FORMAT_VERSION}.")
    return people


def write_people(store: Path, people: People) -> None:
    """Write the accounts, readable by the owner of the store alone."""
    accounts = [{"name": one.name, "part": one.part.value, "token": one.token} for one in people]
    draft = store / f".{PEOPLE_FILE}.{secrets.token_hex(4)}"
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
            json.dump({"format_version": _FORMAT_VERSION, "people": accounts}, stream, indent=1, ensure_ascii=False)
        os.replace(draft, store / PEOPLE_FILE)
    finally:
        draft.unlink(missing_ok=True)
