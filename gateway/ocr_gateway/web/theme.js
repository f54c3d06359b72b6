// Before the first paint, so that nobody sees the other colours for a moment; app.js has the switch.
(() => {
  const chosen = localStorage.getItem("ocr-theme");
  if (chosen) document.documentElement.dataset.theme = chosen;
})();
