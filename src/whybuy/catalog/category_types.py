"""Product types by the names of categories, where titles say the same. Our design.

A shop's finest categories name types ("Exam Gloves"), but also groups, audiences and traits ("Women", "Fitted",
"Accessories"). A name counts for the products whose titles say its head ("... Disposable Exam Gloves"); else the name
of the level above is tried ("Sealants" over "Gasket"), and then the title's own type stands.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from whybuy.catalog.titles import TAIL_NOISE, WEAK_HEADS, TitleParts, before_modifier, singular
from whybuy.text import normalize

FINE_LEAVES = 50  # a taxonomy with fewer last levels names departments, not product types
_TRUSTED = 0.5  # share of a category's titles that say its name, from which it holds for the others too
_AT_HOME = 0.5  # share of a type's products that are in one category
_WORKS = 0.2  # of a root's titles: when fewer say a category's name, and fewer share one type, they are names of works
_FEWEST = 5  # products of such a root

_AND = re.compile(r"\s*(?:,|&|/|\band\b|\bor\b)\s*")
_ALL = frozenset("all other more misc general various".split())

Guess = tuple[str, float]


@dataclass(frozen=True, slots=True)
class CategoryName:
    """One thing that the name of a category lists."""

    name: str
    head: str
    plural: bool


def category_names(level: str) -> tuple[CategoryName, ...]:
    """The things that the name of a category lists: "Wall Lamps & Sconces" → wall lamp, sconce."""
    names = []
    for part in _AND.split(before_modifier(normalize(level))):
        words = part.split()
        while words and words[0] in _ALL:
            words.pop(0)
        if not words or words[-1] in TAIL_NOISE:
            continue
        before, hyphen, last = words[-1].rpartition("-")
        head = before + hyphen + singular(last)
        if head in WEAK_HEADS and len(words) == 1:
            continue
        names.append(CategoryName(" ".join([*words[:-1], head]), head, last.endswith("s") and not last.endswith("ss")))
    return tuple(names)


def types_by_category(
    paths: Sequence[Sequence[str]], titles: Sequence[TitleParts], guesses: Sequence[Guess]
) -> list[Guess]:
    """The types of products by their categories where those name types that titles say, else as guessed from titles."""
    by_leaf, by_root = _rows_by(paths, -1), _rows_by(paths, 0)
    if len(by_leaf) < FINE_LEAVES:
        return list(guesses)
    named = [_named_level(path, title, guess) for path, title, (guess, _) in zip(paths, titles, guesses, strict=True)]
    answers = [(name, 1.0) if name else guess for (name, _), guess in zip(named, guesses, strict=True)]
    works = _works(by_root, named, guesses)
    of_type = Counter(guess for guess, _ in guesses)
    for members in by_leaf.values():
        own = Counter(name for name, of_leaf in (named[row] for row in members) if of_leaf)
        trusted = own.total() >= _TRUSTED * len(members)
        usual = max(own, key=lambda name: (own[name], name), default="")
        at_home = Counter(guesses[row][0] for row in members)
        for row in members:
            guess = guesses[row][0]
            if named[row][0]:
                continue
            if trusted and (not guess or at_home[guess] >= _AT_HOME * of_type[guess]):
                answers[row] = (usual, 0.8)
            elif paths[row][0] in works:
                answers[row] = (works[paths[row][0]], 0.6)
    return answers


def _rows_by(paths: Sequence[Sequence[str]], level: int) -> Mapping[str, list[int]]:
    rows: dict[str, list[int]] = defaultdict(list)
    for row, path in enumerate(paths):
        if path:
            rows[path[level]].append(row)
    return rows


def _named_level(path: Sequence[str], title: TitleParts, guess: str) -> tuple[str, bool]:
    """The deepest name below the root of a path that the title says, and whether it is the last level's; else "".

    Names of things are plural; of others ("Wall Art", but also "Fitness") only what heads the title counts.
    """
    head = guess.rpartition(" ")[2]
    for depth, level in enumerate(reversed(path[1:] or path)):
        names = [
            name
            for name in category_names(level)
            if guess == name.name
            or (name.plural and _says(title, name))
            or (name.head == head and head not in WEAK_HEADS)
        ]
        if names:
            best = max(names, key=lambda one: (one.head == head, len(title.words & set(one.name.split())), one.name))
            return best.name, depth == 0
    return "", False


def _says(title: TitleParts, name: CategoryName) -> bool:
    if name.head in WEAK_HEADS:
        return set(name.name.split()[-2:]) <= title.words
    return name.head in title.words or name.head.rpartition("-")[2] in title.words


def _works(
    by_root: Mapping[str, list[int]], named: Sequence[tuple[str, bool]], guesses: Sequence[Guess]
) -> dict[str, str]:
    """The names of roots whose titles are names of works, which say nothing of what they are: "Books" → book."""
    works = {}
    for root, members in by_root.items():
        names = [name.name for name in category_names(root) if name.plural]
        shared = Counter(guesses[row][0] for row in members if guesses[row][0])
        largest = max(sum(bool(named[row][0]) for row in members), max(shared.values(), default=0))
        if names and len(members) >= _FEWEST and largest < _WORKS * len(members):
            works[root] = names[0]
    return works
