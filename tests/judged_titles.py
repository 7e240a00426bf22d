"""Judged reasons why titles of four kinds are bought, each by made-up brands."""

import numpy as np

from whybuy.knowledge.critic.text_judgments import JudgedStatements, Statements

KINDS = {
    "slip-on shoe": ["standing all day", "pregnant women", "slippery floors"],
    "dome tent": ["winter camping", "family trips", "festivals"],
    "dog leash": ["walking the dog", "puppy training", "night walks"],
    "floor lamp": ["reading at night", "dark corners", "a cozy room"],
}
BRANDS = [f"{name}{number}" for name in ("Marlowe", "Delvia", "Tarn", "Acme") for number in range(6)]
HOLLOW = ["the same reason", "their quality"]


def judged_titles() -> JudgedStatements:
    """The reasons of a title's kind (typical), those of other kinds (neither), and hollow ones (plausible)."""
    heads: list[tuple[str, ...]] = []
    reasons: list[str] = []
    plausible: list[float] = []
    typical: list[float] = []
    for number, brand in enumerate(BRANDS):
        for kind, own in KINDS.items():
            others = [found[number % 3] for other, found in KINDS.items() if other != kind]
            for reason in [*own, *others, *HOLLOW]:
                heads.append((f"{brand} {kind}",))
                reasons.append(f"used for {reason}")
                plausible.append(float(reason in own or reason in HOLLOW))
                typical.append(float(reason in own))
    answers = {"plausible": np.array(plausible, np.float32), "typical": np.array(typical, np.float32)}
    return JudgedStatements(Statements(heads, reasons), answers)
