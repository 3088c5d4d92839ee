"""The whole demonstration, once: it ends well, shows its truth, refuses what it must, and always says simulated."""

import contextlib
import html
import io
import json
import re

import openpyxl
import pytest

from evaltoolkit.cli import main
from evaltoolkit.i18n import LANGUAGES, words
from evaltoolkit.reports.findings_page import write_findings

SIMULATED = {"nl": "gesimuleerd", "fr": "simul", "de": "simulier", "en": "simulated"}


def text_of(page):
    body = re.sub(r"<(style|title)\b.*?</\1>", " ", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """Run the demonstration; return its folder and what it printed, on one line."""
    out = tmp_path_factory.mktemp("demo") / "demo"
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "200")
        with pytest.raises(SystemExit) as stopped:
            main(["demo", str(out)])
    assert not stopped.value.code
    return out, " ".join(printed.getvalue().split())


pytestmark = pytest.mark.slow


def test_every_part_is_there(demo):
    out, _ = demo
    assert {path.name for path in (out / "report").iterdir()} == {
        *(f"{page}_{language}.html" for page in ("council", "report") for language in LANGUAGES),
        "results.csv",
        "results.json",
    }
    assert len(list((out / "returned").rglob("*.xlsx"))) > 300
    assert (out / "evaluation.lock.json").exists()
    for language in LANGUAGES:
        page = text_of(out / "plan" / f"plan_{language}.html")
        assert SIMULATED[language] in page.lower()
        assert "15" in page.split(words(language).say("preanalysis.lock"))[-1]
        assert words(language).say("preanalysis.lock.changed") not in page


def test_one_question_is_refused_and_others_are_answered(demo):
    out, said = demo
    results = json.loads((out / "report" / "results.json").read_text(encoding="utf-8"))
    by_name = {outcome["outcome"]: outcome for outcome in results["outcomes"]}
    assert by_name["HAR-08"]["verdict"] == "refused"
    assert by_name["HAR-08"]["estimates"] == []
    assert "rare_outcome" in by_name["HAR-08"]["feasibility"]["rules"]
    assert by_name["DET-02"]["verdict"] not in ("improved", "worsened")
    assert {by_name[name]["stamp"] for name in ("TRU-01", "COMP-09", "RGT-07")} == {"confirmatory"}
    assert words("en").say("decision.do_not_run").split(".")[0] in said
    assert "HAR-08 │ not run" in said


def test_truth_stands_beside_the_estimates(demo):
    out, said = demo
    table = said.partition("known truth")[2]
    results = json.loads((out / "report" / "results.json").read_text(encoding="utf-8"))
    for name in ("TRU-01", "COMP-09", "RGT-07"):
        outcome = next(outcome for outcome in results["outcomes"] if outcome["outcome"] == name)
        overall = next(row for row in outcome["estimates"] if row["kind"] == "overall")
        cells = [cell.strip() for cell in table.partition(name)[2].split("│")[1:5]]
        estimate, interval, truth, verdict = cells
        assert float(estimate) == pytest.approx(overall["estimate"], rel=1e-3)
        assert interval == f"{overall['conf_low']:.4g} to {overall['conf_high']:.4g}"
        # seed 1 is fixed: its intervals hold the truth
        assert overall["conf_low"] < float(truth) < overall["conf_high"]
        assert verdict == outcome["verdict"]


def test_every_planted_fault_is_among_the_errors(demo):
    _, said = demo
    planted = int(re.search(r"(\d+) faults planted", said)[1])
    errors = int(re.search(r"values; (\d+) errors", said)[1])
    # of the faults one is a copy, which is no error
    assert errors == planted - 1 == 10


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_says_simulated(demo, language, tmp_path):
    out, said = demo
    assert SIMULATED[language] in text_of(out / "report" / f"report_{language}.html").lower()
    page = write_findings((), tmp_path / "findings.html", language=language, simulated=True)
    assert SIMULATED[language] in text_of(page).lower()
    assert SIMULATED["nl"] in text_of(out / "findings.html").lower()
    assert "simulated" in said.lower()


def test_every_file_of_the_demo_says_simulated(demo):
    out, _ = demo
    for name in ("evaluation.toml", "roster.csv", "portal/trust.toml", "report/results.json"):
        assert "simulated" in (out / name).read_text(encoding="utf-8").lower(), name
    for path in [*(out / "portal").glob("*.xlsx"), next((out / "returned" / "2024").glob("*.xlsx"))]:
        book = openpyxl.load_workbook(path, read_only=True)
        texts = [str(cell) for row in book.worksheets[0].iter_rows(values_only=True) for cell in row if cell]
        assert any("gesimuleerd" in text.lower() for text in texts), path.name


def test_again_into_the_same_folder_is_allowed_but_never_over_other_files(demo, tmp_path, capsys):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep", encoding="utf-8")
    with pytest.raises(SystemExit) as stopped:
        main(["demo", str(tmp_path / "mine")])
    assert stopped.value.code == 2
    assert "is not empty" in capsys.readouterr().err
    assert (tmp_path / "mine" / "notes.txt").read_text(encoding="utf-8") == "keep"
