// Asking for the token that the gateway wants.

import { $ } from "./dom.js";
import { t } from "./i18n.js";

const dialog = $("token");

/** Ask for it; null where none was given. `wrong`: whether one has just been refused. */
export function askForToken(wrong) {
  $("token-why").textContent = t(wrong ? "token.wrong" : "token.why");
  $("token-value").value = "";
  dialog.returnValue = "";
  dialog.showModal();
  $("token-value").focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue || null), { once: true });
  });
}

$("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  dialog.close($("token-value").value.trim());
});
