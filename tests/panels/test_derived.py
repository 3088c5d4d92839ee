"""What follows from other answers, and composites that describe."""

import math

import pandas as pd
import pytest

from evaltoolkit.framework.indicator import Composite
from evaltoolkit.framework.load import load_framework
from evaltoolkit.framework.values import value_table
from evaltoolkit.panels.build import build_panel
from evaltoolkit.panels.composites import describe_composites
from evaltoolkit.panels.derived import with_derived

FRAMEWORK = load_framework()


def answer(indicator, part, value=math.nan, *, unit="11001", period="2024", status="registered", text=""):
    return {
        "unit_kind": "municipality",
        "unit": unit,
        "period": period,
        "indicator": indicator,
        "part": part,
        "value": value,
        "text": text,
        "status": status,
        "source": f"csv:x/{indicator}.{part}",
        "wording": 1,
    }


def meetings(case, strategic, with_partner, **more):
    return [
        answer("GOV-08", "case", case, **more),
        answer("GOV-08", "strategic", strategic, **more),
        answer("COMP-09", "value", with_partner, **more),
    ]


def test_the_share_without_a_partner_follows_from_the_meetings():
    panel = build_panel(value_table(meetings(6, 2, 5)), FRAMEWORK, unit="municipality", vintage=2025)
    assert panel.data["COMP-04"].item() == pytest.approx(3 / 8)
    assert panel.data["COMP-04.n"].item() == 8


def test_without_meetings_it_is_not_applicable_and_not_zero():
    panel = build_panel(value_table(meetings(0, 0, 0)), FRAMEWORK, unit="municipality", vintage=2025)
    assert math.isnan(panel.data["COMP-04"].item())
    assert panel.data["COMP-04.status"].item() == "NAP"


def test_a_missing_answer_gives_its_status_and_no_number():
    rows = meetings(6, 2, 5)
    rows[2] |= {"value": math.nan, "status": "DK"}
    made = with_derived(value_table(rows), FRAMEWORK)
    share = made[(made["indicator"] == "COMP-04") & (made["part"] == "numerator")]
    assert share["status"].tolist() == ["DK"]
    assert share["value"].isna().all()
    assert made[(made["indicator"] == "COMP-04") & (made["part"] == "denominator")]["value"].tolist() == [8.0]


def test_answers_that_contradict_each_other_give_nothing():
    made = with_derived(value_table(meetings(1, 0, 5)), FRAMEWORK)
    assert "numerator" not in set(made.loc[made["indicator"] == "COMP-04", "part"])


def test_the_order_of_the_rows_does_not_count():
    rows = meetings(6, 2, 5) + meetings(4, 0, 0, unit="11004")
    forth, back = (with_derived(value_table(order), FRAMEWORK) for order in (rows, rows[::-1]))
    key = ["unit", "indicator", "part"]
    pd.testing.assert_frame_equal(forth.sort_values(key, ignore_index=True), back.sort_values(key, ignore_index=True))


COMPOSITE = Composite.model_validate(
    {
        "id": "trial",
        "missing_at_most": 0.4,
        "components": [
            {"indicator": "GOV-08", "low": 0, "high": 4},
            {"indicator": "COMP-04", "low": 1, "high": 0},
            {"indicator": "GOV-03", "part": "value", "code": "active"},
            {"indicator": "PREV-06", "part": "value", "code": "yes"},
            {"indicator": "COMP-01", "part": "value", "code": "*", "low": 0, "high": 10},
        ],
        "name": dict.fromkeys(("nl", "fr", "de", "en"), "x"),
        "note": dict.fromkeys(("nl", "fr", "de", "en"), "x"),
    }
)


def composite_of(rows):
    framework = FRAMEWORK.model_copy(update={"composites": (COMPOSITE,)})
    return describe_composites(value_table(rows), framework).iloc[0]


def test_a_composite_is_the_mean_of_its_scaled_parts():
    rows = [
        *meetings(1, 1, 2),
        answer("GOV-03", "value", text="dormant"),
        answer("PREV-06", "value", 1),
        answer("COMP-01", "value", text="youth;school;none"),
    ]
    found = composite_of(rows)
    assert found["value"] == pytest.approx((0.5 + 1 + 0 + 1 + 0.2) / 5)
    assert (found["n_components"], found["n_missing"]) == (5, 0)


def test_with_too_much_missing_there_is_no_composite():
    two_missing = [*meetings(1, 1, 2), answer("GOV-03", "value", text="active")]
    assert composite_of(two_missing)["value"] == pytest.approx((0.5 + 1 + 1) / 3)
    found = composite_of(meetings(1, 1, 2))
    assert math.isnan(found["value"])
    assert found["reason"]
    assert found["n_missing"] == 3


def test_the_packaged_composites_can_be_worked_out_and_never_are_measures_of_a_panel():
    assert {one.id for one in FRAMEWORK.composites} == {"fidelity", "social_breadth", "safeguards"}
    table = describe_composites(value_table(meetings(1, 1, 2)), FRAMEWORK)
    assert set(table["composite"]) == {"fidelity", "social_breadth", "safeguards"}
    panel = build_panel(value_table(meetings(1, 1, 2)), FRAMEWORK, unit="municipality", vintage=2025)
    assert not {"fidelity", "social_breadth", "safeguards"} & set(panel.measures)
