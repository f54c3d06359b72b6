// The picture of a page, the boxes over it, and zoom.

import { $, svg } from "./dom.js";
import { number, onLanguage, t } from "./i18n.js";
import { clear, hover, onPlace, pin } from "./link.js";

const ZOOMS = [0.1, 8]; // pixels of the screen for one of the picture
const STEP = 1.25;
const MARGIN_PX = 16; // around the page, on each side

const stage = $("stage");
const sheet = $("sheet");

let shown = ""; // what stands on the sheet
let url = null; // of the picture that is shown
let size = null; // [width, height] of the page in its own pixels
let zoom = null; // null: the whole page fits
let texts = [];
let words = [];

/** Show a page of a document: what is there of it. */
export async function show(paper) {
  const page = paper.page;
  const result = paper.result();
  const wanted = `${paper.id}/${page}/${result !== null}/${paper.pictures.has(page)}`;
  if (wanted === shown) return;
  if (!shown.startsWith(`${paper.id}/${page}/`)) zoom = null;
  shown = wanted;
  clear();
  const picture = await paper.picture(page);
  if (wanted !== shown) return; // another page was asked for meanwhile
  const image = picture && (await loaded(picture));
  if (wanted !== shown) {
    if (image) URL.revokeObjectURL(image.src);
    return;
  }
  if (url) URL.revokeObjectURL(url);
  url = image?.src ?? null;
  size = result ? [result.width, result.height] : image ? [image.naturalWidth, image.naturalHeight] : null;
  texts = result?.texts ?? [];
  words = result?.words ?? [];
  sheet.replaceChildren();
  if (image) {
    image.alt = t("picture.of", { name: paper.name, n: page });
    sheet.append(image);
  }
  if (result) sheet.append(boxesOf(result));
  layOut();
  tellZoom();
}

/** Show nothing. */
export function empty() {
  shown = "";
  size = null;
  sheet.replaceChildren();
  if (url) URL.revokeObjectURL(url);
  url = null;
}

async function loaded(blob) {
  const image = new Image();
  image.draggable = false;
  image.src = URL.createObjectURL(blob);
  await image.decode().catch(() => {});
  return image;
}

function boxesOf(result) {
  const overlay = svg("svg", { viewBox: `0 0 ${result.width} ${result.height}`, "aria-hidden": "true", class: "boxes" });
  const outline = (box) => box.map((corner) => corner.join(",")).join(" ");
  overlay.append(
    ...result.boxes.map((box, line) => svg("polygon", { class: "line", "data-line": line, points: outline(box) })),
    ...(result.word_boxes ?? []).map((box, word) =>
      svg("polygon", { class: "word", "data-line": result.word_lines[word], "data-word": word, points: outline(box) }),
    ),
  );
  return overlay;
}

// Zoom

function fitting() {
  const room = [stage.clientWidth - 2 * MARGIN_PX, stage.clientHeight - 2 * MARGIN_PX];
  return Math.min(room[0] / size[0], room[1] / size[1], 2);
}

const scale = () => zoom ?? fitting();

function layOut() {
  if (!size) return;
  sheet.style.width = `${size[0] * scale()}px`;
  sheet.style.height = `${size[1] * scale()}px`;
  tellZoom();
}

function tellZoom() {
  $("zoom-now").textContent = size ? `${number(100 * scale())}%` : "";
}

/** Zoom by a factor; the point (x, y) of the stage stays where it is. */
function zoomBy(factor, x = stage.clientWidth / 2, y = stage.clientHeight / 2) {
  if (!size) return;
  const before = scale();
  zoom = Math.min(ZOOMS[1], Math.max(ZOOMS[0], before * factor));
  const box = sheet.getBoundingClientRect();
  const area = stage.getBoundingClientRect();
  const at = [x - (box.left - area.left), y - (box.top - area.top)];
  layOut();
  const after = sheet.getBoundingClientRect();
  stage.scrollLeft += at[0] * (scale() / before) + (after.left - area.left) - x;
  stage.scrollTop += at[1] * (scale() / before) + (after.top - area.top) - y;
}

function fit() {
  zoom = null;
  layOut();
}

$("zoom-in").addEventListener("click", () => zoomBy(STEP));
$("zoom-out").addEventListener("click", () => zoomBy(1 / STEP));
$("zoom-fit").addEventListener("click", fit);
new ResizeObserver(layOut).observe(stage);
onLanguage(tellZoom);

stage.addEventListener(
  "wheel",
  (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const area = stage.getBoundingClientRect();
    zoomBy(Math.exp(-event.deltaY / 300), event.clientX - area.left, event.clientY - area.top);
  },
  { passive: false },
);

stage.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const action = { "+": () => zoomBy(STEP), "=": () => zoomBy(STEP), "-": () => zoomBy(1 / STEP), 0: fit }[event.key];
  if (!action) return;
  event.preventDefault();
  action();
});

// A mouse drags the picture; fingers scroll by themselves.
let drag = null;
stage.addEventListener("pointerdown", (event) => {
  if (event.pointerType !== "mouse" || event.button !== 0) return;
  drag = { x: event.clientX, y: event.clientY, left: stage.scrollLeft, top: stage.scrollTop, moved: false };
});
window.addEventListener("pointermove", (event) => {
  if (!drag) return;
  const [x, y] = [event.clientX - drag.x, event.clientY - drag.y];
  drag.moved ||= Math.hypot(x, y) > 4;
  if (drag.moved) stage.scrollTo(drag.left - x, drag.top - y);
});
window.addEventListener("pointerup", () => {
  const { moved } = drag ?? {};
  drag = null;
  if (moved) window.addEventListener("click", (event) => event.stopPropagation(), { capture: true, once: true });
});

// Boxes and words

function press(button, className) {
  button.addEventListener("click", () => {
    const isOn = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", isOn);
    stage.classList.toggle(className, isOn);
  });
}
press($("show-boxes"), "with-boxes");
press($("show-words"), "with-words");
stage.classList.add("with-boxes");

const placeOf = (target) => {
  const box = target.closest("[data-line]");
  return box && { line: Number(box.dataset.line), word: box.dataset.word === undefined ? null : Number(box.dataset.word) };
};

sheet.addEventListener("pointerover", (event) => hover(placeOf(event.target), "picture"));
sheet.addEventListener("pointerleave", () => hover(null, "picture"));
sheet.addEventListener("click", (event) => pin(placeOf(event.target), "picture"));

onPlace((place, from, isPinned) => {
  for (const box of sheet.querySelectorAll(".active")) box.classList.remove("active");
  const box = place && sheet.querySelector(`.line[data-line="${place.line}"]`);
  const word = place?.word == null ? null : sheet.querySelector(`[data-word="${place.word}"]`);
  box?.classList.add("active");
  word?.classList.add("active");
  $("caption").textContent = from !== "picture" ? "" : word ? words[place.word] : box ? (texts[place.line] ?? "") : "";
  if (box && from === "text" && isPinned) reveal(word ?? box);
});

/** Scroll the stage, and it alone, so that a box is seen. */
function reveal(box) {
  const [inner, outer] = [box.getBoundingClientRect(), stage.getBoundingClientRect()];
  if (inner.top < outer.top || inner.bottom > outer.bottom) {
    stage.scrollTop += (inner.top + inner.bottom - outer.top - outer.bottom) / 2;
  }
  if (inner.left < outer.left || inner.right > outer.right) {
    stage.scrollLeft += (inner.left + inner.right - outer.left - outer.right) / 2;
  }
}
