"""Two-way regressions against R fixest 0.14.2, clubSandwich, sandwich and plm: all entries, with their own factors."""

import numpy as np
import pandas as pd
import pytest
from did_cases import make_design
from scipy.stats import t as student
from two_way_cases import ENTRIES, errors, names, read_case, read_frame, result

from evaltoolkit.effects.inference import covariance, std_errors
from evaltoolkit.estimators.registry import estimate

EFFECTS = {"twfe_unit_trends": "unit_trends", "twfe_zone_year": "cluster_period"}
STATIC = [name for name in names("fixest_") if "sunab" not in name and "eventstudy" not in name]


# fixest then inverts a matrix that has no inverse: its standard errors are this far from least squares with dummies
SINGULAR = 0.05


def keeps_every_period(name):
    """Whether R left a covariate in all ten years, where the unit effects absorb one: its columns are collinear."""
    labels = np.atleast_1d(ENTRIES[name]["result"]["label"]).tolist()
    return any(sum(covariate in label for label in labels) == 10 for covariate in ("x1:", ":x2"))


def options(name):
    kind = name.split("_", 3)[-1]
    return {"form": "event" if kind == "eventstudy" else "static", "effects": EFFECTS.get(kind, "unit_period")}


def factors(name, frame, by):
    """What R multiplies the variance by, under each of its conventions: G/(G-1) and (n-1)/(n-K).

    K counts the coefficients and the fixed effects that are not nested in the cluster (trends never are); one if all
    are nested. Rows that are alone in a fixed effect are dropped and not counted.
    """
    n, groups, units = ENTRIES[name]["result"]["nobs"], frame[by].nunique(), frame["unit"].nunique()
    columns = np.atleast_1d(ENTRIES[name]["result"]["label"]).size
    effects = {"unit": units, "other": frame["year"].nunique()}
    counted = effects["other"]
    if "zone_year" in name:
        effects["other"] = int((frame.groupby(["zone", "year"]).size() > 1).sum())
        counted = 1 if by == "zone" else effects["other"]
    trends = units if "trends" in name else 0
    few = groups / (groups - 1)
    return {
        "none": 1.0,
        "noKadj": few,
        "default": few * (n - 1) / (n - columns - counted - trends),
        "full": few * (n - 1) / (n - columns - sum(effects.values()) + 1 - trends),
    }


@pytest.mark.parametrize("name", [*STATIC, *names("fixest_", "eventstudy")])
def test_fixest(name):
    design, frame = read_case(name), read_frame(name)
    effects = estimate(design, "two_way", **options(name))
    kept = np.array([reason == "" for reason in effects.reasons])
    count = kept.sum()
    tolerance = SINGULAR if keeps_every_period(name) else 1e-9
    np.testing.assert_allclose(effects.estimate[kept], result(name, "estimate")[:count], rtol=1e-9, atol=1e-9)
    if "eventstudy" in name:
        assert [f"rel::{time:g}" for time in effects.labels["event_time"][kept]] == ENTRIES[name]["result"]["label"]
    for by, found in (("unit", errors(effects.influence, design.units)), ("zone", std_errors(effects))):
        for convention, factor in factors(name, frame, by).items():
            expected = result(name, f"se_{by}_{convention}")[:count]
            np.testing.assert_allclose(found[kept] * np.sqrt(factor), expected, rtol=tolerance, err_msg=convention)
        error, df = result(name, f"se_{by}_default")[:count], frame[by].nunique() - 1
        p_values = 2 * student.sf(np.abs(effects.estimate[kept]) / error, df)
        np.testing.assert_allclose(p_values, result(name, f"p_{by}_default")[:count], rtol=1e-7, atol=1e-14)


@pytest.mark.parametrize("name", names("fixest_", "eventstudy"))
def test_covariance_of_an_event_study(name):
    effects = estimate(read_case(name, clusters=None), "two_way", form="event")
    kept = np.array([reason == "" for reason in effects.reasons])
    expected = np.reshape(ENTRIES[name]["extra"]["vcov_unit_none"], (kept.sum(),) * 2)
    np.testing.assert_allclose(covariance(effects)[np.ix_(kept, kept)], expected, rtol=1e-8, atol=1e-12)


def by_zone(frame):
    """Means of a zone and year, the share treated as treatment."""
    means = frame.groupby(["zone", "year"])[["y", "d"]].mean().reset_index()
    return means.assign(unit=means["zone"], g=0.0)


@pytest.mark.parametrize("name", names("cr_"))
def test_club_sandwich_without_factor(name):
    frame, clusters = read_frame(name), name.split("_")[2]
    design = read_case(name, clusters=None if clusters == "unit" else clusters)
    if "agg" in name:
        means = by_zone(frame)
        treatment = means.pivot(index="unit", columns="year", values="d").to_numpy()
        design = make_design(means, treatment=treatment)
    effects = estimate(design, "two_way")
    np.testing.assert_allclose(effects.estimate, result(name, "estimate"), rtol=1e-9)
    np.testing.assert_allclose(errors(effects.influence, design.clusters), result(name, "se"), rtol=1e-9)


@pytest.mark.parametrize("panel", [1, 5])
def test_sandwich_and_plm(panel):
    name = f"sandwich_{panel}"
    design, frame = read_case(name), read_frame(name)
    influence = estimate(design, "two_way").influence
    rows = dict(zip(ENTRIES[name]["result"]["label"], ENTRIES[name]["result"]["se"], strict=True))
    arellano = dict(zip(ENTRIES[f"plm_{panel}"]["result"]["label"], result(f"plm_{panel}", "se"), strict=True))
    n, units = len(frame), frame["unit"].nunique()
    parameters = units + frame["year"].nunique()
    unit, zone = (errors(influence, label)[0] for label in (design.units, design.clusters))
    zones, few = frame["zone"].nunique(), units / (units - 1)
    found = {
        "HC0_unit_cadjF": unit,
        "HC0_unit_cadjT": unit * np.sqrt(few),
        "HC1_unit": unit * np.sqrt(few * (n - 1) / (n - parameters)),
        "HC0_zone_cadjF": zone,
        "HC1_zone": zone * np.sqrt(zones / (zones - 1) * (n - 1) / (n - parameters)),
    }
    for label, value in found.items():
        assert value == pytest.approx(rows[label], rel=1e-9), label
    assert unit == pytest.approx(arellano["HC0"], rel=1e-9)
    assert unit * np.sqrt(n / (n - 1)) == pytest.approx(arellano["HC1"], rel=1e-9)
    assert unit * np.sqrt(few) == pytest.approx(arellano["sss"], rel=1e-9)


SUNAB = {"period": "event", "att": "overall", "cohort": "cohort", "x": "overall"}
UNBALANCED = [name for name in names("fixest_") if "sunab" in name]


def groups(effects, name):
    """Labels and contributing rows of an R aggregation."""
    labels = effects.labels
    event, kind = labels["time"] - labels["cohort"], name.split("sunab_")[1]
    if kind == "period":
        return [(f"year::{time:g}", event == time) for time in np.unique(event) if time != -1]
    if kind == "cohort":
        return [(f"cohort::{g:g}", (labels["cohort"] == g) & (event >= 0)) for g in np.unique(labels["cohort"])]
    if kind == "cohort_period":
        keyed = labels.assign(event=event).sort_values(["event", "cohort"])
        return [
            (f"year::{row.event:g}:cohort::{row.cohort:g}", labels.index == row.Index)
            for row in keyed[keyed["event"] != -1].itertuples()
        ]
    return [("ATT", event >= 0)]


@pytest.mark.parametrize("name", UNBALANCED)
def test_sunab(name):
    """Weighted by observations, as fixest does; on a balanced panel that is the size of the cohort."""
    design, frame = read_case(name), read_frame(name)
    effects = estimate(design, "sun_abraham")
    assert effects.info["shares"] == "fixed"
    members = (design.cohort[:, None] == effects.labels["cohort"].to_numpy()) * design.weights[:, None]
    seen = np.isfinite(design.outcome)[:, np.searchsorted(design.times, effects.labels["time"])]
    rows = (members * seen).sum(axis=0)
    labels, masks = zip(*groups(effects, name), strict=True)
    assert list(labels) == np.atleast_1d(ENTRIES[name]["result"]["label"]).tolist()[: len(labels)]
    weight = np.array(masks) * rows
    weight = weight / weight.sum(axis=1, keepdims=True)
    found = weight @ effects.estimate
    np.testing.assert_allclose(found, result(name, "estimate")[: len(labels)], rtol=1e-9, atol=1e-9)
    influence = effects.influence @ weight.T
    for by, label in (("unit", design.units), ("zone", design.clusters)):
        expected = result(name, f"se_{by}_none")[: len(labels)]
        tolerance = SINGULAR if keeps_every_period(name) else 1e-9
        np.testing.assert_allclose(errors(influence, label), expected, rtol=tolerance)
        few = frame[by].nunique() / (frame[by].nunique() - 1)
        scaled = result(name, f"se_{by}_noKadj")[: len(labels)]
        np.testing.assert_allclose(errors(influence, label) * np.sqrt(few), scaled, rtol=tolerance)
    to = SUNAB.get(name.split("_")[-1])
    if to and "cohort_period" not in name and "A1" in ENTRIES[name]["panel"]:
        summed = effects.aggregate(to)
        kept = np.array([reason == "" for reason in summed.reasons])
        np.testing.assert_allclose(summed.estimate[kept], found, rtol=1e-9)
        expected = result(name, "se_zone_none")[: kept.sum()]
        np.testing.assert_allclose(std_errors(summed)[kept], expected, rtol=tolerance)


def dummies(values):
    return (np.asarray(values)[:, None] == np.unique(values)).astype(float)


@pytest.mark.parametrize("name", [name for name in names("fixest_", "x_by_year", "att_x") if keeps_every_period(name)])
def test_where_r_is_singular_dummies_decide(name):
    """Least squares with every dummy written out, one year of each covariate left out, for the entries above."""
    frame, design = read_frame(name), read_case(name)
    weights = (frame["pop"] if "pop" in name.split("_") else frame["pop"] * 0 + 1).to_numpy(float)
    year = dummies(frame["year"])[:, 1:]
    if "sunab" in name:
        event = (frame["year"] - frame["g"]).to_numpy()
        cells = [(g, e) for g in (2015, 2016, 2018) for e in np.unique(event[frame["g"] == g]) if e != -1]
        columns = np.column_stack([(frame["g"] == g) & (event == e) for g, e in cells]).astype(float)
        after = np.array([e >= 0 for _, e in cells])
        share = weights @ columns * after
        effects = estimate(design, "sun_abraham")
        rows = effects.labels["time"] >= effects.labels["cohort"]
        found = effects.influence[:, rows] @ (share[after] / share.sum())
    else:
        columns, share = frame[["d"]].to_numpy(float), np.ones(1)
        found = estimate(design, "two_way").influence[:, 0]
    by_year = [frame[[x]].to_numpy() * year for x in ("x1", "x2")]
    x = np.column_stack([columns, dummies(frame["unit"]), year, *by_year])
    root = np.sqrt(weights)
    slopes = np.linalg.lstsq(x * root[:, None], frame["y"] * root, rcond=None)[0]
    scores = x * (weights * (frame["y"].to_numpy() - x @ slopes))[:, None]
    chosen = np.r_[share / share.sum(), np.zeros(x.shape[1] - len(share))]
    target = np.linalg.solve((x * weights[:, None]).T @ x, chosen)
    for by, label in (("unit", design.units), ("zone", design.clusters)):
        sums = pd.Series(scores @ target).groupby(frame[by].to_numpy()).sum()
        assert errors(found, label)[0] == pytest.approx(np.sqrt((sums**2).sum()), rel=1e-9)


def test_every_entry_is_used():
    used = {*STATIC, *names("fixest_", "eventstudy"), *UNBALANCED, *names("cr_"), *names("sandwich_"), *names("plm_")}
    assert set(ENTRIES) - used == {*names("bacon_"), *names("twfeweights_")}
    assert len(used) == 55
    assert pd.Series(ENTRIES).notna().all()
