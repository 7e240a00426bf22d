"""Jinja templates in which every value is escaped."""

from collections.abc import Callable, Iterable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined


def templates(folder: Path, filters: Iterable[Callable[..., object]]) -> Environment:
    """The templates of a folder. filters: functions that templates call by their names."""
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update({function.__name__: function for function in filters})
    return environment
