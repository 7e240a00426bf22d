"""A simulated annotator of the demo shop, who answers from its latent truth and errs at a set rate."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from whybuy.build import open_critic
from whybuy.config import STORE_FILE
from whybuy.errors import InputError
from whybuy.journal.judgments import to_table
from whybuy.knowledge.annotation.sampling import Candidates, sample
from whybuy.knowledge.critic.edge_critic import CRITIC_CONFIG, EdgeCritic
from whybuy.records import Head, HeadKind, Judgment, Question, Role
from whybuy.relations import Relation
from whybuy.shop import Shop
from whybuy.text import canonical

FIRST = 150  # judgments of a weighted sample, before the critic selects
AT_ONCE = 50

TRUTH_FILE = Path("truth") / "reasons.parquet"
JUDGED_FILE = "judged_reasons.parquet"


class SimulatedJudge:
    """Answers whether a reason is plausible (the shop's truth holds it) and typical.

    It is typical when at least as many purchases express it as the median reason of its product type. Each answer is
    inverted with the probability `error_rate`.
    """

    def __init__(self, store: Path, *, error_rate: float = 0.1, seed: int = 0, name: str = "truth") -> None:
        """store: the demo shop.

        Raises:
            InputError: the store has no truth.
        """
        if not (store / TRUTH_FILE).is_file():
            raise InputError(f"There is no latent truth {store / TRUTH_FILE}; only the demo shop has one.")
        self._purchases: defaultdict[str, dict[tuple[str, str], int]] = defaultdict(dict)
        for row in pq.read_table(store / TRUTH_FILE).to_pylist():
            for wording in (row["tail"], *row["wordings"]):
                key = row["relation"], canonical(wording)
                self._purchases[row["product_type"].casefold()][key] = row["purchases"]
        self._error_rate, self._name = error_rate, name
        self._random = np.random.default_rng(seed)

    def judge(self, head: Head, relation: Relation, tail: str, *, type_of: Mapping[str, str] | None = None) -> Judgment:
        """Answer "plausible", and "typical" where that is a yes.

        type_of: product type by id, for heads that are products; a reason of a pair must hold for both.

        Raises:
            InputError: the head is a query; the truth has reasons of product types only.
        """
        purchases = [self._purchases[name] for name in self._types(head, type_of or {})]
        key = relation.value, canonical(tail)
        plausible = self._answer(all(key in reasons for reasons in purchases))
        answers = [(Question.PLAUSIBLE, plausible)]
        if plausible:
            typical = all(reasons.get(key, -1) >= median(reasons.values()) for reasons in purchases)
            answers.append((Question.TYPICAL, self._answer(typical)))
        return Judgment(head, relation, tail, self._name, Role.JUDGE, tuple(answers))

    def _answer(self, truth: bool) -> bool:
        return truth ^ bool(self._random.random() < self._error_rate)

    def _types(self, head: Head, type_of: Mapping[str, str]) -> list[str]:
        match head.kind:
            case HeadKind.TYPE | HeadKind.TYPE_ATTRIBUTE:
                return [head.key[0].casefold()]
            case HeadKind.PRODUCT | HeadKind.PAIR:
                return [type_of.get(product_id, "").casefold() for product_id in head.key]
            case HeadKind.QUERY:
                raise InputError(f"The truth is about product types; {head} is a query. Judge reasons of types.")


def judge_shop(store: Path, count: int, *, seed: int = 0) -> int:
    """Judge reasons of the built demo shop, and enter the file of judgments in its `store.toml` for the next build.

    Returns: how many judgments there are.

    Raises:
        ArtifactError: there is no finished build.
        InputError: the store has no truth.
    """
    shop = Shop.open(store)
    critic, _ = open_critic(shop)
    judged = judge_candidates(critic, SimulatedJudge(store, seed=seed), count, seed=seed)
    named = shop.settings.one(CRITIC_CONFIG).judgments
    pq.write_table(judged, store / (named or JUDGED_FILE))
    if not named:
        with (store / STORE_FILE).open("a", encoding="utf-8") as settings:
            settings.write(f'\n[critic]\njudgments = "{JUDGED_FILE}"\n')
    return int(judged.num_rows)


def judge_candidates(critic: EdgeCritic, judge: SimulatedJudge, count: int, *, seed: int = 0) -> pa.Table:
    """Judgments (JUDGMENT_SCHEMA) of proposed reasons of types: a weighted sample, then what the critic selects.

    A larger count of one seed begins with the same judgments.
    """
    candidates = Candidates(critic.rows(np.flatnonzero(critic.selectable)))
    types = [key[0] for key in candidates.table["head_key"].to_pylist()]
    first = sample(candidates, types, size=min(FIRST, count), seed=seed)
    return judge_on(critic, judge, _judged(judge, candidates.table.take(pa.array(first))), count)


def judge_on(critic: EdgeCritic, judge: SimulatedJudge, judged: pa.Table, count: int) -> pa.Table:
    """Add judgments of what the critic selects, until there are `count`, or nothing is left to judge."""
    while judged.num_rows < count:
        selected = critic.select(judged, min(AT_ONCE, count - judged.num_rows))
        if not selected.num_rows:
            break
        judged = pa.concat_tables([judged, _judged(judge, selected)])
    return judged


def _judged(judge: SimulatedJudge, hypotheses: pa.Table) -> pa.Table:
    columns = (hypotheses[name].to_pylist() for name in ("head_kind", "head_key", "relation", "tail"))
    return to_table(
        judge.judge(Head(HeadKind(kind), tuple(key)), Relation(relation), tail)
        for kind, key, relation, tail in zip(*columns, strict=True)
    )
