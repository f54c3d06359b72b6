// Which line, and which word of it, is looked at: the picture and the text both set it, and both show it.

const listeners = new Set();
let hovered = null;
let pinned = null;

/** `listener(place, from)`: place is {line, word} or null, word null for the line as a whole; from is "picture" or "text". */
export const onPlace = (listener) => listeners.add(listener);

const tell = (from, isPinned = false) => listeners.forEach((listener) => listener(hovered ?? pinned, from, isPinned));

export function hover(place, from) {
  if (place?.line === hovered?.line && place?.word === hovered?.word) return;
  hovered = place;
  tell(from);
}

/** Keep a place when the pointer has gone. */
export function pin(place, from) {
  pinned = place;
  hovered = null;
  tell(from, true);
}

/** Forget all places: another page is shown. */
export function clear() {
  hovered = pinned = null;
  tell("text");
}
