// The lines of the page that is looked at, as text.

import { copy } from "./clipboard.js";
import { $, el, icon } from "./dom.js";
import { number, onLanguage, t } from "./i18n.js";
import { hover, onPlace, pin } from "./link.js";

const list = $("lines");
let shown = "";
let texts = [];

/** Show the lines of a page; `key` says which page that is, result null that it is not read. */
export function show(key, result) {
  if (key === shown) return;
  shown = key;
  texts = result?.texts ?? [];
  const words = wordsOf(result);
  list.replaceChildren(...texts.map((text, line) => row(text, line, result, words[line])));
  list.scrollTop = 0;
  if (list.firstChild) makeCurrent(list.firstChild);
}

function row(text, line, result, words) {
  const score = el("span", { class: "score", title: t("score") }, percent(result.scores[line]));
  const button = el("button", { type: "button", class: "button quiet square copy", tabindex: -1 }, icon("copy"));
  label(button);
  const content = el("span", { class: "line-text", dir: "auto" }, ...parted(text, words));
  return el("li", { class: "row", "data-line": line, tabindex: -1 }, content, score, button);
}

const percent = (score) => number(100 * score);

function label(button) {
  button.setAttribute("aria-label", t("copy.line"));
  button.title = t("copy.line");
}

/** For each line the indices of its words, with their texts. */
function wordsOf(result) {
  const words = texts.map(() => []);
  (result?.word_lines ?? []).forEach((line, word) => words[line].push([word, result.words[word]]));
  return words;
}

/** A line's text, its words marked; as it is where they do not stand in it in their order. */
function parted(text, words) {
  const parts = [];
  let reached = 0;
  for (const [index, word] of words) {
    const at = text.indexOf(word, reached);
    if (at < 0) return [text];
    parts.push(text.slice(reached, at), el("span", { "data-word": index }, word));
    reached = at + word.length;
  }
  return [...parts, text.slice(reached)];
}

const placeOf = (target) => {
  const line = target.closest("[data-line]");
  const word = target.closest("[data-word]");
  return line && { line: Number(line.dataset.line), word: word ? Number(word.dataset.word) : null };
};

// One line at a time is in the order of the Tab key; arrows go to the others.
function makeCurrent(item) {
  for (const other of list.querySelectorAll('[tabindex="0"]')) other.tabIndex = -1;
  item.tabIndex = 0;
  item.querySelector(".copy").tabIndex = 0;
}

list.addEventListener("pointerover", (event) => hover(placeOf(event.target), "text"));
list.addEventListener("pointerleave", () => hover(null, "text"));
list.addEventListener("focusin", (event) => {
  const item = event.target.closest("li");
  makeCurrent(item);
  if (event.target === item) pin({ line: Number(item.dataset.line), word: null }, "text");
});
list.addEventListener("click", (event) => {
  const item = event.target.closest("li");
  if (!item) return;
  if (event.target.closest(".copy")) copy(texts[item.dataset.line]);
  else if (getSelection().isCollapsed) pin(placeOf(event.target), "text");
});
list.addEventListener("keydown", (event) => {
  const item = event.target.closest("li");
  const to = {
    ArrowDown: item.nextElementSibling,
    ArrowUp: item.previousElementSibling,
    Home: list.firstElementChild,
    End: list.lastElementChild,
  }[event.key];
  if (to) {
    event.preventDefault();
    to.focus();
  } else if (event.key === "Enter" && event.target === item) {
    copy(texts[item.dataset.line]);
  }
});

onPlace((place, from, isPinned) => {
  for (const node of list.querySelectorAll(".active")) node.classList.remove("active");
  const item = place && list.children[place.line];
  if (!item) return;
  item.classList.add("active");
  if (place.word !== null) item.querySelector(`[data-word="${place.word}"]`)?.classList.add("active");
  if (from !== "picture") return;
  scrollTo(item);
  if (isPinned) {
    makeCurrent(item);
    item.focus({ preventScroll: true });
  }
});

/** Scroll the list so that a line is seen; where the page scrolls and not the list, it stays. */
function scrollTo(item) {
  const [inner, outer] = [item.getBoundingClientRect(), list.getBoundingClientRect()];
  if (inner.top < outer.top) list.scrollTop += inner.top - outer.top;
  else if (inner.bottom > outer.bottom) list.scrollTop += inner.bottom - outer.bottom;
}

onLanguage(() => {
  list.querySelectorAll(".copy").forEach(label);
  for (const score of list.querySelectorAll(".score")) score.title = t("score");
});
