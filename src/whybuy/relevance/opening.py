"""Opens a saved relevance model of any kind."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from numpy.typing import NDArray

from whybuy.errors import ArtifactError
from whybuy.relevance.constant import ConstantModel
from whybuy.relevance.fine_tuned import FineTunedModel
from whybuy.relevance.frozen import FrozenModel
from whybuy.relevance.model import MADE_BY, SAVED, RelevanceModel

_Opening = Callable[[Path, dict[str, NDArray[Any]], dict[str, Any]], RelevanceModel]
_OPENED_BY: Mapping[str, _Opening] = MappingProxyType(
    {"constant": ConstantModel.of, "fine-tuned": FineTunedModel.of, "frozen": FrozenModel.of}
)


def open_relevance_model(folder: Path) -> RelevanceModel:
    """The model that `save` wrote.

    Raises:
        ArtifactError: the folder holds none, one of another format version or kind, or a damaged one.
        MissingExtraError: it stands on a package that is missing.
    """
    arrays, facts = SAVED.load(folder)
    kind = str(facts.get("kind"))
    if kind not in _OPENED_BY:
        raise ArtifactError(
            f"{folder} holds a relevance model that is {kind!r}; this whybuy opens those that are "
            f"{' or '.join(_OPENED_BY)}. Run `{MADE_BY}` to make it anew."
        )
    return _OPENED_BY[kind](folder, arrays, facts)
