// Questions that interrupt: a name, a new room, an invitation, who is here.

import { call, root } from "./api.js";
import { byId, face, h, icon } from "./dom.js";
import { copyText } from "./message.js";
import { moment, t } from "./words.js";

/** Show a dialog; `draw(close)` returns its content. Resolves with what `close` got. */
function ask(draw, { isRequired = false } = {}) {
  const dialog = byId("dialog");
  return new Promise((resolve) => {
    const close = (value) => {
      dialog.onclose = null;
      dialog.close();
      resolve(value);
    };
    dialog.replaceChildren(...[draw(close)].flat());
    dialog.oncancel = (event) => { if (isRequired) event.preventDefault(); };
    dialog.onclick = (event) => { if (event.target === dialog && !isRequired) close(undefined); };
    dialog.onclose = () => resolve(undefined);
    dialog.showModal();
    dialog.querySelector("[autofocus]")?.focus();
  });
}

/** A form of one dialog: its fields, then buttons; problems are shown in it. */
function form(fields, label, submit, close, { isRequired = false } = {}) {
  const problem = h("p", { class: "problem", role: "alert" });
  const go = h("button", { class: "primary" }, label);
  const cancel = isRequired ? null : h("button", { type: "button", class: "quiet", onclick: () => close(undefined) }, t("cancel"));
  const element = h("form", { method: "dialog" }, ...fields, problem, h("div", { class: "buttons" }, cancel, go));
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

const heading = (title, about) => [h("h2", {}, title), about && h("p", { class: "about" }, about)];

const field = (id, label, value, max) => [
  h("label", { for: id }, label),
  h("input", { class: "field", id, name: id, value, maxlength: String(max), required: true, autofocus: true, autocomplete: "off" }),
];

export function askName(limits, current = "", isRequired = false) {
  return ask((close) => {
    const fields = [...heading(t("name_title"), t("name_about")), ...field("name", t("name"), current, limits.name_chars_max)];
    const submit = (data) => call("PUT", "me", { name: data.get("name") });
    return form(fields, isRequired ? t("begin") : t("save"), submit, close, { isRequired });
  }, { isRequired });
}

export function askRoom(limits) {
  return ask((close) => {
    const title = field("title", t("room_name"), "", limits.title_chars_max);
    const kind = (value, label, about, isChecked) =>
      h("label", {}, h("input", { type: "radio", name: "kind", value, checked: isChecked }), label, h("small", {}, about));
    const kinds = h("div", { class: "kinds" }, kind("group", t("group"), t("group_about"), true), kind("private", t("private"), t("private_about"), false));
    kinds.addEventListener("change", () => (title[1].required = kinds.querySelector(":checked").value === "group"));
    const submit = (data) => call("POST", "rooms", { title: data.get("title"), kind: data.get("kind") });
    return form([...heading(t("room_title")), ...title, kinds], t("create"), submit, close);
  });
}

export function askTitle(limits, room) {
  return ask((close) => {
    const fields = [...heading(t("retitle")), ...field("title", t("room_name"), room.title, limits.title_chars_max)];
    return form(fields, t("save"), (data) => call("PATCH", `rooms/${room.id}`, { title: data.get("title") }), close);
  });
}

export function showInvitation(room) {
  return ask((close) => {
    const link = h("input", { class: "field", id: "link", readonly: true, "aria-label": t("link") });
    const until = h("p", { class: "about", role: "status" });
    const valid = h("select", { class: "field", id: "valid" }, ...[["86400", "valid_day"], ["604800", "valid_week"], ["2592000", "valid_month"]].map(([seconds, key]) => h("option", { value: seconds, selected: seconds === "604800" }, t(key))));
    const make = async () => {
      try {
        const made = await call("POST", `rooms/${room.id}/invitations`, { expires_s: Number(valid.value) });
        link.value = made.link.startsWith("http") ? made.link : below(made.link);
        until.textContent = t("valid_until", moment(made.expires_at));
      } catch (problem) {
        until.textContent = problem.words;
      }
    };
    valid.addEventListener("change", make);
    make();
    const copy = h("button", { type: "button", class: "primary", onclick: () => copyText(link.value, copy) }, icon("copy"), t("copy_link"));
    link.addEventListener("focus", () => link.select());
    return [
      ...heading(t("invite_title"), t("invite_about", room.title)),
      h("div", { class: "link" }, link), h("label", { for: "valid" }, t("valid")), valid, until,
      h("div", { class: "buttons" }, h("button", { type: "button", class: "quiet", onclick: () => close() }, t("close")), copy),
    ];
  });
}

/** Without a public address the server names the path it knows; a proxy may have put more before it. */
const below = (link) => new URL(`join/${link.split("/join/")[1]}`, root).href;

export function showMembers(room, onRemove) {
  return ask((close) => {
    const line = (member) => h("li", {}, face(member.name, member.id, member.is_bot), h("span", { class: "name" }, member.name), note(member), removal(member));
    const note = (member) => (member.is_bot ? h("small", {}, t("bot")) : member.is_owner ? h("small", {}, t("owner")) : member.id === room.me.id ? h("small", {}, t("you")) : null);
    const removal = (member) => room.is_owner && !member.is_bot && member.id !== room.me.id && h("button", { type: "button", class: "quiet", onclick: () => { close(); onRemove(member); } }, t("remove"));
    const everybody = [{ id: "bot", name: room.bot.name, is_bot: true }, ...room.members];
    return [...heading(t("people"), t("people_count", room.members.length)), h("ul", { class: "member-list" }, everybody.map(line)), h("div", { class: "buttons" }, h("button", { type: "button", class: "quiet", autofocus: true, onclick: () => close() }, t("close")))];
  });
}

export function showMenu(title, entries) {
  return ask((close) => [
    h("h2", {}, title),
    h("div", { class: "menu" }, entries.map(([name, label, isRisky]) => h("button", { type: "button", class: isRisky ? "risky" : "", onclick: () => close(name) }, icon({ people: "group", invite: "invite", retitle: "edit", leave: "leave" }[name]), label))),
  ]);
}

export function confirm(words, label) {
  return ask((close) => [
    h("p", {}, words),
    h("div", { class: "buttons" }, h("button", { type: "button", class: "quiet", onclick: () => close(false) }, t("cancel")), h("button", { type: "button", class: "primary danger", autofocus: true, onclick: () => close(true) }, label)),
  ]);
}
