// How documents come in: dropped, pasted, chosen, photographed, or drawn as a sample.

import { $ } from "./dom.js";
import { t } from "./i18n.js";
import { sample } from "./sample.js";

let pasted = 0;

/** Call `take(files)` with whatever comes, as a list of files. */
export function begin(take) {
  const actions = {
    choose: () => $("choose").click(),
    photograph: () => $("photograph").click(),
    sample: async () => take([await sample()]),
  };
  for (const button of document.querySelectorAll("[data-do]")) {
    button.addEventListener("click", actions[button.dataset.do]);
  }
  for (const input of [$("choose"), $("photograph")]) {
    input.addEventListener("change", () => {
      take([...input.files]);
      input.value = ""; // so that the same file can be chosen again
    });
  }

  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    take(files.map(named));
  });

  const dropping = $("dropping");
  const holdsFiles = (event) => event.dataTransfer?.types.includes("Files") && !document.querySelector("dialog[open]");
  let depth = 0; // of the elements that the files are being dragged over
  const end = () => {
    depth = 0;
    dropping.hidden = true;
  };
  document.addEventListener("dragenter", (event) => {
    if (!holdsFiles(event)) return;
    depth += 1;
    dropping.hidden = false;
  });
  document.addEventListener("dragleave", (event) => {
    if (holdsFiles(event) && --depth <= 0) end();
  });
  document.addEventListener("dragover", (event) => event.preventDefault()); // or the browser opens the file itself
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    end();
    if (holdsFiles(event)) take([...event.dataTransfer.files]);
  });
}

/** A pasted picture, told apart from others: browsers call all of them image.png. */
function named(file) {
  if (file.name && file.name !== "image.png") return file;
  pasted += 1;
  const suffix = file.type.split("/")[1] || "png";
  return new File([file], `${t("pasted.name", { n: pasted })}.${suffix}`, { type: file.type });
}
