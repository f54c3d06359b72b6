// Files of what was read. Nothing is read again: the pages that are there are written.

import { $, el, toast } from "./dom.js";
import { Problem, write } from "./gateway.js";
import { has, meaning, onLanguage, t } from "./i18n.js";

const FIRST = ["pdf", "text", "json", "tsv"]; // the rest follows
const SUFFIXES = { json: "jsonl", text: "txt", markdown: "md", alto: "xml" };
const menu = $("download");

/** Fill the menu. `paper()` is the document that is looked at; `fail(sentence)` says why there is no file. */
export function begin(formats, paper, fail) {
  const order = [...FIRST, ...Object.keys(formats).filter((format) => !FIRST.includes(format))];
  const fill = () =>
    $("formats").replaceChildren(
      ...order.map((format) => {
        const label = el("span", {}, has(`format.${format}`) ? t(`format.${format}`) : format);
        const about = el("span", { class: "muted small" }, shortened(meaning("formats", format, formats[format]), label.textContent));
        const button = el("button", { type: "button", "data-format": format }, label, about);
        button.addEventListener("click", () => {
          close();
          save(paper(), format, fail);
        });
        return button;
      }),
    );
  onLanguage(fill);
  fill();
}

/** A meaning without the name that stands above it. */
const shortened = (sentence, name) =>
  sentence.toLowerCase().startsWith(`${name.toLowerCase()}: `) ? sentence.slice(name.length + 2) : sentence;

function close() {
  menu.open = false;
  menu.querySelector("summary").focus();
}

document.addEventListener("click", (event) => {
  if (!menu.contains(event.target)) menu.open = false;
});
menu.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !menu.open) return;
  event.stopPropagation();
  close();
});

async function save(paper, format, fail) {
  const stem = paper.name.replace(/\.[^.]+$/, "") || paper.name;
  const name = `${stem}.${SUFFIXES[format] ?? format}`;
  toast(t("download.making", { name }));
  try {
    give(await write(format, paper.name, paper.pages(), format === "pdf" ? paper.file : null), name);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    fail(error.code === "refused" ? t("error.write", error.values) : error.sentence());
  }
}

function give(blob, name) {
  const link = el("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // the browser may be slow to take it
}
