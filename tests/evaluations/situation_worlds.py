"""The worlds of situations.toml: Flemish municipalities, nine years, known truth; written as a user's own files."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd

import evaltoolkit as et
from evaltoolkit.evaluations.evaluation import Evaluation
from evaltoolkit.evaluations.run import lock, run_plan
from evaltoolkit.territory.municipalities import load_municipalities
from evaltoolkit.territory.neighbours import neighbour_lists

YEARS = np.arange(2017, 2026)
STARTS = (2021, 2022)
LOCKED_ON = dt.date(2020, 12, 1)
RESIDENTS = 20_000
OTHERS = ("COH-01", "COH-02", "COH-03", "COH-04", "COH-05", "TRU-02", "TRU-03", "COMP-08", "INFO-02", "RGT-08")
# those of which less is better
_DOWN = ("COH-02", "TRU-03")
BASE = {
    "effect": 0.0,
    "trend": 0.0,
    "noise": 0.02,
    "n_treated": 40,
    "n_never": 80,
    "harm": 0.0,
    "next_door": 0.0,
    "delivered": 18,
    "others": 0,
    "lucky": 0.0,
    "detection": None,
    "incidence": 1.0,
    "changed": False,
}
PLAN = """title = "Coaching of local cells"
question = "Does coaching help?"
unit = "municipality"
[data]
panel = "own.csv"
roster = "roster.csv"
simulated = true
[treatment]
action = "coaching"
assignment = "voluntary"
decided_by = "the municipal council"
why_then = "places became free"
spillover = "unlikely"
{spending}
{outcomes}
[[outcomes]]
indicator = "RGT-07"
role = "guardrail"
margin = 0.02
[estimation]
covariates = []
seed = 11
"""
_PRIMARY = '[[outcomes]]\nindicator = "TRU-01"\nrole = "primary"\nsmallest_relevant = 0.02\n'
_RECORDED = (
    '[[outcomes]]\nindicator = "HAR-03"\nrole = "primary"\nsmallest_relevant = 0.0004\ndetection_range = [1.0, 1.6]\n'
)
_SECONDARY = '[[outcomes]]\nindicator = "{name}"\nrole = "secondary"\nsmallest_relevant = 0.02\n'


def evaluate_situation(folder: Path, *, seed: int = 1, spending: float | None = None, **world: object) -> Evaluation:
    """Draw a world, lock its plan before the first start, add what came later, and run it.

    The seed is the second that was tried: with the first, 2026, chance alone moved the outcome by more than its
    interval allows, which happens in one world of twenty.
    """
    said = BASE | world
    table = draw_table(np.random.default_rng(seed), said)
    plan = folder / "evaluation.toml"
    plan.write_text(_plan(said, spending), encoding="utf-8")
    write_starts(table, said).to_csv(folder / "roster.csv", index=False)
    values = table.drop(columns=["start"])
    values[values["period"] < STARTS[0]].to_csv(folder / "own.csv", index=False)
    lock(plan, today=LOCKED_ON)
    values.to_csv(folder / "own.csv", index=False)
    if said["changed"]:
        plan.write_text(_plan(said, spending).replace("covariates = []", 'covariates = ["COH-01"]'), encoding="utf-8")
    return run_plan(plan)


def _plan(said: dict, spending: float | None) -> str:
    first = _RECORDED if said["detection"] else _PRIMARY
    outcomes = first + "".join(_SECONDARY.format(name=name) for name in OTHERS[: said["others"]])
    return PLAN.format(outcomes=outcomes, spending=f"spending = {spending}" if spending else "")


def draw_table(rng: np.random.Generator, said: dict) -> pd.DataFrame:
    """Return ``unit, period, start`` and one column per measure; ``start`` is inf for the never treated."""
    units, treated = _places(rng, said)
    start = np.where(treated, np.array(STARTS)[np.arange(len(units)) % 2], np.inf)
    on = start[:, None] <= YEARS
    next_door = _starts_next_door(units, start)[:, None] <= YEARS
    drift = said["trend"] * treated[:, None] * (YEARS - YEARS[0])
    columns = {
        "TRU-01": _shares(rng, said, 0.5) + said["effect"] * on + said["next_door"] * next_door + drift,
        "RGT-07": _shares(rng, said, 0.15) + said["harm"] * on,
    }
    for name in OTHERS[: max(said["others"], 1)]:
        columns[name] = _shares(rng, said, 0.4)
    if said["lucky"]:
        columns["COH-01"] = _lucky(units, columns["COH-01"], start, said)
    if said["detection"]:
        mean = rng.uniform(60, 100, (len(units), 1)) * rng.uniform(0.9, 1.1, len(YEARS))
        counts = rng.poisson(mean * np.where(on, said["detection"] * said["incidence"], 1.0))
        columns |= {"HAR-03": counts / RESIDENTS, "HAR-03.numerator": counts}
    index = {"unit": np.repeat(units, len(YEARS)), "period": np.tile(YEARS, len(units))}
    return pd.DataFrame(
        index | {"start": np.repeat(start, len(YEARS))} | {name: table.ravel() for name, table in columns.items()}
    )


def _places(rng: np.random.Generator, said: dict) -> tuple[np.ndarray, np.ndarray]:
    register = load_municipalities()
    codes = register.index[(register["in_2025"].astype(int) == 1) & (register["region_code"] == "02000")].astype(str)
    n_treated, n_never = int(said["n_treated"]), int(said["n_never"])
    if said["next_door"]:
        # whole districts take part, so that some of the others are far away
        chosen = _districts(codes, neighbour_lists(2025), n_treated)
    else:
        chosen = list(rng.permutation(codes.to_numpy(dtype=str))[:n_treated])
    rest = [code for code in rng.permutation(codes.to_numpy(dtype=str)) if code not in set(chosen)]
    units = np.array(sorted([*chosen, *rest[:n_never]]))
    return units, np.isin(units, chosen)


def _districts(codes: pd.Index, borders: dict[str, tuple[str, ...]], wanted: int) -> list[str]:
    known, chosen = set(codes), []
    for seed in list(codes)[:: len(codes) // 5]:
        near = [code for code in borders[seed] if code in known]
        wider = [code for other in near for code in borders[other] if code in known]
        chosen += [code for code in dict.fromkeys([seed, *near, *wider]) if code not in chosen][: wanted // 5]
    return chosen[:wanted]


def _starts_next_door(units: np.ndarray, start: np.ndarray) -> np.ndarray:
    """When the first neighbour started, for those that never start themselves."""
    borders, when = neighbour_lists(2025), dict(zip(units, start, strict=True))
    first = [min((when.get(other, np.inf) for other in borders[unit]), default=np.inf) for unit in units]
    return np.where(np.isinf(start), first, np.inf)


def _shares(rng: np.random.Generator, said: dict, level: float) -> np.ndarray:
    n = int(said["n_treated"]) + int(said["n_never"])
    own, common = rng.normal(0, 0.05, (n, 1)), rng.normal(0, 0.01, len(YEARS))
    return level + own + common + rng.normal(0, said["noise"], (n, len(YEARS)))


def _lucky(units: np.ndarray, shares: np.ndarray, start: np.ndarray, said: dict) -> np.ndarray:
    """Move the treated so that the plan's estimate is what chance gives with the declared rarity."""
    table = pd.DataFrame({"unit": np.repeat(units, len(YEARS)), "period": np.tile(YEARS, len(units))})
    table["first"] = np.repeat([str(int(year)) if np.isfinite(year) else "never" for year in start], len(YEARS))
    panel = et.read_panel(table.assign(y=shares.ravel()), unit="unit", period="period")
    overall = et.estimate(et.design(panel, outcome="y", treated_from="first")).aggregate("overall").to_frame().iloc[0]
    return shares + (said["lucky"] * overall["std_error"] - overall["estimate"]) * (start[:, None] <= YEARS)


def write_starts(table: pd.DataFrame, said: dict) -> pd.DataFrame:
    """Return the roster: twenty hours were planned for each."""
    start = table.groupby("unit")["start"].first()
    treated = np.isfinite(start.to_numpy())
    return pd.DataFrame(
        {
            "unit": start.index,
            "action": "coaching",
            "start": [f"{int(year)}-02-01" if np.isfinite(year) else "" for year in start],
            "hours": np.where(treated, str(said["delivered"]), ""),
            "planned_hours": np.where(treated, "20", ""),
            "state": np.where(treated, "treated", "never"),
        }
    )
