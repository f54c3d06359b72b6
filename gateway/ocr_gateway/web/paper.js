// A document on the desk: its file, what was read of it, and the reading of it.

import { Problem, problemOf, read } from "./gateway.js";

const JPEG = [0xff, 0xd8, 0xff];
const GIF = [0x47, 0x49, 0x46];
let made = 0;

/**
 * One document. Pages are kept as JSON text and pictures as blobs, so that hundreds of them cost little;
 * only the page that is looked at is ever more than that.
 *
 * state: waiting, reading, done, failed (see `problem`), or stopped.
 */
export class Paper {
  constructor(file, name = file.name) {
    this.id = `paper-${++made}`;
    this.file = file;
    this.name = name;
    this.page = 1;
    this.reset();
  }

  reset() {
    this.state = "waiting";
    this.kind = null;
    this.count = 0;
    this.numbers = [];
    this.lineCount = 0;
    this.results = new Map(); // number of a page -> its object as JSON
    this.pictures = new Map(); // number of a page -> blob
    this.failures = new Map(); // number of a page -> problem
    this.problem = null;
    this.ended = null;
    this.stop = null;
  }

  get readCount() {
    return this.results.size + this.failures.size;
  }

  /** The page that is looked at, as an object; null where it is not read. */
  result(number = this.page) {
    const text = this.results.get(number);
    return text === undefined ? null : JSON.parse(text);
  }

  /** Pages that were read, in their order, as JSON. */
  pages() {
    return this.numbers.filter((number) => this.results.has(number)).map((number) => this.results.get(number));
  }

  /** What can be shown of a page now: a blob, or null. */
  async picture(number) {
    const given = this.pictures.get(number);
    if (given) return given;
    return (await this.isShownByBrowser()) ? this.file : null;
  }

  /** Whether a browser shows the file itself, whole and upright. */
  isShownByBrowser() {
    this.shown ??= createImageBitmap(this.file).then(
      (bitmap) => {
        bitmap.close();
        return true;
      },
      () => false,
    );
    return this.shown;
  }

  /** Read it with the options given; `changed` is called whenever something has come. */
  async read(options, changed) {
    this.reset();
    this.state = "reading";
    const stop = new AbortController();
    this.stop = stop;
    changed();
    try {
      const isShown = await this.isShownByBrowser();
      const isOwn = isShown && (await beginsWith(this.file, JPEG));
      const parameters = { name: this.name, return_word_box: true, pictures: !isOwn, ...options };
      for await (const event of read(this.file, parameters, stop.signal)) {
        await this.take(event, isShown);
        if (this.stop !== stop) return; // it is to be read anew
        changed();
      }
      this.state = "done";
    } catch (error) {
      if (stop.signal.aborted) return; // `cancel` has said so
      if (error instanceof Problem) [this.state, this.problem] = ["failed", error];
      else throw error;
    } finally {
      changed();
    }
  }

  async take(event, isShown) {
    if (event.event === "opened") {
      [this.kind, this.count, this.numbers] = [event.kind, event.count, event.pages];
      if (!this.numbers.includes(this.page)) this.page = this.numbers[0] ?? 1;
    } else if (event.event === "page") {
      const { page, picture } = event;
      if (picture && !(isShown && (await this.isWholeInBrowser(page)))) {
        this.pictures.set(page.page, blobOf(picture));
      }
      this.lineCount += page.texts.length;
      this.results.set(page.page, JSON.stringify(page));
    } else if (event.event === "failed") {
      this.failures.set(event.number, problemOf(event.status, event.error));
    } else if (event.event === "ended") {
      this.ended = event;
    }
  }

  /** Whether the browser's own picture is the one that was read: upright, and not one of an animation. */
  async isWholeInBrowser(page) {
    if (await beginsWith(this.file, GIF)) return false;
    const bitmap = await createImageBitmap(this.file);
    const isSame = bitmap.width === page.width && bitmap.height === page.height;
    bitmap.close();
    return isSame;
  }

  /** Give up reading; what has come stays. */
  cancel() {
    if (this.state === "waiting" || this.state === "reading") this.state = "stopped";
    this.stop?.abort();
  }
}

async function beginsWith(file, bytes) {
  const head = new Uint8Array(await file.slice(0, bytes.length).arrayBuffer());
  return bytes.every((byte, index) => head[index] === byte);
}

/** The bytes of a base64 `data:` URL; the page's policy lets nothing fetch one. */
function blobOf(url) {
  const [head, body] = url.split(",", 2);
  const bytes = Uint8Array.from(atob(body), (character) => character.charCodeAt(0));
  return new Blob([bytes], { type: head.slice("data:".length).split(";")[0] });
}
