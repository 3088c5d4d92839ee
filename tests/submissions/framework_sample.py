"""A small framework for these tests, one part of every type."""

from evaltoolkit.framework.indicator import Framework


def texts(word):
    one = dict.fromkeys(("name", "definition", "counted", "not_counted", "pitfalls", "unit"), word)
    return dict.fromkeys(("nl", "fr", "de", "en"), one)


def label(word):
    return dict.fromkeys(("nl", "fr", "de", "en"), word)


def indicator(name, parts, **other):
    defaults = {
        "dimension": name[:3] if name[:4] not in ("COMP", "INFO", "CASE", "PREV") else name[:4],
        "measure": "process",
        "chain": "output",
        "level": "municipality",
        "source": "form",
        "value": "none",
        "conversion": "agree",
        "direction": "neutral",
        "sensitivity": "none",
        "did": "yes",
        "text": texts(name),
    }
    return {**defaults, "id": name, "parts": parts, **other}


def part(name, kind, **other):
    return {"id": name, "type": kind, "label": label(f"{name} ({kind})"), **other}


def option(code, nl, fr, de, en):
    return {"code": code, "label": {"nl": nl, "fr": fr, "de": de, "en": en}}


ROLES = (
    option("mayor", "Burgemeester", "Bourgmestre", "Bürgermeister", "Mayor"),
    option("police", "Lokale politie", "Police locale", "Lokale Polizei", "Local police"),
)


STARTER = ("GOV-08", "GOV-02", "CAP-01", "CAP-05", "COMP-01")


def sample_framework():
    return Framework.model_validate(
        {
            "name": "sample",
            "version": "1",
            "indicators": [
                indicator("GOV-08", [part("total", "count"), part("case", "count"), part("strategic", "count")]),
                indicator("GOV-02", [part("active", "yes_no")]),
                indicator("CAP-01", [part("hours", "number", maximum=2000)]),
                indicator("CAP-05", [part("end", "month")]),
                indicator("COMP-01", [part("members", "multi", options=ROLES), part("chair", "choice", options=ROLES)]),
                indicator(
                    "TRU-01",
                    [part("share", "score", minimum=0, maximum=1), part("n", "count"), part("design_effect", "number")],
                    value="single",
                    conversion="mean",
                    source="resident_survey",
                ),
            ],
            "forms": {"starter": {"label": label("Starter"), "indicators": STARTER}},
            "rules": [
                {
                    "code": "rule.meetings_add_up",
                    "severity": "error",
                    "left": "GOV-08.case + GOV-08.strategic",
                    "op": "<=",
                    "right": "GOV-08.total",
                },
                {
                    "code": "rule.active_meets",
                    "severity": "question",
                    "left": "GOV-08.total",
                    "op": ">=",
                    "right": "1",
                    "when": "GOV-02.active == 1",
                },
            ],
        }
    )
