"""Plans that ask what more of an action does, and plans on actions that stop and start again, from file to verdict."""

import numpy as np
import pandas as pd
import pytest

from evaltoolkit.evaluations.audited import audit_plan
from evaltoolkit.evaluations.evaluation import Verdict
from evaltoolkit.evaluations.inputs import load_inputs
from evaltoolkit.evaluations.per_dose import say_per_dose
from evaltoolkit.evaluations.run import run_plan
from evaltoolkit.findings import EvaltoolkitError, FaultsError, RefusedError
from evaltoolkit.i18n import LANGUAGES
from evaltoolkit.reports.margins import estimate_sentence
from evaltoolkit.reports.prose import prose_of, say_answers, say_feasibility

YEARS = range(2016, 2024)
PLAN = """title = "t"
question = "q"
unit = "unit"
checks = ["pretrends", "leave_one_out", "response", "sensitivity"]
[data]
panel = "own.csv"
{source}
[treatment]
action = "coaching"
assignment = "voluntary"
decided_by = "council"
why_then = "w"
spillover = "unlikely"
[[outcomes]]
indicator = "y"
name = "y"
unit = "points"
role = "primary"
better = "up"
smallest_relevant = {relevant}
[estimation]
method = "{method}"
seed = 3
{tables}
[overrides]
y = "the council wants to know"
"""
ROSTER = 'roster = "roster.csv"'
PER_HOUR = 0.05
PER_PERIOD = 1.0


def write(folder, table, roster=None, *, method, source=ROSTER, relevant=0.02, tables=""):
    table.to_csv(folder / "own.csv", index=False)
    if roster is not None:
        roster.to_csv(folder / "roster.csv", index=False)
    path = folder / "evaluation.toml"
    path.write_text(PLAN.format(method=method, source=source, relevant=relevant, tables=tables), encoding="utf-8")
    return path


def noise(rng, place, year):
    return rng.normal(0, 0.4) + 0.2 * (year - 2016) + place % 7


def coached(treated=50, n=110, seed=7):
    """Hours differ from unit to unit, in two rows for some; each hour adds ``PER_HOUR``, whatever the year."""
    rng = np.random.default_rng(seed)
    rows, roster = [], []
    for place in range(n):
        unit, start = f"u{place:03d}", 2019 + place % 2
        hours = float(rng.integers(10, 60)) if place < treated else 0.0
        if place >= treated:
            roster.append((unit, "coaching", "", "", "", "never"))
        elif place % 3:
            roster.append((unit, "coaching", f"{start}-04-01", "", hours, "treated"))
        else:
            roster.append((unit, "coaching", f"{start}-04-01", f"{start}-09-30", 4.0, "treated"))
            roster.append((unit, "coaching", f"{start + 1}-01-15", "", hours - 4.0, "treated"))
        for year in YEARS:
            on = place < treated and year >= start
            rows.append((unit, year, noise(rng, place, year) + on * PER_HOUR * hours, hours, hours / 8))
    columns = ["unit", "period", "y", "given", "each"]
    return pd.DataFrame(rows, columns=columns), pd.DataFrame(
        roster, columns=["unit", "action", "start", "end", "hours", "state"]
    )


def ran(place, year, treated):
    """Runs from 2018 or 2019 for two or three years; in some units again from 2022 on."""
    start, long = 2018 + place % 2, 2 + place % 3 % 2
    return place < treated and (start <= year < start + long or (place % 5 == 0 and year >= 2022))


def switched(treated=60, n=130, seed=11):
    rng = np.random.default_rng(seed)
    rows, roster = [], []
    for place in range(n):
        unit = f"u{place:03d}"
        path = [ran(place, year, treated) for year in YEARS]
        for year, on in zip(YEARS, path, strict=True):
            rows.append((unit, year, noise(rng, place, year) + PER_PERIOD * on, int(on)))
        if place >= treated:
            roster.append((unit, "coaching", "", "", "never"))
            continue
        start, long = 2018 + place % 2, 2 + place % 3 % 2
        roster.append((unit, "coaching", f"{start}-02-01", f"{start + long - 1}-11-30", "treated"))
        if place % 5 == 0:
            roster.append((unit, "coaching", "2022-01-01", "", "treated"))
    columns = ["unit", "action", "start", "end", "state"]
    return pd.DataFrame(rows, columns=["unit", "period", "y", "on"]), pd.DataFrame(roster, columns=columns)


HOURS = '[dose]\nmeasure = "hours"'


@pytest.fixture(scope="module")
def by_hours(tmp_path_factory):
    return run_plan(write(tmp_path_factory.mktemp("dose"), *coached(), method="dose", tables=HOURS))


def test_the_effect_of_one_more_hour_of_the_roster(by_hours):
    (result,) = by_hours.outcomes
    assert result.effects.info["method"] == "dose"
    assert result.headline.interval.low < PER_HOUR < result.headline.interval.high
    assert result.headline.interval.estimate == pytest.approx(PER_HOUR, abs=0.015)
    assert (result.verdict.kind, result.per) == ("improved", "@unit.dose.hours_total")
    # hours add up over the rows of a unit
    given = coached()[0].groupby("unit")["given"].first()
    assert dict(zip(result.design.units, result.design.dose, strict=True)) == given.to_dict()


def test_it_is_said_per_hour_and_with_its_assumption_in_four_languages(by_hours):
    hour = {"nl": "points per uur", "fr": "points par heure", "de": "points pro Stunde", "en": "points for each hour"}
    (result,) = by_hours.outcomes
    codes = [code for code, _ in result.verdict.sentences]
    assert codes[0] == "verdict.dose.improved_higher"
    assert "verdict.dose.assumption" in codes
    said = set()
    for language in LANGUAGES:
        line = say_answers(by_hours, language)[0]
        prose = prose_of(by_hours, language)
        assert hour[language].removeprefix("points ") in line
        assert hour[language] in estimate_sentence(result, prose)
        assert hour[language] in "".join(say_feasibility(result.feasibility, language, plan=by_hours.plan))
        said.add(prose.say("verdict.dose.assumption", {"dose": result.per}))
        assert prose.say("verdict.dose.assumption", {"dose": result.per}) in line
    assert len(said) == 4


def test_what_the_study_would_notice_is_per_hour_too(by_hours):
    (result,) = by_hours.outcomes
    # the smallest noticeable slope is about 2.8 of its standard errors
    error = float(result.overall.to_frame()["std_error"].iloc[0])
    assert result.feasibility.mde == pytest.approx(2.8 * error, rel=0.35)


def test_trends_before_the_start_are_those_of_units_that_got_more(by_hours):
    (result,) = by_hours.outcomes
    pretrends = next(check for check in result.checks if check.name == "pretrends")
    assert pretrends.facts["estimates"] >= 2
    assert pretrends.table["power_full"].notna().all()


def test_hours_per_period_and_a_column_of_the_table(tmp_path):
    table, roster = coached()
    rule = f'{HOURS}\nrule = "per_period"'
    each = load_inputs(write(tmp_path, table, roster, method="dose", tables=rule))
    design = each.design(each.plan.outcomes[0])
    periods = {"u000": 5, "u001": 4, "u002": 5}
    known = table.groupby("unit")["given"].first()
    for unit, count in periods.items():
        assert design.dose[design.units == unit] == pytest.approx(known[unit] / count)
    column = '[dose]\nmeasure = "given"\nunit = "session"'
    table["given"] = table["given"].where(table["period"] >= 2019, 0) * 1.0
    per_unit = load_inputs(write(tmp_path, table, roster, method="dose", tables=column + '\nrule = "per_period"'))
    design = per_unit.design(per_unit.plan.outcomes[0])
    assert design.dose[design.units == "u001"] == pytest.approx(known["u001"])


def test_a_dose_that_holds_the_outcome_or_a_mediator_is_refused_with_the_reason(tmp_path):
    table, roster = coached()
    holds = '[dose]\nmeasure = "given"\nunit = "point"\nparts = ["meetings", "y"]'
    with pytest.raises(RefusedError, match="y is the outcome"):
        run_plan(write(tmp_path, table, roster, method="dose", tables=holds))
    between = '[dose]\nmeasure = "given"\nunit = "point"\n[graph]\nedges = ["action -> m", "m -> outcome"]\n'
    with pytest.raises(RefusedError, match="given is a mediator in the graph"):
        run_plan(
            write(tmp_path, table, roster, method="dose", tables=between + 'after = ["m"]\nnodes = { m = "given" }')
        )


def test_unknown_hours_are_left_out_and_listed_not_zero(tmp_path):
    table, roster = coached()
    roster.loc[roster["unit"] == "u000", "hours"] = [4.0, np.nan]
    inputs = load_inputs(write(tmp_path, table, roster, method="dose", tables=HOURS))
    excluded = inputs.design(inputs.plan.outcomes[0]).excluded
    assert excluded.set_index("unit")["reason"].to_dict() == {"u000": "excluded.missing_dose"}


def test_below_ten_doses_there_is_no_answer(tmp_path):
    result = run_plan(write(tmp_path, *coached(8, 60), method="dose", tables=HOURS)).outcomes[0]
    assert result.feasibility.decision == "do_not_run"
    assert result.verdict.kind == "not_estimable"
    assert result.headline is None


def test_dose_and_method_belong_together(tmp_path):
    table, roster = coached(20, 40)
    for method, tables, what in (("dose", "", "needs a table"), ("group_time", HOURS, "no outcome is estimated")):
        with pytest.raises(FaultsError, match=what):
            load_inputs(write(tmp_path, table, roster, method=method, tables=tables))
    with pytest.raises(FaultsError, match='give "unit"'):
        load_inputs(write(tmp_path, table, roster, method="dose", tables='[dose]\nmeasure = "given"'))


def test_so_many_of_a_hundred_is_not_said_of_one_more_hour():
    spoken = Verdict("higher", (("verdict.higher", {"unit": "@unit.percent"}), ("verdict.of_hundred", {"count": 4})))
    said = say_per_dose(spoken, "visit")
    assert [code for code, _ in said.sentences] == ["verdict.dose.higher", "verdict.dose.assumption"]
    assert said.sentences[0][1]["unit"] == "@per:@unit.percent|visit"
    assert say_per_dose(spoken, "") is spoken


@pytest.fixture(scope="module")
def restarted(tmp_path_factory):
    return run_plan(write(tmp_path_factory.mktemp("switch"), *switched(), method="switchers", relevant=0.5))


def test_an_action_that_stops_and_restarts_by_start_and_end_of_the_roster(restarted):
    (result,) = restarted.outcomes
    table = switched()[0]
    path = table.pivot_table(index="unit", columns="period", values="on").loc[result.design.units]
    np.testing.assert_array_equal(result.design.treatment, path.to_numpy())
    assert result.headline.interval.low < PER_PERIOD < result.headline.interval.high
    assert result.headline.interval.estimate == pytest.approx(PER_PERIOD, abs=0.2)
    assert result.headline.same_estimate
    assert result.verdict.kind == "improved"


def test_the_verdict_says_that_it_is_per_period(restarted):
    for language in LANGUAGES:
        sentence = prose_of(restarted, language).say("verdict.per_period_of_action")
        assert sentence in say_answers(restarted, language)[0]


def test_its_event_study_carries_the_checks(restarted):
    (result,) = restarted.outcomes
    codes = {check.name: check.code for check in result.checks}
    assert codes["sensitivity"] == "check.sensitivity.reference_not_applicable"
    assert result.event.labels["event_time"].min() < -1
    pretrends = next(check for check in result.checks if check.name == "pretrends")
    assert pretrends.facts["estimates"] == 2
    assert pretrends.code == "check.pretrends.no_power"
    error = float(result.overall.to_frame()["std_error"].iloc[0])
    assert result.feasibility.mde == pytest.approx(2.8 * error, rel=0.35)


def test_the_same_from_a_column_with_the_treatment_of_every_period(tmp_path, restarted):
    own = run_plan(
        write(tmp_path, switched()[0], method="switchers", source='treatment = "on"', relevant=0.5)
    ).outcomes[0]
    assert own.overall.estimate[0] == pytest.approx(restarted.outcomes[0].overall.estimate[0], rel=1e-12)
    with pytest.raises(EvaltoolkitError, match=r"cannot use treatment that stops and restarts.*switchers"):
        run_plan(write(tmp_path, switched()[0], method="group_time", source='treatment = "on"', relevant=0.5))


def test_below_ten_switchers_there_is_no_usual_interval(tmp_path):
    evaluation = run_plan(write(tmp_path, *switched(8, 60), method="switchers", relevant=0.5))
    (result,) = evaluation.outcomes
    assert result.feasibility.decision == "do_not_run"
    assert result.overall.to_frame()["conf_low"].isna().all()
    assert result.headline.method != "usual"
    assert result.headline.same_estimate


def test_a_dose_of_fifteen_keeps_its_own_interval(tmp_path):
    result = run_plan(write(tmp_path, *coached(15, 60), method="dose", tables=HOURS)).outcomes[0]
    assert (result.headline.method, result.headline.same_estimate) == ("usual", True)


@pytest.mark.parametrize(("method", "world", "tables"), [("dose", coached, HOURS), ("switchers", switched, "")])
def test_an_audit_takes_the_method_with_its_own_options(tmp_path, method, world, tables):
    table = audit_plan(write(tmp_path, *world(), method=method, tables=tables)).tables["y"]
    own = table.rows[table.rows["method"] == method]
    assert set(own["verdict"]) == {"not comparable"}
    assert (own["explanation"] != "").all()
