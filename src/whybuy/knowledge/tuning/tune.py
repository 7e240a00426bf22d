"""Supervised tuning of a causal language model on instructions: COSMO-LM (SIGMOD 2024), by TRL and PEFT."""

import json
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whybuy.artifacts import file_digest, write_json
from whybuy.errors import InputError
from whybuy.knowledge.tuning.instructions import Instruction, Part, path_of, read_instructions
from whybuy.language.generator import Message
from whybuy.language.pretrained import open_chat_model, require
from whybuy.tables import ReadReport

if TYPE_CHECKING:
    from transformers import TrainerCallback
    from trl import SFTTrainer

RUN_FILE = "whybuy_tuning.json"  # what a model was tuned from and how
LOGGED = 20  # progress reports of a run


@dataclass(frozen=True, slots=True)
class TuningConfig:
    """How a model is tuned. COSMO (SIGMOD 2024) publishes none of it; this is our design."""

    epochs: float = 3.0
    learning_rate: float = 2e-4  # of LoRA; all weights of a pretrained model take about 1e-5
    batch: int = 32  # questions a step
    rank: int = 16  # of LoRA; 0 tunes all weights
    longest: int = 512  # tokens of a question with its answer; what is longer is cut
    save_seconds: float = 120.0  # between checkpoints
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """The progress of a run."""

    step: int
    steps: int  # in all
    loss: (
        float  # mean negative log-likelihood since the last report, in nats: of answers, by token where they are texts
    )

    def __str__(self) -> str:
        return f"step {self.step:,} of {self.steps:,}, loss {self.loss:.3f}"


@dataclass(frozen=True, slots=True)
class Tuned:
    """A finished tuning."""

    steps: int  # 0 where the model was there already
    kept: int  # of them, steps that an earlier run had made before it was stopped


Listener = Callable[[Step], None]


def tune(data: Path, model: str, out: Path, config: TuningConfig, *, report: ReadReport, listen: Listener) -> Tuned:
    """Tune a model on the training part of a folder of instructions, and write it as a folder that transformers loads.

    Only answers count in the loss. Checkpoints lie in `OUT.tuning` until the model is whole; a stopped run of the same
    settings goes on from the last one, and a finished one is not run again.

    model: a folder, or a name on the hub that transformers is set up for.
    report: of lines that were set aside.

    Raises:
        MissingExtraError: torch, transformers, trl or peft is missing.
        InputError: there is no data or no such model, or the folder holds something else.
    """
    require("torch", "transformers", "trl", "peft", asker="Tuning", extra="lm")
    instructions = read_instructions(path_of(data, Part.TRAIN), report)
    run = {"model": model, "data": file_digest(path_of(data, Part.TRAIN)), **asdict(config)}
    if _is_done(out, run):
        return Tuned(0, 0)
    work = out.with_name(f"{out.name}.tuning")
    _claim(work, run)
    trainer, last = _trainer(model, instructions, work, config, listen), _last_whole(work)
    trainer.train(resume_from_checkpoint=str(last) if last else None)
    _publish(trainer, work, out, run)
    return Tuned(trainer.state.global_step, _step_of(last) if last else 0)


# ---------------------------------------------------------------- the trainer
def _trainer(
    model: str, instructions: Sequence[Instruction], work: Path, config: TuningConfig, listen: Listener
) -> "SFTTrainer":
    import torch  # noqa: PLC0415 - seconds to load, and an extra
    from datasets import Dataset, disable_progress_bars  # noqa: PLC0415
    from peft import LoraConfig  # noqa: PLC0415
    from transformers import PrinterCallback  # noqa: PLC0415
    from trl import SFTConfig  # noqa: PLC0415

    disable_progress_bars()
    gpu = torch.cuda.is_available()
    tokenizer, opened = open_chat_model(model, dtype="auto" if gpu and config.rank else "float32")
    lora = LoraConfig(r=config.rank, lora_alpha=2 * config.rank, target_modules="all-linear") if config.rank else None
    repeatable = _repeatable_trainer()
    trainer = (repeatable if gpu else _on_cpu(repeatable))(
        model=opened,
        args=SFTConfig(
            output_dir=str(work),
            num_train_epochs=config.epochs,
            learning_rate=config.learning_rate,
            lr_scheduler_type="cosine",
            warmup_steps=0.05,
            per_device_train_batch_size=config.batch,
            max_length=config.longest,
            completion_only_loss=True,
            train_sampling_strategy="group_by_length",
            activation_checkpointing=gpu,
            bf16=gpu,
            dataloader_pin_memory=gpu,
            save_strategy="no",  # by the clock, see below
            save_total_limit=2,
            logging_strategy="no",
            report_to="none",
            disable_tqdm=True,
            seed=config.seed,
        ),
        train_dataset=Dataset.from_list([_chat(one) for one in instructions]),
        processing_class=tokenizer,
        peft_config=lora,
        callbacks=[_clock(config.save_seconds, listen)],
    )
    trainer.remove_callback(PrinterCallback)  # stdout is for results
    return trainer


def _repeatable_trainer() -> "type[SFTTrainer]":
    """TRL's trainer, with an order of each epoch's own: a resumed epoch goes on with what was left of it.

    Otherwise the order hangs on all random numbers since the start, of which a resumed run has drawn others.
    """
    from torch import Generator  # noqa: PLC0415
    from torch.utils.data import Dataset  # noqa: PLC0415
    from transformers.trainer_pt_utils import LengthGroupedSampler  # noqa: PLC0415
    from trl import SFTTrainer  # noqa: PLC0415

    class ByEpoch(LengthGroupedSampler):  # type: ignore[misc] # transformers is not read by the type checker
        seed = 0

        def set_epoch(self, epoch: int) -> None:
            self.generator = Generator().manual_seed(self.seed + epoch)

    class Repeatable(SFTTrainer):  # type: ignore[misc] # trl is not read by the type checker
        def _get_train_sampler(self, train_dataset: Dataset[object] | None = None) -> ByEpoch:
            grouped = super()._get_train_sampler(train_dataset)
            sampler = ByEpoch(grouped.batch_size, lengths=grouped.lengths)
            sampler.seed = self.args.seed
            return sampler

    return Repeatable


def _on_cpu(trainer: "type[SFTTrainer]") -> "type[SFTTrainer]":
    """A trainer with a head that scores the places of answers: without a GPU, TRL's scores every word."""
    from torch import Tensor  # noqa: PLC0415
    from torch.nn import Module  # noqa: PLC0415
    from torch.nn.functional import cross_entropy  # noqa: PLC0415

    class OnCpu(trainer):  # type: ignore[misc] # trl is not read by the type checker
        def compute_loss(self, model: Module, inputs: dict[str, Tensor], *_: object, **__: object) -> Tensor:
            wanted = inputs.pop("labels")[:, 1:]
            places = (wanted >= 0).any(0).nonzero()[:, 0]
            logits = model(**inputs, use_cache=False, logits_to_keep=places).logits
            return cross_entropy(logits.flatten(0, 1).float(), wanted[:, places].flatten())

    return OnCpu


def _chat(one: Instruction) -> dict[str, list[dict[str, str]]]:
    """An instruction as TRL expects it: `prompt` and `completion`."""
    prompt = [asdict(message) for message in one.prompt]
    return {"prompt": prompt, "completion": [asdict(Message("assistant", one.answer))]}


def _clock(save_seconds: float, listen: Listener) -> "TrainerCallback":
    """Requests checkpoints at intervals of time, and reports progress."""
    from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments  # noqa: PLC0415

    class Clock(TrainerCallback):  # type: ignore[misc] # transformers is not read by the type checker
        saved = time.monotonic()

        def on_step_end(
            self, _args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
        ) -> None:
            control.should_log = state.global_step % max(1, state.max_steps // LOGGED) == 0
            if time.monotonic() - self.saved > save_seconds:
                control.should_save, self.saved = True, time.monotonic()

        def on_log(
            self,
            _args: TrainingArguments,
            state: TrainerState,
            _control: TrainerControl,
            logs: dict[str, float],
            **_: object,
        ) -> None:
            if "loss" in logs:
                listen(Step(state.global_step, state.max_steps, logs["loss"]))

    return Clock()


# ---------------------------------------------------------------- the run and its folders
def _is_done(out: Path, run: dict[str, Any]) -> bool:
    if not out.exists():
        return False
    if _read_run(out) == run:
        return True
    raise InputError(f"{out} holds something else than this tuning would make. Give another --out, or delete it.")


def _claim(work: Path, run: dict[str, Any]) -> None:
    """Make the folder of checkpoints, or find that it is of the same run."""
    work.mkdir(parents=True, exist_ok=True)
    before = _read_run(work)
    if before is None:
        write_json(work / RUN_FILE, run)
    elif before != run:
        other = ", ".join(
            f"{name} {before.get(name)!r} and not {run[name]!r}" for name in run if before.get(name) != run[name]
        )
        raise InputError(f"{work} holds a stopped tuning with {other}. Give the same settings to go on, or delete it.")


def _read_run(folder: Path) -> dict[str, Any] | None:
    try:
        run: dict[str, Any] = json.loads((folder / RUN_FILE).read_text())
    except (OSError, ValueError):
        return None
    return run


def _last_whole(work: Path) -> Path | None:
    """The newest checkpoint whose last file is there; one that was being written when the run stopped is not."""
    for folder in sorted(work.glob("checkpoint-*"), key=_step_of, reverse=True):
        try:
            json.loads((folder / "trainer_state.json").read_text())
        except (OSError, ValueError):
            shutil.rmtree(folder)
        else:
            return folder
    return None


def _step_of(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])


def _publish(trainer: "SFTTrainer", work: Path, out: Path, run: dict[str, Any]) -> None:
    """Save the model, LoRA merged into its weights, with its tokenizer; the folder appears when it is whole."""
    model, draft = trainer.accelerator.unwrap_model(trainer.model), work / "model"
    if hasattr(model, "merge_and_unload"):
        model = model.merge_and_unload()
    model.config.use_cache = True
    model.save_pretrained(draft)
    trainer.processing_class.save_pretrained(draft)
    write_json(draft / RUN_FILE, run)
    draft.rename(out)
    shutil.rmtree(work)
