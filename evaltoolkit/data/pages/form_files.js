// Time of work, saving to a file and opening one.

// --- time: only while the officer wants it, and only while somebody works
const work = { spent: 0, last: 0 };
const LONGEST_PAUSE = 120_000;

function countTime() {
  const now = Date.now();
  if (byId("time").checked && work.last && now - work.last < LONGEST_PAUSE) work.spent += now - work.last;
  work.last = now;
  const minutes = byId("time").checked ? say(data, "web_form.time.now", { minutes: minutesSpent() }) : "";
  setText(byId("time-now"), minutes);
}

const minutesSpent = () => Math.min(data.limits.minutes, Math.round(work.spent / 60_000));

// --- files
function documentNow() {
  const { unit_kind = "municipality", unit = "", members = [] } = who ?? {};
  const { format, version, framework, framework_version, form, vintage, period, earlier, agreement, shape } = data.identity;
  const identity = { format, version, framework, framework_version, form, unit_kind, unit, members, vintage, period };
  const contact = byId("contact").value ? { contact: byId("contact").value } : {};
  const time = byId("time").checked ? { minutes: minutesSpent() } : {};
  const answers = questions.filter((one) => isFilled(entries.get(one.key))).map(saved);
  return { ...identity, earlier, agreement, language: spoken, shape, ...contact, ...time, answers };
}

function saved(question) {
  const { value, typed, status, language } = entries.get(question.key);
  return {
    indicator: question.indicator,
    part: question.part.id,
    period: question.period,
    ...(value === null ? (typed ? { typed, language } : {}) : { value }),
    ...(status ? { status } : {}),
  };
}

function save() {
  summing = true;
  for (const question of questions) shown.add(question.key);
  countTime();
  const findings = check();
  showRespondentFault();
  if (findings.some((one) => one.code === "personal")) {
    summarise(findings, [say(data, "web_form.not_saved")]);
  } else {
    const name = `${[who?.unit || "form", data.identity.period].join("_").replace(/[^\p{L}\p{N}_.-]+/gu, "-")}.json`;
    download(name, JSON.stringify(documentNow(), null, 1));
    unsaved = false;
    summarise(findings, [say(data, "web_form.saved", { file: name })]);
  }
  byId("summary").focus();
}

function download(name, text) {
  const address = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  make("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

async function openFile(file) {
  if (unsaved && !window.confirm(say(data, "web_form.open.replace"))) return;
  let told = null;
  try {
    told = file.size <= 2_000_000 ? JSON.parse(await file.text()) : null;
  } catch {
    told = null;
  }
  const message = takeOver(told);
  summarise(check(), message);
  byId("summary").focus();
}

// Take over a saved document; returns what to say about it. What does not belong here is counted, not taken.
function takeOver(told) {
  if (told?.format !== data.identity.format || !Array.isArray(told.answers)) return [say(data, "web_form.open.not_form")];
  const same = Object.entries(data.identity).every(([key, value]) => JSON.stringify(told[key]) === JSON.stringify(value));
  const choices = respondent.choose ?? [respondent];
  const chosen = choices.findIndex((one) => one.unit === told.unit && one.unit_kind === told.unit_kind);
  if (!same || (chosen < 0 && !(respondent.choose && told.unit === ""))) return [say(data, "web_form.open.other")];
  if (respondent.choose) {
    who = choices[chosen] ?? null;
    byId("respondent").value = chosen < 0 ? "" : String(chosen);
  }
  for (const question of questions) entries.set(question.key, empty());
  const taken = told.answers.filter(takeEntry).length;
  for (const question of questions) {
    showEntry(question);
    if (isFilled(entries.get(question.key))) shown.add(question.key);
  }
  byId("contact").value = data.roles.includes(told.contact) ? told.contact : "";
  byId("time").checked = Number.isInteger(told.minutes);
  work.spent = Number.isInteger(told.minutes) ? told.minutes * 60_000 : 0;
  unsaved = false;
  countProgress();
  countTime();
  showRespondentFault();
  const skipped = told.answers.length - taken;
  const more = skipped ? [say(data, "web_form.opened.skipped", { count: skipped })] : [];
  return [say(data, "web_form.opened", { count: taken }), ...more];
}

function takeEntry(told) {
  const question = questions.find((one) => one.key === `${told?.indicator}.${told?.part}.${told?.period}`);
  if (!question) return false;
  const { value = null, typed = "", status = "", language = spoken } = told;
  const right =
    (value === null || fits(question.part, value)) &&
    (typed === "" || (typeof typed === "string" && typed.length <= data.limits.typed && !!question.control && value === null)) &&
    (status === "" || data.statuses.includes(status)) &&
    Object.hasOwn(data.languages, language);
  if (right) entries.set(question.key, { value, typed, status, language });
  return right;
}

function fits(part, value) {
  const known = (code) => part.options.includes(code);
  if (part.type === "multi") return Array.isArray(value) && value.every(known) && new Set(value).size === value.length;
  if (part.type === "choice") return known(value);
  if (part.type === "month") return typeof value === "string" && parseMonth(value) === value;
  return part.type === "yes_no" ? value === 0 || value === 1 : Number.isFinite(value);
}
