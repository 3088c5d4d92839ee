"""Faults of a framework in a folder: each with its file, its entry and what to do."""

import shutil
from importlib import resources

import jsonschema
import pytest

from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.framework.lint_folder import lint_folder
from evaltoolkit.framework.load import load_framework
from evaltoolkit.framework.schema import DIALECT, KINDS, framework_schema

LIVC = load_framework("livc-r")
CHANGE = """[[changes]]
version = 2
period = "2027"
note = { nl = "a", fr = "b", de = "c", en = "d" }

[text.nl]"""
# file, what is replaced by what, the place and the beginning of the remedy that must be named
PLANTED = [
    ("framework.toml", 'name = "livc-r"', "", "framework.toml: name: this entry is missing; add it"),
    ("framework.toml", '"GOV-02", ', '"GOV-02", "GOV-02", ', "framework.toml: indicators: "),
    ("rules.toml", 'op = "<="', 'op = "<"', "rules.toml: rules"),
    ("rules.toml", '"rule.attended_above_invited"', '"rule.own"', "rules.toml: rule.own: there is no sentence for nl"),
    ("rules.toml", '"rule.attended_above_invited"', '"rule.trained_above_members"', "rules.toml: rule.trained"),
    ("rules.toml", 'left = "COMP-02.numerator"', 'left = "COMP-02.part"', 'rules.toml: rule "rule.attended_above'),
    ("composites.toml", 'indicator = "GOV-03"', 'indicator = "GOV-33"', 'composites.toml: composite "fidelity"'),
    ("indicators/GOV-08.toml", 'did = "', 'do = "', "indicators/GOV-08.toml: do: this key is not known"),
    ("indicators/CASE-01.toml", 'entry = "banded"', 'entry = "open"', "indicators/CASE-01.toml: entry: small counts"),
    ("indicators/CASE-03.toml", 'entry = "agreement"', 'entry = "banded"', "indicators/CASE-03.toml: entry: a banded"),
    ("indicators/GOV-08.toml", "[text.nl]", CHANGE, "indicators/GOV-08.toml: version: 1 needs 0 entries"),
    ("indicators/GOV-08.toml", "[text.nl]", "[text.nl]\nuse = '…'", "indicators/GOV-08.toml: text.nl.use: "),
]


@pytest.fixture
def folder(tmp_path):
    source = resources.files("evaltoolkit") / "data" / "framework" / "livc_r"
    shutil.copytree(str(source), tmp_path / "own")
    return tmp_path / "own"


def test_the_framework_that_comes_along_has_no_faults(folder):
    assert lint_folder("livc-r") == ()
    assert lint_folder(folder) == ()


@pytest.mark.parametrize(("file", "old", "new", "start"), PLANTED, ids=[entry[3][:40] for entry in PLANTED])
def test_each_planted_defect_is_found_with_file_and_entry(folder, file, old, new, start):
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    if "use = " in new:
        # the text that is there gives way
        head, _, rest = text.partition(old)
        kept = [line for line in rest.partition("[text.fr]")[0].splitlines() if not line.startswith("use")]
        text = head + old + "\n".join(kept) + "\n[text.fr]" + rest.partition("[text.fr]")[2]
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    faults = lint_folder(folder)
    assert any(fault.startswith(start) for fault in faults), faults
    # what was not touched is not blamed
    assert all(fault.startswith(file) for fault in faults), faults


def test_unknown_folder_is_no_fault_of_a_framework():
    with pytest.raises(EvaltoolkitError, match="There is no framework"):
        lint_folder("nowhere")


def test_schema_accepts_every_indicator_rule_and_composite():
    for kind in KINDS:
        schema = framework_schema(kind)
        assert schema["$schema"] == DIALECT
        jsonschema.Draft202012Validator.check_schema(schema)
    check = jsonschema.Draft202012Validator(framework_schema("indicator"))
    for indicator in LIVC.indicators:
        check.validate(indicator.model_dump(mode="json"))
    rules = {"rules": [rule.model_dump(mode="json") for rule in LIVC.rules]}
    jsonschema.Draft202012Validator(framework_schema("rules")).validate(rules)
    composites = {"composites": [one.model_dump(mode="json") for one in LIVC.composites]}
    jsonschema.Draft202012Validator(framework_schema("composites")).validate(composites)


@pytest.mark.parametrize(
    "change",
    [{"direction": "ambigous"}, {"measur": "process"}, {"parts": []}, {"id": "gov-8"}, {"text": {}}],
)
def test_schema_refuses_what_the_loader_refuses(change):
    data = LIVC.by_id["GOV-08"].model_dump(mode="json") | change
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(framework_schema("indicator")).validate(data)


def test_schema_says_what_an_entry_is():
    entries = framework_schema("indicator")["properties"]
    assert entries["direction"]["enum"] == ["up", "down", "ambiguous", "neutral"]
    assert entries["emmascan"]["description"] == "Modules of EMMASCAN"
    with pytest.raises(EvaltoolkitError, match='Did you mean "rules"'):
        framework_schema("rule")
