// The form at work: entries, live checks, the overview. Nothing is kept in the browser.

const data = JSON.parse(document.getElementById("form-data").textContent);
const findPersonal = makeFindPersonal(data.personal);
const respondent = JSON.parse(document.getElementById("form-respondent").textContent);
const questions = [];
const entries = new Map();
// keys of questions whose faults are shown: those that were left, or all after saving
const shown = new Set();
let [unsaved, summing] = [false, false];
let who = respondent.choose ? null : respondent;

const byId = (id) => document.getElementById(id);
const empty = () => ({ value: null, typed: "", status: "", language: spoken });
const isFilled = (entry) => entry.value !== null || entry.typed !== "" || entry.status !== "";

function addQuestion(indicator, part, period) {
  const field = `${indicator.id}.${part.id}`;
  const question = {
    id: `q${questions.length}`,
    key: `${field}.${period}`,
    base: part.base && `${indicator.id}.${part.base}.${period}`,
    now: period === data.identity.period,
    number: data.indicators.indexOf(indicator) + 1,
    indicator: indicator.id,
    field,
    part,
    period,
  };
  questions.push(question);
  entries.set(question.key, empty());
  return question;
}

function listen(control, question, code = null) {
  control.addEventListener("input", () => {
    if (code !== null) settleTicks(question, code);
    entries.set(question.key, readEntry(question));
    unsaved = true;
    countProgress();
  });
  control.addEventListener("change", () => {
    shown.add(question.key);
    check(question);
  });
}

// "none of these" and the other boxes exclude each other
function settleTicks(question, code) {
  if (!question.ticks.get(code).checked) return;
  for (const [other, box] of question.ticks) if ((code === "") !== (other === "")) box.checked = false;
}

function readEntry(question) {
  const entry = { ...empty(), status: question.status.value };
  const { part } = question;
  if (question.ticks) {
    const codes = [...question.ticks].filter(([, box]) => box.checked).map(([code]) => code);
    entry.value = codes.length ? codes.filter(Boolean) : null;
  } else if (part.type === "choice") {
    entry.value = question.control.value || null;
  } else if (part.type === "yes_no") {
    entry.value = question.control.value === "" ? null : Number(question.control.value);
  } else if (trim(question.control.value)) {
    // a file with such characters, which come along when something is pasted, would be refused
    const text = question.control.value.replace(/[\p{Cc}\p{Cs}\p{Co}]/gu, " ");
    const read = typeText(part, text, words(data).decimal, data.missing);
    if (read.fault || findPersonal(text)) entry.typed = text;
    else entry.value = read.value;
  }
  return entry;
}

function showEntry(question) {
  const { value, typed, status } = entries.get(question.key);
  question.status.value = status;
  if (question.ticks) {
    const codes = value === null ? [] : value.length ? value : [""];
    for (const [code, box] of question.ticks) box.checked = codes.includes(code);
  } else if (typeof value === "number" && question.part.type !== "yes_no") {
    question.control.value = plain(data, value);
  } else {
    question.control.value = value ?? typed;
  }
}

function sentence(finding) {
  const rule = finding.code.startsWith("rule.");
  const facts = { ...finding.facts, example: finding.code === "value.not_month" ? data.example : plain(data, 3.5) };
  return say(data, rule ? finding.code : `web_form.fault.${finding.code}`, facts);
}

// Judge everything and show what there is to say; `left` is the question that was just left.
function check(left = null) {
  const { findings, shares } = judgeAll(data, questions, entries);
  const first = new Map();
  for (const finding of findings) {
    if (finding.code === "value.blank") continue;
    const keys = finding.keys ?? [finding.key];
    if (!keys.some((key) => shown.has(key))) continue;
    const known = first.get(finding.key);
    if (!known || (known.severity === "question" && finding.severity === "error")) first.set(finding.key, finding);
  }
  for (const question of questions) showVerdict(question, first.get(question.key), shares.has(question.key));
  const own = left && (first.get(left.key) ?? findings.find((one) => one.keys?.includes(left.key)));
  byId("announce").textContent = own ? sentence(own) : "";
  if (summing) summarise(findings);
  return findings;
}

function showVerdict(question, finding, share) {
  const label = () => words(data).texts[question.indicator].parts[question.part.base].label;
  setText(question.note, share ? say(data, "web_form.zero_share", { label: label() }) : "");
  setText(question.fault, finding ? `${say(data, `web_form.severity.${finding.severity}`)} ${sentence(finding)}` : "");
  question.fault.className = finding ? `fault ${finding.severity}` : "fault";
  const control = question.control ?? question.status;
  if (finding?.severity === "error") control.setAttribute("aria-invalid", "true");
  else control.removeAttribute("aria-invalid");
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function countProgress() {
  const asked = questions.filter((one) => one.now);
  const done = asked.filter((one) => isFilled(entries.get(one.key))).length;
  setText(byId("progress"), say(data, "web_form.progress", { done, all: asked.length, period: data.identity.period }));
}

function findingLink(finding) {
  const question = questions.find((one) => one.key === finding.key);
  const label = words(data).texts[question.indicator].parts[question.part.id].label;
  const link = make("a", { href: `#${question.id}` }, `${question.number}. ${label} (${question.period})`);
  link.addEventListener("click", (event) => {
    event.preventDefault();
    const control = byId(question.id);
    control.closest("details")?.setAttribute("open", "");
    control.focus();
  });
  return link;
}

function summarise(findings, message = []) {
  const body = byId("summary-body");
  body.replaceChildren(...message.map((text) => make("p", { class: "lead" }, text)));
  const blank = findings.filter((one) => one.code === "value.blank");
  const order = new Map(questions.map((one, i) => [one.key, i]));
  const rest = findings.filter((one) => one.code !== "value.blank").sort((a, b) => order.get(a.key) - order.get(b.key));
  const errors = rest.filter((one) => one.severity === "error");
  const asked = rest.filter((one) => one.severity === "question");
  if (!who) body.append(make("p", {}, respondentLink()));
  for (const [code, list] of [["errors", errors], ["questions", asked]]) {
    if (!list.length) continue;
    const items = list.map((one) => make("li", {}, findingLink(one), make("br"), sentence(one)));
    body.append(make("h3", {}, say(data, `web_form.summary.${code}`, { count: list.length })), make("ul", {}, ...items));
  }
  if (blank.length) {
    const title = make("summary", {}, say(data, "web_form.summary.blank", { count: blank.length }));
    body.append(make("details", {}, title, make("ul", {}, ...blank.map((one) => make("li", {}, findingLink(one))))));
  }
  if (errors.length && message.length) body.append(make("p", {}, say(data, "web_form.summary.kept")));
  if (who && !findings.length) body.append(make("p", {}, say(data, "web_form.summary.clean")));
  byId("summary").hidden = false;
}

function respondentLink() {
  const link = make("a", { href: "#respondent" }, say(data, "web_form.no_respondent"));
  link.addEventListener("click", (event) => {
    event.preventDefault();
    byId("respondent").focus();
  });
  return link;
}

function showRespondentFault() {
  if (!respondent.choose) return;
  setText(byId("respondent-fault"), !who && summing ? say(data, "web_form.no_respondent") : "");
  if (!who && summing) byId("respondent").setAttribute("aria-invalid", "true");
  else byId("respondent").removeAttribute("aria-invalid");
}

function changeLanguage(language) {
  speak(language);
  // a number is shown with the marks of the language; what could not be read stays as it was typed
  for (const question of questions) if (typeof entries.get(question.key).value === "number") showEntry(question);
  check();
  showRespondentFault();
  countProgress();
  countTime();
}

function printAll() {
  const chosen = byId("print-explain").checked ? "details.earlier, details.explain, details.intro" : "details.earlier";
  const opened = [...document.querySelectorAll(chosen)].filter((one) => !one.open);
  for (const one of opened) one.open = true;
  window.addEventListener("afterprint", () => opened.forEach((one) => (one.open = false)), { once: true });
}

function start() {
  spoken = respondent.language;
  drawFrame(data, respondent);
  drawContact(data, () => {
    unsaved = true;
  });
  if (respondent.choose) {
    drawChooser(data, respondent.choose, (event) => {
      who = respondent.choose[event.target.value] ?? null;
      unsaved = true;
      showRespondentFault();
    });
  }
  drawQuestions(data, { add: addQuestion, listen });
  respondent.answers.forEach(takeEntry);
  for (const question of questions) {
    showEntry(question);
    if (isFilled(entries.get(question.key))) shown.add(question.key);
  }
  changeLanguage(respondent.language);
  for (const button of document.querySelectorAll("[data-language]")) {
    button.addEventListener("click", () => changeLanguage(button.dataset.language));
  }
  byId("save").addEventListener("click", save);
  byId("print").addEventListener("click", () => window.print());
  byId("open").addEventListener("click", () => byId("file").click());
  byId("file").addEventListener("change", async (event) => {
    const [file] = event.target.files;
    if (file) await openFile(file);
    event.target.value = "";
  });
  byId("time").addEventListener("change", () => {
    if (!byId("time").checked) work.spent = 0;
    countTime();
  });
  for (const kind of ["input", "keydown", "pointerdown"]) document.addEventListener(kind, countTime, { passive: true });
  window.addEventListener("beforeprint", printAll);
  window.addEventListener("beforeunload", (event) => {
    if (unsaved) event.preventDefault();
  });
}

start();
