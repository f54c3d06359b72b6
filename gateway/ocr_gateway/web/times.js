// How long a document took, and each stage of a page.

import { $, el, svg } from "./dom.js";
import { has, number, t } from "./i18n.js";

let shown = "";

/** Show the times of a document that has been read. */
export function showTimes(paper) {
  const { ended } = paper;
  const key = ended ? `${paper.id} ${ended.seconds} ${document.documentElement.lang}` : "";
  if (key === shown) return;
  shown = key;
  $("times").hidden = !ended;
  if (!ended) return;
  const all = el("p", { class: "time-all" }, el("strong", {}, t("time.all", { seconds: number(ended.seconds, 2) })));
  const { stages } = ended;
  if (!stages.length) {
    $("times").replaceChildren(all);
    return;
  }
  all.append(el("span", { class: "muted small" }, t("time.mean")));
  const sum = stages.reduce((total, { ms }) => total + ms, 0);
  const bar = svg("svg", { class: "time-bar", viewBox: "0 0 100 4", preserveAspectRatio: "none", "aria-hidden": "true" });
  let reached = 0;
  stages.forEach(({ ms }, index) => {
    const width = (100 * ms) / sum;
    bar.append(svg("rect", { x: reached, y: 0, width, height: 4, class: `share share-${index % 4}` }));
    reached += width;
  });
  const list = el("dl", { class: "stages" }, ...stages.map(({ stage, ms }, index) =>
    el("div", {},
      el("dt", {}, el("span", { class: `dot share-${index % 4}` }), has(`stage.${stage}`) ? t(`stage.${stage}`) : stage),
      el("dd", {}, t("time.ms", { ms: number(ms, ms < 10 ? 1 : 0) })),
    ),
  ));
  $("times").replaceChildren(all, bar, list);
}
