"""A small framework with one indicator of each kind, and a short way to write values."""

import pytest

from evaltoolkit.framework.indicator import Framework
from evaltoolkit.framework.values import value_table

_LABEL = dict.fromkeys(("nl", "fr", "de", "en"), "x")
_TEXTS = dict.fromkeys(("name", "definition", "counted", "not_counted", "pitfalls", "unit"), "x")


def _part(name, kind="count", **more):
    options = ({"code": "a", "label": _LABEL},) if kind == "choice" else ()
    return {"id": name, "type": kind, "label": _LABEL, "options": options, **more}


def _indicator(name, value, conversion, parts, **more):
    return {
        "id": name,
        "dimension": name.partition("-")[0],
        "measure": "outcome",
        "chain": "outcome_short",
        "level": "municipality",
        "source": "official",
        "value": value,
        "conversion": conversion,
        "direction": "up",
        "sensitivity": "none",
        "did": "yes",
        "parts": parts,
        "text": dict.fromkeys(("nl", "fr", "de", "en"), _TEXTS),
        **more,
    }


@pytest.fixture(scope="session")
def framework():
    share = {"source": "resident_survey", "scale": "percent"}
    return Framework.model_validate(
        {
            "name": "test",
            "version": "1",
            "indicators": [
                _indicator("DET-01", "single", "count", [_part("value")]),
                _indicator("GOV-08", "sum", "count", [_part("case"), _part("strategic")]),
                _indicator("COMP-02", "ratio", "ratio", [_part("denominator"), _part("numerator")]),
                _indicator(
                    "TRU-01",
                    "single",
                    "mean",
                    [_part("value", "number", maximum=1), _part("n"), _part("design_effect", "number")],
                    **share,
                ),
                _indicator("PREV-01", "single", "agree", [_part("value", "yes_no")]),
                _indicator("GOV-02", "none", "agree", [_part("value", "choice")]),
            ],
        }
    )


@pytest.fixture(scope="session")
def rows():
    """Rows of values: ``(unit, period, indicator, part, value[, overrides])``."""

    def make(*given, **defaults):
        table = []
        for number, (unit, period, indicator, part, value, *more) in enumerate(given):
            row = {
                "unit_kind": "municipality",
                "unit": unit,
                "period": period,
                "indicator": indicator,
                "part": part,
                "value": value,
                "text": "",
                "wording": 1,
                "status": "registered",
                "source": f"csv:abc/row {number + 2}",
            }
            table.append(row | defaults | (more[0] if more else {}))
        return value_table(table)

    return make
