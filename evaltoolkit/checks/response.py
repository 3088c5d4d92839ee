"""Response by arm and wave: comparison municipalities have little reason to answer."""

from __future__ import annotations

import numpy as np
import pandas as pd

from evaltoolkit.checks.registry import Check
from evaltoolkit.designs.design import Design
from evaltoolkit.effects.effects import Effects

# percentage points between the arms from which a comparison of answers is in doubt
LARGEST_GAP = 10.0


def check_response(design: Design, effects: Effects) -> Check:
    """Compare the share of units that answered, treated against comparison, in every period.

    Assumption: whether a unit answers does not depend on treatment together with its outcome. Units that never
    answered count in the denominator where the design knows their treatment.

    Not when: nobody knows who was asked; silence then cannot be counted.

    Parameters
    ----------
    design : Design
    effects : Effects
        Not used; every check takes both.

    Returns
    -------
    Check
        False where the arms differ by more than ten percentage points in a period. Table: ``period, treated,
        comparison, difference`` (shares) and ``n_treated, n_comparison`` (units asked).
    """
    del effects
    answered = np.isfinite(design.outcome if design.outcome.ndim == 2 else design.outcome[..., 0])
    silent = _never_answered(design)
    treated, silent_treated = design.treated, silent <= design.times[-1]
    asked = np.array([treated.sum() + silent_treated.sum(), (~treated).sum() + (~silent_treated).sum()])
    if not asked.all():
        return Check("response", "assumption.complete_response", None, "check.response.not_possible")
    shares = np.vstack([answered[treated].sum(axis=0), answered[~treated].sum(axis=0)]) / asked[:, None]
    table = pd.DataFrame(
        {
            "period": design.times,
            "treated": shares[0],
            "comparison": shares[1],
            "difference": shares[0] - shares[1],
            "n_treated": asked[0],
            "n_comparison": asked[1],
        }
    )
    gap = 100 * float(table["difference"].abs().max())
    worst = int(table["difference"].abs().to_numpy().argmax())
    balanced = gap <= LARGEST_GAP + 1e-9
    facts = {
        "points": round(gap, 1),
        "treated": round(100 * float(shares[0, worst])),
        "comparison": round(100 * float(shares[1, worst])),
        "limit": int(LARGEST_GAP),
    }
    code = "check.response.balanced" if balanced else "check.response.unbalanced"
    return Check("response", "assumption.complete_response", balanced, code, facts, table, {"response": table})


def _never_answered(design: Design) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """First treated times of units that were left out because no answer of theirs exists; unknown ones left out."""
    excluded = design.excluded
    if "cohort" not in excluded.columns:
        return np.array([], dtype=float)
    cohort = excluded.loc[excluded["reason"] == "excluded.no_outcome", "cohort"].to_numpy(dtype=float)
    return np.asarray(cohort[~np.isnan(cohort)])
