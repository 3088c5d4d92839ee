"""What the board counts, worked out by hand: statuses, bands, findings, arms; and when it says nothing."""

import math

import numpy as np
import pandas as pd
import pytest
from board_sample import (
    FORM,
    FRAMEWORK,
    MARKED,
    TYPED,
    answers,
    finding,
)

from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.framework.values import value_table
from evaltoolkit.i18n import words
from evaltoolkit.panels.composites import describe_composites
from evaltoolkit.reports.board_arms import arms_of
from evaltoolkit.reports.board_counts import (
    MANY,
    SHOWN,
    bands,
    choose_form,
    completeness,
    earlier_answers,
    released,
)
from evaltoolkit.reports.board_points import open_points
from evaltoolkit.reports.board_state import Participant
from evaltoolkit.reports.prose import Prose, say_finding

SENSITIVE = [one for one in FORM if one.sensitivity != "none"]


def test_a_cell_and_a_merged_municipality_take_the_arm_of_their_parts():
    roster = pd.DataFrame(
        [("11001", "never"), ("11002", "treated"), ("11004", "never"), ("12041", "treated")], columns=["unit", "state"]
    )

    def one(unit, *members):
        return Participant("livc_r", unit, unit, members, True, {})

    cells = [one("a", "11001", "11002"), one("b", "11001", "11004"), one("c", "11001", "11005"), one("d")]
    # 46030 came of 11056 and 46003 in 2025
    merged = pd.DataFrame([("46003", "treated"), ("11056", "never")], columns=["unit", "state"])
    assert list(arms_of(cells, roster).values()) == ["treated", "comparison", "unknown", "unknown"]
    assert list(arms_of([one("46030", "46030")], merged).values()) == ["treated"]
    assert list(arms_of([one("46030", "46030")], merged.iloc[1:]).values()) == ["unknown"]


def row(unit, indicator, part, status, value=1.0, period="2025"):
    return {
        "unit_kind": "municipality", "unit": unit, "period": period, "indicator": indicator, "part": part,
        "value": value, "text": "", "status": status, "source": "x", "wording": 1,
    }  # fmt: skip


def test_completeness_counts_each_respondent_once():
    ratio = next(one for one in FORM if one.value == "ratio")
    rows = [
        row("1", ratio.id, "numerator", "registered"),
        row("1", ratio.id, "denominator", "registered"),
        row("2", ratio.id, "numerator", "registered"),
        row("2", ratio.id, "denominator", "reconstructed"),
        row("3", ratio.id, "numerator", "registered"),
        row("4", ratio.id, "numerator", "registered"),
        row("4", ratio.id, "denominator", "NR", math.nan),
        row("5", ratio.id, "numerator", "RF", math.nan),
        row("5", ratio.id, "denominator", "DK", math.nan),
    ]
    counted = completeness(value_table(rows), [ratio], 7).iloc[0]
    # 3 lacks a part that is needed, 6 and 7 wrote nothing
    expected = {"registered": 1, "reconstructed": 1, "DK": 1, "NR": 1, "blank": 3}
    assert {status: counted[status] for status in SHOWN if counted[status]} == expected


def table_of(indicator, n, **counts):
    return pd.DataFrame([{"indicator": indicator, **dict.fromkeys(SHOWN, 0.0), **counts, "n": n}])


@pytest.mark.parametrize(
    ("n", "counts", "shown"),
    [
        (MANY, {"registered": float(MANY)}, True),
        (MANY - 1, {"registered": float(MANY - 1)}, False),
        # everybody's count is one to four
        (20, {"SUP": 20.0}, False),
        (20, {"SUP": 18.0, "registered": 2.0}, False),
        (20, {"SUP": 17.0, "registered": 3.0}, True),
    ],
)
def test_status_of_a_sensitive_indicator_never_tells_whose_count_is_small(n, counts, shown):
    table = released(table_of(SENSITIVE[0].id, n, **counts), FRAMEWORK)
    assert table[list(SHOWN)].notna().all(axis=None) == shown
    assert table[list(SHOWN)].isna().all(axis=None) != shown


@pytest.mark.parametrize(("n", "shown"), [(3, True), (2, False)])
def test_other_indicators_need_as_many_as_a_statistic(n, shown):
    plain = next(one for one in FORM if one.sensitivity == "none")
    table = released(table_of(plain.id, n, registered=float(n)), FRAMEWORK)
    assert table[list(SHOWN)].notna().all(axis=None) == shown


def test_form_is_the_smallest_that_fits():
    starter = FRAMEWORK.form("starter")
    rows = [row("1", starter[0].id, "value", "registered")]
    assert choose_form(value_table(rows), FRAMEWORK) == starter
    rows += [row("1", FORM[-1].id, "value", "registered"), row("1", "GOV-10", "value", "registered")]
    assert {"GOV-10", FORM[-1].id} <= {one.id for one in choose_form(value_table(rows), FRAMEWORK)}
    assert choose_form(value_table(rows), FRAMEWORK, "starter") == starter
    with pytest.raises(EvaltoolkitError, match="starter"):
        choose_form(value_table(rows), FRAMEWORK, "startr")


def test_earlier_answers_need_many_respondents():
    rows = [row("1", "GOV-08", "case", status, period="2024") for status in ("registered", "DK", "DK")]
    assert earlier_answers(value_table(rows), "2025", MANY - 1).empty
    counted = earlier_answers(value_table(rows), "2025", MANY)
    assert counted.to_dict("records")[0] == {
        "period": "2024", "registered": 1, "reconstructed": 0, "DK": 2, "NAP": 0, "RF": 0, "NR": 0, "SUP": 0,
    }  # fmt: skip


def composite_values(n):
    rng = np.random.default_rng(3)
    rows = []
    for number in range(n):
        for answer in answers(FORM, "2025", rng):
            rows.append(
                row(str(11000 + number), answer.indicator, answer.part, answer.status, answer.value)
                | {"text": answer.text}
            )
    return value_table(rows)


def test_composites_are_bands_of_at_least_ten_without_the_ends_of_sensitive_ones():
    values = composite_values(40)
    described = describe_composites(values, FRAMEWORK).dropna(subset=["value"])
    table = bands(values, FRAMEWORK).set_index("composite")
    breadth = described.loc[described["composite"] == "social_breadth", "value"]
    assert len(breadth) == table.loc["social_breadth", "n"] >= MANY
    expected = [breadth.min(), *breadth.quantile([0.25, 0.5, 0.75]), breadth.max()]
    assert table.loc["social_breadth", ["low", "q1", "median", "q3", "high"]].tolist() == pytest.approx(expected)
    assert table.loc["safeguards", ["low", "high"]].isna().all()
    assert table.loc["safeguards", ["q1", "median", "q3"]].notna().all()
    few = bands(composite_values(MANY - 1), FRAMEWORK)
    assert few[["low", "q1", "median", "q3", "high"]].isna().all(axis=None)


def test_a_finding_is_told_with_gaps_and_names_nobody_of_a_sensitive_indicator():
    names = {"11001": "Aartselaar", "11002": "Antwerpen"}
    plain, private = (
        next(one.id for one in FORM if (one.sensitivity == "none") == free and one.value == "single")
        for free in (True, False)
    )
    findings = [
        finding("value.above_maximum", "error", "11001", plain, value=MARKED, limit=9),
        finding("value.above_maximum", "error", "11002", private, value=MARKED, limit=9),
        finding("value.above_maximum", "error", TYPED, plain, value=TYPED, limit=9),
        finding("form.row_moved", "question", "11002", private),
        finding("value.formula", "note", "11001", plain),
    ]
    prose = Prose(words("en"))
    first, second = open_points(findings, names, FRAMEWORK, prose)
    assert first.message == "… is too high: the highest possible answer is …"
    assert (first.count, first.who, first.withheld, first.unknown) == (3, (("Aartselaar", 1),), 1, 1)
    # that a row was moved says nothing about a number
    assert (second.code, second.who, second.withheld) == ("form.row_moved", (("Antwerpen", 1),), 0)
    pooled = open_points(findings, names, FRAMEWORK, prose, few=True)
    assert [one.code for one in pooled] == ["value.above_maximum", "board.open.sensitive", "form.row_moved"]


def test_a_finding_of_an_older_version_is_told_by_its_topic():
    (point,) = open_points([finding("value.above_maximum", "error", "1", old=1)], {}, FRAMEWORK, Prose(words("en")))
    assert point.message == "Answers that are not usable as they stand (value.above_maximum)"
    assert point.remedy == say_finding(finding("value.above_maximum", "error", "1", value=1, limit=1), "en")[1]
