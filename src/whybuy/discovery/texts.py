"""The limit on what a shopper may type."""

from whybuy.errors import InputError
from whybuy.operations import MAX_QUERY


def checked(text: str) -> str:
    """The text, when it is no longer than allowed.

    Raises:
        InputError: it has more than 10,000 characters.
    """
    if len(text) > MAX_QUERY:
        raise InputError(f"The query has {len(text):,} characters; at most {MAX_QUERY:,} are allowed.")
    return text
