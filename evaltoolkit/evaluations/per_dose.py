"""A verdict on what more of an action does, or on one that stopped and started again: in its own words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from evaltoolkit.designs.design import Design
from evaltoolkit.evaluations.evaluation import Verdict
from evaltoolkit.findings import Fact

# sentences that compare with "without the action"; each has a form for "with more of the action"
_AGAINST_NOTHING = frozenset(
    f"verdict.{kind}"
    for kind in ("improved_higher", "improved_lower", "worsened_higher", "worsened_lower", "higher", "lower")
)
# so many of a hundred more or fewer: of units without and with the action, not of one more hour of it
_OF_THE_ACTION = frozenset({"verdict.of_hundred"})
# what was not estimated rests on no assumption
_NOTHING = frozenset({"refused", "not_estimable", "not_measurable"})


def say_per_dose(verdict: Verdict, per: str) -> Verdict:
    """Say an effect per unit of a dose, with the assumption that it rests on; unchanged where there is no dose.

    Parameters
    ----------
    verdict : about an effect per unit of the dose
    per : what one unit of the dose is called, as a fact; empty where effects are those of the action

    Returns
    -------
    Verdict
        The kind stays. ``unit`` is said per unit of the dose; the sentence ``verdict.dose.assumption`` says that
        effects of the dose stand on strong parallel trends, which no data can show.
    """
    if not per:
        return verdict
    kept = [(code, _counted(facts, per)) for code, facts in verdict.sentences if code not in _OF_THE_ACTION]
    said = [(_dosed(code) if code in _AGAINST_NOTHING else code, facts) for code, facts in kept]
    if verdict.kind not in _NOTHING:
        said.append(("verdict.dose.assumption", {"dose": per}))
    return replace(verdict, sentences=tuple(said))


def say_switched(verdict: Verdict, design: Design) -> Verdict:
    """Say that an effect is per period in which the action ran, where it stopped or started again."""
    if design.treatment is None or verdict.kind in _NOTHING:
        return verdict
    return replace(verdict, sentences=(*verdict.sentences, ("verdict.per_period_of_action", {})))


def _dosed(code: str) -> str:
    return code.replace("verdict.", "verdict.dose.", 1)


def _counted(facts: Mapping[str, Fact], per: str) -> dict[str, Fact]:
    held = dict(facts)
    if "unit" in held:
        held |= {"base": held["unit"], "dose": per, "unit": f"@per:{held['unit']}|{per}"}
    return held
