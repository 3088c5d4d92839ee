"""A simulated Flanders with a known truth: for the demonstration, the tests and the book.

Names and codes of municipalities are real; every other figure is drawn from a random generator and says nothing
about any municipality.

The world. LIVC-R cells, some shared by several municipalities, are coached from 2022, 2023 or 2024 on, or not at
all; larger places are coached more often and have their own trend, so that trends are parallel only given size.

* ``meetings`` (per cell and year): meetings with a social-prevention partner. Untreated mean
  ``a_i + b_t + c x_i t``, effect added to the mean; overdispersed Poisson, so the effect on the mean is exactly the
  declared one.
* ``trust`` and ``discrimination`` (per municipality and survey wave): shares of residents from a sample with a
  design effect; the effect on trust is declared, the one on discrimination is zero.
* ``signals``: recorded signals = true signals x detection. Coaching raises detection and nothing else.
* ``incidents``: rare, no effect.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.territory.mergers import crosswalk
from evaltoolkit.territory.municipalities import load_municipalities

Array = npt.NDArray[np.float64]

YEARS = (2020, 2021, 2022, 2023, 2024, 2025)
# Fieldwork of the resident survey: two waves before any coaching, two after it began.
WAVES = ("2018-03-01/2018-05-31", "2020-03-01/2020-05-31", "2023-03-01/2023-05-31", "2025-03-01/2025-05-31")
COHORTS = (2022, 2023, 2024)
MERGER_YEAR = 2025
DETECTION_RATIO = 1.3
DESIGN_EFFECT = 1.5


@dataclass(frozen=True)
class World:
    """A simulated world; rows of the arrays follow ``cells`` (or ``municipalities`` for the survey).

    Attributes
    ----------
    cells : DataFrame
        Index ``livc_r``; columns ``population, x, cohort`` (year, inf = never), ``start`` (day of the first coaching
        session, NaT = none).
    municipalities : DataFrame
        Index code of 2025; columns ``livc_r, population``.
    membership : DataFrame
        ``livc_r, municipality, valid_from, valid_to`` with the codes in force at each date.
    counts : mapping of name to (cells, years) arrays: ``meetings, other_meetings, signals, incidents``
    survey : mapping of name to (municipalities, waves) arrays: ``trust, discrimination, n``
    """

    seed: int
    cells: pd.DataFrame
    municipalities: pd.DataFrame
    membership: pd.DataFrame
    counts: Mapping[str, Array]
    survey: Mapping[str, Array]


def effect_on_meetings(cohort: Array, year: Array) -> Array:
    """Return the true effect on the mean number of meetings with a social-prevention partner, per year."""
    years_in = year - cohort
    return np.where(years_in >= 0, 0.9 + 0.25 * np.minimum(years_in, 3), 0.0)


def effect_on_trust(cohort: Array, time: Array) -> Array:
    """Return the true effect on the share of residents who trust the municipality (0.02 = 2 percentage points)."""
    return np.where(time >= cohort, 0.02 + 0.01 * np.clip(time - cohort, 0, 2), 0.0)


def simulate_world(seed: int, *, shared_cells: int = 36) -> World:
    """Draw a world.

    Parameters
    ----------
    seed : int
    shared_cells : int
        Number of cells shared by two to four neighbouring municipalities; all others serve one.
    """
    rng = np.random.default_rng(seed)
    municipalities = _draw_cells(rng, shared_cells)
    cells = _draw_treatment(rng, municipalities)
    return World(
        seed=seed,
        cells=cells,
        municipalities=municipalities,
        membership=_dated_membership(municipalities),
        counts=_draw_counts(rng, cells),
        survey=_draw_survey(rng, cells, municipalities),
    )


def _draw_cells(rng: np.random.Generator, shared: int) -> pd.DataFrame:
    """Group the Flemish municipalities of 2025 into cells within their arrondissement."""
    register = load_municipalities()
    flemish = register[(register["in_2025"].astype(int) == 1) & (register["region_code"] == "02000")]
    cell = pd.Series("", index=flemish.index)
    sizes = rng.choice([2, 3, 4], size=shared, p=[0.5, 0.3, 0.2])
    groups = [list(codes) for _, codes in flemish.groupby("arrondissement_code").groups.items()]
    number = 0
    for size in sizes:
        candidates = [g for g in groups if sum(cell[c] == "" for c in g) >= size + 2]
        free = [c for c in candidates[int(rng.integers(len(candidates)))] if cell[c] == ""]
        first = int(rng.integers(len(free) - size + 1))
        number += 1
        cell[free[first : first + size]] = f"LIVC-{number:03d}"
    for code in cell.index[cell == ""]:
        number += 1
        cell[code] = f"LIVC-{number:03d}"
    population = np.round(np.exp(rng.normal(9.8, 0.7, len(cell))))
    return pd.DataFrame({"livc_r": cell, "population": population}).rename_axis("municipality")


def _draw_treatment(rng: np.random.Generator, municipalities: pd.DataFrame) -> pd.DataFrame:
    population = municipalities.groupby("livc_r")["population"].sum()
    x = np.log(population.to_numpy())
    x = (x - x.mean()) / x.std()
    treated = rng.random(len(x)) < 1 / (1 + np.exp(-(-0.3 + 0.6 * x)))
    cohort = np.where(treated, rng.choice(COHORTS, len(x)), np.inf)
    day = rng.integers(0, 300, len(x))
    start = pd.Series(pd.NaT, index=population.index, dtype="datetime64[s]")
    first_day = pd.to_datetime([f"{int(c)}-01-01" for c in cohort[treated]])
    start[treated] = first_day + pd.to_timedelta(day[treated], unit="D")
    return pd.DataFrame({"population": population, "x": x, "cohort": cohort, "start": start})


def _dated_membership(municipalities: pd.DataFrame) -> pd.DataFrame:
    """Give the members of each cell with the codes of before and after the mergers of 2025."""
    forward = crosswalk(2019, 2025)
    old = forward[forward.isin(municipalities.index)]
    last, first = f"{MERGER_YEAR - 1}-12-31", f"{MERGER_YEAR}-01-01"
    before = pd.DataFrame(
        {
            "livc_r": municipalities["livc_r"].reindex(old.to_numpy()).to_numpy(),
            "municipality": old.index.astype(str),
            "valid_from": "2018-01-01",
            "valid_to": last,
        }
    )
    after = pd.DataFrame(
        {
            "livc_r": municipalities["livc_r"].to_numpy(),
            "municipality": municipalities.index.astype(str),
            "valid_from": first,
            "valid_to": "",
        }
    )
    return pd.concat([before, after], ignore_index=True).sort_values(["livc_r", "valid_from", "municipality"])


def _draw_counts(rng: np.random.Generator, cells: pd.DataFrame) -> dict[str, Array]:
    years = np.array(YEARS, dtype=float)
    n, shape = len(cells), (len(cells), len(YEARS))
    x = cells["x"].to_numpy()[:, None]
    cohort = cells["cohort"].to_numpy()[:, None]
    level = np.clip(2.5 + 0.6 * x[:, 0] + rng.normal(0, 0.8, n), 0.8, None)[:, None]
    common = np.array([-0.5, 0.0, 0.1, 0.2, 0.25, 0.3])
    trend = 0.06 * x * np.arange(len(YEARS))
    untreated = np.clip(level + common + trend, 0.05, None)
    frailty = rng.gamma(10, 0.1, shape)
    meetings = rng.poisson((untreated + effect_on_meetings(cohort, years)) * frailty)
    detection = np.where(years >= cohort, DETECTION_RATIO, 1.0)
    incidence = np.exp(1.6 + 0.5 * x + rng.normal(0, 0.35, (n, 1)) + 0.04 * np.arange(len(YEARS)))
    dormant = rng.random(n) < 0.06
    signals = rng.poisson(incidence * detection * rng.gamma(8, 1 / 8, shape))
    return {
        "meetings": meetings.astype(float),
        "other_meetings": rng.poisson(1.5, shape).astype(float),
        "signals": np.where(dormant[:, None], 0, signals).astype(float),
        "incidents": rng.poisson(0.15, shape).astype(float),
    }


def _draw_survey(rng: np.random.Generator, cells: pd.DataFrame, municipalities: pd.DataFrame) -> dict[str, Array]:
    time = np.array([int(w[:4]) + 2 / 12 for w in WAVES])
    of_cell = cells.loc[municipalities["livc_r"]]
    start = of_cell["start"].dt.year + (of_cell["start"].dt.day_of_year - 1) / 365
    began = start.fillna(np.inf).to_numpy()[:, None]
    x = of_cell["x"].to_numpy()[:, None]
    m, shape = len(municipalities), (len(municipalities), len(WAVES))
    n = np.round(rng.uniform(250, 600, (m, 1)) * rng.uniform(0.9, 1.1, shape))
    drift = np.array([0.0, -0.02, 0.01, 0.0])
    # fieldwork ends in May: a coaching that begins by then counts as begun, as the rule "containing" has it
    trust = 0.56 + 0.02 * x + rng.normal(0, 0.04, (m, 1)) + drift + rng.normal(0, 0.01, shape)
    trust = trust + effect_on_trust(first_wave_from(began, time), time)
    discrimination = 0.13 + 0.01 * x + rng.normal(0, 0.015, (m, 1)) + rng.normal(0, 0.005, shape)
    return {
        "trust": _sample(rng, np.clip(trust, 0.05, 0.95), n),
        "discrimination": _sample(rng, np.clip(discrimination, 0.02, 0.95), n),
        "n": n,
    }


def first_wave_from(began: Array, time: Array) -> Array:
    """Return the first wave whose fieldwork ends on or after the start (fieldwork lasts three months)."""
    late = time + 3 / 12
    first = np.full(began.shape, np.inf)
    for k in range(len(time) - 1, -1, -1):
        first = np.where(began <= late[k], time[k], first)
    return first


def _sample(rng: np.random.Generator, share: Array, n: Array) -> Array:
    """Return shares observed among n respondents whose design effect is 1.5."""
    effective = np.round(n / DESIGN_EFFECT)
    return rng.binomial(effective.astype(int), share) / effective
