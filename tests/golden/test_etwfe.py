"""Extended two-way effects against R `etwfe` 0.6.2, and Sun-Abraham Poisson against `fixest`: all entries, all rows."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from did_cases import make_design

from evaltoolkit.effects.aggregate import event_times
from evaltoolkit.effects.inference import covariance, std_errors
from evaltoolkit.estimators.cohort_cells import lay_out
from evaltoolkit.estimators.estimable import take_blocks
from evaltoolkit.estimators.quasi_likelihood import POISSON
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.estimators.untreated_path import fit_path, read_rows

HERE = Path(__file__).parent / "r"
ENTRIES = {entry["id"]: entry for entry in json.loads((HERE / "expected_etwfe.json").read_text())["entries"]}
LINEAR = [name for name in ENTRIES if name.split("_")[1] in ("1", "2")]
POISSON_MEANS = [name for name in ENTRIES if name.startswith("etwfe_pois") and not name.endswith("coef")]
COEFFICIENTS = [name for name in ENTRIES if name.endswith("_coef")]
SUNAB = [name for name in ENTRIES if name.startswith("fepois")]
TO = {"simple": "overall", "group": "cohort", "calendar": "calendar", "event": "event"}
COMPARISON = {"notyet": "not_yet_treated", "never": "never_treated"}
# R's fixed effects iterate to 1e-6 and its derivatives are numerical: standard errors are known to about 1e-6.
POINT = {"rtol": 1e-9, "atol": 1e-11}
ERROR = {"rtol": 1e-6, "atol": 1e-6}


def test_all_entries_are_used():
    assert len(LINEAR) == 32
    assert len(POISSON_MEANS) == 16
    assert len(COEFFICIENTS) == 2
    assert len(SUNAB) == 3
    assert len(ENTRIES) == 53


def design_of(entry, comparison, covariates=(), clusters=None):
    frame = pd.read_csv(HERE / f"{entry['panel']}.csv")
    rest = {}
    if "counts" in entry["panel"]:
        rest["exposure"] = frame.pivot(index="unit", columns="year", values="pop").to_numpy(float)
    return make_design(frame, covariates=covariates, comparison=comparison, clusters=clusters, **rest)


def small_sample_factor(design, coefficients):
    """What fixest multiplies a variance with: G/(G-1) (N-1)/(N-K)."""
    units, rows = len(design.units), int(np.isfinite(design.outcome).sum())
    return np.sqrt(units / (units - 1) * (rows - 1) / (rows - coefficients))


def over_rows(effects, design, to):
    """Aggregates as emfx has them: every treated row counts once, so that gaps change the weights."""
    labels, seen = effects.labels, np.isfinite(design.outcome)
    rows = np.array(
        [seen[design.cohort == g][:, design.times == t].sum() for g, t in zip(labels.cohort, labels.time, strict=True)]
    )
    after = (labels.time >= labels.cohort).to_numpy()
    keys = {
        "overall": np.zeros(len(labels)),
        "cohort": labels.cohort.to_numpy(),
        "calendar": labels.time.to_numpy(),
        "event": event_times(effects),
    }[to]
    use = np.ones(len(labels), bool) if to == "event" else after
    found = np.unique(keys[use])
    weights = np.array([np.where(use & (keys == key), rows, 0.0) for key in found])
    weights /= weights.sum(axis=1, keepdims=True)
    errors = np.sqrt(np.diag(weights @ covariance(effects) @ weights.T))
    return found, weights @ effects.estimate, errors


def numbers(values):
    return np.array([np.nan if one is None else one for one in np.atleast_1d(np.array(values, dtype=object))], float)


def check(entry, keys, points, errors, factor):
    expected = entry["result"]
    if expected["label"] != "simple":
        np.testing.assert_array_equal(keys, np.array(expected["label"], float))
    np.testing.assert_allclose(points, expected["estimate"], **POINT)
    known = np.isfinite(numbers(expected["se"]))
    np.testing.assert_allclose(factor * errors[known], numbers(expected["se"])[known], **ERROR)
    # R has no standard error exactly where the reference period stands alone
    np.testing.assert_array_equal(errors[~known], 0.0)


@pytest.mark.parametrize("name", LINEAR)
def test_linear(name):
    _, _, group, x, kind = name.split("_")
    entry, covariates = ENTRIES[name], ("x1", "x2") if x == "x" else ()
    design = design_of(entry, COMPARISON[group], covariates)
    effects = estimate(design, "extended_two_way")
    k, periods = len(covariates), len(design.times)
    cells = int((np.array(effects.reasons) == "").sum())
    factor = small_sample_factor(design, cells * (1 + k) + periods + (periods - 1) * k)
    check(entry, *over_rows(effects, design, TO[kind]), factor)
    if np.isfinite(design.outcome).all():
        result = effects.aggregate(TO[kind])
        np.testing.assert_allclose(result.estimate, entry["result"]["estimate"], **POINT)


@pytest.mark.parametrize("name", POISSON_MEANS)
def test_poisson(name):
    _, _, _, group, kind, scale = name.split("_")
    entry = ENTRIES[name]
    design = design_of(entry, COMPARISON[group])
    effects = estimate(design, "extended_two_way", family="poisson", scale=scale)
    result = effects.aggregate(TO[kind])
    moving = result.influence.any(axis=0)
    errors = np.where(moving, std_errors(result), 0.0)
    keys = result.labels.iloc[:, 0] if kind != "simple" else None
    check(entry, keys, result.estimate, errors, poisson_factor(design, effects))


def poisson_factor(design, effects):
    """K: cohorts, periods but the first, and the cells estimated."""
    cells = int((np.array(effects.reasons) == "").sum())
    return small_sample_factor(design, len(np.unique(design.cohort)) + len(design.times) - 1 + cells)


@pytest.mark.parametrize("name", COEFFICIENTS)
def test_poisson_coefficients(name):
    entry = ENTRIES[name]
    design = design_of(entry, COMPARISON[name.split("_")[3]])
    cells = lay_out(design)
    path = fit_path(cells, read_rows(cells), POISSON)
    cohort, period = (take_blocks(path.parameters, blocks)[:, 0] for blocks in (path.cohort, path.period))
    found = {"(Intercept)": cohort[-1]}
    found |= {f"g::{g:.0f}": cohort[i] - cohort[-1] for i, g in enumerate(cells.cohorts[:-1])}
    found |= {f"year::{t:.0f}": period[i] for i, t in enumerate(design.times[1:], start=1)}
    effects = estimate(design, "extended_two_way", family="poisson", scale="link")
    rows = zip(effects.labels.cohort, effects.labels.time, effects.estimate, effects.reasons, strict=True)
    found |= {f".Dtreat:g::{g:.0f}:year::{t:.0f}": value for g, t, value, reason in rows if not reason}
    expected = entry["result"]
    assert set(found) == set(expected["label"])
    points = dict(zip(expected["label"], expected["estimate"], strict=True))
    for label, value in found.items():
        assert value == pytest.approx(points[label], rel=1e-9, abs=1e-11), label
    wanted = dict(zip(expected["label"], expected["se"], strict=True))
    errors = poisson_factor(design, effects) * std_errors(effects)
    rows = zip(effects.labels.cohort, effects.labels.time, errors, effects.reasons, strict=True)
    compared = [(wanted[f".Dtreat:g::{g:.0f}:year::{t:.0f}"], error) for g, t, error, reason in rows if not reason]
    np.testing.assert_allclose(*np.array(compared).T, rtol=2e-7)


@pytest.mark.parametrize("clusters", ["unit", "zone"])
@pytest.mark.parametrize("name", SUNAB)
def test_sun_abraham_poisson(name, clusters):
    """Unit effects there, cohort effects here: the same where the panel is balanced and exposure constant in time."""
    entry = ENTRIES[name]
    design = design_of(entry, "never_treated", clusters=None if clusters == "unit" else clusters)
    effects = estimate(design, "extended_two_way", family="poisson", scale="link")
    expected = entry["result"]
    wanted = {}
    for label, point, error in zip(
        *(np.atleast_1d(expected[one]) for one in ("label", "estimate", f"se_{clusters}_none")), strict=True
    ):
        wanted[str(label)] = (point, error)
    if name.endswith("att"):
        result, labels = effects.aggregate("overall"), ["ATT"]
    elif name.endswith("sunab_period"):
        result = effects.aggregate("event")
        labels = [f"year::{e:.0f}" for e in result.labels["event_time"]]
    else:
        result = effects
        labels = [
            f"year::{t - g:.0f}:cohort::{g:.0f}"
            for g, t in zip(effects.labels.cohort, effects.labels.time, strict=True)
        ]
    columns = zip(labels, result.estimate, std_errors(result), result.influence.T, strict=True)
    found = {label: (point, error) for label, point, error, psi in columns if psi.any()}
    assert set(found) == set(wanted)
    for label, values in found.items():
        assert values == pytest.approx(wanted[label], rel=1e-8, abs=1e-10), label


@pytest.mark.shared
def test_county_employment_given_population(shared):
    """Published in the tests and the README of R's etwfe; K = 30: cells 14, cohorts and periods with slopes 16."""
    frame = pd.read_csv(shared / "golden" / "published" / "mpdta.csv")
    design = make_design(
        frame,
        outcome="lemp",
        unit="countyreal",
        cohort="first.treat",
        covariates=("lpop",),
        comparison="not_yet_treated",
    )
    effects = estimate(design, "extended_two_way")
    factor = small_sample_factor(design, 30)
    overall = effects.aggregate("overall")
    assert overall.estimate[0] == pytest.approx(-0.0506270331228907, abs=1e-13)
    assert factor * std_errors(overall)[0] == pytest.approx(0.0124972546529842, abs=1e-8)
    calendar, event = effects.aggregate("calendar"), effects.aggregate("event")
    np.testing.assert_allclose(calendar.estimate, [-0.0212480, -0.0818500, -0.0442656, -0.0524323], atol=6e-8)
    published = [0.0217240, 0.0273694, 0.0173734, 0.0150158]
    np.testing.assert_allclose(factor * std_errors(calendar), published, atol=6e-8)
    np.testing.assert_allclose(event.estimate, [-0.0332, -0.0573, -0.1379, -0.1095], atol=6e-5)
