"use strict";
// What is right and wrong in an answer: pure functions, the same verdicts as evaltoolkit/submissions/web_answers.py.
// Rules, limits and sentences are data of the page; nothing here knows a question.

// the blanks that the reader strips and splits at
const BLANKS = "\\t-\\r\\x1c- \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const EDGES = new RegExp(`^[${BLANKS}]+|[${BLANKS}]+$`, "gu");
const STATUS_END = new RegExp(`[${BLANKS}]*[-–—:][${BLANKS}]*|[${BLANKS}]+`, "u");

const trim = (text) => text.replace(EDGES, "");

const AMBIGUOUS = /^-?[1-9][0-9]{0,2}[.,][0-9]{3}$/;
const GROUPED = {
  ",": /^-?[1-9][0-9]{0,2}(?:(?:\.[0-9]{3})+|(?: [0-9]{3})+)(?:,[0-9]+)?$/,
  ".": /^-?[1-9][0-9]{0,2}(?:(?:,[0-9]{3})+|(?: [0-9]{3})+)(?:\.[0-9]+)?$/,
};
const DECIMAL = { ",": /^-?[0-9]+,[0-9]+$/, ".": /^-?[0-9]+\.[0-9]+$/ };

function parseNumber(text, mark) {
  const other = mark === "," ? "." : ",";
  const clean = trim(text.replace(/[\u00a0\u202f\u2009\u2007]/g, " ").replace(/[\u2212\u2013]/g, "-"));
  if (AMBIGUOUS.test(clean) || DECIMAL[other].test(clean)) return { fault: "value.ambiguous_number" };
  if (/^-?[0-9]+$/.test(clean)) return { value: Number(clean) };
  if (DECIMAL[mark].test(clean) || GROUPED[mark].test(clean)) {
    return { value: Number(clean.replaceAll(" ", "").replaceAll(other, "").replace(mark, ".")) };
  }
  return { fault: "value.not_a_number" };
}

function parseMonth(text) {
  const match = /^(\d{4})-(\d{1,2})$/.exec(trim(text));
  const month = match && /^[\x00-\x7f]*$/.test(text) ? Number(match[2]) : 0;
  return month >= 1 && month <= 12 ? `${match[1]}-${String(month).padStart(2, "0")}` : null;
}

// Personal data, as evaltoolkit/submissions/personal.py finds them; words for births and months are data of the page.
const AT = /\s?(?:@|[(\[]\s?(?:at|a|arobase)\s?[)\]])\s?/gi;
const BEFORE_AT = /[^\s@<>;,]$/;
const DOMAIN = /[^\s@<>;,]{1,200}\.[A-Za-z]{2,}/y;
const GAP = "[\\s./_:-]{0,3}";
const ELEVEN = new RegExp(
  `([0-9](?<![0-9][^\\n])[0-9])${GAP}([0-9]{2})${GAP}([0-9]{2})${GAP}([0-9]{3})${GAP}([0-9]{2})(?![0-9])`,
  "g",
);
const SPREAD = /[0-9](?<![0-9][^\n])(?:([ ./_-])[0-9])(?:\1[0-9]){9}(?!\1?[0-9])/g;
const PHONE = new RegExp(
  "(?<![0-9+])(?<![0-9][\\s./-])(?![0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{4})" +
    "(?:(?:\\+|00\\s?)(?:32|31|33|49|352|44|34|39|41|48|40|90|212|213|216)|\\(?0)" +
    "[\\s./-]?\\(?0?\\)?[1-9](?:[\\s./()-]{0,2}[0-9]){7,8}(?![\\s./-]?[0-9])",
);
// a birth: letters between its word and the day, the longest day written out, and how many words are looked at
const [SOON, LONGEST_DAY, MOST_WORDS] = [40, 24, 2000];
// a mobile number with its country code, or without its first zero, in a number
const MOBILE = [[32450000000, 32500000000], [450000000, 500000000]];

const isDigit = (code) => /^\p{Nd}$/u.test(String.fromCodePoint(code));

function plainChar(char) {
  if (/\p{Nd}/u.test(char)) {
    // digits of a script stand in a row from zero on
    const code = char.codePointAt(0);
    let value = 0;
    while (value < 10 && isDigit(code - value - 1)) value += 1;
    return String(value % 10);
  }
  if (/\p{Cf}/u.test(char)) return "";
  if (/\p{Zs}/u.test(char)) return " ";
  if (/[\p{Pd}\u2212]/u.test(char)) return "-";
  return "·•∙‧".includes(char) ? "." : char;
}

const plainText = (text) => (/^[\x00-\x7f]*$/.test(text) ? text : [...text.normalize("NFKC")].map(plainChar).join(""));
const small = (text) => text.toLowerCase().replaceAll("ß", "ss");
const flatten = (text) => small(text.normalize("NFKD").replace(/[\p{Mn}\p{Cf}]/gu, ""));

function hasEmail(text) {
  for (const at of text.matchAll(AT)) {
    DOMAIN.lastIndex = at.index + at[0].length;
    if (BEFORE_AT.test(text.slice(Math.max(at.index - 1, 0), at.index)) && DOMAIN.test(text)) return true;
  }
  return false;
}

const isNational = (digits) =>
  ["", "2"].some((century) => 97 - (Number(century + digits.slice(0, 9)) % 97) === Number(digits.slice(9)));

// without a known month, days only count on; a bis number adds 20 or 40 to the month
function beginsWithDate(digits) {
  const [month, day] = [Number(digits.slice(2, 4)), Number(digits.slice(4, 6))];
  return month === 0 || (month % 20 <= 12 && month < 60 && day <= 31);
}

function hasNational(text, dated = false) {
  const chains = [...text.matchAll(ELEVEN)].map((match) => match.slice(1).join(""));
  for (const match of text.matchAll(SPREAD)) chains.push(match[0].replace(/[^0-9]/g, ""));
  return chains.some((digits) => isNational(digits) && (!dated || beginsWithDate(digits)));
}

const escaped = (words) =>
  [...words].sort((a, b) => b.length - a.length).map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|");

function birthPatterns({ birth, months }) {
  const ascii = (word) => /^[\x00-\x7f]*$/.test(word);
  const words = (list, more) => new RegExp(`(?<![\\p{L}\\p{N}])(?:${escaped(list)})(?![\\p{L}\\p{N}])${more}`, "gu");
  const names = `février|août|décembre|märz|${escaped(months)}`;
  const [year, number, month] = ["(?:(?:19|20)[0-9]{2}|'?[0-9]{2})", "(?:0?[1-9]|[12][0-9]|3[01])", "(?:0?[1-9]|1[0-2])"];
  const gap = "\\s?[./\\s-]\\s?";
  const day =
    `(?<![0-9])(?:${number}${gap}${month}${gap}${year}|(?:19|20)[0-9]{2}${gap}${month}${gap}${number}|` +
    `${number}(?:er|e|th|st|nd|rd|ste|\\.)?\\s?(?:${names})\\.?,?\\s?${year}|` +
    `(?:${names})\\.?\\s?${number}(?:th|st|nd|rd)?,?\\s${year})(?![0-9])`;
  return {
    flat: words(birth.filter(ascii), "|°(?=\\s?[0-9])"),
    accented: words(birth.filter((word) => !ascii(word)), ""),
    day: new RegExp(day, "g"),
    last: new RegExp(`${day}$`),
  };
}

function isDayAfter(patterns, text, start) {
  const seen = text.slice(0, start + SOON + LONGEST_DAY);
  if (!/[0-9]{2}/.test(seen.slice(start))) return false;
  patterns.day.lastIndex = start;
  const found = patterns.day.exec(seen);
  return found !== null && found.index - start <= SOON && !text.slice(start, found.index).includes("\n");
}

function isDayBefore(patterns, text, end) {
  const before = text.slice(Math.max(end - LONGEST_DAY, 0), end).replace(/[ ,;:()-]+$/, "");
  return /[0-9]$/.test(before) && patterns.last.test(before);
}

function hasBirth(patterns, text) {
  if (!/[0-9]{2}/.test(text)) return false;
  for (const [words, shown] of [[patterns.flat, flatten(text)], [patterns.accented, small(text)]]) {
    let looked = 0;
    for (const word of shown.matchAll(words)) {
      if ((looked += 1) > MOST_WORDS) break;
      if (isDayAfter(patterns, shown, word.index + word[0].length)) return true;
      if (isDayBefore(patterns, shown, word.index)) return true;
    }
  }
  return false;
}

function makeFindPersonal(lists) {
  const patterns = birthPatterns(lists);
  return (text) => {
    if ([...text].length < 6) return null;
    const plain = plainText(text);
    if (hasEmail(plain)) return "email";
    if (plain.length < 7 || !/[0-9]/.test(plain)) return null;
    if (hasNational(plain)) return "national_number";
    if (hasBirth(patterns, plain)) return "birth_date";
    return PHONE.test(plain) ? "phone" : null;
  };
}

// A number cell: the digits were typed without marks, and leading zeros may be gone.
function findInNumber(number) {
  if (!(number >= 1e7 && number < 1e11 && Number.isInteger(number))) return null;
  if (hasNational(String(number).padStart(11, "0"), number < 1e8)) return "national_number";
  return MOBILE.some(([low, high]) => number >= low && number < high) ? "phone" : null;
}

// What a typed text says: {value} or {fault}. `part` is a number or a month; anything else is chosen, never typed.
function typeText(part, text, mark, missing) {
  if (part.type === "month") {
    const month = parseMonth(text);
    return month ? { value: month } : { fault: "value.not_month" };
  }
  const first = trim(text).split(STATUS_END)[0].toUpperCase();
  if (missing.includes(first)) return { fault: "value.status_in_answer" };
  const read = parseNumber(text, mark);
  return read.fault === "value.not_a_number" && showsNumber(text, mark) ? { fault: "value.odd_characters" } : read;
}

// What only looks like a number, by invisible marks or digits of another form, is named and never taken.
function showsNumber(text, mark) {
  const shown = text.normalize("NFKC").replace(/\p{Cf}/gu, "");
  return shown !== text && parseNumber(shown, mark).fault !== "value.not_a_number";
}

function checkNumber(part, value) {
  if (!Number.isFinite(value)) return [{ code: "value.not_a_number", facts: {} }];
  const faults = [];
  if (part.type === "count" && !Number.isInteger(value)) faults.push({ code: "value.not_whole", facts: { value } });
  if (part.low !== null && value < part.low) {
    faults.push({ code: "value.below_minimum", facts: { value, limit: part.low } });
  }
  if (part.high !== null && value > part.high) {
    faults.push({ code: "value.above_maximum", facts: { value, limit: part.high } });
  }
  return faults;
}

// Judge one entry {value, typed, status, language} of a question {part, key, now}: its findings and, if sound, its answer.
function judgeEntry(data, question, entry) {
  const say = (code, severity, facts = {}) => ({ code, severity, facts, key: question.key });
  if (entry.typed && findPersonal(entry.typed)) return { findings: [say("personal", "error")] };
  if (typeof entry.value === "number" && findInNumber(entry.value)) return { findings: [say("personal", "error")] };
  const missing = data.missing.includes(entry.status);
  if (entry.value === null && !entry.typed) {
    if (missing) return { findings: [], answer: { value: NaN, text: "", status: entry.status } };
    if (entry.status) return { findings: [say("status.reconstructed_without_value", "error")] };
    return { findings: [], blank: true };
  }
  if (missing) return { findings: [say("value.with_missing_status", "error", { status: entry.status })] };
  if (entry.value === null) {
    const mark = data.languages[entry.language].decimal;
    const { fault } = typeText(question.part, entry.typed, mark, data.missing);
    return { findings: [say(fault || "value.not_a_number", "error")] };
  }
  const number = typeof entry.value === "number";
  const faults = number && question.part.type !== "yes_no" ? checkNumber(question.part, entry.value) : [];
  if (faults.length) return { findings: faults.map((fault) => say(fault.code, "error", fault.facts)) };
  const text = Array.isArray(entry.value) ? entry.value.join(";") : number ? "" : entry.value;
  return { findings: [], answer: { value: number ? entry.value : NaN, text, status: entry.status || "registered" } };
}

function total(side, answers, period) {
  let sum = 0;
  for (const term of side) {
    const value = typeof term === "number" ? term : answers.get(`${term}.${period}`)?.value;
    if (value === undefined || Number.isNaN(value)) return null;
    sum += value;
  }
  return sum;
}

function applies(rule, answers, period) {
  if (!rule.when) return true;
  const answer = answers.get(`${rule.when[0]}.${period}`);
  if (!answer) return false;
  if (answer.text) return answer.text.split(";").includes(rule.when[1]);
  const wanted = { yes: 1, no: 0 }[rule.when[1]] ?? (/^-?\d+(\.\d+)?$/.test(rule.when[1]) ? Number(rule.when[1]) : null);
  return wanted !== null && answer.value === wanted;
}

function holds(op, left, right) {
  // 0.1 + 0.2 <= 0.3 must hold
  if (Math.abs(left - right) <= 1e-9 * Math.max(Math.abs(left), Math.abs(right), 1)) return true;
  return op === "<=" ? left < right : op === ">=" ? left > right : false;
}

function checkRules(data, answers, periods) {
  const findings = [];
  for (const period of periods) {
    for (const rule of data.rules) {
      if (!applies(rule, answers, period)) continue;
      const [left, right] = [total(rule.left, answers, period), total(rule.right, answers, period)];
      if (left === null || right === null || holds(rule.op, left, right)) continue;
      const keys = rule.fields.map((field) => `${field}.${period}`).filter((key) => answers.has(key));
      findings.push({ code: rule.code, severity: rule.severity, facts: { left, right }, key: keys[0], keys });
    }
  }
  return findings;
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

// Numbers of the reporting period that are far from the usual one.
function checkUnlike(data, questions, answers) {
  const findings = [];
  for (const question of questions.filter((one) => one.now)) {
    const value = answers.get(question.key)?.value;
    const usual = data.before.map((p) => answers.get(`${question.field}.${p}`)?.value).filter((v) => v === v && v !== undefined);
    if (value === undefined || Number.isNaN(value) || !usual.length) continue;
    const middle = median(usual);
    const [high, low] = [Math.max(value, middle), Math.min(value, middle)];
    if (high - low > data.unlike.apart && high > data.unlike.times * Math.max(low, 1)) {
      findings.push({ code: "value.unlike_earlier", severity: "question", facts: { value, usual: middle }, key: question.key });
    }
  }
  return findings;
}

// Judge everything: findings in form order, then rules; answers without a fault; shares of nothing by their key.
function judgeAll(data, questions, entries) {
  const [findings, answers, blank, shares] = [[], new Map(), [], new Set()];
  for (const question of questions) {
    const judged = judgeEntry(data, question, entries.get(question.key));
    findings.push(...judged.findings);
    if (judged.answer) answers.set(question.key, judged.answer);
    if (judged.blank) blank.push(question);
  }
  for (const question of blank) {
    if (question.base && answers.get(question.base)?.value === 0) shares.add(question.key);
    else if (question.now) findings.push({ code: "value.blank", severity: "question", facts: {}, key: question.key });
  }
  const periods = [data.identity.period, ...data.identity.earlier];
  const rules = checkRules(data, answers, periods);
  const faulty = new Set(rules.filter((one) => one.severity === "error").flatMap((one) => one.keys));
  const sound = new Map([...answers].filter(([key]) => !faulty.has(key)));
  findings.push(...rules, ...checkUnlike(data, questions, sound));
  return { findings, answers, shares };
}
