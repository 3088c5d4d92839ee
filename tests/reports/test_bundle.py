import io
import json
import os
import shutil
import subprocess
import sys
import zipfile

import pytest
from bundle_sample import YEARS, _figures, fill_store, flemish_codes, lay_out_store, lay_out_table

from evaltoolkit.evaluations.run import run_plan
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.reports.bundle import write_bundle
from evaltoolkit.reports.bundle_check import verify_bundle
from evaltoolkit.reports.bundle_differences import compare_results
from evaltoolkit.reports.bundle_zip import pack, unpack


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A plan with an own table and its bundle."""
    folder = tmp_path_factory.mktemp("table")
    plan = lay_out_table(folder / "project")
    return plan, write_bundle(plan, folder / "b.zip")


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A plan with a store and its bundle."""
    folder = tmp_path_factory.mktemp("store")
    plan = lay_out_store(folder / "project")
    return plan, write_bundle(plan, folder / "b.zip")


@pytest.fixture
def copy(project, tmp_path):
    """The plan of a second copy of the project."""
    shutil.copytree(project[0].parents[1], tmp_path / "second")
    return tmp_path / "second" / "plan" / "evaluation.toml"


def repacked(bundle, out, change, *, listed=False):
    """Write a bundle in which some files were changed; ``listed`` also changes its list of contents."""
    opened = unpack(bundle)
    files, manifest = dict(opened.files), json.loads(json.dumps(opened.manifest))
    change(files, manifest)
    content = pack(manifest, files)
    if not listed:
        content = _with_manifest(content, {**manifest, "files": dict(opened.manifest["files"])})
    out.write_bytes(content)
    return out


def _with_manifest(content, manifest):
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            new.writestr(name, json.dumps(manifest) if name == "bundle.json" else old.read(name))
    return buffer.getvalue()


def told(found):
    return [str(one) for one in found.differences]


@pytest.mark.parametrize("kind", ["project", "stored"])
def test_done_again_from_the_bundle_alone(kind, request):
    found = verify_bundle(request.getfixturevalue(kind)[1])
    assert told(found) == []
    assert found.same
    assert found.rebuilt_from == "bundle"
    # estimates, event study, checks and their facts were there to be compared
    assert found.numbers > 150


def test_same_bytes_and_digits_in_a_second_copy(project, copy, tmp_path):
    elsewhere = tmp_path / "other folder"
    elsewhere.mkdir()
    env = {**os.environ, "TZ": "Pacific/Kiritimati", "LC_ALL": "C", "PYTHONHASHSEED": "7"}
    start = [sys.executable, "-m", "evaltoolkit", "evaluate", str(copy)]
    where = {"cwd": elsewhere, "env": env, "capture_output": True, "text": True}
    again = subprocess.run([*start, "--bundle", "again.zip", "-l", "fr"], check=False, **where)
    assert again.returncode == 0, again.stderr
    assert "keep it inside your organisation" in " ".join(again.stdout.split())
    assert (elsewhere / "again.zip").read_bytes() == project[1].read_bytes()
    checked = subprocess.run([*start, "--verify", str(project[1])], check=False, **where)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "the same in all ten digits" in " ".join(checked.stdout.split())


def test_a_changed_value_is_named(project, copy):
    table = copy.parents[1] / "data" / "meetings.csv"
    text = table.read_text(encoding="utf-8")
    (line,) = [row for row in text.splitlines() if row.startswith("P03,2022,")]
    number = int(line.split(",")[3])
    table.write_text(text.replace(line, line.replace(f",{number},", f",{number + 1},")), encoding="utf-8")
    found = verify_bundle(project[1], copy)
    assert not found.same
    inputs = [str(one) for one in found.differences if one.kind == "input"]
    assert inputs == [f"input  meetings, unit P03, 2022: then {number}, now {number + 1}"]
    kinds = {one.kind for one in found.differences}
    assert kinds == {"input", "digest", "result"}
    assert {one.where for one in found.differences if one.kind == "digest"} == {"inputs", "measure meetings"}
    overall = [one for one in found.differences if one.where == "meetings, group_time overall , estimate"]
    assert float(overall[0].now) != float(overall[0].then)
    # one of twenty treated units in one of three later years, one meeting more
    assert float(overall[0].now) - float(overall[0].then) == pytest.approx(1 / 60, rel=1e-6)


def test_a_changed_line_of_the_plan_is_named(project, copy):
    text = copy.read_text(encoding="utf-8")
    copy.write_text(text.replace("smallest_relevant = 2.5", "smallest_relevant = 2.75"), encoding="utf-8")
    found = verify_bundle(project[1], copy)
    assert "plan  outcomes.meetings.smallest_relevant: then 2.5, now 2.75" in told(found)
    assert not found.same
    copy.write_text(f"# a remark\n{text}", encoding="utf-8")
    assert verify_bundle(project[1], copy).same


def test_a_changed_digit_of_the_results_is_named(project, tmp_path):
    def change(files, manifest):
        document = json.loads(files["exact.json"])
        row = next(one for one in document["outcomes"][0]["estimates"] if one["kind"] == "overall")
        row["estimate"] = float(f"{row['estimate'] + 1e-8:.10g}")
        files["exact.json"] = json.dumps(document).encode()

    for listed in (False, True):
        found = verify_bundle(repacked(project[1], tmp_path / "b.zip", change, listed=listed))
        assert not found.same
        (result,) = [one for one in found.differences if one.kind == "result"]
        assert result.where == "meetings, group_time overall , estimate"
        assert float(result.then) - float(result.now) == pytest.approx(1e-8, rel=0.1)
        # whoever changes the list as well is found by the number alone
        assert ("file" in {one.kind for one in found.differences}) is not listed


def test_a_changed_input_inside_the_bundle_is_named(project, tmp_path):
    def change(files, manifest):
        files["project/data/meetings.csv"] = files["project/data/meetings.csv"].replace(
            b"P00,2018,2021,", b"P00,2018,2021,9"
        )

    found = verify_bundle(repacked(project[1], tmp_path / "b.zip", change))
    kinds = [one.kind for one in found.differences]
    assert kinds[0] == "file"
    assert any(one.where == "meetings, unit P00, 2018" for one in found.differences if one.kind == "input")


def test_files_that_give_no_evaluation_any_more_are_an_answer(project, tmp_path):
    def change(files, manifest):
        files["project/plan/evaluation.toml"] = b"title = "

    found = verify_bundle(repacked(project[1], tmp_path / "b.zip", change))
    assert [one.kind for one in found.differences] == ["file", "rebuild"]
    assert "not valid TOML" in found.differences[1].now


def test_another_version_alone_is_a_note(project, tmp_path):
    def change(files, manifest):
        manifest["versions"]["numpy"] = "1.0"

    found = verify_bundle(repacked(project[1], tmp_path / "b.zip", change, listed=True))
    assert found.same
    assert [(one.kind, one.where, one.then) for one in found.differences] == [("version", "numpy", "1.0")]


def test_a_store_comes_as_the_values_that_are_needed(stored):
    bundle = unpack(stored[1])
    everything = b"".join(bundle.files.values())
    assert b"COMP-09" in bundle.files["project/store/stored_values.csv"]
    assert b"GOV-08" not in everything
    assert f"{flemish_codes()[0]}.xlsx".encode() not in everything


def test_numbers_of_a_sensitive_measure_are_withheld(stored, tmp_path):
    plan = lay_out_store(tmp_path / "project")
    shutil.rmtree(plan.parent / "store")
    code = flemish_codes()[2]
    fill_store(plan.parent / "store", flemish_codes(), _figures(3), {(code, YEARS[1]): 1.0, (code, YEARS[2]): 4.0})
    found = verify_bundle(stored[1], plan)
    named = [str(one) for one in found.differences if one.kind == "input"]
    harm = [line for line in named if "HAR-08" in line]
    assert harm
    assert all(line.endswith("then withheld, now withheld") for line in harm)
    assert all(code in line or "value" in line for line in harm)
    assert any(line.startswith(f"input  COMP-09, unit {code}, 2020: then ") for line in named)


def test_publication_holds_no_values(project, stored, tmp_path):
    for plan, _ in (project, stored):
        out = write_bundle(plan, tmp_path / "public.zip", publication=True)
        bundle = unpack(out)
        assert {name for name in bundle.files if "toml" not in name} == {"README.txt", "results.json"}
        everything = b"".join([*bundle.files.values(), json.dumps(bundle.manifest).encode()])
        assert b"P03" not in everything
        assert flemish_codes()[0].encode() not in everything
        assert "measure HAR-08" not in bundle.manifest["digests"]
        with pytest.raises(EvaltoolkitError, match="holds no values: give the plan"):
            verify_bundle(out)
        found = verify_bundle(out, plan)
        assert told(found) == []
        assert found.numbers > 100


def test_what_was_changed_is_seen_without_values_too(project, copy, tmp_path):
    public = write_bundle(project[0], tmp_path / "public.zip", publication=True)
    table = copy.parents[1] / "data" / "meetings.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("P00,2018,2021,", "P00,2018,2021,1"), encoding="utf-8")
    found = verify_bundle(public, copy)
    assert {"digest", "result"} <= {one.kind for one in found.differences}
    assert "input" not in {one.kind for one in found.differences}


def _zip(entries):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in entries.items():
            out.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "it is empty"),
        (b"hello", "it is no zip file"),
        (_zip({"../evil.toml": "x"}), "wants to be written outside its folder"),
        (_zip({"/etc/evil": "x"}), "wants to be written outside its folder"),
        (_zip({"bundle.json": b"0" * 15_000_000}), "far too large when opened"),
        (_zip({"bundle.json": "{}"}), "is no bundle of this toolkit"),
        (_zip({"bundle.json": "[" * 100_000}), "is no bundle of this toolkit"),
        (_zip({"bundle.json": '{"schema": "evaltoolkit/bundle/9"}'}), "written by another version"),
        (_zip({"something.txt": "x"}), "is no bundle of this toolkit"),
    ],
)
def test_what_is_no_bundle_is_refused_with_a_sentence(content, sentence, tmp_path):
    path = tmp_path / "b.zip"
    path.write_bytes(content)
    with pytest.raises(EvaltoolkitError, match=sentence):
        verify_bundle(path)


def test_a_damaged_bundle_is_refused(project, tmp_path):
    content = project[1].read_bytes()
    for damaged in (content[: len(content) // 2], content[:-30], content.replace(b"bundle.json", b"bundel.json", 1)):
        (tmp_path / "b.zip").write_bytes(damaged)
        with pytest.raises(EvaltoolkitError, match="Ask for the bundle again"):
            verify_bundle(tmp_path / "b.zip")


def test_a_file_that_is_not_on_the_list_is_refused(project, tmp_path):
    def change(files, manifest):
        files["project/more.toml"] = b"x"

    with pytest.raises(EvaltoolkitError, match="not on its list"):
        verify_bundle(repacked(project[1], tmp_path / "b.zip", change))


@pytest.mark.parametrize("place", ["../../../../../../../../etc/hostname", "/etc/hostname"])
def test_a_bundle_opens_no_other_file_of_this_machine(project, tmp_path, place):
    def change(files, manifest):
        plan = files["project/plan/evaluation.toml"].decode()
        files["project/plan/evaluation.toml"] = plan.replace("../data/meetings.csv", place).encode()

    with pytest.raises(EvaltoolkitError, match="outside the bundle"):
        verify_bundle(repacked(project[1], tmp_path / "b.zip", change, listed=True))


def test_a_full_path_in_the_plan_is_told_when_the_bundle_is_written(copy, tmp_path):
    table = (copy.parents[1] / "data" / "meetings.csv").as_posix()
    copy.write_text(copy.read_text(encoding="utf-8").replace("../data/meetings.csv", table), encoding="utf-8")
    with pytest.raises(EvaltoolkitError, match="by a full path"):
        write_bundle(copy, tmp_path / "b.zip")


def test_an_evaluation_of_another_plan_is_refused(project, copy, tmp_path):
    text = copy.read_text(encoding="utf-8")
    copy.write_text(text.replace("smallest_relevant = 2.5", "smallest_relevant = 2.75"), encoding="utf-8")
    with pytest.raises(EvaltoolkitError, match="not that of this plan"):
        write_bundle(project[0], tmp_path / "b.zip", evaluation=run_plan(copy))
    with pytest.raises(EvaltoolkitError, match=r"does not end in \.zip"):
        write_bundle(project[0], tmp_path / "evaluation.toml")


def run(*arguments):
    from evaltoolkit.cli import main

    with pytest.raises(SystemExit) as stopped:
        main([str(argument) for argument in arguments])
    return stopped.value.code or 0


def test_exit_status(project, copy, tmp_path, capsys):
    assert run("evaluate", "--verify", project[1]) == 0
    copy.write_text(
        copy.read_text(encoding="utf-8").replace("smallest_relevant = 2.5", "smallest_relevant = 2.75"),
        encoding="utf-8",
    )
    assert run("evaluate", copy, "--verify", project[1]) == 1
    assert "outcomes.meetings.smallest_relevant" in capsys.readouterr().out
    assert run("evaluate", "--verify", tmp_path / "none.zip") == 2
    assert run("evaluate") == 2
    assert run("evaluate", copy, "--publication") == 2
    assert run("evaluate", copy, "--bundle", tmp_path / "evaluation.toml") == 2
    assert run("evaluate", copy, "--verify", project[1], "--bundle", tmp_path / "c.zip") == 2
    assert "Traceback" not in capsys.readouterr().err


def _document(estimate):
    row = {"estimator": "group_time", "kind": "overall", "labels": "", "estimate": estimate, "reason": ""}
    return {"outcomes": [{"outcome": "HAR-08", "estimates": [row], "checks": []}]}


@pytest.mark.parametrize(
    ("seen", "said"), [((None, None), ("withheld", "withheld")), ((0.5, 0.75), ("0.5", "0.75")), ((0.5, None), None)]
)
def test_a_result_that_no_report_shows_is_named_and_not_told(seen, said):
    shown = tuple(_document(one) for one in seen)
    (found,) = compare_results(_document(0.5), _document(0.75), shown)
    assert found.where == "HAR-08, group_time overall , estimate"
    assert (found.then, found.now) == (said or ("withheld", "withheld"))
    (absent,) = compare_results(_document(None), _document(0.75), (_document(None), _document(0.75)))
    assert (absent.then, absent.now) == ("", "0.75")
