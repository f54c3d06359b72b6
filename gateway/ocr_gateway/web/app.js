// The page: documents on a desk, read one after the other, one of them looked at.

import { copy } from "./clipboard.js";
import { $, announce, el } from "./dom.js";
import * as downloads from "./downloads.js";
import * as files from "./files.js";
import { Problem, connect } from "./gateway.js";
import { apply, number, onLanguage, otherLanguage, t } from "./i18n.js";
import * as intake from "./intake.js";
import * as lines from "./lines.js";
import { clear } from "./link.js";
import * as options from "./options.js";
import { Paper } from "./paper.js";
import { begin as beginTheme } from "./theme-switch.js";
import { showTimes } from "./times.js";
import { askForToken } from "./token.js";
import * as viewer from "./viewer.js";

const MOST_NAMED = 30; // failed pages that get a button each

let about;
let papers = [];
let current = null;
let isReading = false;
let writeProblem = null; // {paper, sentence}: why a download did not come

// Reading

function take(given) {
  const added = given.map((file) => new Paper(file));
  papers = [...papers, ...added];
  if (added.length) current = added[0];
  draw();
  readWaiting();
}

async function readWaiting() {
  if (isReading) return;
  isReading = true;
  try {
    for (let next; (next = papers.find((paper) => paper.state === "waiting")); ) {
      await next.read(options.changed(), draw);
      tellEnd(next);
    }
  } finally {
    isReading = false;
  }
}

function tellEnd(paper) {
  const name = paper.name;
  if (paper.state !== "done") {
    announce(t(paper.state === "stopped" ? "announce.stopped" : "announce.failed", { name }));
    return;
  }
  announce(t("announce.done", { name, lines: t("lines.count", { n: paper.lineCount }), seconds: number(paper.ended.seconds, 1) }));
}

function again() {
  current.cancel();
  current.reset();
  writeProblem = null;
  draw();
  readWaiting();
}

function remove(paper) {
  const at = papers.indexOf(paper);
  paper.cancel();
  papers = papers.filter((other) => other !== paper);
  if (current === paper) current = papers[Math.min(at, papers.length - 1)] ?? null;
  drawNow(); // what is focused next must be there
  (current ? $("files").querySelector('[aria-current="true"]') : document.querySelector('#welcome [data-do="choose"]')).focus();
}

function turnTo(page) {
  const { numbers } = current;
  current.page = numbers.includes(page) ? page : numbers.find((number) => number > page) ?? numbers.at(-1);
  draw();
}

const turnBy = (step) => {
  const { numbers, page } = current;
  const to = numbers[numbers.indexOf(page) + step];
  if (to !== undefined) turnTo(to);
};

// Drawing: once a frame, however much has come

let isDue = false;

function draw() {
  if (isDue) return;
  isDue = true;
  setTimeout(() => {
    isDue = false;
    drawNow();
  });
}

function drawNow() {
  document.documentElement.dataset.state = current ? "desk" : "welcome";
  $("welcome").hidden = Boolean(current);
  $("desk").hidden = !current;
  files.show(papers, current, {
    choose(paper) {
      current = paper;
      draw();
    },
    remove,
  });
  if (!current) {
    viewer.empty();
    return;
  }
  $("document-name").textContent = current.name;
  viewer.show(current).then(drawNote);
  const result = current.result();
  lines.show(`${current.id}/${current.page}/${result !== null}`, result);
  drawPages();
  drawProgress();
  drawText(result);
  drawTroubles();
  showTimes(current);
}

function drawPages() {
  const { numbers, page, count } = current;
  $("pages").hidden = numbers.length < 2;
  const input = $("page-number");
  input.max = numbers.at(-1) ?? 1;
  input.min = numbers[0] ?? 1;
  if (document.activeElement !== input || !input.value) input.value = page;
  $("page-count").textContent = t("page.count", { n: number(count) });
  $("previous").disabled = page === numbers[0];
  $("next").disabled = page === numbers.at(-1);
}

let told = "";

function drawProgress() {
  const { state, numbers, readCount, name } = current;
  const isBusy = state === "reading" || state === "waiting";
  $("progress").hidden = !isBusy;
  if (!isBusy) {
    told = "";
    return;
  }
  const count = numbers.length;
  const bar = $("progress-bar");
  if (count > 1 && readCount) [bar.max, bar.value] = [count, readCount];
  else bar.removeAttribute("value");
  $("progress-text").textContent =
    state === "waiting" ? t("progress.waiting")
    : !count ? t("progress.opening", { name })
    : count > 1 ? t("progress.pages", { n: readCount, count })
    : t("progress.picture", { name });
  // Every quarter is told to those who do not see the bar.
  const quarter = `${current.id} ${state} ${count ? Math.floor((4 * readCount) / count) : ""}`;
  if (quarter !== told) {
    told = quarter;
    announce($("progress-text").textContent);
  }
}

function drawText(result) {
  const n = result?.texts.length ?? 0;
  $("text-count").textContent = result ? t("lines.count", { n }) : "";
  $("copy").disabled = current.results.size === 0;
  $("open-download").disabled = current.results.size === 0;
  const isBusy = current.state === "reading" || current.state === "waiting";
  $("empty").hidden = n > 0 || !(result || isBusy);
  $("empty").textContent = t(result ? "empty" : "empty.waiting");
  $("notice").hidden = result?.origin !== "document";
  $("notice-text").textContent = t("own.text");
}

function drawTroubles() {
  const { problem, failures, page, state } = current;
  const written = writeProblem?.paper === current ? writeProblem.sentence : "";
  const only = current.numbers.length === 1 ? failures.get(page) : undefined; // a picture: its page is the file
  const sentence = (problem ?? only)?.sentence() ?? written;
  $("problem").hidden = !sentence && state !== "stopped";
  $("problem-text").textContent = sentence || t("file.stopped");
  $("again").hidden = Boolean(written && !problem && !only);

  const numbers = [...failures.keys()];
  $("failed").hidden = !numbers.length || only !== undefined;
  $("failed-text").textContent = t("failed.pages", { n: numbers.length });
  const more = numbers.length - MOST_NAMED;
  $("failed-pages").replaceChildren(
    ...numbers.slice(0, MOST_NAMED).map((number) => {
      const button = el("button", { type: "button", class: "button small" }, t("failed.page", { n: number }));
      button.addEventListener("click", () => turnTo(number));
      return el("li", {}, button);
    }),
    ...(more > 0 ? [el("li", { class: "muted small" }, t("failed.more", { n: more }))] : []),
  );
}

/** What stands in place of a picture that is not there. */
function drawNote() {
  const { numbers, page, failures, state } = current ?? { numbers: [] };
  const isMissing = numbers.length > 1 && !current.results.has(page);
  const isBlank = state === "failed" && !$("sheet").firstChild;
  const key = failures?.has(page) ? "page.failed" : state === "reading" ? "page.waiting" : "page.stopped";
  $("note").hidden = !isMissing && !isBlank;
  $("note").textContent = isMissing
    ? t(key, { n: page, why: failures.get(page)?.reason() })
    : isBlank ? t("picture.none") : "";
}

// Controls

$("cancel").addEventListener("click", () => {
  current.cancel();
  drawNow();
  $("again").focus();
});
$("again").addEventListener("click", again);
$("read-anyway").addEventListener("click", () => {
  options.set("existing_text", "read");
  again();
});
$("copy").addEventListener("click", () =>
  copy(current.pages().map((page) => JSON.parse(page).texts.join("\n")).join("\n\n")),
);
$("previous").addEventListener("click", () => turnBy(-1));
$("next").addEventListener("click", () => turnBy(1));
$("page-number").addEventListener("change", (event) => {
  turnTo(Number(event.target.value));
  event.target.value = current.page;
});
$("stage").addEventListener("keydown", (event) => {
  const step = { PageDown: 1, PageUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  turnBy(step);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") clear();
});
for (const button of document.querySelectorAll("dialog [data-close]")) {
  button.addEventListener("click", () => button.closest("dialog").close());
}
$("language").addEventListener("click", otherLanguage);

function speak() {
  $("language").textContent = t("language");
  $("language").setAttribute("aria-label", t("language.label"));
  if (about) {
    const { body_bytes: bytes, pages } = about.limits;
    $("welcome-limits").textContent = t("welcome.limits", { mib: number(bytes / 2 ** 20), pages: number(pages) });
    draw();
  }
}

async function begin() {
  beginTheme();
  onLanguage(speak);
  apply();
  try {
    about = await connect(askForToken);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    onLanguage(() => { $("welcome-problem").textContent = error.sentence(); });
    $("welcome-problem").hidden = false;
    apply();
    return;
  }
  options.begin(about, { canReadAgain: () => current !== null, again });
  downloads.begin(about.formats, () => current, (sentence) => {
    writeProblem = { paper: current, sentence };
    draw();
  });
  intake.begin(take);
  speak();
}

begin();
