// The page: which room is open, who is here, and what its parts tell one another.

import { Problem, call, roomUrl, root } from "./api.js";
import { Composer } from "./composer.js";
import { askName, askRoom, askTitle, confirm, showInvitation, showMembers, showMenu } from "./dialogs.js";
import { button, byId, div, face, h, markUrl, toast } from "./dom.js";
import { Outbox } from "./outbox.js";
import { RoomList } from "./rooms.js";
import { Stream } from "./stream.js";
import { Timeline } from "./timeline.js";
import { currentLanguage, setLanguage, speak, t } from "./words.js";

const TYPING_FOR_MS = 7000;
const LIST_EACH_MS = 20000;
const LOST_SHOWN_AFTER_MS = 1500;

const state = JSON.parse(byId("state").textContent);
const page = { me: state.me, room: null, timeline: null, stream: null, typing: new Map(), recalled: new Map() };
let outbox;
let list;
let composer;

// --- a room ------------------------------------------------------------------------------------

/** A room's head with the few questions that others ask of it. */
function roomOf(view) {
  return {
    ...view,
    me: page.me,
    bot: state.bot,
    nameOf(person, otherwise) {
      return this.members.find((member) => member.id === person)?.name ?? otherwise;
    },
  };
}

function show(content) {
  leave();
  page.room = roomOf(content.room);
  page.timeline = new Timeline(page.room, { loadEarlier, seen, empty: drawEmpty, actions });
  composer.open(page.room);
  drawBar();
  byId("bar").hidden = false;
  document.body.dataset.view = "room";
  page.timeline.waiting = outbox.of(page.room.id);
  page.timeline.begin(content.messages, content.is_more, content.read_number);
  page.stream = new Stream(page.room.id, content.version, listeners);
  list.opened(page.room.id);
  composer.focus();
}

function leave() {
  page.stream?.close();
  page.timeline?.close();
  page.stream = null;
  page.room = null;
  page.typing.clear();
  composer.close();
  byId("bar").hidden = true;
  byId("connection").textContent = "";
  drawTyping();
}

async function open(id, isNew = true) {
  try {
    const content = await call("GET", `rooms/${id}`);
    if (isNew) history.pushState({ room: id }, "", roomUrl(id));
    show(content);
  } catch (problem) {
    if (problem.status === 404) showNothing(t("room_not_found"));
    else toast(problem.words ?? String(problem));
  }
}

function showNothing(words) {
  leave();
  list.opened(null);
  document.body.dataset.view = "rooms";
  byId("down").hidden = true;
  byId("timeline").replaceChildren(emptiness(state.bot.title, words));
}

function emptiness(title, words, ...more) {
  const mark = h("img", { class: "mark", src: markUrl, alt: "" });
  return div("empty", mark, h("h3", {}, title), h("p", {}, words), ...more);
}

function drawBar() {
  const { room } = page;
  const isGroup = room.kind === "group";
  byId("title").textContent = room.title;
  const people = `${t("people_count", room.members.length)} · ${room.bot.name}`;
  byId("subtitle").textContent = isGroup ? people : t("with_bot", room.bot.name);
  byId("invite").hidden = !isGroup || !room.is_owner;
  byId("people").hidden = !isGroup;
  byId("people").replaceChildren(...room.members.slice(0, 4).map((member) => face(member.name, member.id, false)));
}

function drawEmpty() {
  const { room } = page;
  const isGroup = room.kind === "group";
  const addressed = (words) => (isGroup ? `@${room.bot.name} ${words}` : words);
  const suggest = (words) => button("suggestion", () => composer.write(addressed(words)), words);
  const suggestions = div("suggestions", state.bot.suggestions.map(suggest));
  if (isGroup && room.is_owner) {
    suggestions.prepend(button("suggestion", () => showInvitation(room), t("invite_title")));
  }
  const words = isGroup ? t("empty_group", room.bot.name) : state.bot.welcome[currentLanguage()];
  return emptiness(isGroup ? room.title : room.bot.name, words, suggestions);
}

async function loadEarlier(number) {
  const { room, timeline } = page;
  try {
    const found = await call("GET", `rooms/${room.id}/messages?before=${number}`);
    if (page.timeline === timeline) timeline.prepend(found.messages, found.is_more);
  } catch (problem) {
    toast(problem.words);
  }
}

let seenNumber = 0;
let seenTimer;
function seen(number) {
  if (document.visibilityState !== "visible" || !page.room || !number) return;
  const key = page.room.id;
  clearTimeout(seenTimer);
  seenTimer = setTimeout(() => {
    if (seenNumber === `${key}:${number}`) return;
    seenNumber = `${key}:${number}`;
    call("POST", `rooms/${key}/read`, { number }).catch(() => (seenNumber = 0));
  }, 400);
}

// --- what the stream tells -----------------------------------------------------------------------

let lostTimer;
const listeners = {
  connected(isConnected) {
    clearTimeout(lostTimer);
    const note = byId("connection");
    if (isConnected) {
      if (note.textContent) outbox.hurry();
      note.textContent = "";
      return;
    }
    lostTimer = setTimeout(() => {
      note.textContent = t(navigator.onLine ? "lost" : "offline");
    }, LOST_SHOWN_AFTER_MS);
  },
  sync(messages) {
    for (const message of messages) {
      if (message.key) outbox.arrived(message.key);
      if (!message.is_mine) page.typing.delete(message.sender);
    }
    page.timeline.upsert(messages);
    drawTyping();
  },
  room(view) {
    Object.assign(page.room, roomOf(view));
    page.timeline.redraw();
    drawBar();
  },
  rooms(lines) {
    list.set(lines);
  },
  draft({ number, html }) {
    page.typing.delete("");
    page.timeline.grow(number, html);
    drawTyping();
  },
  typing({ person, name }) {
    page.typing.set(person, { name: person ? name : state.bot.name, until: Date.now() + TYPING_FOR_MS });
    drawTyping();
  },
  progress(news) {
    page.timeline.setProgress(news);
  },
  reset() {
    open(page.room.id, false);
  },
  gone() {
    refreshList();
    showNothing(t("gone"));
  },
};

let typingTimer;
function drawTyping() {
  const now = Date.now();
  for (const [person, one] of page.typing) if (one.until < now) page.typing.delete(person);
  const writers = [...page.typing];
  const line = byId("typing");
  clearTimeout(typingTimer);
  if (!writers.length) return line.replaceChildren();
  typingTimer = setTimeout(drawTyping, 1000);
  const [person, one] = writers[0];
  const alone = t(person ? "typing_one" : "typing_bot", one.name);
  const words = writers.length > 1 ? t("typing_many", writers.length) : alone;
  if (line.dataset.words === words && line.childElementCount) return;
  line.dataset.words = words;
  const dots = h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i"));
  line.replaceChildren(dots, words);
}

// --- what one does with messages ---------------------------------------------------------------------

async function attempt(action) {
  try {
    return await action();
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    toast(problem.words);
    return undefined;
  }
}

const apply = (message) => message && page.room && page.timeline.upsert([message]);
const address = (number) => `rooms/${page.room.id}/messages/${number}`;

const actions = {
  quote(message) {
    const name = message.is_bot ? state.bot.name : page.room.nameOf(message.sender, message.name);
    composer.quote(message, name);
  },
  edit: (message) => composer.edit(message),
  async recall(message) {
    if (!(await confirm(t("recall_sure"), t("recall")))) return;
    if (message.text) page.recalled.set(message.number, message.text);
    apply(await attempt(() => call("DELETE", address(message.number))));
  },
  remembered: (number) => page.recalled.has(number),
  rewrite: (number) => composer.write(page.recalled.get(number)),
  async press(number, token, pressed) {
    const all = pressed.parentElement.querySelectorAll("button");
    if (pressed.matches(":focus-visible")) byId("text").focus({ preventScroll: true });
    for (const one of all) one.disabled = true;
    const message = await attempt(() => call("POST", `${address(number)}/press`, { token }));
    if (message?.toast) toast(message.toast);
    if (message) apply(message);
    else for (const one of all) one.disabled = false;
  },
  retry: (key) => outbox.retry(key),
  discard: (key) => outbox.discard(key),
  jump: (number) => page.timeline.jump(number),
};

const composing = {
  send(text, quoting, files) {
    const item = outbox.put(page.room.id, text, quoting?.number ?? null, files);
    if (quoting) item.quoted = quoting;
    page.timeline.setWaiting(outbox.of(page.room.id));
  },
  async saveEdit(message, text) {
    apply(await attempt(() => call("PATCH", address(message.number), { text })));
  },
  lastMine() {
    const mine = [...page.timeline.messages.values()].filter((one) => one.is_mine && !one.is_recalled && one.text);
    return mine.sort((one, other) => other.number - one.number)[0];
  },
  typing() {
    if (page.room?.kind === "group") call("POST", `rooms/${page.room.id}/typing`, {}).catch(() => {});
  },
};

// --- rooms and oneself ---------------------------------------------------------------------------------

async function refreshList() {
  if (!page.me) return;
  try {
    list.set(await call("GET", "rooms"));
  } catch {
    // the next time is soon
  }
}

async function createRoom() {
  const made = await askRoom(state.limits);
  if (!made) return;
  history.pushState({ room: made.room.id }, "", roomUrl(made.room.id));
  show(made);
  await refreshList();
  if (made.room.kind === "group") showInvitation(page.room);
}

async function menu() {
  const { room } = page;
  const entries = [["people", t("people")]];
  if (room.kind === "group" && room.is_owner) entries.push(["invite", t("invite")]);
  if (room.is_owner) entries.push(["retitle", t("retitle")]);
  entries.push(["leave", t("leave"), true]);
  const chosen = await showMenu(room.title, entries);
  if (chosen === "people") members();
  if (chosen === "invite") showInvitation(room);
  if (chosen === "retitle") await askTitle(state.limits, room);
  if (chosen === "leave" && (await confirm(t("leave_sure", room.title), t("leave")))) {
    if ((await attempt(() => call("POST", `rooms/${room.id}/leave`, {}))) === undefined) return;
    history.pushState({}, "", new URL(`../${root.pathname.split("/").at(-2)}`, root));
    showNothing(t("pick_room"));
    refreshList();
  }
}

function members() {
  showMembers(page.room, (member) => attempt(() => call("DELETE", `rooms/${page.room.id}/members/${member.id}`)));
}

async function rename() {
  const named = await askName(state.limits, page.me.name);
  if (!named) return;
  page.me.name = named.name;
  drawMe();
}

function drawMe() {
  byId("me").replaceChildren(face(page.me.name, page.me.id, false), h("span", {}, page.me.name));
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
}

function nextTheme() {
  const theme = { auto: "light", light: "dark", dark: "auto" }[document.documentElement.dataset.theme] ?? "auto";
  setTheme(theme);
  toast(t(`theme_${theme}`));
  call("PUT", "preferences", { theme }).catch(() => {});
}

function nextLanguage() {
  const language = currentLanguage() === "zh" ? "en" : "zh";
  setLanguage(language);
  call("PUT", "preferences", { language }).catch(() => {});
  speak();
  list.draw();
  composer.speak();
  if (!page.room) return showNothing(t("pick_room"));
  drawBar();
  page.timeline.redraw();
  drawTyping();
}

// --- beginning -------------------------------------------------------------------------------------------

/** The page's address changes with the open room; what was named relative to the first one stays there. */
function anchorAddresses() {
  for (const link of document.querySelectorAll("link[href]")) link.setAttribute("href", link.href);
  for (const image of document.querySelectorAll("img[src]")) image.setAttribute("src", image.src);
  for (const use of document.querySelectorAll("use[href]")) {
    use.setAttribute("href", new URL(use.getAttribute("href"), document.baseURI).href);
  }
}

async function begin() {
  anchorAddresses();
  setLanguage(state.language);
  speak();
  if (!page.me) {
    page.me = await askName(state.limits, "", true);
    state.rooms = await call("GET", "rooms");
    const wanted = /\/rooms\/([^/]+)$/.exec(location.pathname)?.[1] ?? state.rooms[0]?.id;
    if (wanted) state.page = await call("GET", `rooms/${wanted}`).catch(() => null);
    if (state.page) history.replaceState({ room: wanted }, "", roomUrl(wanted));
  }
  const isOpen = (item) => page.room?.id === item.room;
  const onChange = (item) => isOpen(item) && page.timeline.setWaiting(outbox.of(item.room));
  const onSent = (item, message) => isOpen(item) && page.timeline.upsert([message]);
  outbox = new Outbox(page.me.id, onChange, onSent);
  list = new RoomList(page.me, state.bot, (id) => open(id));
  composer = new Composer(state.limits, composing);
  drawMe();
  list.set(state.rooms);
  listen();
  const isPhone = matchMedia("(max-width: 760px)").matches;
  if (!state.page && !state.problem && state.rooms.length && !isPhone) {
    state.page = await call("GET", `rooms/${state.rooms[0].id}`).catch(() => null);
  }
  if (state.page) show(state.page);
  else showNothing(state.problem ? t("room_not_found") : t("pick_room"));
  outbox.run();
  document.body.dataset.ready = "yes";
}

function listen() {
  byId("new-room").onclick = createRoom;
  byId("invite").onclick = () => showInvitation(page.room);
  byId("people").onclick = members;
  byId("room-menu").onclick = menu;
  byId("me").onclick = rename;
  byId("theme").onclick = nextTheme;
  byId("language").onclick = nextLanguage;
  byId("back").onclick = () => {
    showNothing(t("pick_room"));
    refreshList();
  };
  addEventListener("popstate", () => {
    const wanted = /\/rooms\/([^/]+)$/.exec(location.pathname)?.[1];
    if (wanted) open(wanted, false);
    else showNothing(t("pick_room"));
  });
  document.addEventListener("visibilitychange", () => {
    list.draw();
    if (document.visibilityState === "visible" && page.timeline?.isAtEnd && page.room) seen(page.timeline.newest);
  });
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !byId("dialog").open) composer.cancel();
  });
  setInterval(refreshList, LIST_EACH_MS);
}

begin();
