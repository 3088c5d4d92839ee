"""The simulated world as the tables that real data come in: values, roster, population before the mergers."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.framework.values import COLUMNS
from evaltoolkit.panels.simulate import DESIGN_EFFECT, WAVES, YEARS, World
from evaltoolkit.territory.mergers import crosswalk

# measure of the world -> indicator
CELL_INDICATORS = {"meetings": "COMP-09", "signals": "DET-02", "incidents": "HAR-08"}
SURVEY_INDICATORS = {"trust": "TRU-01", "discrimination": "RGT-07"}
POPULATION_YEARS = ("2020", "2021", "2022", "2023", "2024")


def world_values(world: World) -> pd.DataFrame:
    """Return the measures of a world as a table of values, every unit answering."""
    cells, municipalities = world.cells.index, world.municipalities.index
    tables = [
        _rows("livc_r", cells, map(str, YEARS), indicator, "value", world.counts[name])
        for name, indicator in CELL_INDICATORS.items()
    ]
    effect = np.full_like(world.survey["n"], DESIGN_EFFECT)
    for name, indicator in SURVEY_INDICATORS.items():
        for part, figures in (("value", world.survey[name]), ("n", world.survey["n"]), ("design_effect", effect)):
            tables.append(_rows("municipality", municipalities, WAVES, indicator, part, figures))
    population = population_before_mergers(world)
    figures = np.repeat(population.to_numpy(dtype=float)[:, None], len(POPULATION_YEARS), axis=1)
    tables.append(_rows("municipality", population.index, POPULATION_YEARS, "CTX-01", "value", figures))
    return pd.concat(tables, ignore_index=True)


def _rows(
    kind: str,
    units: Iterable[object],
    periods: Iterable[str],
    indicator: str,
    part: str,
    figures: npt.NDArray[np.float64],
) -> pd.DataFrame:
    codes, labels = [str(unit) for unit in units], list(periods)
    return pd.DataFrame(
        {
            "unit_kind": kind,
            "unit": np.repeat(codes, len(labels)),
            "period": labels * len(codes),
            "indicator": indicator,
            "part": part,
            "value": figures.ravel(),
            "text": "",
            "status": "registered",
            "source": f"simulated:{indicator}.{part}",
            "wording": 1,
        }
    ).astype(COLUMNS)


def world_roster(world: World, *, unknown: int = 0) -> pd.DataFrame:
    """Return who was coached, from when, who decided and why then; ``unknown`` cells are left unknown."""
    rng = np.random.default_rng([world.seed, 2])
    cells = world.cells
    known = ~cells.index.isin(rng.choice(cells.index.to_numpy(), unknown, replace=False))
    coached = known & cells["start"].notna().to_numpy()
    hours = pd.Series(rng.integers(8, 40, len(cells)), index=cells.index, dtype="float64").where(coached)
    return pd.DataFrame(
        {
            "unit": cells.index.astype(str),
            "action": "coaching",
            "start": cells["start"].where(coached),
            "end": pd.NaT,
            "hours": hours,
            "source": np.where(known, "coaching register (simulated)", ""),
            "decided_by": np.where(coached, "mayor", ""),
            "why": np.where(coached, "own request; places were given in order of request", ""),
            "state": np.select([coached, known], ["treated", "never"], "unknown"),
        }
    ).reset_index(drop=True)


def population_before_mergers(world: World) -> pd.Series[int]:
    """Split the population of a merged municipality over its predecessors: codes of 2019."""
    rng = np.random.default_rng([world.seed, 3])
    forward = crosswalk(2019, 2025)
    old = forward[forward.isin(world.municipalities.index)]
    size = pd.Series(rng.uniform(1, 2, len(old)), index=old.index)
    share = size / size.groupby(old).transform("sum")
    total = world.municipalities["population"].reindex(old.to_numpy()).to_numpy()
    return pd.Series(np.round(share.to_numpy() * total).astype(np.int64), index=old.index.astype(str))
