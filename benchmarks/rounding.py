"""Figures as results hold them: with four digits behind the point."""


def rounded(value: object) -> object:
    """A figure, or those of a nested dictionary."""
    if isinstance(value, dict):
        return {name: rounded(one) for name, one in value.items()}
    return round(value, 4) if isinstance(value, float) else value
