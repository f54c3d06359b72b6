// Copying text.

import { toast } from "./dom.js";
import { t } from "./i18n.js";

/** Copy a text, and say so. */
export async function copy(text) {
  const isCopied = navigator.clipboard
    ? await navigator.clipboard.writeText(text).then(() => true, () => false)
    : copyOldWay(text); // browsers have no clipboard for pages that came over plain HTTP from elsewhere
  toast(t(isCopied ? "copied" : "copy.failed"));
}

function copyOldWay(text) {
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "hidden";
  const focused = document.activeElement;
  document.body.append(area);
  area.select();
  const isCopied = document.execCommand("copy");
  area.remove();
  focused?.focus({ preventScroll: true });
  return isCopied;
}
