"""The packages of the extra ``bench``, where they are installed, against every design of the stored study.

``make audit`` stores the outcome (tests/assurance/audit.csv), which is tested everywhere; here it is made again.
"""

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from audit_designs import random_design

from evaltoolkit.audit.audit import ENGINES, audit_design

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "assurance"))
import audit_study as study

OPTIONAL = [one for one in ENGINES if one.name != "linearmodels"]


@pytest.mark.peers
@pytest.mark.parametrize("engine", OPTIONAL, ids=lambda one: one.name)
@pytest.mark.parametrize("name", study.DESIGNS)
def test_every_difference_is_explained(engine, name):
    build, methods = study.DESIGNS[name]
    table = audit_design(build(), methods, engines=[engine])
    assert table.count("unexplained") == table.count("engine failed") == 0


@pytest.mark.parametrize("engine", ENGINES, ids=lambda one: one.name)
def test_versions_are_those_of_the_installed_package(engine):
    assert engine.installed == (importlib.util.find_spec(engine.module) is not None)
    assert bool(engine.version) == engine.installed


@pytest.mark.peers
@pytest.mark.parametrize("seed", range(10))
def test_whatever_a_design_has_the_peers_agree_or_it_is_explained(seed):
    table = audit_design(random_design(100 + seed), engines=OPTIONAL)
    assert table.count("unexplained") == table.count("engine failed") == 0


@pytest.mark.peers
def test_two_periods_of_anticipation_are_measured_from_the_period_before_them():
    design = replace(random_design(7), anticipation=2)
    table = audit_design(design, ["group_time"], engines=OPTIONAL)
    assert table.count("unexplained") == table.count("engine failed") == 0
    assert table.sound


@pytest.mark.parametrize("seed", range(10))
def test_whatever_a_design_has_nothing_is_unexplained(seed):
    table = audit_design(random_design(seed))
    assert table.count("unexplained") == table.count("engine failed") == 0
    assert table.sound
