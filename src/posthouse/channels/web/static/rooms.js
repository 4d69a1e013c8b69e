// The list of rooms, each with its newest message and what is unread.

import { roomUrl } from "./api.js";
import { byId, face, h } from "./dom.js";
import { t, when } from "./words.js";

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

  /** The open room is being read: it has nothing unread. */
  opened(room) {
    this.open = room;
    const line = this.lines.find((one) => one.id === room);
    if (line) line.unread = 0;
    this.draw();
  }

  draw() {
    const list = byId("rooms");
    list.replaceChildren(...(this.lines.length ? this.lines.map((line) => this.#line(line)) : [h("p", { class: "none" }, t("no_rooms"))]));
    const unread = this.lines.reduce((sum, line) => sum + (line.id === this.open && document.visibilityState === "visible" ? 0 : line.unread), 0);
    document.title = unread ? `(${unread}) ${this.bot.title}` : this.bot.title;
  }

  #line(line) {
    const isOpen = line.id === this.open;
    const unread = isOpen && document.visibilityState === "visible" ? 0 : line.unread;
    const last = line.last_text ? (line.last_name ? `${line.last_name}: ${line.last_text}` : line.last_text) : t(line.kind === "group" ? "group" : "private");
    const element = h("a", { class: "room-line", href: roomUrl(line.id), "aria-current": isOpen ? "page" : null },
      face(line.title, line.id, line.kind === "private", "large"),
      h("span", { class: "middle" }, h("span", { class: "name" }, line.title), h("span", { class: "last" }, last)),
      h("span", { class: "aside" }, when(line.at), unread ? h("span", { class: "unread", "aria-label": t("new_messages", unread) }, unread > 99 ? "99+" : String(unread)) : null));
    element.addEventListener("click", (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      this.onOpen(line.id);
    });
    return element;
  }
}
