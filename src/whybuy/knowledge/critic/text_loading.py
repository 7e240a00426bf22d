"""Opens a saved text critic of any kind."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from whybuy.knowledge.critic.text_critic import Kind, TextCritic, saved_kind
from whybuy.knowledge.critic.text_fine_tuned import FineTunedCritic
from whybuy.knowledge.critic.text_fitted import FittedCritic

_OPENED_BY: Mapping[Kind, Callable[[Path], TextCritic]] = MappingProxyType(
    {Kind.FITTED: FittedCritic.load, Kind.FINE_TUNED: FineTunedCritic.load}
)


def open_text_critic(folder: Path) -> TextCritic:
    """The critic that `whybuy critic train` wrote.

    Raises:
        ArtifactError: the folder holds no critic, one of another format version, or a damaged one.
        MissingExtraError: it stands on a transformer, and torch or transformers is missing.
    """
    return _OPENED_BY[saved_kind(folder)](folder)
