"""The data board: counts by hand, what it must never show, and what it says in four languages."""

import dataclasses
import datetime as dt
import io
import re
import string
from collections import Counter
from html.parser import HTMLParser
from importlib import resources

import numpy as np
import pytest
from babel.messages.pofile import read_po
from board_sample import (
    FORM,
    FRAMEWORK,
    MARKED,
    finding,
    make_store,
    reading,
    respondents_of,
    roster_of,
)
from typer.testing import CliRunner

from evaltoolkit.cli import board
from evaltoolkit.findings import EvaltoolkitError, FaultsError
from evaltoolkit.i18n import LANGUAGES, words
from evaltoolkit.reports.areas import Areas
from evaltoolkit.reports.board import Asked, write_board
from evaltoolkit.reports.board_counts import (
    SHOWN,
    completeness,
    released,
)
from evaltoolkit.submissions.store import load_store, open_store
from evaltoolkit.submissions.versions import decide
from evaltoolkit.territory.municipalities import municipality_codes

N = 60
DEADLINE = dt.date(2026, 4, 15)
SENSITIVE = [one for one in FORM if one.sensitivity != "none"]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("store")
    return folder, make_store(folder, n=N)


@pytest.fixture(scope="module")
def asked(store):
    return Asked(respondents_of(store[1]), roster_of(store[1]), deadline=DEADLINE)


@pytest.fixture(scope="module")
def page(store, asked, tmp_path_factory):
    path = tmp_path_factory.mktemp("board") / "new" / "board.html"
    return write_board(store[0], path, language="en", framework=FRAMEWORK, asked=asked).read_text(encoding="utf-8")


def write(folder, tmp_path, asked, language="en"):
    path = write_board(folder, tmp_path / "board.html", language=language, framework=FRAMEWORK, asked=asked)
    return path.read_text(encoding="utf-8")


def tables(html):
    """Tables of a page by caption, cells as text."""
    svg = re.compile(r"<svg.*?</svg>", re.DOTALL)
    found = {}
    for part in re.findall(r"<table.*?</table>", svg.sub("", html), re.DOTALL):
        caption = re.search(r"<caption[^>]*>(.*?)</caption>", part)[1]
        rows = re.findall(r"<tr>(.*?)</tr>", part, re.DOTALL)
        cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]
        found[caption] = [[re.sub(r"<[^>]*>", "", cell).strip() for cell in row] for row in cells]
    return found


def text_of(html):
    """What a reader sees, spaces made one."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html))


def test_states_add_up_by_wave(page):
    # of every twenty municipalities one answered late, one sent a file that was refused, one nothing
    rows = tables(page)["Respondents by wave"]
    assert rows[1:] == [["2024", "60", "0", "0", "0"], ["2025", "51", "3", "3", "3"]]
    assert "54 of 60 respondents answered." in page
    assert "15 April 2026" in page


def test_without_a_deadline_nobody_is_late(store, asked, tmp_path):
    html = write(store[0], tmp_path, dataclasses.replace(asked, deadline=None))
    assert tables(html)["Respondents by wave"][2] == ["2025", "54", "0", "3", "3"]
    html = write(store[0], tmp_path, dataclasses.replace(asked, period="2024"))
    assert "60 of 60 respondents answered." in html


def test_respondents_stand_under_their_state(page, store):
    found = tables(page)
    names = {code: state for state in ("file refused", "not answered yet") for _, code, *_ in found[state][1:]}
    codes = store[1]
    assert names == dict.fromkeys(codes[18::20], "file refused") | dict.fromkeys(codes[19::20], "not answered yet")
    assert sorted(row[1] for row in found["answered late"][1:]) == sorted(codes[17::20])


def test_a_correction_after_the_deadline_is_not_late(tmp_path):
    rng = np.random.default_rng(1)
    with open_store(tmp_path) as store:
        first = reading(1, "11001", "2025", rng, state="open", findings=[finding("value.blank", "error", "11001")])
        store.add([(first, b"")], "2026-03-01T10:00:00+00:00")
        store.add([(reading(2, "11001", "2025", rng), b"")], "2026-05-01T10:00:00+00:00")
        store.replace(first.sha256, f"{2:064x}", "corrected")
    html = write(tmp_path, tmp_path, Asked(deadline=DEADLINE))
    assert tables(html)["Respondents by wave"][1] == ["2025", "1", "0", "0", "0"]
    assert "Nothing is open." in html


def test_response_by_arm_keeps_unknown_apart(page, store):
    codes = store[1]
    expected = Counter()
    answered = Counter()
    for number, code in enumerate(codes):
        # every seventh is not on the roster, every third of the others is written down as unknown
        arm = ("With the action", "Comparison", "Unknown")[number % 3] if number % 7 else "Unknown"
        expected[arm] += 1
        answered[arm] += number % 20 < 18
        del code
    rows = tables(page)["Response by group"][1:]
    told = {arm: second.partition("(")[2].rstrip(")") for arm, _, second in rows}
    assert told == {arm: f"{answered[arm]}/{count}" for arm, count in expected.items()}


def test_page_shows_the_counts_of_the_store(page, store):
    values = load_store(store[0])
    late_or_not = store[1]
    answered = [code for number, code in enumerate(late_or_not) if number % 20 < 18]
    own = values[(values["period"] == "2025") & values["unit"].isin(answered)]
    counted = released(completeness(own, FORM, len(answered)), FRAMEWORK).set_index("indicator")
    shown = {
        line[0].split()[0]: line[1:]
        for caption, lines in tables(page).items()
        if caption.startswith("How complete")
        for line in lines[1:]
    }
    assert shown.keys() == {one.id for one in FORM}
    for name, cells in shown.items():
        assert cells == [str(int(counted.loc[name, status])) for status in SHOWN]
        assert sum(map(int, cells)) == len(answered)


def test_board_says_that_composites_are_no_outcome(page):
    part = page[page.index('<h2 id="composites">') :]
    assert "Descriptive, never an outcome." in part
    assert part.count('<svg class="band"') == len(FRAMEWORK.composites)
    assert not re.search(r"\b\d{5}\b", text_of(part)), "a code of a municipality"


class Attack(HTMLParser):
    """Collects everything that a page holds, shown or not."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.comments, self.said = Counter(), [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_comment(self, data):
        self.comments.append(data)

    def handle_data(self, data):
        self.said.append(data)


@pytest.fixture(scope="module")
def attacked(tmp_path_factory):
    """A page over a store in which every number is marked, and what stands anywhere in it."""
    folder = tmp_path_factory.mktemp("marked")
    codes = make_store(folder, n=N, marked=True)
    html = write(folder, folder, Asked(respondents_of(codes), roster_of(codes), deadline=DEADLINE), "nl")
    attack = Attack()
    attack.feed(html)
    return html, attack


def test_no_answer_and_nothing_typed_is_anywhere_in_the_dom(attacked):
    html, attack = attacked
    everything = " ".join([*attack.said, *(value for _, _, value in attack.attributes), *attack.comments])
    digits = re.sub(r"(?<=\d)[\s.\u00a0\u202f,](?=\d{3}\b)", "", everything)
    assert str(MARKED) not in digits
    assert str(MARKED + 1) not in digits
    for word in ("Janssens", "85.07.30", "onerror", "form_", ".xlsx", "2021-03", "Form!", "D7"):
        assert word not in html, word
    # 53 indicators' free options: no code of an answer stands in the page
    options = {option.code for one in FORM for part in one.parts for option in part.options}
    assert not [code for code in options if "_" in code and code in html]


def test_nothing_is_in_the_dom_that_is_not_shown(attacked):
    _, attack = attacked
    assert attack.comments == []
    assert not {"script", "template", "input", "iframe", "object", "img", "link", "form"} & set(attack.tags)
    names = {name for _, name, _ in attack.attributes}
    assert not [
        name for name in names if name.startswith("on") or name in ("hidden", "style", "src", "srcdoc", "value")
    ]
    assert {name for name in names if name.startswith("data-")} == {"data-label"}
    links = [value for tag, name, value in attack.attributes if tag == "a" and name == "href"]
    assert links
    assert all(value.startswith("#") for value in links)
    ids = [value for _, name, value in attack.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert {value[1:] for value in links} <= set(ids)


def test_few_respondents_give_no_sensitive_number_away(tmp_path):
    rng = np.random.default_rng(1)
    with open_store(tmp_path) as store:
        telling = finding("value.unlike_earlier", "question", "11001", SENSITIVE[0].id, value=3, usual=40)
        one = reading(1, "11001", "2025", rng, findings=[telling])
        store.add([(one, b""), (reading(2, "11002", "2025", rng), b"")], "2026-03-01T10:00:00+00:00")
    html = write(tmp_path, tmp_path, Asked())
    part = html[html.index('<h2 id="complete">') :]
    assert part.count("Too few respondents to show.") == len(FORM)
    assert 'class="part' not in part[part.index("<details") :]
    assert "value.unlike_earlier" not in html
    assert "very different from earlier years" not in html
    assert part.count("Fewer than 10 respondents have this measure") == len(FRAMEWORK.composites)


def test_senders_that_are_not_known_are_counted_by_digest_only(page):
    assert "It is not known who sent 2 files" in page
    assert f"<code>{5000:064x}"[:18] in page
    assert "Janssens" not in page


def test_without_a_list_the_page_says_what_it_cannot_know(store, tmp_path):
    html = write(store[0], tmp_path, Asked())
    assert "No list of respondents was given." in html
    # of the last wave those are missed that answered the wave before
    assert tables(html)["Respondents by wave"][2] == ["2025", "54", "0", "3", "3"]


def test_who_is_not_on_the_list_is_marked(store, tmp_path):
    html = write(store[0], tmp_path, Asked(respondents_of(store[1][1:])))
    assert html.count("(not on the list)") == 1


def test_who_was_not_asked_in_a_wave_is_not_missed(tmp_path):
    rng = np.random.default_rng(1)
    with open_store(tmp_path) as store:
        # 11056 and 46003 became 46030 on 1 January 2025
        old = [reading(n, code, "2023", rng, vintage="2019") for n, code in enumerate(("11001", "11056", "46003"))]
        new = [reading(9, "46030", "2025", rng)]
        store.add([(one, b"") for one in old + new], "2026-03-01T10:00:00+00:00")
    rows = tables(write(tmp_path, tmp_path, Asked()))["Respondents by wave"][1:]
    assert rows == [["2023", "3", "0", "0", "0"], ["2025", "1", "0", "0", "1"]]
    listed = Asked(respondents_of(["46030", "11002"]))
    rows = tables(write(tmp_path, tmp_path, listed))["Respondents by wave"][1:]
    # 11001 answered once and is not on the list of this wave; 11002 is, and existed before
    assert rows == [["2023", "3", "0", "0", "1"], ["2025", "1", "0", "0", "1"]]


def test_findings_that_name_nobody_do_not_count_beside_a_name(tmp_path):
    rng = np.random.default_rng(1)
    plain = next(one.id for one in FORM if one.sensitivity == "none")
    found = [
        finding("value.unlike_earlier", "question", "11001", SENSITIVE[0].id, value=3, usual=40),
        finding("value.unlike_earlier", "question", "11001", plain, value=3, usual=40),
    ]
    with open_store(tmp_path) as store:
        store.add([(reading(1, "11001", "2025", rng, findings=found), b"")], "2026-03-01T10:00:00+00:00")
    assert tables(write(tmp_path, tmp_path, Asked()))["answered"][1] == ["Aartselaar", "11001", "answered", "0", "1"]


def test_a_name_on_the_list_is_text(store, tmp_path):
    listed = respondents_of(store[1])
    listed.loc[0, "name"] = "<b>Mooi</b> & 'goed'"
    html = write(store[0], tmp_path, Asked(listed))
    assert "<b>Mooi" not in html
    assert "&lt;b&gt;Mooi&lt;/b&gt; &amp; &#39;goed&#39;" in html


def test_a_list_with_faults_is_refused(store, tmp_path):
    listed = respondents_of(["99999"])
    with pytest.raises(FaultsError, match="99999"):
        write(store[0], tmp_path, Asked(listed))


def test_an_empty_store_needs_a_period(tmp_path):
    with open_store(tmp_path):
        pass
    with pytest.raises(EvaltoolkitError, match="name the period"):
        write(tmp_path, tmp_path, Asked())
    html = write(tmp_path, tmp_path, Asked(respondents_of(["11001", "11002"]), period="2025"))
    assert "0 of 2 respondents answered." in html
    assert html.count("No answer has come in for this wave yet.") == 2


def test_no_store_another_ending_and_a_strange_period_are_refused(store, tmp_path):
    with pytest.raises(EvaltoolkitError, match="no store"):
        write(tmp_path / "nowhere", tmp_path, Asked())
    with pytest.raises(EvaltoolkitError, match=r"\.html"):
        write_board(store[0], tmp_path / "board.pdf", language="en")
    with pytest.raises(EvaltoolkitError, match="is not understood"):
        write(store[0], tmp_path, Asked(period="soon"))


def test_simulated_data_are_called_so(store, asked, page, tmp_path):
    html = write(store[0], tmp_path, dataclasses.replace(asked, simulated=True))
    assert html.count("SIMULATED DATA") == 4
    assert "SIMULATED DATA" not in page


def test_same_store_same_bytes(store, asked, page, tmp_path):
    assert write(store[0], tmp_path, asked) == page


def test_page_with_areas_says_how_many_have_none(store, asked, tmp_path):
    ring = ((4.0, 51.0), (4.2, 51.0), (4.2, 51.1), (4.0, 51.0))
    html = write(store[0], tmp_path, dataclasses.replace(asked, areas=Areas({store[1][0]: (ring,)})))
    assert html.count('class="area') == 1
    assert "The map file has no border for 59 municipalities." in html


def catalogue(language):
    path = resources.files("evaltoolkit") / "data" / "locale" / language / "board.po"
    found = read_po(io.BytesIO(path.read_bytes()), locale=language)
    return {m.id if isinstance(m.id, str) else m.id[0]: m.string for m in found if m.id}


def test_every_language_has_every_sentence_with_the_same_places():
    def places(text):
        texts = (text,) if isinstance(text, str) else text
        return [sorted(name for _, name, _, _ in string.Formatter().parse(one) if name) for one in texts]

    english = catalogue("en")
    for language in LANGUAGES:
        own = catalogue(language)
        assert own.keys() == english.keys()
        assert {code: places(text) for code, text in own.items()} == {c: places(t) for c, t in english.items()}
        if language != "en":
            long = [code for code, text in english.items() if isinstance(text, tuple) or len(text.split()) > 2]
            assert [code for code in long if own[code] == english[code]] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_page_speaks_one_language(store, asked, tmp_path, language):
    html = write(store[0], tmp_path, asked, language)
    assert f'<html lang="{language}">' in html
    assert words(language).say("board.lead") in html.replace("\u00a0", " ")
    others = {one: words(one).say("board.band.never") for one in LANGUAGES}
    assert [one for one, said in others.items() if said in html] == [language]


def run(*arguments):
    """Run the command as typed; a user's fault is raised."""
    return CliRunner().invoke(board.app, list(arguments), catch_exceptions=False)


def test_command_writes_the_page_with_everything_it_is_given(store, tmp_path):
    respondents_of(store[1]).to_csv(tmp_path / "who.csv", index=False)
    roster = roster_of(store[1])
    starts = np.where(roster["state"] == "treated", "2025-02-01", "")
    roster.assign(start=starts).to_csv(tmp_path / "roster.csv", index=False)
    out = tmp_path / "board.html"
    lists = ("--respondents", str(tmp_path / "who.csv"), "--roster", str(tmp_path / "roster.csv"))
    told = run(str(store[0]), str(out), "-l", "fr", *lists, "--deadline", "2026-04-15", "--simulated")
    assert told.exit_code == 0
    assert told.output.startswith("Board:")
    html = out.read_text(encoding="utf-8")
    assert tables(html)["Répondants par vague"][2] == ["2025", "51", "3", "3", "3"]
    assert "DONNÉES SIMULÉES" in html
    assert "Taux de réponse par groupe" in html


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--deadline", "15/04/2026"], "write it as 2026-03-31"),
        (["--roster", "roster.csv", "--plan", "plan.toml"], "either --plan or --roster"),
        (["--roster", "roster.csv"], "choose one with --action: coaching, training"),
        (["--roster", "roster.csv", "--action", "coachin"], 'Did you mean "coaching"'),
    ],
)
def test_command_tells_what_is_wrong(store, tmp_path, monkeypatch, more, told):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "roster.csv").write_text("unit,action,state\n11001,coaching,never\n11001,training,never\n", "utf-8")
    with pytest.raises(EvaltoolkitError, match=told):
        run(str(store[0]), "board.html", *more)
    assert not (tmp_path / "board.html").exists()


def test_command_takes_roster_and_simulation_from_a_plan(store, tmp_path):
    from evaltoolkit.demo.files import PLAN

    (tmp_path / "roster.csv").write_text(f"unit,action,start\n{store[1][0]},coaching,2025-02-01\n", "utf-8")
    for name in re.findall(r'"([\w/]+\.(?:csv|xlsx|toml))"', PLAN):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch(exist_ok=True)
    (tmp_path / "evaluation.toml").write_text(PLAN.format(seed=1), encoding="utf-8")
    out = tmp_path / "board.html"
    run(str(store[0]), str(out), "-l", "en", "--plan", str(tmp_path / "evaluation.toml"))
    html = out.read_text(encoding="utf-8")
    assert tables(html)["Response by group"][1][1:] == ["100\u00a0% (1/1)", "100\u00a0% (1/1)"]
    assert "SIMULATED DATA" in html


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_conflict_that_waits_for_a_decision_is_shown_with_what_to_do_until_it_is_decided(tmp_path, language):
    rng = np.random.default_rng(3)
    folder = tmp_path / "store"
    with open_store(folder) as opened:
        opened.add([(reading(7000 + n, "11001", "2025", rng), b"") for n in (0, 1)], "2026-03-01T10:00:00")
        opened.add(
            [(reading(7010 + n, code, "2025", rng), b"") for n, code in enumerate(("11002", "11004"))], "2026-03-02"
        )
    say = words(language).say
    html = text_of(write(folder, tmp_path, Asked(), language))
    told = text_of(say("file.conflict", other="…", count="…").replace("….", "…"))
    assert told in html
    assert text_of(say("file.conflict.remedy")) in html
    assert "form_7001.xlsx" not in html
    assert decide(folder, "form_7001.xlsx") == ("form_7000.xlsx",)
    # the same decision again changes nothing
    assert decide(folder, "form_7001.xlsx") == ()
    assert told not in text_of(write(folder, tmp_path, Asked(), language))


def test_a_rule_of_an_own_framework_is_an_open_point_in_words(tmp_path):
    rng = np.random.default_rng(3)
    folder = tmp_path / "store"
    facts = {"left": MARKED, "right": 4, "rule": "OWN-01.a <= OWN-01.b"}
    with open_store(folder) as opened:
        for number, code in enumerate(municipality_codes(2025)[:30]):
            found = [finding("rule.of_our_own", "error", code, **facts)]
            opened.add([(reading(number, code, "2025", rng, state="open", findings=found), b"")], "2026-03-01T10:00:00")
    html = text_of(write(folder, tmp_path, Asked()))
    assert "These answers do not fit together: … against …" in html
    assert str(MARKED) not in html
