// A picture to try it with, drawn here, so that none has to be sent.

import { t } from "./i18n.js";

const [WIDTH, HEIGHT] = [900, 620];
const FONT = 'system-ui, "Noto Sans", "Noto Sans CJK SC", "Microsoft YaHei", "PingFang SC", sans-serif';
const LINES = [
  { text: "NORTHERN LINE FERRIES", size: 46, y: 96, bold: true },
  { text: "Boarding pass  No. 20487", size: 28, y: 150 },
  { text: "Passenger", size: 22, y: 226, muted: true },
  { text: "Lin Xiaoman", size: 34, y: 266 },
  { text: "From", size: 22, y: 336, muted: true },
  { text: "Harbour East, Pier 7", size: 34, y: 376 },
  { text: "To", size: 22, y: 446, muted: true },
  { text: "Lighthouse Island", size: 34, y: 486 },
  { text: "Please be at the gate 15 minutes before departure.", size: 24, y: 564 },
];
const RIGHT = [
  { text: "Date", size: 22, y: 226, muted: true },
  { text: "18 March", size: 34, y: 266 },
  { text: "Departs", size: 22, y: 336, muted: true },
  { text: "14:25", size: 34, y: 376, bold: true },
  { text: "Seat", size: 22, y: 446, muted: true },
  { text: "12A", size: 34, y: 486 },
];

/** The sample as a file. */
export async function sample() {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [WIDTH, HEIGHT];
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#f7f5ef";
  pen.fillRect(0, 0, WIDTH, HEIGHT);
  pen.fillStyle = "#1d3557";
  pen.fillRect(0, 0, WIDTH, 18);
  pen.strokeStyle = "#c9c4b5";
  pen.setLineDash([6, 6]);
  for (const y of [184, 520]) {
    pen.beginPath();
    pen.moveTo(56, y);
    pen.lineTo(WIDTH - 56, y);
    pen.stroke();
  }
  for (const [lines, x] of [[LINES, 60], [RIGHT, 620]]) {
    for (const { text, size, y, bold, muted } of lines) {
      pen.font = `${bold ? "bold " : ""}${size}px ${FONT}`;
      pen.fillStyle = muted ? "#6b6f76" : "#1b1f24";
      pen.fillText(text, x, y);
    }
  }
  const blob = await new Promise((resolve) => { canvas.toBlob(resolve, "image/png"); });
  return new File([blob], t("sample.name"), { type: blob.type });
}
