"""Did the same kind of people answer in every wave, in both arms?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from evaltoolkit.checks.registry import Check
from evaltoolkit.designs.design import Array, Design
from evaltoolkit.effects.effects import Effects
from evaltoolkit.estimators.group_time import estimate_group_time
from evaltoolkit.findings import EvaltoolkitError, Fact, nearest
from evaltoolkit.graphs.independence import holm
from evaltoolkit.panels.panel import Panel

SIZE = 0.05
# standard deviations between units from which a difference is worth a name
LARGEST = 0.2
_ASSUMPTION = "assumption.same_people"
_COUNT = "@check.composition.count"


def check_composition(
    design: Design,
    effects: Effects,
    *,
    panel: Panel | None = None,
    composition: Sequence[str] = (),
    respondents: str = "",
) -> Check:
    """Ask whether those who answer a survey changed otherwise among participants than among the others.

    Estimand: for each feature of the respondents (their number, on a logarithmic scale; mean age; share of women; as
    the panel has them by wave), the overall group-time effect of the action on that feature.

    Assumption: the survey asks the same kind of people in every wave, or changes alike in both arms. Where it does not,
    part of a difference in answers is one in who answered.

    Not when: the action is meant to change who lives or answers there; a feature that it moves is then a result.
    Nothing is seen of features that the panel does not hold, so that a quiet check is no assurance.

    Parameters
    ----------
    design : Design
    effects : Effects
        Not used; every check takes both.
    panel : Panel, optional
        Holds the features by unit and period.
    composition : sequence of str
        Measures of the panel that describe the respondents.
    respondents : str
        Measure with the number of respondents; by default ``<outcome>.n`` of a survey outcome.

    Returns
    -------
    Check
        False where a feature moved otherwise in the treated arm (Holm over features, 5 %) by more than a fifth of its
        standard deviation between units; True where none did; None where nothing is known of the respondents, or below
        ten clusters in an arm. Table: ``feature, estimate, std_error, p_value, adjusted, in_sd``.

    Raises
    ------
    EvaltoolkitError
        The panel has no such measure.

    References
    ----------
    Holm (1979), https://www.jstor.org/stable/4615733
    """
    del effects
    count = _count_of(design, panel, respondents)
    features = _features(design, panel, composition, count)
    rows = [_row(design, name, values) for name, values in features.items()]
    table = pd.DataFrame(rows, columns=["feature", "estimate", "std_error", "p_value", "in_sd"])
    known = table["p_value"].notna().to_numpy()
    table.insert(4, "adjusted", np.nan)
    if not known.any():
        code = "few_clusters" if len(table) else "unknown"
        return Check("composition", _ASSUMPTION, None, f"check.composition.{code}", {}, table)
    table.loc[known, "adjusted"] = holm(table.loc[known, "p_value"].to_numpy(dtype=float))
    moved = (table["adjusted"] < SIZE) & (table["in_sd"].abs() > LARGEST)
    facts: dict[str, Fact] = {"features": int(known.sum()), "moved": int(moved.sum())}
    if moved.any():
        said = (_COUNT if name == count else f"@indicator:{name}" for name in table.loc[moved, "feature"])
        facts["names"] = "@list:" + ";".join(said)
        facts["largest"] = round(float(table.loc[moved, "in_sd"].abs().max()), 1)
    code = "moved" if moved.any() else "steady"
    return Check(
        "composition",
        _ASSUMPTION,
        not moved.any(),
        f"check.composition.{code}",
        facts,
        table,
        {"composition": table},
    )


def _count_of(design: Design, panel: Panel | None, respondents: str) -> str:
    """The measure with the number of respondents; empty where there is none."""
    held = f"{design.outcome_name}.n"
    survey = panel is not None and design.sampling_se is not None and held in panel.data.columns
    return respondents or (held if survey else "")


def _features(design: Design, panel: Panel | None, composition: Sequence[str], count: str) -> dict[str, Array]:
    """Features of the respondents (n, T) on the units and periods of the design."""
    if panel is None:
        return {}
    known = [str(column) for column in panel.data.columns]
    for name in [*composition, *([count] if count else [])]:
        if name not in known:
            raise EvaltoolkitError(f'The panel has no measure "{name}" of the respondents.{nearest(name, known)}')
    found = {name: _aligned(design, panel, name) for name in composition}
    if count:
        size = _aligned(design, panel, count)
        found[count] = np.log(np.where(size > 0, size, np.nan))
    return {name: values for name, values in found.items() if np.isfinite(values).any()}


def _aligned(design: Design, panel: Panel, name: str) -> Array:
    rows = pd.Index(panel.unit_codes).get_indexer(pd.Index(design.units))
    columns = pd.Index(panel.times).get_indexer(pd.Index(design.times))
    there = (rows[:, None] >= 0) & (columns[None, :] >= 0)
    values = np.where(there, panel.wide(name)[np.ix_(rows, columns)], np.nan)
    # who did not answer at all is another question: response by arm
    return np.where(np.isfinite(design.outcome), values, np.nan)


def _row(design: Design, name: str, values: Array) -> tuple[str, float, float, float, float]:
    plain = replace(
        design,
        outcome=values,
        outcome_name=name,
        covariates=np.empty((len(design.units), 0)),
        covariate_names=(),
        controls=None,
        control_names=(),
        sampling_se=None,
        exposure=None,
        treatment=None,
        dose=None,
    )
    try:
        row = estimate_group_time(plain).aggregate("overall").to_frame().iloc[0]
    except EvaltoolkitError:
        return name, math.nan, math.nan, math.nan, math.nan
    spread = float(np.nanstd(values))
    in_sd = float(row["estimate"]) / spread if spread > 0 else math.nan
    return name, float(row["estimate"]), float(row["std_error"]), float(row["p_value"]), in_sd
