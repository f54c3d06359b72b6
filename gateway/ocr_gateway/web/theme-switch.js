// Light or dark: the system's choice, until one is made here. theme.js puts it in force before the first paint.

import { $ } from "./dom.js";
import { onLanguage, t } from "./i18n.js";

const KEY = "ocr-theme";
const system = matchMedia("(prefers-color-scheme: dark)");
const root = document.documentElement;

const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);

function label() {
  const sentence = t(isDark() ? "theme.light" : "theme.dark");
  $("theme").setAttribute("aria-label", sentence);
  $("theme").title = sentence;
}

export function begin() {
  $("theme").addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    localStorage.setItem(KEY, root.dataset.theme);
    label();
  });
  system.addEventListener("change", label);
  onLanguage(label);
}
