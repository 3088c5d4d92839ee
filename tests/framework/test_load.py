"""Loading: the packaged framework, and every fault of a user's folder at once."""

import shutil
from importlib import resources
from pathlib import Path

import pytest

from evaltoolkit.findings import EvaltoolkitError, FaultsError
from evaltoolkit.framework.load import load_framework

PACKAGED = Path(str(resources.files("evaltoolkit") / "data" / "framework" / "livc_r"))


@pytest.fixture(scope="module")
def framework():
    return load_framework()


@pytest.fixture
def folder(tmp_path):
    return Path(shutil.copytree(PACKAGED, tmp_path / "own"))


def edit(file, old, new):
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def faults_of(folder):
    with pytest.raises(FaultsError) as caught:
        load_framework(folder)
    return caught.value.faults


def test_form_order_is_the_list_not_the_alphabet(framework):
    ids = [i.id for i in framework.form("starter")]
    assert ids[0] == "GOV-02"
    assert ids != sorted(ids)


def test_every_file_is_listed_and_named_after_its_indicator(framework):
    assert {file.stem for file in (PACKAGED / "indicators").iterdir()} == set(framework.by_id)


@pytest.mark.parametrize(
    ("name", "direction"),
    [("HAR-08", "ambiguous"), ("DET-02", "ambiguous"), ("CASE-01", "ambiguous"), ("HAR-01", "ambiguous"),
     ("TRU-01", "up"), ("RGT-07", "down"), ("COMP-09", "up"), ("CAP-05", "neutral")],
)  # fmt: skip
def test_directions(framework, name, direction):
    assert framework.by_id[name].direction == direction


def test_comp01_scores_nine_categories_and_other(framework):
    codes = [option.code for option in framework.by_id["COMP-01"].part("value").options]
    assert len(codes) == 11
    assert codes[-2:] == ["other", "none"]


def test_training_is_no_did_outcome(framework):
    # the training is the coaching: a manipulation check
    assert framework.by_id["CAP-01"].did == "no"


def test_survey_outcomes_carry_n_and_design_effect(framework):
    for name in ("TRU-01", "COH-05", "RGT-07"):
        assert framework.by_id[name].part_ids == ("value", "n", "design_effect")
        assert framework.by_id[name].conversion == "mean"


def test_checklists_are_not_asked_for_earlier_years(framework):
    for name in ("PREV-01", "RGT-05", "DET-01", "DET-05"):
        assert not any(part.earlier_years for part in framework.by_id[name].parts)
    for name in ("COMP-09", "GOV-08", "COMP-02", "DET-02"):
        assert all(part.earlier_years for part in framework.by_id[name].parts)


def test_users_folder_equals_packaged(framework, folder):
    assert load_framework(folder) == framework
    assert load_framework(str(folder)) == framework


def test_file_with_byte_order_mark_is_read(framework, folder):
    file = folder / "indicators" / "GOV-02.toml"
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert load_framework(folder) == framework


def test_unknown_name_says_which_there_are():
    with pytest.raises(EvaltoolkitError, match=r'no framework "livcr".*give one of livc-r.*Did you mean "livc-r"\?'):
        load_framework("livcr")


def test_all_planted_faults_are_reported_at_once(folder):
    place = folder / "indicators"
    edit(place / "GOV-08.toml", 'direction = "ambiguous"', 'direction = "ambigous"')
    edit(place / "COMP-02.toml", 'measure = "process"', 'measur = "process"')
    edit(place / "DET-02.toml", 'id = "DET-02"', 'id = "DET-03"')
    edit(place / "GOV-02.toml", 'nl = "Eigen LIVC-R", ', "")
    edit(place / "TRU-01.toml", "minimum = 0", 'minimum = "nul"')
    edit(place / "HAR-08.toml", 'id = "value"', 'id = "value" oops')
    (place / "CTX-01.toml").write_bytes(b'id = "caf\xe9"')
    (place / "CAP-05.toml").unlink()
    shutil.copy(place / "DET-01.toml", place / "DET-11.toml")
    edit(folder / "rules.toml", 'left = "COMP-09.value"', 'left = "COMP-09.valeu"')
    edit(folder / "rules.toml", 'when = "GOV-03.value == dormant"', 'when = "GOV-03.value == dorment"')
    expected = [
        (
            'indicators/GOV-08.toml: direction: "ambigous" is not allowed; write one of up, down, ambiguous, neutral.'
            ' Did you mean "ambiguous"?'
        ),
        'indicators/COMP-02.toml: measur: this key is not known. Did you mean "measure"?',
        "indicators/COMP-02.toml: measure: this entry is missing; add it.",
        'indicators/DET-02.toml: id: the indicator is "DET-03"; name the file DET-03.toml.',
        'indicators/GOV-02.toml: parts "value" options "own" label.nl: this entry is missing; add it.',
        'indicators/TRU-01.toml: parts "value" minimum: write a number.',
        "indicators/HAR-08.toml: this is not valid TOML",
        "indicators/CTX-01.toml: this is not a UTF-8 text file",
        "framework.toml: indicators: there is no file indicators/CAP-05.toml",
        'indicators/DET-11.toml: "DET-11" is not in the list of framework.toml',
        (
            'rules.toml: rule "rule.social_above_all_meetings" left: COMP-09 has no part "valeu"; it has value.'
            ' Did you mean "value"?'
        ),
        (
            'rules.toml: rule "rule.dormant_with_meetings" when: "dorment" is not an answer to GOV-03.value;'
            ' write one of active, dormant, none. Did you mean "dormant"?'
        ),
    ]
    faults = faults_of(folder)
    missing = [start for start in expected if not any(fault.startswith(start) for fault in faults)]
    assert not missing, "\n".join(faults)
    # the copy of DET-01 under another name is the one further fault
    assert len(faults) == len(expected) + 1


def test_a_rule_on_an_unreadable_indicator_is_not_blamed(folder):
    edit(folder / "indicators" / "COMP-09.toml", 'chain = "output"', 'chain = "outputt"')
    assert len(faults_of(folder)) == 1


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('left = "COMP-02.numerator"', 'left = "COMP-2.numerator"', "is not a field or a number"),
        ('left = "COMP-02.numerator"', 'left = "COMP-99.numerator"', 'there is no indicator "COMP-99"'),
        ('left = "COMP-02.numerator"', 'left = "GOV-03.value"', "is a choice and cannot be added"),
        ('when = "GOV-03.value == dormant"', 'when = "GOV-03.value"', "is not a condition"),
        ('when = "GOV-03.value == dormant"', 'when = "GOV-08.case == 3"', "a condition needs a choice"),
        ('when = "GOV-03.value == dormant"', 'when = "GOV-33.value == dormant"', 'there is no indicator "GOV-33"'),
        ('op = "<="', 'op = "<"', '"<" is not allowed; write one of <=, >=, =='),
        ('code = "rule.attended_above_invited"', 'code = "attended"', "has the wrong form"),
        ('severity = "error"', 'severity = "error"\nnote = "x"', '_above_invited" note: this key is not'),
    ],
)  # fmt: skip
def test_faults_of_rules(folder, old, new, sentence):
    edit(folder / "rules.toml", old, new)
    assert any(sentence in fault for fault in faults_of(folder))


def test_empty_folder_says_what_is_missing(tmp_path):
    faults = faults_of(tmp_path)
    assert any("framework.toml: this file is missing" in fault for fault in faults)
    assert any("indicators: this folder is missing" in fault for fault in faults)


def test_twice_listed(folder):
    edit(folder / "framework.toml", '"GOV-02", ', '"GOV-02", "GOV-02", ')
    assert any("twice" in fault for fault in faults_of(folder))
