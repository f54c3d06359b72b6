// Files of what was read. Nothing is read again: the pages that are there are written.

import { $, el, toast } from "./dom.js";
import { Problem, write } from "./gateway.js";
import { has, meaning, onLanguage, t } from "./i18n.js";

const FIRST = ["pdf", "text", "json", "tsv"]; // the rest follows
const SUFFIXES = { json: "jsonl", text: "txt", markdown: "md", alto: "xml" };
const menu = $("download");
const button = $("open-download");
const list = $("formats");

/** Fill the menu. `paper()` is the document that is looked at; `fail(sentence)` says why there is no file. */
export function begin(formats, paper, fail) {
  const order = [...FIRST, ...Object.keys(formats).filter((format) => !FIRST.includes(format))];
  const fill = () =>
    list.replaceChildren(
      ...order.map((format) => {
        const label = el("span", {}, has(`format.${format}`) ? t(`format.${format}`) : format);
        const about = el("span", { class: "muted small" }, shortened(meaning("formats", format, formats[format]), label.textContent));
        const entry = el("button", { type: "button", "data-format": format }, label, about);
        entry.addEventListener("click", () => {
          close();
          save(paper(), format, fail);
        });
        return entry;
      }),
    );
  onLanguage(fill);
  fill();
}

/** A meaning without the name that stands above it. */
const shortened = (sentence, name) =>
  sentence.toLowerCase().startsWith(`${name.toLowerCase()}: `) ? sentence.slice(name.length + 2) : sentence;

function show(isShown) {
  list.hidden = !isShown;
  button.setAttribute("aria-expanded", isShown);
  if (isShown) list.scrollIntoView({ block: "nearest" });
}

button.addEventListener("click", () => show(list.hidden));
document.addEventListener("click", (event) => {
  if (!menu.contains(event.target)) show(false);
});
menu.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || list.hidden) return;
  event.stopPropagation();
  close();
});
menu.addEventListener("focusout", (event) => {
  if (event.relatedTarget && !menu.contains(event.relatedTarget)) show(false);
});

function close() {
  show(false);
  button.focus();
}

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
