"""Nothing at all is found in 581 valid forms, one for each municipality of 2019, in four languages in turn."""

import pandas as pd
import pytest
from planted import EARLIER, PERIOD, answer_rows

from evaltoolkit.framework.load import load_framework
from evaltoolkit.framework.values import value_table
from evaltoolkit.i18n import LANGUAGES
from evaltoolkit.submissions.collect import collect_folder
from evaltoolkit.submissions.layout import FormMeta, layout_form
from evaltoolkit.submissions.store import open_store
from evaltoolkit.submissions.write import write_templates
from evaltoolkit.territory.municipalities import municipality_codes

VINTAGE = 2019


def complete_rows(framework, unit):
    """Return an answer to every question of the form: those of the planted sample, and "not known" for the others."""
    meta = FormMeta(
        "livc-r", framework.version, "evaluation", "municipality", unit, (unit,), str(VINTAGE), PERIOD, EARLIER, "nl"
    )
    rows = list(answer_rows(framework, unit))
    known = {(row["period"], row["indicator"], row["part"]) for row in rows}
    asked = {(field.period, field.indicator, field.part) for field in layout_form(framework, meta).fields}
    none = {"value": float("nan"), "text": "", "status": "DK"}
    return rows + [
        {**rows[0], **none, "period": period, "indicator": indicator, "part": part}
        for period, indicator, part in sorted(asked - known)
        if period == PERIOD
    ]


@pytest.mark.slow
def test_nothing_is_found_in_581_valid_forms(tmp_path):
    framework = load_framework("livc-r")
    units = sorted(municipality_codes(VINTAGE))
    languages = [LANGUAGES[number % len(LANGUAGES)] for number in range(len(units))]
    first = pd.DataFrame(complete_rows(framework, units[0]))
    write_templates(
        framework,
        tmp_path / "in",
        period=PERIOD,
        language="nl",
        respondents=pd.DataFrame({"unit_kind": "municipality", "unit": units, "members": "", "language": languages}),
        form="evaluation",
        earlier=EARLIER,
        vintage=VINTAGE,
        values=value_table(pd.concat([first.assign(unit=unit) for unit in units]).to_dict("records")),
    )
    collection = collect_folder(tmp_path / "in", store=tmp_path / "store", framework=framework)
    assert collection.findings == ()
    assert len(collection.files) == len(units) == 581
    assert set(collection.files["state"]) == {"accepted"}
    assert collection.files["language"].value_counts().min() >= 581 // 4
    assert collection.values.groupby("unit").size().nunique() == 1
    assert collection.values["unit"].nunique() == 581
    with open_store(tmp_path / "store") as opened:
        assert len(opened.about()) == 581
