"""Every registered check: right in a clean world, wrong in a broken one, and said in four languages."""

import importlib.util
import re
from dataclasses import replace
from functools import cache
from importlib import resources
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from babel.messages.pofile import read_po

from evaltoolkit.checks.registry import check, list_checks
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.framework.periods import Period
from evaltoolkit.i18n import LANGUAGES, words
from evaltoolkit.panels.panel import Panel

_SPEC = importlib.util.spec_from_file_location(
    "check_worlds", Path(__file__).resolve().parents[1] / "checks" / "conftest.py"
)
_WORLDS = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_WORLDS)
world = _WORLDS.simulate


def panel_with(design, **columns):
    import pandas as pd

    labels = [f"{time:.0f}" for time in design.times]
    index = pd.MultiIndex.from_product([design.units, labels], names=["unit", "period"])
    data = pd.DataFrame({"Y": design.outcome.ravel()}, index=index)
    if "status" in columns:
        data["Y.status"] = columns["status"].ravel()
    units = pd.DataFrame({"name": design.units}, index=pd.Index(design.units, name="unit"))
    if "merged" in columns:
        units["merged"] = columns["merged"]
    return Panel(data, tuple(Period.parse(label) for label in labels), "municipality", units)


def statuses(design, rows):
    status = np.full(design.outcome.shape, "registered", dtype=object)
    before = design.times < np.where(np.isfinite(design.cohort), design.cohort, 2022.0)[:, None]
    status[rows] = np.where(before[rows], "reconstructed", "registered")
    return status


def giant():
    outcome = world(effect=0.0, noise=0.3).outcome.copy()
    outcome[0, 3:] += 300.0
    return outcome


def silent():
    outcome = world().outcome.copy()
    outcome[60:90, 2:] = np.nan
    return outcome


def shifted(rows, by):
    design = world()
    return np.where(statuses(design, rows) == "reconstructed", design.outcome + by, design.outcome)


_CARRIED = {"n": 300, "n_treated": 20, "effect": -0.5, "noise": 0.3}


def carried():
    outcome = world(**_CARRIED).outcome.copy()
    outcome[0, 4:] += 100.0
    return outcome


_CLEAN = world()
_SOME, _MERGED = np.arange(0, 160, 4), np.arange(160) < 20
_SIGNALS = SimpleNamespace(reporting="detection")
_JUMP = world(outcome=_CLEAN.outcome + 9.0 * (_MERGED[:, None] & (_CLEAN.times >= 2023)))
_SHIFTED = world(outcome=shifted(np.arange(30), -6.0))
# check -> (clean design, its context), (broken design, its context)
WORLDS = {
    "pretrends": ((_CLEAN, {"smallest_relevant": 2.0}), (world(drift=0.6), {"smallest_relevant": 2.0})),
    "leave_one_out": ((_CLEAN, {}), (world(outcome=giant()), {})),
    "response": ((_CLEAN, {}), (world(outcome=silent()), {})),
    "reporting": (
        (world(effect=3.0), {"indicator": _SIGNALS, "detection_range": (1.0, 1.1)}),
        (world(effect=3.0), {"indicator": _SIGNALS, "detection_range": (1.0, 1.6)}),
    ),
    "reconstructed": (
        (_CLEAN, {"panel": panel_with(_CLEAN, status=statuses(_CLEAN, _SOME))}),
        (_SHIFTED, {"panel": panel_with(_SHIFTED, status=statuses(_SHIFTED, np.arange(30)))}),
    ),
    "merged": (
        (_CLEAN, {"panel": panel_with(_CLEAN, merged=np.arange(160) % 8 == 0)}),
        (_JUMP, {"panel": panel_with(_JUMP, merged=_MERGED)}),
    ),
    "shared_cells": (
        (world(clusters=np.where(np.arange(160) % 8 == 0, "shared", _CLEAN.units)), {}),
        (replace(_JUMP, clusters=np.where(_MERGED, "shared", _JUMP.units)), {}),
    ),
    # without an effect, and with arms that have always moved apart: the difference is what they would have done anyhow
    "sensitivity": ((_CLEAN, {}), (world(effect=0.0, drift=0.6), {})),
    # all but one of the treated went the other way
    "refuters": ((_CLEAN, {"simulations": 99}), (world(**_CARRIED, outcome=carried()), {"simulations": 99})),
}
# a street: treated units border untreated ones, which border others
_STREET = {f"{i:05d}": [f"{i + 60:05d}"] for i in range(30)}


def displaced():
    start = np.full(160, np.inf)
    start[60:90] = _CLEAN.cohort[:30]
    return world(outcome=_CLEAN.outcome - 1.0 * (_CLEAN.times >= start[:, None]))


WORLDS["spillover"] = ((_CLEAN, {"neighbours": _STREET}), (displaced(), {"neighbours": _STREET}))


def delivered(share):
    import pandas as pd

    units = [f"{i:05d}" for i in range(60)]
    return pd.DataFrame({"unit": units, "action": "coaching", "planned_hours": 20.0, "hours": 20.0 * share})


WORLDS["agreement"] = ((_CLEAN, {}), (world(drift=0.6), {}))
_SOON = (_CLEAN.times >= _CLEAN.cohort[:, None] - 1) & (_CLEAN.times < _CLEAN.cohort[:, None])
WORLDS["anticipation"] = ((_CLEAN, {}), (world(outcome=_CLEAN.outcome + 1.0 * _SOON), {}))
_EARLY_SHOCK = np.arange(160) < 25
_SHOCKED = world(
    effect=0.0, outcome=_CLEAN.outcome + 3.0 * (_EARLY_SHOCK[:, None] & (_CLEAN.times >= _CLEAN.cohort[:, None]))
)


def with_shock(design, rows):
    panel = panel_with(design)
    flag = rows[:, None] & (design.times >= 2022)
    return {"panel": replace(panel, data=panel.data.assign(shock=flag.ravel() * 1.0)), "concurrent": ["shock"]}


WORLDS["concurrent"] = (
    (_CLEAN, with_shock(_CLEAN, np.arange(160) % 5 == 0)),
    (_SHOCKED, with_shock(_SHOCKED, _EARLY_SHOCK)),
)
WORLDS["fidelity"] = ((_CLEAN, {"roster": delivered(0.9)}), (_CLEAN, {"roster": delivered(0.3)}))
WORLDS["missing_answers"] = tuple((_WORLDS.silenced(broken=broken), {}) for broken in (False, True))
WORLDS["attrition"] = tuple((_WORLDS.left(broken=broken), {}) for broken in (False, True))
WORLDS["dormant"] = tuple(
    (design, {"panel": panel_with(design, status=status)})
    for design, status in (_WORLDS.asleep(broken=broken) for broken in (False, True))
)


def with_ages(move):
    """Mean age of those who answered, by unit and year; it moves in the treated arm from the start on."""
    rng = np.random.default_rng(12)
    after = _CLEAN.times >= _CLEAN.cohort[:, None]
    age = 45 + rng.normal(0, 2, (160, 1)) + rng.normal(0, 1, (160, 6)) + move * after
    panel = panel_with(_CLEAN)
    return {"panel": replace(panel, data=panel.data.assign(age=age.ravel())), "composition": ["age"]}


WORLDS["composition"] = ((_CLEAN, with_ages(0.0)), (_CLEAN, with_ages(2.0)))
NAMES = sorted(list_checks())


@cache
def run(name, broken):
    design, context = WORLDS[name][broken]
    return check(design, estimate(design), [name], **context)[0]


@pytest.mark.parametrize("name", NAMES)
def test_clean_passes_and_broken_fails(name):
    assert name in WORLDS, f"give a clean and a broken world for {name}"
    clean, broken = run(name, False), run(name, True)
    assert clean.verdict is True, clean.code
    assert broken.verdict is False, broken.code
    for one in (clean, broken):
        assert one.name == name
        assert one.code.startswith(f"check.{name}.")
        assert len(one.table) > 0


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_what_was_seen_can_be_said(name, language):
    say = words(language).say
    for one in (run(name, False), run(name, True)):
        for code in (one.assumption, one.code, one.did or f"check.{name}.did", f"check.{name}.blind"):
            assert "{" not in say(code, **one.facts)


def catalogue(language):
    path = resources.files("evaltoolkit") / "data" / "locale" / language / "checks.po"
    with path.open("rb") as file:
        messages = [message for message in read_po(file, locale=language) if message.id]
    texts = {}
    for message in messages:
        plural = isinstance(message.id, tuple)
        texts[message.id[0] if plural else message.id] = message.string if plural else (message.string,)
    return texts


def test_four_languages_have_the_same_messages_and_placeholders():
    reference = catalogue("en")
    for language in LANGUAGES:
        texts = catalogue(language)
        assert list(texts) == list(reference)
        for code, forms in texts.items():
            assert all(form.strip() for form in forms)
            expected = [set(re.findall(r"{(\w+)}", form)) for form in reference[code]]
            assert [set(re.findall(r"{(\w+)}", form)) for form in forms] == expected, f"{language} {code}"


def test_nothing_is_ever_said_to_be_proven():
    for language, word in {"nl": "bewij", "fr": "prouv", "de": "beweis", "en": "prove"}.items():
        # "improved" is another word
        said = " ".join(form.lower() for forms in catalogue(language).values() for form in forms)
        assert not re.search(rf"\b{word}", said)


def test_every_code_in_the_source_has_its_sentence():
    root = resources.files("evaltoolkit")
    files = [path for room in ("checks", "designs") for path in (root / room).iterdir() if path.name.endswith(".py")]
    pattern = re.compile(r'"((?:check|assumption|excluded|roster)\.[a-z_]+(?:\.[a-z_]+)?)"')
    found = {code for path in files for code in pattern.findall(path.read_text(encoding="utf-8"))}
    codes = {code for code in found if not code.endswith(".csv")}
    assert len(codes) > 25
    assert codes <= set(catalogue("en"))


def test_every_sentence_is_used():
    root = resources.files("evaltoolkit")
    source = "".join(
        path.read_text(encoding="utf-8")
        for room in ("checks", "designs")
        for path in (root / room).iterdir()
        if path.name.endswith(".py")
    )
    for code in catalogue("en"):
        ending = code.removesuffix(".remedy").split(".")[-1]
        assert ending in ("did", "blind") or f'"{ending}"' in source or f".{ending}" in source or ending in source, code
