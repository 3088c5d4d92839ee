// Drawing: everything is made once; what depends on the language is a label that can be said again.

const labels = [];
let spoken = "en";

const words = (data) => data.languages[spoken];

function say(data, code, facts = {}) {
  const text = words(data).words[code];
  if (text === undefined) throw new Error(`no sentence for ${code}`);
  return text.replace(/\{(\w+)\}/g, (whole, name) => {
    const fact = facts[name];
    return typeof fact === "number" ? number(data, fact) : (fact ?? whole);
  });
}

function number(data, value) {
  return value.toLocaleString(words(data).locale, { maximumFractionDigits: 3 }).replace("-", "−");
}

// A number as it is typed: no thousands set apart.
function plain(data, value) {
  return String(value).replace(".", words(data).decimal);
}

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== null && value !== false) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

// Let an element say a text, now and after each change of language.
function tell(element, text) {
  labels.push(() => {
    element.textContent = text();
  });
  element.textContent = text();
  return element;
}

function speak(language) {
  spoken = language;
  document.documentElement.lang = language;
  for (const label of labels) label();
}

function drawFrame(data, respondent) {
  for (const element of document.querySelectorAll("[data-say]")) tell(element, () => say(data, element.dataset.say));
  for (const element of document.querySelectorAll("[data-name]")) {
    labels.push(() => element.setAttribute("aria-label", say(data, element.dataset.name)));
  }
  for (const button of document.querySelectorAll("[data-language]")) {
    labels.push(() => button.setAttribute("aria-pressed", String(button.dataset.language === spoken)));
  }
  labels.push(() => {
    document.title = say(data, "form.title");
  });
  drawSteps(data);
  const zeros = ["zero", "NAP", "DK"].map((code) => [() => (code === "zero" ? "0" : code), () => say(data, `form.zero.${code}`)]);
  if (data.ready.length) zeros.push([() => say(data, "form.zero.cases.key"), () => say(data, "form.zero.cases", { items: titles(data, data.ready) })]);
  terms("zero", zeros);
  terms("statuses", [
    [() => say(data, "form.status.empty"), () => say(data, "form.status.empty.help")],
    ...data.statuses.map((code) => [() => words(data).statuses[code], () => say(data, `form.status.${code}.help`)]),
  ]);
  const dimensions = [...new Set(data.indicators.map((one) => one.dimension))];
  terms("needed", dimensions.map((name) => [() => say(data, `form.dimension.${name}`), () => say(data, `form.needed.${name}`)]));
  terms("practical", [
    [() => say(data, "form.seen"), () => say(data, "form.seen.text")],
    [() => say(data, "form.return"), () => say(data, "web_form.how.return")],
  ]);
  drawAbout(data, respondent);
}

// Number and name of indicators, as they stand above their questions.
function titles(data, ids) {
  const number = (id) => data.indicators.findIndex((one) => one.id === id) + 1;
  return ids.map((id) => `${number(id)}. ${words(data).texts[id].name}`).join("; ");
}

function drawSteps(data) {
  const steps = [
    () => say(data, "web_form.how.read", { label: say(data, "web_form.explain") }),
    () => say(data, "web_form.how.status"),
    () => say(data, "web_form.how.save", { open: say(data, "web_form.open") }),
    () => say(data, "web_form.how.return"),
  ];
  if (data.identity.earlier.length) {
    const facts = () => ({ label: say(data, "form.sheet.earlier"), status: words(data).statuses.reconstructed });
    steps.splice(2, 0, () => say(data, "web_form.how.earlier", facts()));
  }
  document.getElementById("how").append(...steps.map((text) => tell(make("li"), text)));
}

function terms(id, pairs) {
  const list = document.getElementById(id);
  for (const [term, text] of pairs) list.append(tell(make("dt"), term), tell(make("dd"), text));
}

function drawAbout(data, respondent) {
  const lines = [[() => say(data, "form.period"), () => data.identity.period]];
  if (data.identity.earlier.length) lines.push([() => say(data, "form.earlier"), () => data.identity.earlier.join(", ")]);
  if (!respondent.choose) {
    const members = respondent.members ?? [];
    if (respondent.unit_kind === "livc_r") {
      const names = () => members.map((code, i) => `${respondent.member_names[spoken][i]} (${code})`).join(", ");
      lines.unshift([() => say(data, "form.members"), names]);
    }
    lines.unshift([() => say(data, "form.respondent"), () => nameOf(data, respondent)]);
  }
  terms("about", lines);
}

function nameOf(data, one) {
  return say(data, `form.respondent.${one.unit_kind}`, { name: one.names[spoken], unit: one.unit });
}

// The role of who fills in; a list, so that nobody writes a name.
function drawContact(data, chosen) {
  const select = make("select", { id: "contact" });
  select.append(tell(make("option", { value: "" }), () => say(data, "web_form.select.none")));
  for (const role of data.roles) select.append(tell(make("option", { value: role }), () => say(data, `form.contact.${role}`)));
  select.addEventListener("change", chosen);
  const label = tell(make("label", { for: "contact" }), () => say(data, "form.contact"));
  document.getElementById("about").after(make("div", { class: "chooser" }, label, select));
}

function drawChooser(data, choices, chosen) {
  const select = make("select", { id: "respondent", "aria-describedby": "respondent-fault" });
  select.append(tell(make("option", { value: "" }), () => say(data, "web_form.choose.none")));
  choices.forEach((one, i) => select.append(tell(make("option", { value: i }), () => nameOf(data, one))));
  select.addEventListener("change", chosen);
  const label = tell(make("label", { for: "respondent" }), () => say(data, "web_form.choose"));
  const fault = make("p", { class: "fault error", id: "respondent-fault" });
  document.getElementById("about").after(make("div", { class: "chooser" }, label, select, fault));
}

function drawQuestions(data, handlers) {
  const root = document.getElementById("questions");
  const contents = document.getElementById("contents");
  let dimension = null;
  data.indicators.forEach((indicator, i) => {
    if (indicator.dimension !== dimension) {
      dimension = indicator.dimension;
      root.append(tell(make("h2"), () => say(data, `form.dimension.${indicator.dimension}`)));
    }
    const texts = () => words(data).texts[indicator.id];
    const title = () => `${i + 1}. ${texts().name}`;
    const heading = make("h3", { id: `i${i}`, tabindex: "-1" }, tell(make("span"), title), " ", make("span", { class: "code" }, indicator.id));
    const card = make("section", { class: "card", "aria-labelledby": `i${i}` }, heading);
    card.append(tell(make("p"), () => texts().definition), drawExplanation(data, texts));
    for (const part of indicator.parts) card.append(drawPart(data, indicator, part, handlers));
    root.append(card);
    contents.append(make("li", {}, tell(make("a", { href: `#i${i}` }), title)));
  });
}

function drawExplanation(data, texts) {
  const list = make("dl");
  const pairs = [
    ["form.column.counted", () => texts().counted],
    ["form.column.not_counted", () => texts().not_counted],
  ];
  if (texts().why) pairs.push(["form.column.why", () => texts().why]);
  pairs.push(["form.column.seen", () => texts().seen]);
  for (const [code, text] of pairs) list.append(tell(make("dt"), () => say(data, code)), tell(make("dd"), text));
  const details = make("details", { class: "explain" }, tell(make("summary"), () => say(data, "web_form.explain")), list);
  if (texts().pitfalls) details.append(tell(make("p"), () => say(data, "form.attention", { text: texts().pitfalls })));
  return details;
}

function drawPart(data, indicator, part, handlers) {
  const field = `${indicator.id}.${part.id}`;
  const texts = () => words(data).texts[indicator.id].parts[part.id];
  const own = handlers.add(indicator, part, data.identity.period);
  const legend = tell(make("legend"), () => texts().label);
  const set = make("fieldset", { class: "part" }, legend);
  const hint = () => [texts().unit, texts().hint].filter(Boolean).join(" · ");
  if (part.type !== "yes_no" && part.type !== "choice") {
    set.append(tell(make("p", { class: "hint", id: `${own.id}-hint` }), hint));
    own.hint = `${own.id}-hint`;
  }
  set.append(...drawEntry(data, part, texts, own, handlers));
  const periods = part.earlier ? data.identity.earlier : [];
  if (periods.length) {
    const title = () => `${say(data, "form.sheet.earlier")} (${periods.join(", ")})`;
    const details = make("details", { class: "earlier" }, tell(make("summary"), title));
    for (const period of periods) {
      const earlier = handlers.add(indicator, part, period);
      earlier.hint = own.hint;
      const name = () => `${period}: ${texts().label}`;
      details.append(make("fieldset", {}, tell(make("legend", { class: "unseen" }), name), ...drawEntry(data, part, texts, earlier, handlers)));
    }
    set.append(details);
  }
  set.dataset.field = field;
  return set;
}

// Answer, status, note and fault of one question in one period.
function drawEntry(data, part, texts, question, handlers) {
  const about = [question.hint, `${question.id}-note`, `${question.id}-fault`].filter(Boolean).join(" ");
  const pair = make("div", { class: "pair" });
  const heard = () => say(data, "form.column.answer", { period: question.period });
  if (part.type === "multi") {
    pair.append(drawTicks(data, part, texts, question, handlers, about));
  } else {
    question.control = part.type === "choice" || part.type === "yes_no" ? drawSelect(data, part, texts) : drawText(data);
    question.control.id = question.id;
    question.control.setAttribute("aria-describedby", about);
    pair.append(make("div", {}, tell(make("label", { for: question.id }), heard), question.control));
    handlers.listen(question.control, question);
  }
  question.status = make("select", { id: `${question.id}-status` });
  question.status.append(tell(make("option", { value: "" }), () => say(data, "form.status.empty")));
  for (const code of data.statuses) question.status.append(tell(make("option", { value: code }), () => words(data).statuses[code]));
  handlers.listen(question.status, question);
  const label = tell(make("label", { for: question.status.id }), () => say(data, "web_form.status", { period: question.period }));
  pair.append(make("div", {}, label, question.status));
  question.note = make("p", { class: "note", id: `${question.id}-note` });
  question.fault = make("p", { class: "fault", id: `${question.id}-fault` });
  return [pair, question.note, question.fault];
}

function drawText(data) {
  return make("input", { type: "text", autocomplete: "off", spellcheck: "false", maxlength: data.limits.typed });
}

function drawSelect(data, part, texts) {
  const select = make("select");
  select.append(tell(make("option", { value: "" }), () => say(data, "web_form.select.none")));
  const entries = part.type === "yes_no" ? ["1", "0"] : part.options;
  entries.forEach((code, i) => {
    const text = () => (part.type === "yes_no" ? words(data).yes_no[i] : texts().options[i]);
    select.append(tell(make("option", { value: code }), text));
  });
  return select;
}

// One box for each option; "none of these" where no option says so, for an empty list is an answer too.
function drawTicks(data, part, texts, question, handlers, about) {
  const name = tell(make("p", { class: "heard", id: `${question.id}-name` }), () => say(data, "form.column.answer", { period: question.period }));
  const group = make("div", { class: "ticks", role: "group", "aria-labelledby": name.id, "aria-describedby": about });
  question.ticks = new Map();
  const add = (code, text) => {
    const box = make("input", { type: "checkbox", id: question.ticks.size ? `${question.id}-${question.ticks.size}` : question.id });
    question.ticks.set(code, box);
    group.append(make("label", { class: "tick" }, box, " ", tell(make("span"), text)));
    handlers.listen(box, question, code);
  };
  part.options.forEach((code, i) => add(code, () => texts().options[i]));
  if (!part.options.includes("none")) add("", () => say(data, "web_form.multi.none"));
  return make("div", { class: "choices" }, name, group);
}
