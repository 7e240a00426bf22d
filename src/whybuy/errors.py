"""The base exception and the few that cross parts.

Every message names the thing, what came, what is allowed and the next step.
"""

import difflib
from collections.abc import Iterable

LISTED = 20  # names that a message holds readably


class WhybuyError(Exception):
    """Base of every error that whybuy raises on purpose; the command line prints its message and exits with 1."""


class InputError(WhybuyError):
    """A file or a value from outside cannot be understood."""


class ConfigError(WhybuyError):
    """`store.toml` asks for something that does not exist."""


class ArtifactError(WhybuyError):
    """An artifact folder is missing, half-written, damaged or of another format version."""


class MissingExtraError(WhybuyError):
    """A part needs an optional dependency; the message carries the install command."""


def closest(name: str, allowed: Iterable[str]) -> str:
    """Say which allowed name comes nearest to a wrong one, as the tail of a message.

    Returns: `" Did you mean 'x'?"`, or the first allowed names when none is near.
    """
    names = sorted(allowed)
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        return f" Did you mean {near[0]!r}?"
    return f" Allowed: {', '.join(names[:LISTED])}{', ...' if len(names) > LISTED else '.'}"
