import pytest

from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.submissions.long import read_long

HEADER = "unit,period,indicator,part,value,text,status\n"


def read(tmp_path, framework, text, **options):
    path = tmp_path / "long.csv"
    path.write_text(text, encoding="utf-8")
    return read_long(path, source="Office, table 1, 2026-03-01", framework=framework, **options)


def test_good_rows_are_read_with_status_source_and_wording(tmp_path, framework):
    text = (
        HEADER + "11001,2023,GOV-08,case,4,,\n11001,2024,GOV-08,case,,,NR\n11001,2024,COMP-01,members,,mayor;police,\n"
    )
    values, findings = read(tmp_path, framework, text, units={"11001"})
    assert findings == ()
    assert values["value"].tolist()[0] == 4.0
    assert values["status"].tolist() == ["registered", "NR", "registered"]
    assert values["text"].tolist() == ["", "", "mayor;police"]
    assert values["unit_kind"].tolist() == ["municipality"] * 3
    (digest,) = values.attrs["sources"]
    assert values["source"].tolist() == [f"csv:{digest}/row {n}" for n in (2, 3, 4)]


def test_all_faults_at_once_each_at_its_cell(tmp_path, framework):
    rows = [
        "11001,2023,GOV-08,case,4,,",
        "11001,2023,GOV-08,case,5,,",
        "11001,2023,GOV-8,case,4,,",
        "11001,2023,GOV-08,cases,4,,",
        "11001,2023,GOV-08,total,4,,registerd",
        "99999,2023,GOV-08,total,4,,",
        "11001,23,GOV-08,total,4,,",
        "11001,2023,GOV-08,strategic,-1,,",
        "11001,2021,GOV-08,strategic,1.5,,",
        "11001,2022,GOV-08,total,vijf,,",
        "11001,2022,GOV-08,case,,,",
        "11001,2022,GOV-08,strategic,3,,DK",
        "11001,2022,COMP-01,chair,,mayer,",
        "11001,2022,COMP-01,members,3,,",
    ]
    values, findings = read(tmp_path, framework, HEADER + "\n".join(rows) + "\n", units={"11001", "11002"})
    assert [(f.code, f.where.cell) for f in findings] == [
        ("row.duplicate", "A3"),
        ("row.unknown_indicator", "C4"),
        ("row.unknown_part", "D5"),
        ("row.unknown_status", "G6"),
        ("row.unknown_unit", "A7"),
        ("row.unknown_period", "B8"),
        ("value.below_minimum", "E9"),
        ("value.not_whole", "E10"),
        ("value.not_a_number", "E11"),
        ("row.no_value", "E12"),
        ("value.with_missing_status", "E13"),
        ("value.unknown_option", "F14"),
        ("row.wrong_column", "F15"),
    ]
    near = {f.code: f.facts.get("nearest") for f in findings}
    assert near["row.unknown_indicator"] == "GOV-08"
    assert near["row.unknown_part"] == "case"
    assert near["row.unknown_status"] == "registered"
    assert len(values) == 1


def test_decimal_comma_is_declared_not_guessed(tmp_path, framework):
    text = "unit;period;indicator;part;value\n11001;2023;CAP-01;hours;3,5\n"
    values, findings = read(tmp_path, framework, text, decimal=",")
    assert values["value"].tolist() == [3.5]
    assert findings == ()
    _, findings = read(tmp_path, framework, text)
    assert [f.code for f in findings] == ["value.ambiguous_number"]


def test_unknown_and_missing_columns(tmp_path, framework):
    values, findings = read(tmp_path, framework, "unit,periode,indicator,value\n1,2,3,4\n")
    assert [(f.code, f.facts["column"], f.facts.get("nearest")) for f in findings] == [
        ("column.unknown", "periode", "period"),
        ("column.missing", "period", None),
        ("column.missing", "part", None),
    ]
    assert values.empty


def test_source_must_be_declared(tmp_path, framework):
    with pytest.raises(EvaltoolkitError, match="where the values come from"):
        read_long(tmp_path / "x.csv", source=" ", framework=framework)
