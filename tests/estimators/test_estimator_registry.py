import dataclasses
import subprocess
import sys

import numpy as np
import pytest
from small_designs import simulate

from evaltoolkit.estimators.registry import estimate, list_estimators
from evaltoolkit.findings import EvaltoolkitError


def test_estimators_are_found_by_being_there():
    assert {"group_time", "two_way"} <= set(list_estimators())
    assert all(name == one.name for name, one in list_estimators().items())


def test_wrong_words_get_the_nearest_right_one():
    design = simulate()
    with pytest.raises(EvaltoolkitError, match=r'no estimation method "group-time".*Did you mean "group_time"'):
        estimate(design, "group-time")
    with pytest.raises(EvaltoolkitError, match=r'no option "adjst".*Did you mean "adjust"'):
        estimate(design, adjst="dr")
    with pytest.raises(EvaltoolkitError, match=r'cannot be "never".*Allowed: "varying", "universal"'):
        estimate(design, base="never")


def test_a_stack_is_refused_with_advice():
    design = simulate()
    stack = dataclasses.replace(design, outcome=np.stack([design.outcome] * 2, axis=2))
    with pytest.raises(EvaltoolkitError, match=r"60x5x2.*estimate_each"):
        estimate(stack)


def test_registry_stays_light():
    code = (
        "import sys; from evaltoolkit.estimators.registry import list_estimators; list_estimators();"
        "print([m for m in ('linearmodels', 'scipy.stats', 'statsmodels', 'matplotlib') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
