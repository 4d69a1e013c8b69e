// What was written and is not acknowledged yet. It survives a closed page; the key chosen here makes
// sending twice harmless, so everything is sent until the server says that it has it.

import { call } from "./api.js";

/** Random enough that nobody ever makes the same one; `randomUUID` needs a secure page. */
function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const RETRY_MS = [1000, 2000, 4000, 8000, 15000, 30000];

export class Outbox {
  /** `onChange(item)` when an item is new, changed or gone; `onSent(item, message)`. */
  constructor(me, onChange, onSent) {
    this.prefix = `posthouse:out:${me}:`;
    this.onChange = onChange;
    this.onSent = onSent;
    this.items = this.#read();
    this.failures = 0;
    this.isRunning = false;
    addEventListener("online", () => this.hurry());
  }

  #read() {
    const items = [];
    for (let at = 0; at < localStorage.length; at += 1) {
      const name = localStorage.key(at);
      if (!name.startsWith(this.prefix)) continue;
      try {
        items.push({ ...JSON.parse(localStorage.getItem(name)), state: "sending" });
      } catch {
        localStorage.removeItem(name);
      }
    }
    return items.sort((one, other) => one.at - other.at);
  }

  #keep(item) {
    try {
      localStorage.setItem(this.prefix + item.key, JSON.stringify(item));
    } catch {
      // a full storage: it still is in this page
    }
  }

  of(room) {
    return this.items.filter((item) => item.room === room);
  }

  put(room, text, quote, files) {
    const item = { key: newKey(), room, text, quote, files, at: Date.now() / 1000, state: "sending" };
    this.items.push(item);
    this.#keep(item);
    this.onChange(item);
    this.run();
    return item;
  }

  retry(key) {
    const item = this.items.find((one) => one.key === key);
    if (!item) return;
    item.state = "sending";
    this.onChange(item);
    this.hurry();
  }

  discard(key) {
    this.#drop(key, (item) => ({ ...item, state: "gone" }));
  }

  /** The stream has shown the message: it arrived, whatever became of the answer. */
  arrived(key) {
    this.#drop(key, (item) => ({ ...item, state: "gone" }));
  }

  #drop(key, change) {
    const item = this.items.find((one) => one.key === key);
    localStorage.removeItem(this.prefix + key);
    if (!item) return;
    this.items = this.items.filter((one) => one !== item);
    this.onChange(change(item));
  }

  hurry() {
    clearTimeout(this.timer);
    this.failures = 0;
    this.run();
  }

  async run() {
    if (this.isRunning) return;
    this.isRunning = true;
    clearTimeout(this.timer);
    try {
      let item;
      while ((item = this.items.find((one) => one.state !== "failed"))) {
        if (!(await this.#send(item))) break;
      }
    } finally {
      this.isRunning = false;
    }
  }

  async #send(item) {
    try {
      const files = item.files.map((file) => file.ref);
      const body = { key: item.key, text: item.text, quote: item.quote, files };
      const message = await call("POST", `rooms/${item.room}/messages`, body);
      this.failures = 0;
      this.onSent(item, message);
      this.#drop(item.key, (one) => ({ ...one, state: "gone" }));
      return true;
    } catch (problem) {
      if (!this.items.includes(item)) return true;
      if (problem.isPassing) {
        this.#later(item, problem);
        return false;
      }
      item.state = "failed";
      item.problem = problem.body;
      this.onChange(item);
      return true;
    }
  }

  #later(item, problem) {
    item.state = "waiting";
    this.onChange(item);
    const backOff = RETRY_MS[Math.min(this.failures, RETRY_MS.length - 1)];
    const pause = Math.max(backOff, problem.retryAfter * 1000);
    this.failures += 1;
    this.timer = setTimeout(() => this.run(), pause * (0.8 + Math.random() * 0.4));
  }
}
