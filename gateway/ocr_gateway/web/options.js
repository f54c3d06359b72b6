// The options of a reading, from the gateway's own table; only those that were changed are sent.

import { $, el } from "./dom.js";
import { has, meaning, number, onLanguage, t } from "./i18n.js";

const NOT_HERE = new Set(["page", "return_word_box"]); // /read has `pages`; words are always asked for
const dialog = $("options");
const form = $("options-form");

let about;
let chosen = {}; // what was applied: name -> text
let fields = [];

/** What was changed, as parameters of /read. */
export const changed = () => ({ ...chosen });

/** Set one option, as if it had been chosen. */
export function set(name, value) {
  chosen[name] = value;
  tell();
}

/** Make the form. `again()` is called when the document that is looked at is to be read again. */
export function begin(table, { canReadAgain, again }) {
  about = table;
  $("open-options").addEventListener("click", () => {
    fill();
    $("options-again").hidden = !canReadAgain();
    dialog.showModal();
  });
  $("options-reset").addEventListener("click", () => {
    fields.forEach((field) => field.set(undefined));
    fields.forEach((field) => field.check());
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const wrong = fields.filter((field) => !field.check());
    if (wrong.length) {
      wrong[0].input.focus();
      return;
    }
    chosen = Object.fromEntries(fields.map((field) => [field.name, field.get()]).filter(([, value]) => value !== undefined));
    dialog.close();
    tell();
    if (event.submitter?.value === "again") again();
  });
  onLanguage(() => {
    tell();
    if (dialog.open) fill();
  });
  tell();
}

function tell() {
  const n = Object.keys(chosen).length;
  const button = $("open-options");
  button.setAttribute("aria-label", n ? t("options.changed", { n }) : t("options"));
  $("options-count").hidden = n === 0;
  $("options-count").textContent = n;
}

function fill() {
  fields = [];
  const { dpi } = about.limits;
  const ofDocument = [
    { name: "pages", type: "pages", placeholder: t("options.all"), meaning: t("meaning.pages"), label: t("parameter.pages") },
    { name: "dpi", type: "int", bounds: dpi, meaning: t("meaning.dpi"), label: t("parameter.dpi") },
    {
      name: "existing_text",
      type: "str",
      choices: ["keep", "read"],
      default: "keep",
      meaning: t("meaning.existing_text"),
      label: t("parameter.existing_text"),
    },
  ];
  const ofReading = about.options
    .filter((option) => option.endpoints.includes("ocr") && !NOT_HERE.has(option.name))
    .map((option) => ({
      ...option,
      meaning: meaning("options", option.name, option.meaning),
      label: has(`option.${option.name}`) ? t(`option.${option.name}`) : option.name,
      isCode: true,
    }));
  const isFinding = (option) => option.name.startsWith("text_det_");
  $("options-fields").replaceChildren(
    group("options.finding", ofReading.filter(isFinding)),
    group("options.reading", ofReading.filter((option) => !isFinding(option))),
    group("options.document", ofDocument),
  );
}

function group(title, options) {
  return el("fieldset", {}, el("legend", {}, t(title)), ...options.map(row));
}

function row(option) {
  const id = `option-${option.name}`;
  const input = inputOf(option, id);
  const about = el("p", { class: "muted small", id: `${id}-about` }, option.meaning);
  const wrong = el("p", { class: "wrong small", id: `${id}-wrong`, hidden: true });
  const field = fieldOf(option, input, wrong);
  fields.push(field);
  field.set(chosen[option.name]);
  input.addEventListener("change", field.check);
  const label = el("label", { for: id }, option.label);
  if (option.isCode) label.append(el("code", {}, option.name));
  const isFlag = option.type === "bool";
  return el("div", { class: isFlag ? "option flag" : "option" }, label, input, about, wrong);
}

function inputOf(option, id) {
  const described = { id, name: option.name, "aria-describedby": `${id}-about ${id}-wrong` };
  if (option.type === "bool") return el("input", { type: "checkbox", role: "switch", ...described });
  if (option.choices?.length) {
    const entries = option.choices.map((choice) =>
      el("option", { value: choice }, has(`choice.${choice}`) ? t(`choice.${choice}`) : choice),
    );
    return el("select", described, ...entries);
  }
  const placeholder = option.placeholder ?? t("options.default");
  if (!option.bounds) return el("input", { type: "text", placeholder, autocomplete: "off", spellcheck: "false", ...described });
  const [min, max] = option.bounds;
  return el("input", { type: "number", min, max, step: option.type === "int" ? 1 : "any", placeholder, ...described });
}

/** Reads, sets and checks one input. Its value is undefined where nothing was changed. */
function fieldOf(option, input, wrong) {
  const isFlag = option.type === "bool";
  const standard = isFlag || option.choices?.length ? String(option.default) : "";
  const get = () => {
    const value = isFlag ? String(input.checked) : input.value.trim();
    return value === standard ? undefined : value;
  };
  const set = (value = standard) => {
    if (isFlag) input.checked = value === "true";
    else input.value = value;
  };
  const check = () => {
    const isRight = input.checkValidity() && (option.type !== "pages" || isRanges(input.value));
    wrong.hidden = isRight;
    wrong.textContent = isRight ? "" : expectation(option);
    input.setAttribute("aria-invalid", String(!isRight));
    return isRight;
  };
  return { name: option.name, input, get, set, check };
}

function expectation(option) {
  if (option.type === "pages") return t("expected.pages");
  const [low, high] = option.bounds;
  return t(`expected.${option.type}`, { low: number(low), high: number(high) });
}

/** Whether a text is page ranges; whether the pages are there, the gateway knows. */
const isRanges = (text) => !text.trim() || /^\s*(\d+(\s*-\s*\d*)?)(\s*,\s*\d+(\s*-\s*\d*)?)*\s*$/.test(text);
