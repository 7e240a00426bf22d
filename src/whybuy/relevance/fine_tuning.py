"""Fine-tunes a transformer and a linear head on judged pairs."""

from collections.abc import Callable

import numpy as np

from whybuy.language.pretrained import Pretrained, on_device, open_pretrained, require
from whybuy.relevance.fine_tuned import FineTunedModel, FineTuning, PairNetwork, open_head
from whybuy.relevance.frozen import Architecture
from whybuy.relevance.head_fitting import fit_head
from whybuy.relevance.model import JudgedPairs
from whybuy.relevance.wording import Wording

CALIBRATION_PENALTY = 0.01
STEEPEST = 1.0  # norm of a gradient; longer ones are cut
_VECTORS = 4  # that the head is given


def fine_tune(
    judged: JudgedPairs,
    architecture: Architecture,
    wording: Wording,
    recipe: FineTuning,
    listen: Callable[[int, int, float], None] = lambda step, steps, loss: None,
) -> FineTunedModel:
    """Minimize the cross-entropy of the classes on four fifths of the queries; the others teach how sure it may be.

    On them, a logistic regression reads the logits and, with the wording that says so, what reasons match. On a CPU,
    the same pairs and recipe give the same model.

    listen: is told each step, how many there are, and the loss of a pair.

    Raises:
        MissingExtraError: torch or transformers is missing.
        InputError: there is no such model, or fewer than two queries.
    """
    require("torch", "transformers", asker="Fine-tuning", extra="neural", instead="leave --trained out")
    import torch  # noqa: PLC0415 - seconds to load, and an extra
    from transformers import get_linear_schedule_with_warmup  # noqa: PLC0415

    torch.manual_seed(recipe.seed)  # of dropout
    tokenizer, transformer = open_pretrained(Pretrained.ENCODER, recipe.model, dtype="float32")
    transformer = on_device(transformer)
    shape = len(judged.names), _VECTORS * transformer.config.hidden_size
    head = open_head(np.zeros(shape, np.float32), np.zeros(shape[0], np.float32), transformer.device)
    network = PairNetwork(tokenizer, transformer, head, architecture, wording, recipe.longest)
    learns, held = judged.split(recipe.seed)
    random, parts = np.random.default_rng(recipe.seed), max(1, round(len(learns) / recipe.batch))
    steps = [rows for _ in range(recipe.epochs) for rows in np.array_split(random.permutation(learns), parts)]
    body, top = list(transformer.parameters()), list(head.parameters())
    rates = [{"params": body, "lr": recipe.learning_rate}, {"params": top, "lr": recipe.head_rate}]
    optimizer = torch.optim.AdamW(rates)
    rate = get_linear_schedule_with_warmup(optimizer, round(recipe.warm_up * len(steps)), len(steps))
    transformer.train()
    for number, rows in enumerate(steps, start=1):
        logits = network([judged.pairs[row] for row in rows])
        loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(judged.classes[rows]).to(logits.device))
        loss.backward()
        torch.nn.utils.clip_grad_norm_([*body, *top], STEEPEST)
        optimizer.step()
        rate.step()
        optimizer.zero_grad()
        listen(number, len(steps), loss.item())
    transformer.eval()
    unseen = judged.only(held)
    calibrated = fit_head(network.blocks(unseen.pairs), unseen.classes, len(judged.names), CALIBRATION_PENALTY)
    return FineTunedModel(network, calibrated, judged.names, recipe)
