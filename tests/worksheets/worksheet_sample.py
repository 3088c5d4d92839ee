"""Small worksheets for the tests."""

import datetime as dt

from evaltoolkit.worksheets.worksheet import Claim, Test, Worksheet

STATED, LOOKED = dt.date(2026, 1, 12), dt.date(2026, 2, 16)


def make_test(name="t", if_true="almost_certain", if_rival="hardly_ever", evidence="found", **more):
    """A test; looked at after it was written down, in a source of its own, unless said otherwise."""
    given = {"id": name, "expectation": f"Trace {name}.", "rivals": (1,), "stated_on": STATED, "evidence": evidence}
    if evidence != "not_looked":
        given |= {"looked_on": LOOKED, "source": "minutes", "source_group": name}
    return Test.model_validate(given | {"if_true": if_true, "if_rival": if_rival} | more)


def make_claim(*tests, rivals=("Something else.",), **more):
    given = {"id": "c", "step": "1", "statement": "It helped.", "rivals": rivals, "tests": tests}
    return Claim.model_validate(given | more)


def make_worksheet(*claims, **more):
    given = {"unit": "Nergenshove", "period": "2022-2025", "question": "Did it help?", "claims": claims}
    return Worksheet.model_validate(given | more)
