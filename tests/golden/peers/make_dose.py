"""Made dose.json: one-cohort panels and what diff-diff 3.13.0 gives on them.

Run once with the extra ``bench`` installed: ``python tests/golden/peers/make_dose.py``. Its ``ContinuousDiD`` is
written independently of this toolkit, after the same paper. One cohort only: over several, it averages curves that
were fitted cohort by cohort, and periods within a cohort first.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd

TIMES = (2019, 2020, 2021, 2022)
START = 2021
# name: doses, options of ContinuousDiD
CASES = {
    "linear": ("continuous", {"degree": 1, "num_knots": 0}),
    "spline": ("continuous", {"degree": 2, "num_knots": 1}),
    "bins": ("levels", {"treatment_type": "discrete"}),
}


def make_panel(kind):
    rng = np.random.default_rng(20240226)
    treated = np.arange(84) < 48
    drawn = rng.gamma(3.0, 2.0, 84) if kind == "continuous" else rng.permutation(np.resize([1.0, 2.5, 6.0], 84))
    dose = np.where(treated, np.round(drawn, 2), 0.0)
    effect = (0.4 * np.sqrt(dose))[:, None] * (np.array(TIMES) >= START) * np.array([1, 1, 1, 1.5])
    outcome = rng.normal(size=(84, 1)) + rng.normal(size=(84, 4)) + 0.3 * np.arange(4) + effect
    return dose, np.round(outcome, 4)


def run(kind, options):
    from diff_diff import ContinuousDiD

    dose, outcome = make_panel(kind)
    n, periods = outcome.shape
    frame = pd.DataFrame(
        {
            "unit": np.repeat(np.arange(n), periods),
            "period": np.tile(TIMES, n),
            "first": np.repeat(np.where(dose > 0, START, 0), periods),
            "dose": np.repeat(dose, periods),
            "outcome": outcome.ravel(),
        }
    )
    given = dose[dose > 0]
    doses = np.unique(given if kind == "levels" else np.quantile(given, np.arange(1, 10) / 10))
    found = ContinuousDiD(dvals=doses, **options).fit(
        frame, outcome="outcome", unit="unit", time="period", first_treat="first", dose="dose"
    )
    curves = {"level": found.dose_response_att, "slope": found.dose_response_acrt}
    return {
        "dose": dose.tolist(),
        "outcome": outcome.tolist(),
        "grid": doses.tolist(),
        "overall": [found.overall_att, found.overall_att_se],
        "mean_slope": [found.overall_acrt, found.overall_acrt_se],
        **{name: np.column_stack([curve.effects, curve.se]).tolist() for name, curve in curves.items()},
    }


if __name__ == "__main__":
    import diff_diff

    made = {"made_with": f"diff-diff {diff_diff.__version__}, tests/golden/peers/make_dose.py", "times": TIMES}
    made |= {"start": START, "cases": {name: run(*case) for name, case in CASES.items()}}
    Path(__file__).with_name("dose.json").write_text(json.dumps(made) + "\n", encoding="utf-8")
