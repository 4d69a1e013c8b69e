// The list of rooms, each with its newest message and what is unread.

import { roomUrl } from "./api.js";
import { byId, face, h, span } from "./dom.js";
import { t, when } from "./words.js";

const UNREAD_SHOWN_MAX = 99;

export class RoomList {
  constructor(me, bot, onOpen) {
    this.me = me;
    this.bot = bot;
    this.onOpen = onOpen;
    this.lines = [];
    this.open = null;
  }

  set(lines) {
    this.lines = lines;
    this.draw();
  }

  /** A room was opened (null: none is): what is in it is being read. */
  opened(room) {
    this.open = room;
    const line = this.lines.find((one) => one.id === room);
    if (line) line.unread = 0;
    this.draw();
  }

  draw() {
    const lines = this.lines.map((line) => this.#line(line));
    byId("rooms").replaceChildren(...(lines.length ? lines : [h("p", { class: "none" }, t("no_rooms"))]));
    const unread = this.lines.reduce((sum, line) => sum + this.#unread(line), 0);
    document.title = unread ? `(${unread}) ${this.bot.title}` : this.bot.title;
  }

  #unread(line) {
    const isRead = line.id === this.open && document.visibilityState === "visible";
    return isRead ? 0 : line.unread;
  }

  #line(line) {
    const current = line.id === this.open ? "page" : null;
    const element = h("a", { class: "room-line", href: roomUrl(line.id), "aria-current": current });
    element.append(
      face(line.title, line.id, line.kind === "private", "large"),
      span("middle", span("name", line.title), span("last", lastWords(line))),
      span("aside", when(line.at), unreadBadge(this.#unread(line))),
    );
    element.addEventListener("click", (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      this.onOpen(line.id);
    });
    return element;
  }
}

function lastWords(line) {
  if (!line.last_text) return t(line.kind === "group" ? "group" : "private");
  return line.last_name ? `${line.last_name}: ${line.last_text}` : line.last_text;
}

function unreadBadge(count) {
  if (!count) return null;
  const shown = count > UNREAD_SHOWN_MAX ? `${UNREAD_SHOWN_MAX}+` : String(count);
  return h("span", { class: "unread", "aria-label": t("new_messages", count) }, shown);
}
