// Questions that interrupt: a name, a new room, an invitation, who is here.

import { call, root } from "./api.js";
import { button, byId, div, face, h, icon, span } from "./dom.js";
import { copyText } from "./message.js";
import { moment, t } from "./words.js";

const VALID_FOR = [
  ["86400", "valid_day"],
  ["604800", "valid_week"],
  ["2592000", "valid_month"],
];
const VALID_USUALLY = "604800";
const MENU_ICONS = { people: "group", invite: "invite", retitle: "edit", leave: "leave" };

/** Show a dialog; `draw(close)` returns its content. Resolves with what `close` got. */
function ask(draw, { isRequired = false } = {}) {
  const dialog = byId("dialog");
  return new Promise((resolve) => {
    const close = (value) => {
      dialog.onclose = null;
      dialog.close();
      resolve(value);
    };
    dialog.replaceChildren(...[draw(close)].flat().filter(Boolean));
    dialog.oncancel = (event) => {
      if (isRequired) event.preventDefault();
    };
    dialog.onclick = (event) => {
      if (event.target === dialog && !isRequired) close(undefined); // beside it
    };
    dialog.onclose = () => resolve(undefined);
    dialog.showModal();
    dialog.querySelector("[autofocus]")?.focus();
  });
}

/** A form of one dialog: its fields, then buttons; problems are said in it. */
function form(fields, label, submit, close, { isRequired = false } = {}) {
  const problem = h("p", { class: "problem", role: "alert" });
  const go = h("button", { class: "primary" }, label);
  const cancel = !isRequired && button("quiet", () => close(undefined), t("cancel"));
  const element = h("form", { method: "dialog" }, ...fields, problem, div("buttons", cancel, go));
  element.addEventListener("submit", async (event) => {
    event.preventDefault();
    go.disabled = true;
    problem.textContent = "";
    try {
      close(await submit(new FormData(element)));
    } catch (error) {
      problem.textContent = error.words ?? String(error);
    } finally {
      go.disabled = false;
    }
  });
  return element;
}

function heading(title, about) {
  return [h("h2", {}, title), about && h("p", { class: "about" }, about)];
}

function field(id, label, value, max) {
  const properties = { class: "field", id, name: id, value, maxlength: String(max), autocomplete: "off" };
  return [h("label", { for: id }, label), h("input", { ...properties, required: true, autofocus: true })];
}

// --- names -------------------------------------------------------------------------------------

export function askName(limits, current = "", isRequired = false) {
  const submit = (data) => call("PUT", "me", { name: data.get("name") });
  const draw = (close) => {
    const name = field("name", t("name"), current, limits.name_chars_max);
    const fields = [...heading(t("name_title"), t("name_about")), ...name];
    return form(fields, isRequired ? t("begin") : t("save"), submit, close, { isRequired });
  };
  return ask(draw, { isRequired });
}

export function askTitle(limits, room) {
  const submit = (data) => call("PATCH", `rooms/${room.id}`, { title: data.get("title") });
  const title = () => field("title", t("room_name"), room.title, limits.title_chars_max);
  return ask((close) => form([...heading(t("retitle")), ...title()], t("save"), submit, close));
}

export function askRoom(limits) {
  const submit = (data) => call("POST", "rooms", { title: data.get("title"), kind: data.get("kind") });
  return ask((close) => {
    const [label, title] = field("title", t("room_name"), "", limits.title_chars_max);
    const group = kind("group", t("group"), t("group_about"), true);
    const kinds = div("kinds", group, kind("private", t("private"), t("private_about"), false));
    kinds.addEventListener("change", () => {
      title.required = kinds.querySelector(":checked").value === "group";
    });
    return form([...heading(t("room_title")), label, title, kinds], t("create"), submit, close);
  });
}

function kind(value, label, about, isChecked) {
  const radio = h("input", { type: "radio", name: "kind", value, checked: isChecked });
  return h("label", {}, radio, label, h("small", {}, about));
}

// --- people ------------------------------------------------------------------------------------

export function showInvitation(room) {
  return ask((close) => {
    const link = h("input", { class: "field", id: "link", readonly: true, "aria-label": t("link") });
    const until = h("p", { class: "about", role: "status" });
    const valid = h("select", { class: "field", id: "valid" }, VALID_FOR.map(validOption));
    const make = () => invite(room, Number(valid.value), link, until);
    valid.addEventListener("change", make);
    link.addEventListener("focus", () => link.select());
    make();
    const copy = button("primary", () => copyText(link.value, copy), icon("copy"), t("copy_link"));
    return [
      ...heading(t("invite_title"), t("invite_about", room.title)),
      div("link", link),
      h("label", { for: "valid" }, t("valid")),
      valid,
      until,
      div("buttons", button("quiet", () => close(), t("close")), copy),
    ];
  });
}

function validOption([seconds, key]) {
  return h("option", { value: seconds, selected: seconds === VALID_USUALLY }, t(key));
}

async function invite(room, expires_s, link, until) {
  try {
    const made = await call("POST", `rooms/${room.id}/invitations`, { expires_s });
    link.value = made.link.startsWith("http") ? made.link : below(made.link);
    until.textContent = t("valid_until", moment(made.expires_at));
  } catch (problem) {
    until.textContent = problem.words;
  }
}

/** Without a public address the server names the path it knows; a proxy may have put more before it. */
const below = (link) => new URL(`join/${link.split("/join/")[1]}`, root).href;

export function showMembers(room, onRemove) {
  return ask((close) => {
    const everybody = [{ id: "bot", name: room.bot.name, is_bot: true }, ...room.members];
    const remove = (member) => {
      close();
      onRemove(member);
    };
    const done = button("quiet", () => close(), t("close"));
    done.autofocus = true;
    return [
      ...heading(t("people"), t("people_count", room.members.length)),
      h("ul", { class: "member-list" }, everybody.map((member) => memberLine(member, room, remove))),
      div("buttons", done),
    ];
  });
}

function memberLine(member, room, remove) {
  const canRemove = room.is_owner && !member.is_bot && member.id !== room.me.id;
  const removal = canRemove && button("quiet", () => remove(member), t("remove"));
  const note = memberNote(member, room);
  const name = span("name", member.name);
  return h("li", {}, face(member.name, member.id, member.is_bot), name, note && h("small", {}, note), removal);
}

function memberNote(member, room) {
  if (member.is_bot) return t("bot");
  if (member.is_owner) return t("owner");
  return member.id === room.me.id ? t("you") : "";
}

// --- choosing ----------------------------------------------------------------------------------

/** Offer a menu of [name, label, isRisky]; resolves with the name chosen. */
export function showMenu(title, entries) {
  return ask((close) => {
    const entry = ([name, label, isRisky]) =>
      button(isRisky ? "risky" : "", () => close(name), icon(MENU_ICONS[name]), label);
    return [h("h2", {}, title), div("menu", entries.map(entry))];
  });
}

export function confirm(words, label) {
  return ask((close) => {
    const go = button("primary danger", () => close(true), label);
    go.autofocus = true;
    return [h("p", {}, words), div("buttons", button("quiet", () => close(false), t("cancel")), go)];
  });
}
