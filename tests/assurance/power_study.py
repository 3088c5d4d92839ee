"""Power of six situations of the field, beside brute force; and the detectable effect, taken at its word.

    python tests/assurance/power_study.py

writes power_situations.csv (declared numbers: the toolkit's power, the brute-force power, the detectable effect and
its power in fresh studies) and power_panels.csv (the detectable effect estimated from single panels of a known process,
with its true power: what an evaluator gets, reported apart).
"""

import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import ndtri

from evaltoolkit.plans.declared import design_of, draw_outcomes, power_from_study, simulate_estimates
from evaltoolkit.plans.power import minimum_detectable_effect, power_curve
from evaltoolkit.plans.study import Study

HERE = Path(__file__).parent
STORED, PANELS = HERE / "power_situations.csv", HERE / "power_panels.csv"
DRAWS, BRUTE, FRESH = 10_000, 2000, 2000
PANEL_SEEDS = range(2001, 2101)
PANEL = Study.model_validate(
    {
        "periods": 8,
        "comparison_units": 80,
        "cohorts": [{"start": 4, "units": 25}, {"start": 6, "units": 25}],
        "outcome": {"kind": "continuous", "sd": 1.0, "autocorrelation": 0.4},
    }
)


def situations():
    """Name, study, effects and guessed power of each situation."""
    content = tomllib.loads((HERE / "power_situations.toml").read_text(encoding="utf-8"))
    for one in content["situation"]:
        yield one["name"], Study.model_validate(one["study"]), one["effects"], one["guessed"]


def brute_force(study, effect, draws, seed):
    """Share of studies with an interval that excludes zero: one study at a time, every formula written out anew."""
    rng = np.random.default_rng(seed)
    [cohort] = study.cohorts
    n = study.comparison_units + cohort.units
    treated = np.arange(n) >= study.comparison_units
    sizes = design_of(study).weights
    found = 0
    for _ in range(draws):
        outcome = _draw(study.outcome, rng, n, study.periods, sizes, treated, cohort.start - 1, effect)
        change = outcome[:, cohort.start - 1 :].mean(axis=1) - outcome[:, cohort.start - 2]
        difference, variance = 0.0, 0.0
        for arm, sign in ((treated, 1), (~treated, -1)):
            share = sizes[arm] / sizes[arm].sum()
            mean = (share * change[arm]).sum()
            difference += sign * mean
            variance += (share**2 * (change[arm] - mean) ** 2).sum()
        found += abs(difference) > ndtri(0.5 + study.level / 2) * np.sqrt(variance)
    return found / draws


def _draw(outcome, rng, n, periods, sizes, treated, start, effect):
    columns = []
    for t in range(periods):
        shift = effect * treated if t >= start else np.zeros(n)
        if outcome.kind == "count":
            mean = outcome.mean * sizes * (1 + shift)
            r = 1 / outcome.overdispersion
            columns.append(rng.negative_binomial(r, r / (r + mean)) / (outcome.mean * sizes))
        elif outcome.kind == "survey_share":
            asked = round(outcome.respondents / outcome.design_effect)
            share = np.clip(rng.normal(outcome.level + shift, outcome.sd), 0, 1)
            columns.append(rng.binomial(asked, share) / asked)
        else:
            columns.append((rng.uniform(size=n) < outcome.level + shift).astype(float))
    return np.column_stack(columns)


def run_situation(name, study, effects, guessed, *, draws=DRAWS, brute=BRUTE, fresh=FRESH, seed=1):
    found = power_from_study(study, effects, draws=draws, seed=seed)
    if np.isfinite(found.mde):
        estimates, halves = simulate_estimates(study, found.mde, draws=fresh, seed=seed + 1000)
        again = float(np.mean(np.abs(estimates) > halves))
        forced = brute_force(study, found.mde, brute, seed + 3000)
    else:
        again = forced = np.nan
    return [
        {
            "situation": name,
            "effect": effect,
            "guessed": guess,
            "power": found.table["power"][place],
            "brute_force": brute_force(study, effect, brute, seed + 2000 + place),
            "false_alarms": found.false_alarms,
            "mde": found.mde,
            "reason": found.reason,
            "power_at_mde": again,
            "brute_force_at_mde": forced,
        }
        for place, (effect, guess) in enumerate(zip(effects, guessed, strict=True))
    ]


def run_panel(seed, null=None):
    """Detectable effect from one panel without any effect, and its true power."""
    from dataclasses import replace

    null = null or simulate_estimates(PANEL, 0.0, draws=DRAWS, seed=1)
    design = design_of(PANEL)
    rng = np.random.default_rng(seed)
    drawn = draw_outcomes(PANEL, design, 0.0, 1, rng)[:, :, 0] + rng.normal(0, 2, (len(design.units), 1))
    mde = minimum_detectable_effect(replace(design, outcome=drawn), draws=200).mde
    return {"seed": seed, "mde": mde, "true_power": float(power_curve(*null, np.array([mde]))[0])}


def main():
    rows = [row for one in situations() for row in run_situation(*one)]
    pd.DataFrame(rows).to_csv(STORED, index=False, float_format="%.6g", lineterminator="\n")
    null = simulate_estimates(PANEL, 0.0, draws=DRAWS, seed=1)
    panels = pd.DataFrame([run_panel(seed, null) for seed in PANEL_SEEDS])
    panels.to_csv(PANELS, index=False, float_format="%.6g", lineterminator="\n")
    print(pd.DataFrame(rows).round(3).to_string())
    print(panels["true_power"].describe().round(3).to_string())


if __name__ == "__main__":
    main()
