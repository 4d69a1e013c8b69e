// One open room, kept up to date: resumed by version, reconnected for ever.

import { call, eventsUrl } from "./api.js";

const SILENCE_MS = 40000; // the server says at least every 15 s that it is there
const RETRY_MS = [400, 1000, 2000, 4000, 8000];
const EVENTS = ["sync", "room", "rooms", "draft", "typing", "progress", "beat", "reset", "gone"];

export class Stream {
  /** `on` has a function per event, and `connected(isConnected)`. */
  constructor(room, version, on) {
    this.room = room;
    this.version = version;
    this.on = on;
    this.failures = 0;
    this.isOver = false;
    this.wake = () => document.visibilityState === "visible" && this.#check();
    this.again = () => this.#open();
    document.addEventListener("visibilitychange", this.wake);
    addEventListener("online", this.again);
    this.#open();
  }

  close() {
    this.isOver = true;
    document.removeEventListener("visibilitychange", this.wake);
    removeEventListener("online", this.again);
    this.#stop();
  }

  #stop() {
    clearTimeout(this.timer);
    clearTimeout(this.silence);
    this.source?.close();
    this.source = null;
  }

  #open() {
    this.#stop();
    if (this.isOver) return;
    const source = new EventSource(eventsUrl(this.room, this.version));
    this.source = source;
    const isCurrent = () => source === this.source;
    for (const name of EVENTS) {
      source.addEventListener(name, (event) => isCurrent() && this.#heard(name, event));
    }
    source.onerror = () => isCurrent() && this.#lost();
    this.#listen();
  }

  #heard(name, event) {
    this.failures = 0;
    this.on.connected(true);
    this.#listen();
    if (event.lastEventId) this.version = Math.max(this.version, Number(event.lastEventId));
    this.on[name]?.(JSON.parse(event.data));
  }

  #listen() {
    clearTimeout(this.silence);
    this.heardAt = Date.now();
    this.silence = setTimeout(() => this.#lost(), SILENCE_MS);
  }

  #check() {
    if (!this.source || Date.now() - this.heardAt > SILENCE_MS / 2) this.#open();
  }

  #lost() {
    this.#stop();
    if (this.isOver) return;
    this.on.connected(false);
    const pause = RETRY_MS[Math.min(this.failures, RETRY_MS.length - 1)] * (0.7 + Math.random() * 0.6);
    this.failures += 1;
    const again = this.failures > 2 ? () => this.#ask() : () => this.#open();
    this.timer = setTimeout(again, pause);
  }

  /** A stream does not say why it is refused; an ordinary request does. */
  async #ask() {
    try {
      await call("GET", `rooms/${this.room}/messages?limit=1`);
    } catch (problem) {
      if (!problem.isPassing && !this.isOver) {
        this.on.gone(problem);
        return;
      }
      this.#lost();
      return;
    }
    this.#open();
  }
}
