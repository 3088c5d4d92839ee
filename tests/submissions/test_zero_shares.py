"""A share of nothing is not applicable: by rule, not by typing."""

import pytest
from fill_sample import fill, read

from evaltoolkit.framework.load import load_framework
from evaltoolkit.submissions.grid import shares_of
from evaltoolkit.submissions.layout import FormMeta, layout_form, status_label

LIVC = load_framework("livc-r")
META = FormMeta(LIVC.name, LIVC.version, "core", "livc_r", "Z01", ("11001",), "2025", "2025", ("2024",), "nl", True)
BASE, PART, STATUS = "etk.CASE_04.denominator.2025.v", "etk.CASE_04.numerator.2025.v", "etk.CASE_04.numerator.2025.s"
NAP, DK = status_label("NAP", "nl"), status_label("DK", "nl")


@pytest.mark.parametrize(
    ("cells", "kept", "told"),
    [
        ({BASE: 0}, ("NAP", None), []),
        ({BASE: 0, STATUS: NAP}, ("NAP", None), []),
        # zero of zero, called not applicable: both say the same
        ({BASE: 0, PART: 0, STATUS: NAP}, ("NAP", None), []),
        ({BASE: 0, STATUS: DK}, ("DK", None), []),
        ({BASE: 3, PART: 0}, ("registered", 0.0), []),
        ({BASE: 3}, None, ["value.blank"]),
        ({BASE: 3, PART: 1, STATUS: NAP}, None, ["value.with_missing_status"]),
        ({BASE: 0, PART: 0, STATUS: DK}, None, ["value.with_missing_status"]),
    ],
)
def test_the_numerator_of_nothing(tmp_path, cells, kept, told):
    fill(LIVC, META, tmp_path / "a.xlsx", cells)
    _, reader = read(LIVC, tmp_path / "a.xlsx")
    found = [a for a in reader.answers if (a.indicator, a.part, a.period) == ("CASE-04", "numerator", "2025")]
    if kept is None:
        assert found == []
    else:
        ((status, value),) = [(a.status, None if a.value != a.value else a.value) for a in found]
        assert (status, value) == kept
    about = [f.code for f in reader.findings if f.where.indicator == "CASE-04" and f.where.period == "2025"]
    assert about == told


def test_shares_are_the_numerators_that_stand_with_their_denominator():
    layout = layout_form(LIVC, META)
    shares = {block.indicator.id for block in layout.answer_blocks if list(shares_of(block))}
    assert shares == {i.id for i in LIVC.form("core") if i.value == "ratio"}
    for block in layout.answer_blocks:
        for line, base in shares_of(block):
            assert line.part.id == "numerator"
            assert next(other for other in block.lines if other.row == base).part.id == "denominator"


def test_a_form_with_only_what_the_members_say_is_empty(tmp_path):
    fill(LIVC, META, tmp_path / "a.xlsx", {})
    form, reader = read(LIVC, tmp_path / "a.xlsx")
    assert [finding.code for finding in reader.findings] == ["form.empty"]
    assert reader.answers == []
    assert "etk.GOV_02.value.2025.v" in form.places
