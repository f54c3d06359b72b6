// The list of documents.

import { $, el, icon } from "./dom.js";
import { t } from "./i18n.js";

const list = $("files");
const items = new Map(); // id of a document -> its entry

/** Show all documents; `on.choose(paper)` and `on.remove(paper)` are called when one is chosen or removed. */
export function show(papers, current, on) {
  const ids = new Set(papers.map((paper) => paper.id));
  for (const [id, item] of items) {
    if (!ids.has(id)) {
      item.node.remove();
      items.delete(id);
    }
  }
  for (const paper of papers) {
    const item = items.get(paper.id) ?? entry(paper, on);
    update(item, paper, paper === current);
  }
}

function entry(paper, on) {
  const symbol = el("span", { class: "symbol" });
  const state = el("span", { class: "muted small" });
  const name = el("span", { class: "name", dir: "auto", title: paper.name }, paper.name);
  const choose = el("button", { type: "button", class: "file" }, symbol, el("span", { class: "about" }, name, state));
  const remove = el("button", { type: "button", class: "button quiet square remove" }, icon("close"));
  choose.addEventListener("click", () => on.choose(paper));
  remove.addEventListener("click", () => on.remove(paper));
  const node = el("li", {}, choose, remove);
  list.append(node);
  const item = { node, choose, remove, symbol, state, told: "" };
  items.set(paper.id, item);
  return item;
}

function update(item, paper, isCurrent) {
  const [symbol, state] = stateOf(paper);
  const told = `${symbol} ${state}`;
  if (told !== item.told) {
    item.told = told;
    item.symbol.replaceChildren(icon(symbol));
    item.symbol.className = `symbol ${symbol}`;
    item.state.textContent = state;
    item.remove.setAttribute("aria-label", t("file.remove", { name: paper.name }));
  }
  if (isCurrent) item.choose.setAttribute("aria-current", "true");
  else item.choose.removeAttribute("aria-current");
}

function stateOf(paper) {
  const count = paper.numbers.length;
  switch (paper.state) {
    case "waiting": return ["wait", t("file.waiting")];
    case "reading":
      return ["reading", count > 1 ? t("file.reading.pages", { n: paper.readCount, count }) : t("file.reading")];
    case "done":
      return paper.failures.size && count > 1
        ? ["warning", t("file.done.failed", { n: paper.failures.size, count })]
        : [paper.failures.size ? "warning" : "done", paper.failures.size ? t("file.failed") : t("file.done", { n: count })];
    case "failed": return ["warning", t("file.failed")];
    default: return ["close", t("file.stopped")];
  }
}
