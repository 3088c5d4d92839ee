"""The book's numbers come from the toolkit: another default there, another number here."""

import shutil

import gates
import mini
import pytest

pytestmark = pytest.mark.book

POLICY = mini.POLICY + "\nFrom {number}`TRU-01.low` to {number}`TRU-01.high` points.\n"
CHAPTER = mini.CHAPTER.replace(
    "len(et.simulate_world(1).cells) > 0",
    """world = et.simulate_world(1)
panel = et.build_panel(et.world_values(world), et.load_framework("livc-r"), membership=world.membership)
design = et.design(panel, "COMP-09", treated_from=et.world_roster(world), action="coaching")
et.estimate(design).aggregate("overall").to_frame()[["conf_low", "conf_high"]]""",
)


def shown(site):
    policy = [float(node.contents[0]) for node in gates.soup(site / "policymakers/page.html").select(".figure-of-demo")]
    chapter = [float(cell.get_text()) for cell in gates.soup(site / "evaluators/page.html").select("tbody td")]
    return policy, chapter


def test_another_default_gives_another_number(tmp_path):
    other = tmp_path / "other"
    shutil.copytree(mini.ROOT / "evaltoolkit", other / "evaltoolkit", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("plans/plan.py", "effects/effects.py"):
        path = other / "evaltoolkit" / name
        text = path.read_text(encoding="utf-8")
        assert "= 0.95" in text
        path.write_text(text.replace("= 0.95", "= 0.80"), encoding="utf-8")
    results = []
    for place, package in (("now", None), ("then", other)):
        (tmp_path / place).mkdir()
        status, said, site = mini.build(
            mini.write_book(tmp_path / place, policy=POLICY, chapter=CHAPTER), package=package
        )
        assert status == 0, said
        results.append(shown(site))
    for now, then in zip(*results, strict=True):
        assert len(now) == 2
        # a lower level makes narrower intervals around the same estimate
        assert now[0] < then[0] < then[1] < now[1]
