// The messages of the open room, in order, each once: whatever is told twice lands in the same place.

import { button, byId, div } from "./dom.js";
import { drawFoot, drawMessage, words } from "./message.js";
import { day, sameDay, t } from "./words.js";

const TOGETHER_S = 300; // messages of one person this close stand together
const NEAR_END_PX = 90;

export class Timeline {
  /** `hooks`: loadEarlier(number), seen(number), empty(), and the actions of a message. */
  constructor(room, hooks) {
    this.room = room;
    this.hooks = hooks;
    this.messages = new Map(); // by number
    this.elements = new Map(); // by number, or key while it waits
    this.waiting = []; // the outbox's items of this room
    this.progress = new Map();
    this.drafts = new Map(); // numbers that grow: their newest html
    this.isMore = false;
    this.freshAfter = null;
    this.list = byId("timeline");
    this.scroll = byId("scroll");
    this.down = byId("down");
    this.missed = 0;
    this.scroll.onscroll = () => this.#scrolled();
    this.down.onclick = () => this.toEnd(true);
    this.list.replaceChildren();
    this.isPinned = true; // whoever reads the end goes on to read it when pictures arrive above
    this.sizes = new ResizeObserver(() => this.isPinned && this.toEnd());
    this.sizes.observe(this.list);
    this.sizes.observe(this.scroll);
  }

  get newest() {
    return Math.max(0, ...this.messages.keys());
  }

  get oldest() {
    return Math.min(...this.messages.keys());
  }

  get isAtEnd() {
    return this.scroll.scrollHeight - this.scroll.scrollTop - this.scroll.clientHeight < NEAR_END_PX;
  }

  /** Begin with a page of messages; what is newer than `readNumber` is marked as new. */
  begin(messages, isMore, readNumber) {
    this.isMore = isMore;
    for (const message of messages) this.messages.set(message.number, message);
    const unread = messages.find((one) => one.number > readNumber && !one.is_mine);
    this.freshAfter = unread && readNumber > 0 ? readNumber : null;
    this.redraw();
    const mark = this.list.querySelector(".fresh");
    this.isPinned = !mark;
    if (mark) mark.scrollIntoView({ block: "center" });
    else this.toEnd();
  }

  prepend(messages, isMore) {
    const before = this.scroll.scrollHeight - this.scroll.scrollTop;
    this.isMore = isMore;
    for (const message of messages) {
      if (!this.messages.has(message.number)) this.messages.set(message.number, message);
    }
    this.redraw();
    this.scroll.scrollTop = this.scroll.scrollHeight - before;
  }

  /** What changed: new ones appear, known ones are drawn anew. */
  upsert(messages) {
    const wasAtEnd = this.isAtEnd;
    let added = 0;
    let isReordered = false;
    for (const message of messages) {
      const known = this.messages.get(message.number);
      if (known && known.version >= message.version) continue;
      if (!known && this.isMore && message.number < this.oldest) continue; // above the page: read when scrolled to
      if (!known && message.number < this.newest) isReordered = true;
      this.messages.set(message.number, message);
      if (!message.is_draft) this.drafts.delete(message.number);
      if (known) this.#replace(message);
      else if (!isReordered) this.#append(message);
      if (!known && !message.is_mine) added += 1;
    }
    if (isReordered) this.redraw();
    this.#drawWaiting();
    this.#drawFeet();
    if (wasAtEnd || messages.some((one) => one.is_mine && !added)) this.toEnd();
    else this.#miss(added);
  }

  setWaiting(items) {
    this.waiting = items;
    this.#drawWaiting();
    this.#drawFeet();
    this.toEnd();
  }

  setProgress(news) {
    for (const one of news) this.progress.set(one.number, one);
    this.#drawFeet();
  }

  grow(number, html) {
    const message = this.messages.get(number);
    if (!message?.is_draft) return;
    this.drafts.set(number, html);
    const wasAtEnd = this.isAtEnd;
    const old = this.elements.get(number)?.querySelector(".bubble > .words");
    old?.replaceWith(words(html));
    if (wasAtEnd) this.toEnd();
  }

  jump(number) {
    const element = this.elements.get(number);
    if (!element) return;
    this.isPinned = false;
    element.scrollIntoView({ block: "center", behavior: "smooth" });
    element.classList.add("lit");
    setTimeout(() => element.classList.remove("lit"), 1700);
  }

  toEnd(isSmooth = false) {
    this.isPinned = true;
    this.scroll.scrollTo({ top: this.scroll.scrollHeight, behavior: isSmooth ? "smooth" : "instant" });
    this.#miss(0);
  }

  redraw() {
    this.elements.clear();
    this.list.replaceChildren();
    this.last = null;
    if (this.isMore) this.list.append(button("earlier", () => this.hooks.loadEarlier(this.oldest), t("earlier")));
    const inOrder = [...this.messages.values()].sort((one, other) => one.number - other.number);
    for (const message of inOrder) this.#append(message);
    this.#drawWaiting();
    this.#drawFeet();
  }

  // --- drawing -------------------------------------------------------------------------------

  #append(message) {
    this.list.querySelector(".empty")?.remove();
    const previous = this.last;
    if (!previous || !sameDay(previous.at, message.at)) this.list.append(div("day", day(message.at)));
    if (this.#isFirstFresh(message)) this.list.append(div("fresh", t("fresh")));
    const element = this.#draw(message);
    element.classList.toggle("follows", isTogether(this.list.lastElementChild, previous, message));
    this.list.append(element);
    this.last = message;
    const first = this.list.querySelector(".waiting-item");
    if (first) for (const item of this.list.querySelectorAll(".waiting-item")) this.list.append(item);
  }

  #isFirstFresh(message) {
    const isFresh = this.freshAfter !== null && message.number > this.freshAfter && !message.is_mine;
    return isFresh && !this.list.querySelector(".fresh");
  }

  #replace(message) {
    const old = this.elements.get(message.number);
    if (!old) return;
    const element = this.#draw(message);
    element.classList.toggle("follows", old.classList.contains("follows"));
    const hadFocus = old.querySelector(":focus-visible") !== null;
    old.replaceWith(element);
    if (hadFocus) (element.querySelector(".stop:enabled") ?? byId("text")).focus({ preventScroll: true });
  }

  #draw(message) {
    const html = (message.is_draft && this.drafts.get(message.number)) || message.html;
    const element = drawMessage({ ...message, html }, this.room, this.hooks.actions);
    this.elements.set(message.number, element);
    element.addEventListener("click", (event) => this.#tapped(event, element));
    return element;
  }

  /** On a screen without a mouse a tap shows what can be done with a message. */
  #tapped(event, element) {
    if (event.target.closest("a, button") || !matchMedia("(hover: none)").matches) return;
    for (const open of this.list.querySelectorAll(".message.open")) {
      if (open !== element) open.classList.remove("open");
    }
    element.classList.toggle("open");
  }

  #drawWaiting() {
    for (const old of this.list.querySelectorAll(".waiting-item")) old.remove();
    for (const item of this.waiting) {
      const message = { ...item, is_mine: true, sender: this.room.me.id, name: this.room.me.name };
      const element = drawMessage(message, this.room, this.hooks.actions);
      element.classList.add("waiting-item");
      drawFoot(element, message, { ...item.problem, state: item.state }, this.hooks.actions);
      this.list.append(element);
    }
    this.#drawEmptiness();
  }

  #drawEmptiness() {
    const shown = this.list.querySelector(".empty");
    const isEmpty = !this.messages.size && !this.waiting.length;
    if (isEmpty && !shown) this.list.append(this.hooks.empty());
    if (!isEmpty) shown?.remove();
  }

  /** How far it has come stands below one's newest message, and below those that wait or went wrong. */
  #drawFeet() {
    const newest = this.waiting.length ? 0 : this.newest;
    for (const [number, message] of this.messages) {
      const element = this.elements.get(number);
      if (!element) continue;
      const isSaid = message.is_mine && !message.is_recalled;
      const known = this.progress.get(number) ?? { state: number === newest ? "delivered" : "" };
      const isShown = isSaid && (known.state !== "delivered" || number === newest);
      drawFoot(element, message, isShown ? this.#withDraft(known, number) : null, this.hooks.actions);
    }
  }

  /** While an answer grows before everybody's eyes, nothing needs to be said about it. */
  #withDraft(known, number) {
    const isGrowing = [...this.messages.values()].some((one) => one.is_draft && one.number > number);
    return known.state === "answering" && isGrowing ? null : known;
  }

  // --- reading --------------------------------------------------------------------------------

  close() {
    this.sizes.disconnect();
  }

  #scrolled() {
    this.isPinned = this.isAtEnd;
    if (this.isAtEnd) this.#miss(0);
    this.down.hidden = this.isAtEnd;
    if (this.scroll.scrollTop < 60 && this.isMore && !this.isLoading) {
      this.isLoading = true;
      this.hooks.loadEarlier(this.oldest).finally(() => (this.isLoading = false));
    }
  }

  #miss(added) {
    this.missed = added ? this.missed + added : 0;
    byId("down-count").textContent = this.missed ? t("new_messages", this.missed) : t("latest");
    this.down.hidden = this.isAtEnd;
    if (this.isAtEnd) this.hooks.seen(this.newest);
  }
}

function isTogether(above, previous, message) {
  if (!previous || !above?.classList.contains("message")) return false;
  const isSameVoice = previous.sender === message.sender && !previous.is_recalled && !message.quoted;
  return isSameVoice && message.at - previous.at < TOGETHER_S;
}
