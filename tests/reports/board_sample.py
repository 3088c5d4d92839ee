"""A store as collecting leaves it, made at once: two waves, every state of answer, findings, hostile text."""

import numpy as np
import pandas as pd

from evaltoolkit.findings import Finding, Where
from evaltoolkit.framework.load import load_framework
from evaltoolkit.submissions.store import Reading, StoredValue, open_store
from evaltoolkit.territory.municipalities import municipality_codes

FRAMEWORK = load_framework("livc-r")
FORM = FRAMEWORK.form("full")
# the only number of its kind in a store: wherever it stands, it came from an answer
MARKED = 918273
# what a hostile sender could type where the toolkit expects its own words
TYPED = "Jan Janssens 85.07.30-033.28 <img src=x onerror=alert(1)>"


def digest(number):
    return f"{number:064x}"


def finding(code, severity, unit, indicator="COMP-02", period="2025", file="form.xlsx", **facts):
    where = Where(file, "Form", "D7", indicator, unit, period)
    return Finding(code, severity, where, {"language": "nl", **facts})


def answers(indicators, period, rng, *, marked=False):
    """Answers of one respondent: mostly numbers, some reasons, some cells left empty."""
    for indicator in indicators:
        draw = rng.random()
        if draw < 0.06:
            continue
        status = "registered" if draw < 0.82 else str(rng.choice(["reconstructed", "DK", "NAP", "RF", "NR", "SUP"]))
        for part in indicator.parts:
            value, text = _answer(part, rng, marked=marked)
            if status not in ("registered", "reconstructed"):
                value, text = float("nan"), ""
            yield StoredValue(period, indicator.id, part.id, value, text, status, "Form", "D7", 1)


def _answer(part, rng, *, marked):
    if part.type in ("choice", "multi"):
        return float("nan"), str(rng.choice([option.code for option in part.options]))
    if part.type == "month":
        return float("nan"), "2021-03"
    if part.type == "yes_no":
        return float(rng.integers(2)), ""
    if marked:
        return float(MARKED), ""
    if part.id == "numerator":
        return float(rng.integers(5, 20)), ""
    return float(rng.integers(20, 40)), ""


def reading(number, unit, period, rng, *, state="accepted", findings=(), kind="municipality", marked=False, **other):
    given = () if state == "refused" else tuple(answers(FORM, period, rng, marked=marked))
    facts = {"members": (unit,), "vintage": "2025", "language": "nl", "answers": given, "findings": tuple(findings)}
    return Reading(digest(number), "livc-r 2.0", f"form_{number}.xlsx", state, kind, unit, period, **{**facts, **other})


def make_store(folder, *, n=60, seed=1, marked=False):
    """Make a store of ``n`` municipalities asked; returns their codes: answered, then late, refused, not yet.

    Of every twenty the last is not heard of, the one before sent a file that was refused, and the one before that
    answered on 2026-05-02, the others on 2026-03-01.
    """
    rng = np.random.default_rng(seed)
    codes = list(municipality_codes(2025)[:: max(1, 565 // n)][:n])
    batches = {"2026-03-01T10:00:00.000000+00:00": [], "2026-05-02T10:00:00.000000+00:00": []}
    early, late = batches
    for number, code in enumerate(codes):
        place = number % 20
        batches[early].append(reading(1000 + number, code, "2024", rng, marked=marked))
        if place == 19:
            continue
        if place == 18:
            refusal = finding("form.row_moved", "error", code, "")
            batches[early].append(reading(number, code, "2025", rng, state="refused", findings=[refusal]))
            continue
        found = []
        if place % 5 == 0:
            found.append(finding("value.above_maximum", "error", code, "GOV-08", value=MARKED, limit=400))
        if place % 4 == 0:
            found.append(finding("rule.attended_above_invited", "question", code, left=MARKED, right=4))
        if place % 7 == 0:
            found.append(finding("value.unlike_earlier", "question", code, "HAR-08", value=MARKED, usual=MARKED + 1))
        state = "open" if any(one.severity == "error" for one in found) else "accepted"
        one = reading(number, code, "2025", rng, state=state, findings=found, marked=marked)
        batches[late if place == 17 else early].append(one)
    hostile = finding("personal.national_number", "error", TYPED, "", file=TYPED)
    stranger = reading(5000, TYPED, "2025", rng, state="refused", kind="livc_r", findings=[hostile], members=(TYPED,))
    nobody = Reading(digest(5001), "livc-r 2.0", TYPED, "refused", findings=(finding("form.not_a_form", "error", ""),))
    batches[early] += [stranger, nobody]
    with open_store(folder) as store:
        for received, batch in batches.items():
            store.add([(one, b"") for one in batch], received)
    return codes


def respondents_of(codes):
    frame = pd.DataFrame({"unit": codes, "unit_kind": "municipality", "name": "", "members": codes, "language": "nl"})
    return frame.astype("str")


def roster_of(codes):
    states = ["treated", "never", "unknown"]
    rows = [(code, "coaching", states[number % 3]) for number, code in enumerate(codes) if number % 7]
    return pd.DataFrame(rows, columns=["unit", "action", "state"])
