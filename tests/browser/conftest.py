import shutil
import sys
from pathlib import Path

import pytest

from evaltoolkit.findings import Finding, Where
from evaltoolkit.i18n import LANGUAGES
from evaltoolkit.plans.study import read_study
from evaltoolkit.reports.findings_page import write_findings
from evaltoolkit.reports.pages import write_report
from evaltoolkit.reports.power_page import study_power, write_power_page

# the sample evaluation of the reports' own tests
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "reports"))

STUDY = Path(__file__).resolve().parents[2] / "examples" / "study.toml"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


@pytest.fixture(scope="session")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def pages(tmp_path_factory):
    """Report, findings page and power page in every language: (kind, language) -> path."""
    from report_sample import make_evaluation

    folder = tmp_path_factory.mktemp("pages")
    evaluation = make_evaluation()
    facts = {"left": 5, "right": 4}
    findings = [
        Finding(
            "rule.attended_above_invited", "error", Where(f"{n}_gemeente.xlsx", "Formulier", "D6", "COMP-02"), facts
        )
        for n in range(5)
    ]
    reports = {("report", one): write_report(evaluation, folder, language=one) for one in LANGUAGES}
    found = study_power(read_study(STUDY), draws=100)
    power = {("power", one): write_power_page(found, folder / f"power_{one}.html", language=one) for one in LANGUAGES}
    return (
        reports
        | power
        | {
            ("findings", one): write_findings(findings, folder / f"findings_{one}.html", language=one)
            for one in LANGUAGES
        }
    )
