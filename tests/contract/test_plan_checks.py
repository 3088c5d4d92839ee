"""A plan names checks; plans and checks stand on one floor, so that only a test can compare them."""

from typing import get_args

from evaltoolkit.checks.registry import list_checks
from evaltoolkit.evaluations.facts import GRADING
from evaltoolkit.i18n import LANGUAGES, words
from evaltoolkit.plans.plan import CheckName


def test_a_plan_knows_every_check_and_no_other():
    assert sorted(get_args(CheckName)) == sorted(list_checks())
    assert set(list_checks()) >= GRADING


def test_every_check_has_a_name_for_the_page_of_the_plan():
    for language in LANGUAGES:
        names = [words(language).say(f"preanalysis.check.{name}") for name in list_checks()]
        assert len(set(names)) == len(names)
