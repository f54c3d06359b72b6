// Which language is spoken, and every string in it.

import { CHINESE, LANGUAGES, STRINGS } from "./strings.js";

const KEY = "ocr-language";
const listeners = new Set();

let language = localStorage.getItem(KEY);
if (!(language in LANGUAGES)) {
  const wanted = navigator.languages.map((tag) => tag.slice(0, 2).toLowerCase());
  language = wanted.find((tag) => tag in LANGUAGES) ?? "en";
}

/** The string of a key, its placeholders filled in; `n` decides between singular and plural. */
export function t(key, values = {}) {
  const entry = STRINGS[key]?.[language];
  if (entry === undefined) throw new Error(`no string ${key} in ${language}`);
  const form = Array.isArray(entry) ? entry[values.n === 1 ? 0 : 1] : entry;
  return form.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

export const has = (key) => key in STRINGS;

/** What an option or a format means: the gateway's sentence, or its translation where there is one. */
export function meaning(kind, name, english) {
  return (language === "zh" && CHINESE[kind][name]) || english;
}

export const number = (value, digits = 0) =>
  value.toLocaleString(language, { minimumFractionDigits: digits, maximumFractionDigits: digits });

export function onLanguage(listener) {
  listeners.add(listener);
}

export function otherLanguage() {
  language = language === "en" ? "zh" : "en";
  localStorage.setItem(KEY, language);
  apply();
}

/** Put every string of the document in the language spoken, then let each part do the same with its own. */
export function apply() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  document.title = t("title");
  for (const node of document.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  for (const node of document.querySelectorAll("[data-t-label]")) {
    const label = t(node.dataset.tLabel);
    node.setAttribute("aria-label", label);
    if (node.matches("button")) node.title = label;
  }
  for (const listener of listeners) listener();
}
