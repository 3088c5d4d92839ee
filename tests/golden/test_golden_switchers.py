"""Switchers against R DIDmultiplegtDYN 2.2.0: all entries, all rows; and the published newspapers and turnout."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evaltoolkit.designs.design import Design
from evaltoolkit.effects.inference import chi_square_tail, joint_wald
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.estimators.switchers import equality_of_effects

HERE = Path(__file__).parent / "r"
ENTRIES = {entry["id"]: entry for entry in json.loads((HERE / "expected_switchers.json").read_text())["entries"]}
# R takes 1 - pchisq: below that only rounding is left
ROUNDING = 1e-15


def r_option(call, name):
    found = re.search(rf", {name} ?= ?\"?([^\",)]+)", call)
    return found.group(1) if found else None


def make_design(frame, *, outcome="y", treatment="d", unit="unit", time="year", weights=None, clusters=None, **rest):
    """Treatment is unknown where the panel has no row, as for R."""
    wide, path = (frame.pivot(index=unit, columns=time, values=name) for name in (outcome, treatment))
    first = frame.groupby(unit).first()
    times, treated = wide.columns.to_numpy(float), path.to_numpy(float) > 0
    weight = np.ones(len(first)) if weights is None else first[weights].to_numpy(float)
    label = first.index.to_series() if clusters is None else first[clusters]
    return Design(
        units=first.index.astype(str).to_numpy(str),
        times=times,
        outcome=wide.to_numpy(float),
        cohort=np.where(treated.any(axis=1), times[treated.argmax(axis=1)], np.inf),
        covariates=np.empty((len(first), 0)),
        covariate_names=(),
        weights=weight / weight.mean(),
        clusters=label.astype(str).to_numpy(str),
        treatment=path.to_numpy(float),
        **rest,
    )


def read_case(name):
    entry = ENTRIES[name]
    call = entry["call"]
    design = make_design(
        pd.read_csv(HERE / f"{entry['panel']}.csv"),
        weights=r_option(call, "weight"),
        clusters=r_option(call, "cluster"),
        comparison="never_treated" if r_option(call, "only_never_switchers") else "not_yet_treated",
    )
    options = {
        "direction": r_option(call, "switchers") or "both",
        "normalized": r_option(call, "normalized") == "TRUE",
        "same_switchers": r_option(call, "same_switchers") == "TRUE",
        "effects": int(r_option(call, "effects")),
    }
    return design, options, entry


def pick(effects, label):
    """Estimate, standard error and number of clusters of a row of R's tables."""
    if label == "ATE_Av_tot_eff":
        rows, j = effects.overall, 0
    else:
        number = int(label.rsplit("_", 1)[1])
        rows, event_time = effects, number - 1 if label.startswith("Effects") else -number - 1
        (j,) = np.flatnonzero(effects.labels["event_time"] == event_time)
    return rows.estimate[j], np.sqrt(rows.covariance()[j, j]), rows.labels["n_treated"][j]


@pytest.mark.parametrize("name", ENTRIES)
def test_entry(name):
    design, options, entry = read_case(name)
    effects = estimate(design, "switchers", **options)
    result = entry["result"]
    assert sum(label.startswith("Effects") for label in result["label"]) == effects.info["effects_estimated"]
    for i, label in enumerate(result["label"]):
        point, error, switchers = pick(effects, label)
        assert point == pytest.approx(result["Estimate"][i], abs=1e-12, rel=1e-11)
        assert error == pytest.approx(result["SE"][i], abs=1e-13, rel=1e-11)
        # R adds up switchers of all effects in the last row, and counts units where we count clusters
        if label != "ATE_Av_tot_eff" and "cluster" not in entry["call"]:
            assert switchers == result["Switchers"][i]
    assert len(result["label"]) >= 3


@pytest.mark.parametrize("name", ENTRIES)
def test_joint_tests(name):
    design, options, entry = read_case(name)
    effects = estimate(design, "switchers", **options)
    when = effects.labels["event_time"].to_numpy()
    placebos = sum(label.startswith("Placebos") for label in entry["result"]["label"])
    tests = {
        "p_jointeffects": joint_wald(effects, when >= 0),
        "p_jointplacebo": joint_wald(effects, (when < -1) & (when >= -1 - placebos)),
        "p_equality_effects": equality_of_effects(effects),
    }
    given = {key: value for key, value in entry["extra"].items() if value is not None}
    assert given or options["effects"] == 1
    for key, value in given.items():
        test = tests[key]
        assert chi_square_tail(test.statistic, test.df) == pytest.approx(value, rel=1e-9, abs=ROUNDING)


# published: DIDmultiplegtDYN in Stata, R and Python on the data of the textbook by its authors, seven digits
NEWSPAPERS = {
    0: (0.0144244, 0.0042477, 1119),
    1: (0.0190899, 0.0058429, 1054),
    2: (0.0207147, 0.0079164, 984),
    3: (0.0272653, 0.0097924, 917),
    -2: (-0.0005025, 0.0051322, 902),
    -3: (0.0020594, 0.0085031, 746),
    -4: (-0.0015365, 0.0116825, 604),
    -5: (0.0006573, 0.0175032, 441),
}
# effects per unit of treatment received; placebos as printed by Stata (R and Python print other last digits)
PER_UNIT = {
    0: (0.0120186, 0.0035392),
    1: (0.0082126, 0.0025136),
    2: (0.0057192, 0.0021857),
    3: (0.0053873, 0.0019348),
    -2: (-0.0004158, 0.0042470),
    -3: (0.0008699, 0.0035919),
    -4: (-0.0004201, 0.0031943),
    -5: (0.0001394, 0.0037128),
}
LAST_DIGIT = 6e-8
# began with three newspapers, had four in 1908, three in 1912
LEFT_OUT = 30093


def newspapers(shared, *, complete):
    frame = pd.read_stata(shared / "golden" / "published" / "gentzkowetal_didtextbook.dta")
    kept = frame if complete else frame[frame["cnty90"] != LEFT_OUT]
    return make_design(kept, outcome="prestout", treatment="numdailies", unit="cnty90", comparison="not_yet_treated")


@pytest.mark.shared
def test_newspapers(shared):
    """A treatment of many levels that moves both ways, in a panel with gaps.

    The published numbers leave out one county. The package drops, for each number of newspapers at the start, the
    periods in which nobody has kept it, and then every switcher whose treatment in the periods that are left averages
    its start; in this county 1908 falls away and 1912 stays. We have no reason to leave it out as a comparison unit
    until it switches: three switchers more, and other numbers in the third digit.
    """
    effects = estimate(newspapers(shared, complete=False), "switchers", effects=4)
    rows = dict(zip(effects.labels["event_time"].tolist(), range(len(effects.estimate)), strict=True))
    errors = np.sqrt(np.diag(effects.covariance()))
    for event_time, (point, error, switchers) in NEWSPAPERS.items():
        j = rows[event_time]
        assert effects.estimate[j] == pytest.approx(point, abs=LAST_DIGIT)
        assert errors[j] == pytest.approx(error, abs=LAST_DIGIT)
        assert effects.labels["n_treated"][j] == switchers
    assert effects.overall.estimate[0] == pytest.approx(0.0160565, abs=LAST_DIGIT)
    assert np.sqrt(effects.overall.covariance()[0, 0]) == pytest.approx(0.0047761, abs=LAST_DIGIT)
    when = effects.labels["event_time"].to_numpy()
    assert joint_wald(effects, when >= 0).p_value == pytest.approx(0.006814, abs=6e-7)
    assert joint_wald(effects, when < -1).p_value == pytest.approx(0.992198, abs=6e-7)
    assert equality_of_effects(effects).p_value == pytest.approx(0.415152, abs=6e-7)


@pytest.mark.shared
def test_newspapers_with_the_county_that_the_package_leaves_out(shared):
    """0.01454833 and 1,122 switchers: what Stata gives once that county's path no longer averages its start."""
    effects = estimate(newspapers(shared, complete=True), "switchers", effects=1)
    assert effects.estimate[-1] == pytest.approx(0.01454833, abs=6e-9)
    assert effects.labels["n_treated"].iloc[-1] == 1122


@pytest.mark.shared
def test_newspapers_per_unit_of_treatment(shared):
    """The package counts a period without a row as one without additional treatment.

    Its help promises what we do, to go on with the treatment after the change; so its numbers come out when the
    treatment of such periods is set to that of the start, and not otherwise.
    """
    design = newspapers(shared, complete=False)
    known = np.isfinite(design.treatment)
    start = design.treatment[np.arange(len(known)), known.argmax(axis=1)]
    changed = np.logical_or.accumulate(known & (design.treatment != start[:, None]), axis=1)
    gaps = np.where(~known & changed, start[:, None], design.treatment)
    for treatment, agrees in ((gaps, True), (design.treatment, False)):
        effects = estimate(Design(**{**vars(design), "treatment": treatment}), "switchers", effects=4, normalized=True)
        rows = dict(zip(effects.labels["event_time"].tolist(), range(len(effects.estimate)), strict=True))
        chosen = [rows[event_time] for event_time in PER_UNIT]
        found = np.column_stack([effects.estimate, np.sqrt(np.diag(effects.covariance()))])[chosen]
        assert np.allclose(found, list(PER_UNIT.values()), rtol=0, atol=LAST_DIGIT) == agrees
