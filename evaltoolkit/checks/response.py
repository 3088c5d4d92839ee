"""Response by arm and wave: comparison municipalities have little reason to answer."""

from __future__ import annotations

import numpy as np
import pandas as pd

from evaltoolkit.checks._asked import Asked, who_was_asked
from evaltoolkit.checks.registry import Check
from evaltoolkit.designs.design import Array, Design
from evaltoolkit.effects.effects import Effects

# percentage points between the arms from which a comparison of answers is in doubt
LARGEST_GAP = 10.0
# how often, over all periods together, a gap may be called more than chance where there is none
BY_CHANCE = 0.05
_ASSUMPTION = "assumption.complete_response"


def check_response(design: Design, effects: Effects) -> Check:
    """Compare the share of units that answered, treated against comparison, in every period.

    Assumption: whether a unit answers does not depend on treatment together with its outcome. Units that never
    answered count in the denominator where the design knows their treatment.

    Not when: nobody knows who was asked; silence then cannot be counted. What the silent would have answered is not
    seen here: see ``missing_answers``.

    Parameters
    ----------
    design : Design
    effects : Effects
        Not used; every check takes both.

    Returns
    -------
    Check
        False where the arms differ in a period by more than ten percentage points *and* by more than chance: beyond the
        critical value of a t distribution with the clusters of the smaller arm less one, at 5 % over all periods
        together (Bonferroni), the variance taken over clusters with the shares of both arms pooled. None where a gap
        of more than ten points may be chance, and where an arm is missing. Else True. Table: ``period, treated,
        comparison, difference`` (shares), ``std_error, beyond_chance`` and ``n_treated, n_comparison`` (units asked).
        The fact ``points`` is the largest gap, whatever chance says: the grade rests on it.
    """
    del effects
    asked = who_was_asked(design)
    n_treated, n_comparison = int(asked.treated.sum()), int((~asked.treated).sum())
    if not (n_treated and n_comparison):
        return Check("response", _ASSUMPTION, None, "check.response.not_possible")
    shares = np.vstack([asked.answered[asked.treated].mean(axis=0), asked.answered[~asked.treated].mean(axis=0)])
    difference = shares[0] - shares[1]
    errors = _std_errors(asked)
    beyond = np.abs(difference) > _critical(asked) * errors
    table = pd.DataFrame(
        {
            "period": design.times,
            "treated": shares[0],
            "comparison": shares[1],
            "difference": difference,
            "std_error": errors,
            "beyond_chance": beyond,
            "n_treated": n_treated,
            "n_comparison": n_comparison,
        }
    )
    gap = 100 * np.abs(difference)
    wide = gap > LARGEST_GAP + 1e-9
    told = gap if not (wide & beyond).any() else np.where(wide & beyond, gap, -1.0)
    worst = int(told.argmax())
    facts = {
        "points": round(float(gap[worst]), 1),
        "treated": round(100 * float(shares[0, worst])),
        "comparison": round(100 * float(shares[1, worst])),
        "limit": int(LARGEST_GAP),
    }
    code, verdict = _judge(bool(wide.any()), more_than_chance=bool((wide & beyond).any()))
    return Check("response", _ASSUMPTION, verdict, f"check.response.{code}", facts, table, {"response": table})


def _judge(wide: bool, *, more_than_chance: bool) -> tuple[str, bool | None]:
    if more_than_chance:
        return "unbalanced", False
    # ten points between small groups: nobody can say whether the groups differ in their will to answer
    return ("by_chance", None) if wide else ("balanced", True)


def _std_errors(asked: Asked) -> Array:
    """(T,) standard error of the difference where both arms answer alike: clusters fall silent together."""
    weight = np.where(asked.treated, 1 / asked.treated.sum(), -1 / (~asked.treated).sum())
    centred = weight[:, None] * (asked.answered - asked.answered.mean(axis=0))
    _, place = np.unique(asked.clusters, return_inverse=True)
    sums = np.zeros((int(place.max()) + 1, centred.shape[1]))
    np.add.at(sums, place, centred)
    return np.asarray(np.sqrt(np.square(sums).sum(axis=0)))


def _critical(asked: Asked) -> float:
    from scipy.special import stdtrit

    smaller = min(len(set(asked.clusters[arm])) for arm in (asked.treated, ~asked.treated))
    freedom = max(smaller - 1, 1)
    return float(stdtrit(freedom, 1 - BY_CHANCE / 2 / asked.answered.shape[1]))
