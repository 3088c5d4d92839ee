from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from evaltoolkit.checks._events import began_at_the_time, flags_of
from evaltoolkit.checks.concurrent import check_concurrent
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.framework.values import value_table
from evaltoolkit.reports.prose import say


def check(design, panel=None, **context):
    return check_concurrent(design, estimate(design), panel=panel, **context)


def shocked(panel, rows, design, first=2022.0):
    """A measure of the panel: a shock in the given units from a year on."""
    flag = np.zeros(design.outcome.shape)
    flag[rows] = design.times >= first
    return replace(panel, data=panel.data.assign(shock=flag.ravel()))


def test_programmes_that_change_nothing(world, panel_of):
    design = world()
    panel = shocked(panel_of(design), np.arange(160) % 5 == 0, design)
    done = check(design, panel, concurrent=["shock"])
    assert (done.verdict, done.code) == (True, "check.concurrent.same")
    assert done.facts == {"treated": 20, "comparison": 20, "unknown": 0, "left_out": 32}
    assert done.table["n_had"].tolist() == [12, 20]


def test_a_programme_that_makes_the_result(world, panel_of):
    clean = world(effect=0.0)
    rows = np.arange(160) < 25
    design = replace(clean, outcome=clean.outcome + 3.0 * (rows[:, None] & (clean.times >= clean.cohort[:, None])))
    done = check(design, shocked(panel_of(design), rows, design), concurrent=["shock"])
    assert (done.verdict, done.code) == (False, "check.concurrent.changed")
    assert (done.facts["treated"], done.facts["comparison"]) == (42, 0)


def test_what_was_always_there_is_no_event(world, panel_of):
    design = world()
    rows = np.arange(160) % 5 == 0
    throughout = shocked(panel_of(design), rows, design, first=2000.0)
    assert check(design, throughout, concurrent=["shock"]).code == "check.concurrent.none"
    before = shocked(panel_of(design), rows, design, first=2020.0)
    assert check(design, before, concurrent=["shock"]).facts["left_out"] == 32


def test_the_start_is_the_own_one_and_that_of_the_first_cohort_for_others(world):
    design = world()
    flag = np.zeros(design.outcome.shape)
    flag[:, 3] = 1.0
    had = began_at_the_time(design, {"storm": flag})
    # in 2022: after the start of the first cohort, before that of the second
    assert had[design.cohort == 2022.0].all()
    assert not had[design.cohort == 2023.0].any()
    assert had[~design.treated].all()
    one = int(np.flatnonzero(design.cohort == 2022.0)[0])
    flag[one] = np.nan
    assert np.isnan(began_at_the_time(design, {"storm": flag})[one])
    flag[one, 3:] = 1.0
    # nobody knows of the time before
    assert began_at_the_time(design, {"storm": flag})[one] == 1.0
    flag[one, 2] = 1.0
    assert began_at_the_time(design, {"storm": flag})[one] == 0.0


def answer(unit, year, text, indicator="CTX-08", status="registered", part="kinds"):
    return {
        "unit_kind": "livc_r", "unit": unit, "period": str(year), "indicator": indicator, "part": part,
        "value": np.nan, "text": text, "status": status, "source": "", "wording": 1,
    }  # fmt: skip


def test_answers_of_the_form_give_one_kind_per_option(world, panel_of):
    design = world()
    panel = panel_of(design)
    rows = [
        answer("00000", 2021, "security_plan"),
        answer("00000", 2023, "eu_project;security_plan"),
        answer("00001", 2023, "none"),
        answer("00002", 2023, "", status="DK"),
        answer("00003", 2021, "security_plan"),
        answer("00003", 2023, "security_plan"),
        answer("99999", 2023, "eu_project"),
    ]
    flags = flags_of(design, panel, value_table(rows), ["CTX-08", "CTX-07"])
    assert sorted(flags) == ["eu_project", "security_plan"]
    had = began_at_the_time(design, flags)
    assert had[:2].tolist() == [1.0, 0.0]
    assert np.isnan(had[2])
    assert had[3] == 0.0
    done = check(design, panel, values=value_table(rows))
    assert (done.facts["unknown"], done.facts["left_out"]) == (157, 1)
    assert done.verdict is True
    only_none = check(design, panel, values=value_table([answer("00001", 2023, "none")]))
    assert only_none.code == "check.concurrent.none"


def test_answers_of_members_stand_for_their_cell(world, panel_of):
    design = world()
    panel = panel_of(design)
    cells = replace(panel, units=panel.units.assign(members=[f"m{i};k{i}" for i in range(160)]))
    rows = value_table([answer("m0", 2023, "riot", "CTX-07"), answer("k0", 2023, "none", "CTX-07")])
    assert began_at_the_time(design, flags_of(design, cells, rows, ["CTX-07"]))[0] == 1.0


def test_fixed_columns_of_the_units(world, panel_of):
    design = world()
    panel = panel_of(design)
    fixed = replace(panel, units=panel.units.assign(eu=(np.arange(160) % 4 == 0).astype(float)))
    assert check(design, fixed, concurrent=["eu"]).facts["left_out"] == 40
    some = replace(panel, units=panel.units.assign(eu=np.where(np.arange(160) < 80, np.nan, 0.0)))
    nobody = check(design, some, concurrent=["eu"])
    assert (nobody.code, nobody.facts["unknown"]) == ("check.concurrent.none", 80)


@pytest.mark.parametrize("everyone", ["treated", "all"])
def test_where_an_arm_is_gone_nothing_can_be_estimated(world, panel_of, everyone):
    design = world()
    rows = design.treated if everyone == "treated" else np.ones(160, bool)
    done = check(design, shocked(panel_of(design), rows, design), concurrent=["shock"])
    assert (done.verdict, done.code) == (None, "check.concurrent.not_possible")


def test_a_handful_that_is_left_says_nothing(world, panel_of):
    design = world()
    done = check(design, shocked(panel_of(design), np.arange(160) % 20 > 0, design), concurrent=["shock"])
    assert (done.verdict, done.code) == (None, "check.concurrent.few_clusters")
    assert done.facts["left_out"] == 152


def test_where_nothing_is_known(world, panel_of):
    design = world()
    assert check(design).code == "check.concurrent.unknown"
    assert check(design, panel_of(design)).code == "check.concurrent.unknown"
    assert check(design, panel_of(design), values=value_table()).code == "check.concurrent.unknown"
    assert check(design, panel_of(design), values=value_table([answer("x", 2023, "none")])).verdict is None


def test_it_is_nominal_when_half_of_the_units_are_left_out(world, panel_of):
    wrong = []
    for seed in range(200):
        design = world(seed=seed)
        panel = shocked(panel_of(design), np.arange(160) % 2 == 0, design)
        wrong.append(check(design, panel, concurrent=["shock"]).verdict is False)
    assert abs(np.mean(wrong) - 0.0455) < 3 * np.sqrt(0.0455 * 0.9545 / 200)


def test_few_clusters_fall_back_on_the_standard_error(world, panel_of):
    clean = world(n_treated=8, effect=0.0, noise=0.3)
    rows = np.arange(160) < 4
    design = replace(clean, outcome=clean.outcome + 3.0 * (rows[:, None] & (clean.times >= clean.cohort[:, None])))
    done = check(design, shocked(panel_of(design), rows, design), concurrent=["shock"])
    assert (done.verdict, done.code) == (False, "check.concurrent.changed")
    assert isinstance(done.figure["concurrent"], pd.DataFrame)


@pytest.mark.parametrize("why", ["all take part in the end", "nothing is known of the others"])
def test_without_a_share_of_others_none_is_said(world, panel_of, why):
    design = world()
    if why.startswith("all"):
        design = replace(
            design, cohort=np.where(design.treated, design.cohort, design.times[-1]), comparison="not_yet_treated"
        )
    panel = shocked(panel_of(design), design.treated & (np.arange(160) % 5 == 0), design)
    if why.startswith("nothing"):
        unknown = np.repeat(~design.treated, len(design.times))
        panel = replace(panel, data=panel.data.assign(shock=panel.data["shock"].mask(unknown)))
    done = check(design, panel, concurrent=["shock"])
    assert done.code.endswith("_alone")
    assert np.isfinite(done.facts["treated"])
    assert np.isnan(done.facts["comparison"])
    for language in ("nl", "fr", "de", "en"):
        seen = say(language, done.code, done.facts)
        assert str(done.facts["treated"]) in seen
        assert "–" not in seen


def test_nothing_known_of_the_participants_is_nothing_known(world, panel_of):
    design = world()
    panel = shocked(panel_of(design), np.arange(160) % 5 == 0, design)
    hidden = np.repeat(design.treated, len(design.times))
    panel = replace(panel, data=panel.data.assign(shock=panel.data["shock"].mask(hidden)))
    assert check(design, panel, concurrent=["shock"]).code == "check.concurrent.unknown"
