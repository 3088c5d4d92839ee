"""Forms, derived measures, composites and platform names of the packaged framework."""

import re

import pytest

from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.framework.lint import SEED_FACTS, lint_framework
from evaltoolkit.framework.load import load_framework
from evaltoolkit.framework.presets import list_presets, rename_platform
from evaltoolkit.i18n import LANGUAGES

# the eight measures of the core that nobody is asked for
JOINED = {"COH-01", "TRU-01", "HAR-01", "RGT-07", "CTX-01", "CTX-04", "CTX-05", "CTX-06"}


@pytest.fixture(scope="module")
def framework():
    return load_framework()


def test_the_forms_hold_what_their_names_promise(framework):
    sizes = {name: (len(framework.set(name)), len(framework.form(name))) for name in framework.form_names}
    assert sizes["starter"] == (15, 15)
    assert sizes["core"] == (40, 32)
    assert sizes["full"][0] == len(framework.indicators) >= 92
    assert {i.id for i in framework.set("core")} - {i.id for i in framework.form("core")} == JOINED
    starter, core = ({i.id for i in framework.set(name)} for name in ("starter", "core"))
    assert starter < core


def test_the_primary_outcome_is_asked_of_everyone(framework):
    """Who is compared must give the outcome too: meetings with a social-prevention partner stand in every form."""
    for name in framework.form_names:
        assert "COMP-09" in {i.id for i in framework.form(name)}


def test_an_unknown_form_names_the_nearest(framework):
    with pytest.raises(EvaltoolkitError, match=r'no form "startr".*Did you mean "starter"'):
        framework.form("startr")


def test_every_seed_fact_and_every_module_is_reached(framework):
    assert {fact for i in framework.indicators for fact in i.seed_facts} == SEED_FACTS
    assert {module for i in framework.indicators for module in i.emmascan} == set(range(1, 8))


def test_lint_finds_nothing(framework):
    assert lint_framework(framework) == ()


def test_small_counts_on_forms_are_banded_or_need_an_agreement(framework):
    asked = [i for i in framework.form("full") if i.sensitivity in ("small_cells", "high")]
    assert {i.entry for i in asked} == {"banded", "agreement"}
    # what small places are asked without an agreement holds no exact count about persons
    for form in ("starter", "evaluation"):
        assert all(i.entry != "agreement" for i in framework.form(form))


@pytest.mark.parametrize("platform", sorted(list_presets()))
def test_a_platform_keeps_ids_and_codes_and_leaves_no_belgian_name(framework, platform):
    renamed = load_framework(f"livc-r-{platform}")
    assert renamed == rename_platform(framework, platform)
    assert [i.id for i in renamed.indicators] == [i.id for i in framework.indicators]
    for old, new in zip(framework.indicators, renamed.indicators, strict=True):
        assert [p.model_dump(exclude={"label", "options"}) for p in old.parts] == [
            p.model_dump(exclude={"label", "options"}) for p in new.parts
        ]
    for language in LANGUAGES:
        said = " ".join(text for i in renamed.indicators for text in i.text.in_(language).model_dump().values())
        assert not re.search(r"(LIVC|CSIL)-R", said)
        assert list_presets()[platform].names.in_(language) in said


def test_an_unknown_platform_is_named():
    with pytest.raises(EvaltoolkitError, match='no platform "be"'):
        load_framework("livc-r-be")


def test_platforms_are_those_of_six_countries():
    assert set(list_presets()) == {"nl", "uk", "dk", "fi", "de", "fr"}
