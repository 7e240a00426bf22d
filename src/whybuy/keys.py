"""The separator of the parts of a composite key."""

SEPARATOR = "\x1f"
"""ASCII's unit separator, which no cleaned text holds (`text.clean` turns control characters into spaces)."""
