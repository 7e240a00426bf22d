"""COSMO-LM in small: a LLaMA of random weights learns the five tasks of the demo shop.

Usage: `python benchmarks/lm_demo.py STORE WORK [--epochs N] [--results FILE]`; STORE is a demo shop, WORK a folder for
instructions, base and tuned model. Its weights and its tokenizer know nothing but the instructions, so what it
answers about queries, products and types that training never named, it has understood from their words.

A simulated judge says what is plausible and typical from the latent truth; each of its answers for training is turned
round with a probability of 10 %, those that measure are not.
"""

import argparse
import json
import platform
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow as pa

from whybuy.build import read_known
from whybuy.demo.judge import SimulatedJudge
from whybuy.demo.tiny_lm import write_tiny_lm
from whybuy.evaluation.lm import evaluate_lm
from whybuy.journal.judgments import to_table
from whybuy.knowledge.proposing.hypothesizer import ProposerInput, from_table
from whybuy.knowledge.tuning.instruction_export import InstructionConfig, Known, make_instructions
from whybuy.knowledge.tuning.instructions import Instruction, Part, Task, path_of, write_instructions
from whybuy.knowledge.tuning.tune import Step, TuningConfig, tune
from whybuy.records import HYPOTHESES, HeadKind
from whybuy.shop import Shop
from whybuy.tables import ReadReport

JUDGED = 8000
ERROR_RATE = 0.1
SHAPE = {"layers": 2, "width": 64, "words": 6000}
COUNTS = InstructionConfig(most=12000, most_held_out=600)
GENERATIONS = 4000  # for training; their prompts are four times as long as the others
TUNING = TuningConfig(rank=0, learning_rate=1e-3, epochs=5, batch=16)


def main() -> None:
    """Make, tune, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path, help="a built demo shop")
    parser.add_argument("work", type=Path, help="folder to write")
    parser.add_argument("--epochs", type=float, default=TUNING.epochs)
    parser.add_argument("--results", type=Path)
    asked = parser.parse_args()
    made = instructions(asked.store)
    data, base, tuned = asked.work / "data", asked.work / "base", asked.work / "lm"
    data.mkdir(parents=True, exist_ok=True)
    for part in Part:
        write_instructions(path_of(data, part), made[part])
    write_tiny_lm(base, texts_of(made[Part.TRAIN]), **SHAPE)
    config = TuningConfig(**asdict(TUNING) | {"epochs": asked.epochs})
    started = time.perf_counter()
    done = tune(data, str(base), tuned, config, report=ReadReport(), listen=show)
    figures: dict[str, object] = {
        "instructions": {part.value: len(made[part]) for part in Part},
        "model": SHAPE,
        "tuning": asdict(config) | {"steps": done.steps, "seconds": round(time.perf_counter() - started)},
        "before": evaluate_lm(str(base), made[Part.HELD_OUT]),
        "after": evaluate_lm(str(tuned), made[Part.HELD_OUT]),
        "command": "python " + " ".join(sys.argv),
        "python": platform.python_version(),
    }
    print(body := json.dumps(figures, indent=1))
    if asked.results:
        asked.results.write_text(body + "\n", encoding="utf-8")


def instructions(store: Path) -> dict[Part, list[Instruction]]:
    """Training by a judge who errs, measured by one who does not."""
    known = read_known(store)
    inputs, triples = known.inputs, list(known.triples)
    made = {
        part: make_instructions(Known(inputs, triples, judgments(store, inputs, error_rate)), COUNTS)[part]
        for part, error_rate in ((Part.TRAIN, ERROR_RATE), (Part.HELD_OUT, 0.0))
    }
    surplus = set([one for one in made[Part.TRAIN] if one.task is Task.GENERATION][GENERATIONS:])
    made[Part.TRAIN] = [one for one in made[Part.TRAIN] if one not in surplus]
    return made


def judgments(store: Path, inputs: ProposerInput, error_rate: float) -> pa.Table:
    """What a judge who knows the truth says of a random sample of the hypotheses about types, products and pairs."""
    proposed = Shop.open(store).table(HYPOTHESES)
    proposed = proposed.filter(pa.compute.not_equal(proposed["head_kind"], HeadKind.QUERY.value))
    chosen = np.random.default_rng(0).permutation(proposed.num_rows)[:JUDGED]
    judge = SimulatedJudge(store, error_rate=error_rate)
    types = {product_id: inputs.types[row] for product_id, row in inputs.row_of.items()}
    claims = from_table(proposed.take(pa.array(chosen)))
    return to_table(judge.judge(one.head, one.relation, one.tail, type_of=types) for one in claims)


def texts_of(made: list[Instruction]) -> list[str]:
    """All that is said in them."""
    return [text for one in made for text in (*(message.content for message in one.prompt), one.answer)]


def show(now: Step) -> None:
    """Say how far the tuning is."""
    print(f"step {now.step} of {now.steps}, loss {now.loss:.3f}", file=sys.stderr)


if __name__ == "__main__":
    main()
