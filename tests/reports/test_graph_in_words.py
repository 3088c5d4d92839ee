"""Graph and data in words and as a drawing, in four languages."""

import io
import re
import string
from importlib import resources
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from babel.messages.pofile import read_po

from evaltoolkit.evaluations.causal import GraphAnswer
from evaltoolkit.evaluations.inputs import Inputs
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.framework.load import load_framework
from evaltoolkit.graphs.evidence import Evidence, hold_against_data
from evaltoolkit.graphs.graph import ACTION, OUTCOME, read_graph
from evaltoolkit.graphs.identify import REFUSED, Refusal, identify_change
from evaltoolkit.i18n import LANGUAGES
from evaltoolkit.plans.plan import Plan
from evaltoolkit.plans.reading import PlanFile
from evaltoolkit.reports import graphviz
from evaltoolkit.reports.causal import graph_prose, say_graph, say_refusal
from evaltoolkit.reports.graph_figure import draw_graph, write_graph

SVG = "{http://www.w3.org/2000/svg}"
EDGES = [
    "size -> action",
    "size -> outcome",
    "action -> met",
    "met -> outcome",
    "habit -> action",
    "habit -> outcome",
    "action -> seen",
    "outcome -> seen",
    "outcome -> told",
    "past -> action",
    "past -> outcome",
]
NODES = {"size": "log(CTX-01)", "met": "COMP-09", "seen": "DET-01", "told": "DET-05", "past": "GOV-02"}
CATALOGUES = {
    language: {
        message.id: message.string
        for message in read_po(
            io.BytesIO((resources.files("evaltoolkit") / "data" / "locale" / language / "graph.po").read_bytes())
        )
        if message.id
    }
    for language in LANGUAGES
}


def plan(covariates, **graph):
    words = {"title": "Titel <&>", "question": "q", "action": "Begeleiding", "nodes": {"habit": "Gewoonte"}}
    return Plan.model_validate(
        {
            "title": "Coaching <&>",
            "question": "q",
            "data": {"panel": "own.csv", "treated_from": "first"},
            "treatment": {"action": "coaching", "assignment": "voluntary", "decided_by": "c", "why_then": "w"},
            "outcomes": [{"indicator": "TRU-01", "role": "primary", "smallest_relevant": 0.05}],
            "theory_of_change": ['Cells "meet".', "Residents notice."],
            "rival_explanations": ["A campaign."],
            "estimation": {"covariates": covariates},
            "graph": {"edges": EDGES, "nodes": NODES, **graph},
            "translations": {"nl": words},
        }
    )


def answer_of(covariates=("log(CTX-01)", "COMP-09", "DET-01", "DET-05"), frame=None, **graph):
    drawn = plan(covariates, **graph)
    causal = read_graph(EDGES, NODES, covariates=covariates, **graph)
    found = identify_change(causal, covariates)
    evidence = () if frame is None else (hold_against_data(causal, ["size"], frame, outcome="TRU-01"),)
    inputs = Inputs(PlanFile(drawn, None, ""), load_framework("livc-r"), pd.DataFrame(), None, None, None, ())
    return GraphAnswer(causal, found, evidence, inputs)


def frame_of(gap=0.5, leak=0.0, n=200):
    rng = np.random.default_rng(6)
    size, past = rng.normal(size=n), rng.normal(size=n)
    action = (rng.random(n) < 0.4).astype(int)
    table = {
        ACTION: action,
        "size": size + gap * action,
        OUTCOME: size + leak * past + rng.normal(size=n),
        "past": past,
    }
    return pd.DataFrame(table, index=[f"u{i}" for i in range(n)])


def placeholders(text):
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_sentence_with_the_same_placeholders(language):
    assert CATALOGUES[language].keys() == CATALOGUES["en"].keys()
    for code, text in CATALOGUES[language].items():
        assert placeholders(text) == placeholders(CATALOGUES["en"][code]), code
        assert text.strip()
    same = [code for code, text in CATALOGUES[language].items() if text == CATALOGUES["en"][code]]
    assert language == "en" or same == []
    assert not re.search(
        r"bewijs|bewez|prouv|preuve|beweis|bewies|\bprov(e|es|en)\b", str(CATALOGUES[language]).lower()
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_refused_covariates_are_told_with_reason_and_remedy(language):
    lines = say_graph(answer_of(), language)
    text = "\n".join(lines)
    assert "{" not in text
    say = graph_prose(answer_of(), language)
    assert say.node("met") in text
    assert f"→ {say.node('met')} →" in text
    assert "_" not in say.node("habit")
    # three refusals, each with what to do
    assert sum(line.startswith("  ") for line in lines) == 3


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_refusal_has_its_two_sentences(language):
    names = graph_prose(answer_of(), language)
    facts = {
        "covariate": "COMP-09",
        "node": "met",
        "path": "action -> met <- outcome",
        "rows": 180,
        "units": 60,
        "share": 75,
    }
    for kind in (*REFUSED, "measured_late", "unit_period", "no_overlap"):
        why, instead = say_refusal(Refusal(f"graph.refused.{kind}", facts), names)
        assert why.endswith(".")
        assert instead.strip().endswith(".")
        assert "{" not in why + instead


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_data_say(language):
    def told(**changes):
        return "\n".join(say_graph(answer_of(["log(CTX-01)"], level_only=["past", "habit"], **changes), language))

    saturated = Evidence("saturated", outcome="TRU-01")
    texts = {
        "none": told(),
        "holds": told(frame=frame_of()),
        "fails": told(frame=frame_of(leak=1.0)),
        "apart": told(frame=frame_of(gap=20.0)),
        "long": told(frame=pd.concat([frame_of()] * 2)),
    }
    names = graph_prose(answer_of(), language)
    assert names.prose.say("graph.evidence.none") in texts["none"]
    assert all(names.prose.say("graph.evidence.none") not in text for key, text in texts.items() if key != "none")
    assert names.node("past") in texts["fails"].split(CATALOGUES[language]["graph.claims.fails"][:25])[1]
    assert "100\u00a0%" in texts["apart"]
    assert "400" in texts["long"]
    assert len(set(texts.values())) == len(texts)
    sat = answer_of(["log(CTX-01)"])
    sat = GraphAnswer(sat.graph, sat.identification, (saturated,), sat.inputs)
    assert names.prose.say("graph.claims.saturated") in say_graph(sat, language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_drawing_says_in_words_what_it_shows(language):
    answer = answer_of()
    root = ET.fromstring(draw_graph(answer, language))
    names = graph_prose(answer, language)
    assert root.get("role") == "img"
    assert root.get("lang") == language
    labelled = [root.find(f".//*[@id='{code}']") for code in root.get("aria-labelledby").split()]
    assert [one.tag for one in labelled] == [f"{SVG}title", f"{SVG}desc"]
    assert len(root.findall(f".//{SVG}title")) == 1
    described = labelled[1].text
    for sentence in say_graph(answer, language)[:2]:
        assert sentence in described
    for edge in EDGES:
        cause, effect = edge.split(" -> ")
        assert f"{names.node(cause)} → {names.node(effect)}" in described
    assert "Residents notice" in described
    assert "A campaign" in described
    drawn = " ".join(text.text for text in root.iter(f"{SVG}text"))
    for code in ("not_measured", "refused.mediator", "refused.collider", "refused.outcome_descendant", "rival"):
        assert all(word in drawn for word in names.prose.say(f"graph.figure.{code}").split(" "))
    assert names.prose.say("report.plan.theory") in drawn
    assert 'Cells "meet".' in drawn


def test_the_plan_names_nodes_in_other_languages():
    answer = answer_of()
    dutch, english = graph_prose(answer, "nl"), graph_prose(answer, "en")
    assert (dutch.node("habit"), english.node("habit")) == ("Gewoonte", "habit")
    assert (dutch.node("action"), english.node("action")) == ("Begeleiding", "coaching")
    assert dutch.path("action <- habit -> outcome").startswith("Begeleiding ← Gewoonte → Verandering")
    assert "Titel &lt;&amp;&gt;" in draw_graph(answer, "nl")


def test_the_same_bytes_every_time_and_a_folder_is_made(tmp_path):
    first = write_graph(answer_of(), tmp_path / "new" / "a.svg", language="fr").read_bytes()
    assert write_graph(answer_of(), tmp_path / "b.svg", language="fr").read_bytes() == first
    # nothing in it runs or is fetched
    assert not re.search(rb"<script|href|url\(|@import|<!--", first)


def test_without_graphviz_the_message_says_what_to_do(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(EvaltoolkitError, match="install the package graphviz"):
        draw_graph(answer_of(), "en")


def test_a_drawing_that_graphviz_refuses():
    with pytest.raises(EvaltoolkitError, match="could not draw"):
        graphviz.run_dot("digraph {")


def test_labels_hold_any_text():
    assert graphviz.dot_label('a "b" \\n', "", "c") == '"a \\"b\\" \\\\n\\nc\\n"'
    graphviz.run_dot(f"digraph {{ a [label={graphviz.dot_label('x; } ] <b> & é')}]; }}")
