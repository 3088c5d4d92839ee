"""Five thousand simulated evaluations from panel to grade: how often is a claim wrong, how often is an effect found?

    python tests/assurance/verdict_study.py [--jobs 2]

writes verdicts.csv beside this file, one row per cell (setting and true effect); cells that are stored are not made
again. ``test_verdict_study.py`` holds it to its gates and makes some evaluations again.

An evaluation has a primary outcome and a guardrail that the action does not move. Everything from the estimate on is
the toolkit's own: interval by its rule, checks, verdict, what stands beside it, grade. Feasibility is assessed once
per setting: it depends on the design, and hardly on the draw. Effects are multiples of the smallest detectable effect
that it gives; half of that effect is the smallest relevant one. Where trends drift, the participants move away from
the others by a tenth of the smallest detectable effect per year, before and after the start, and nobody knows.
"""

from __future__ import annotations

import argparse
import datetime as dt
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from evaltoolkit.checks.registry import list_checks
from evaltoolkit.designs.design import Design
from evaltoolkit.evaluations import run
from evaltoolkit.evaluations.beside import CHANGES, chance_hits, say_beside
from evaltoolkit.evaluations.evaluation import OutcomeResult
from evaltoolkit.evaluations.grade import CERTAINTIES
from evaltoolkit.evaluations.headline import find_headline
from evaltoolkit.evaluations.inputs import Inputs, load_inputs
from evaltoolkit.evaluations.verdict import judge_outcome
from evaltoolkit.plans.feasibility import Feasibility, assess_feasibility
from evaltoolkit.plans.methods import estimate_as_planned

STORED = Path(__file__).with_name("verdicts.csv")
FIRST_SEED = 510_000
# by number of treated: below forty the interval costs a thousand allocations per step of its search
DRAWS = {12: 40, 25: 40, 50: 160}
# a guardrail does not depend on the primary outcome: so many are evaluated per setting, and taken in turn
GUARDRAILS = 20
YEARS = np.arange(2017, 2024)
STARTS = (2020, 2021)
SIZES = ((12, 30), (25, 60), (50, 70))
WORLDS = ("lot", "voluntary", "drifting")
EFFECTS = (-1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5)
NAMES = ("y", "harm")
PLAN = """title = "t"
question = "q"
unit = "unit"
[data]
panel = "own.csv"
treated_from = "first"
simulated = true
[treatment]
action = "a"
assignment = "{assignment}"
decided_by = "council"
why_then = "w"
spillover = "unlikely"
[[outcomes]]
indicator = "y"
name = "y"
role = "primary"
better = "up"
smallest_relevant = 1
[[outcomes]]
indicator = "harm"
name = "harm"
role = "guardrail"
better = "down"
margin = {margin}
[estimation]
seed = 3
"""


@dataclass(frozen=True)
class Setting:
    """A design with its plan, read once; ``mde`` in units of the outcome."""

    inputs: Inputs
    design: Design
    feasibility: Feasibility
    guardrails: tuple[OutcomeResult, ...]

    @property
    def mde(self):
        return self.feasibility.mde


def list_cells():
    return [
        {"world": world, "n_treated": treated, "n_never": never, "effect": effect}
        for world in WORLDS
        for treated, never in SIZES
        for effect in EFFECTS
    ]


def draw_noise(rng, n, rho=0.4):
    own = rng.normal(size=(n, len(YEARS)))
    for t in range(1, len(YEARS)):
        own[:, t] = rho * own[:, t - 1] + np.sqrt(1 - rho**2) * own[:, t]
    return own + rng.normal(0, 2, (n, 1)) + rng.normal(size=len(YEARS))


def make_setting(world, n_treated, n_never):
    """Write the files of a plan, read them, and ask for feasibility; seeds apart from those of the draws."""
    rng = np.random.default_rng(FIRST_SEED - 1000 + 10 * WORLDS.index(world) + n_treated)
    n = n_treated + n_never
    first = [STARTS[place % 2] if place < n_treated else "never" for place in range(n)]
    table = pd.DataFrame(
        {
            "unit": np.repeat([f"u{place:03d}" for place in range(n)], len(YEARS)),
            "period": np.tile(YEARS, n),
            "first": np.repeat(first, len(YEARS)),
            **{name: draw_noise(rng, n).ravel() for name in NAMES},
        }
    )
    assignment = "randomised" if world == "lot" else "voluntary"
    with tempfile.TemporaryDirectory() as folder:
        table.to_csv(Path(folder) / "own.csv", index=False)
        plan = Path(folder) / "evaluation.toml"
        # the margin is two smallest detectable effects of a guardrail measured like the outcome
        plan.write_text(PLAN.format(assignment=assignment, margin=4.0), encoding="utf-8")
        inputs = load_inputs(plan)
    cohorts, answers = inputs.cohorts(), []
    for outcome in inputs.plan.outcomes:
        design = inputs.design(outcome)
        panel = inputs.panel.observed(outcome.indicator)
        answers.append(assess_feasibility(design, panel, outcome, inputs.plan, cohorts=cohorts))
    relevant = answers[0].mde / 2
    outcomes = (
        inputs.plan.outcomes[0].model_copy(update={"smallest_relevant": relevant}),
        inputs.plan.outcomes[1].model_copy(update={"margin": 2 * answers[1].mde}),
    )
    file = replace(inputs.file, plan=inputs.plan.model_copy(update={"outcomes": outcomes}))
    inputs = replace(inputs, file=file)
    design, guarded = inputs.design(outcomes[0]), outcomes[1]
    guardrails = tuple(_guardrail(inputs, guarded, answers[1], design, rng) for _ in range(GUARDRAILS))
    return Setting(inputs, design, answers[0], guardrails)


def evaluate_draw(setting, world, effect, seed):
    """One evaluation; returns the primary outcome with verdict and grade."""
    rng, design, inputs = np.random.default_rng(seed), setting.design, setting.inputs
    on = (design.times >= design.cohort[:, None]).astype(float)
    drift = 0.1 * setting.mde * (world == "drifting") * design.treated[:, None] * (design.times - design.times[0])
    y = draw_noise(rng, len(design.units)) + effect * setting.mde * on + drift
    data = inputs.panel.data.copy()
    order = pd.MultiIndex.from_product([design.units, [p.label for p in inputs.panel.periods]])
    data["y"] = pd.Series(y.ravel(), index=order).reindex(data.index).to_numpy()
    inputs = replace(inputs, panel=replace(inputs.panel, data=data))
    primary = run._estimate_outcome(
        _without_sensitivity(inputs),
        inputs.plan.outcomes[0],
        None,
        setting.feasibility,
        replace(design, outcome=y),
        "confirmatory",
    )
    guardrail = setting.guardrails[seed % GUARDRAILS]
    examined = guardrail.verdict.kind in ("within_margin", "harm_possible")
    both = [primary, guardrail]
    hits = chance_hits(both, inputs.plan.estimation.level)
    told = say_beside(both, inputs.plan.treatment, hits=hits, harm_examined=examined)
    return run._graded(inputs, told[0], harm_examined=examined, one_of_many=bool(hits))


def _without_sensitivity(inputs):
    """Leave out the costliest check, which cannot change a grade here: a choice is moderate at best without it, and
    after a lot it does not count.
    """
    checks = tuple(name for name in list_checks() if name != "sensitivity")
    return replace(inputs, file=replace(inputs.file, plan=inputs.plan.model_copy(update={"checks": checks})))


def _guardrail(inputs, outcome, feasibility, design, rng):
    """The guardrail's verdict on noise; its own checks and grade do not touch the primary outcome."""
    design = replace(design, outcome=draw_noise(rng, len(design.units)), outcome_name="harm")
    overall = estimate_as_planned(design, inputs.plan.estimation, outcome).aggregate("overall")
    headline = find_headline(inputs, design, overall)
    verdict = judge_outcome(outcome, None, headline.interval, mde=feasibility.mde)
    return OutcomeResult(outcome, feasibility, verdict, "confirmatory", headline=headline, overall=overall)


def run_cell(cell, draws=None, setting=None):
    """Return counts over the draws of a cell: verdicts by certainty, and claims with the wrong sign."""
    setting = setting or make_setting(cell["world"], cell["n_treated"], cell["n_never"])
    place, draws = list_cells().index(cell), draws or DRAWS[cell["n_treated"]]
    found = [
        evaluate_draw(setting, cell["world"], cell["effect"], FIRST_SEED + 1000 * place + draw) for draw in range(draws)
    ]
    counts = {"draws": draws, "mde": round(setting.mde, 6)}
    for certainty in CERTAINTIES:
        graded = [one for one in found if one.grade.certainty == certainty]
        claims = [one for one in graded if one.verdict.kind in CHANGES]
        counts |= {
            f"{certainty}": len(graded),
            f"{certainty}_claims": len(claims),
            f"{certainty}_wrong": sum(
                np.sign(one.headline.interval.estimate) != np.sign(cell["effect"]) for one in claims
            ),
            f"{certainty}_improved": sum(one.verdict.kind == "improved" for one in graded),
        }
    return cell | counts


def main():
    from joblib import Parallel, delayed

    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    stored = pd.read_csv(STORED) if STORED.exists() else pd.DataFrame()
    done = {tuple(row) for row in stored[list(list_cells()[0])].itertuples(index=False)} if len(stored) else set()
    todo = [cell for cell in list_cells() if tuple(cell.values()) not in done]
    started = dt.datetime.now(tz=dt.UTC)
    for first in range(0, len(todo), 2 * args.jobs):
        batch = todo[first : first + 2 * args.jobs]
        rows = Parallel(n_jobs=args.jobs)(delayed(run_cell)(cell) for cell in batch)
        stored = pd.concat([stored, pd.DataFrame(rows)], ignore_index=True)
        stored.to_csv(STORED, index=False, lineterminator="\n")
        print(f"{first + len(batch)} of {len(todo)} cells, {dt.datetime.now(tz=dt.UTC) - started}", flush=True)


if __name__ == "__main__":
    main()
