// One message as people see it: what was said, its files, its buttons, and how far it has come.

import { fileUrl } from "./api.js";
import { face, h, icon, iconButton, toast } from "./dom.js";
import { bytes, clock, currentLanguage, moment, t } from "./words.js";

/**
 * Draw a message, or what waits in the outbox.
 * `room` tells names and the bot; `actions` are quote, edit, recall, press, retry, discard, rewrite, jump.
 */
export function drawMessage(message, room, actions) {
  const name = message.is_bot ? room.bot.name : room.nameOf(message.sender, message.name);
  const element = h("article", { class: classes(message), id: `m${message.number ?? message.key}` });
  element.append(face(name, message.sender, message.is_bot), column(message, name, room, actions));
  if (!message.is_recalled && message.number) element.append(tools(message, actions, element));
  if (message.is_draft) element.setAttribute("aria-busy", "true");
  return element;
}

function classes(message) {
  const names = ["message"];
  if (message.is_mine) names.push("mine");
  if (message.is_bot) names.push("bot");
  if (message.is_draft) names.push("growing");
  if (message.mentions_me && !message.is_mine) names.push("called");
  return names.join(" ");
}

function column(message, name, room, actions) {
  const byline = h("div", { class: "byline" }, h("span", { class: "who" }, name), message.is_bot && h("span", { class: "badge" }, t("bot")));
  byline.append(h("time", { datetime: new Date(message.at * 1000).toISOString(), title: moment(message.at) }, clock(message.at)));
  const parts = message.is_recalled ? [tombstone(message, name, actions)] : [bubble(message, room, actions), choices(message, room, actions)];
  return h("div", { class: "column" }, byline, ...parts, h("div", { class: "foot" }));
}

function tombstone(message, name, actions) {
  const words = h("em", { class: "gone" }, message.is_mine ? t("recalled_you") : t("recalled_other", name));
  if (message.is_mine && actions.remembered(message.number)) {
    words.append(h("button", { type: "button", onclick: () => actions.rewrite(message.number) }, t("rewrite")));
  }
  return words;
}

function bubble(message, room, actions) {
  const files = message.files?.length ? drawFiles(message, room) : null;
  const isFilesOnly = files && !message.html && !message.text && !message.quoted;
  const body = h("div", { class: isFilesOnly ? "bubble files-only" : "bubble" });
  if (message.quoted) body.append(quoted(message.quoted, room, actions));
  if (message.html !== undefined && message.html !== "") body.append(words(message.html));
  else if (message.text) body.append(h("div", { class: "words" }, ...plainLines(message.text)));
  else if (message.is_draft) body.append(words(""));
  if (files) body.append(files);
  return body;
}

/** Words of the outbox: the server has not rendered them yet. */
const plainLines = (text) => text.split(/\n{2,}/).map((paragraph) => h("p", {}, ...paragraph.split("\n").flatMap((line, at) => (at ? [h("br"), line] : [line]))));

/** What the server has rendered, with a copy button on every block of code. */
export function words(html) {
  const element = h("div", { class: "words", html });
  for (const code of element.querySelectorAll("figure.code")) {
    const copy = h("button", { type: "button", class: "copy", "aria-label": t("copy") }, icon("copy"), t("copy"));
    copy.addEventListener("click", () => copyText(code.querySelector("code").textContent, copy));
    code.append(copy);
  }
  return element;
}

export async function copyText(text, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = h("textarea", { readonly: true }); // pages without TLS have no clipboard of their own
    area.value = text;
    (button?.closest("dialog") ?? document.body).append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  if (!button?.classList.contains("copy")) return toast(t("copied"));
  button.replaceChildren(icon("check"), t("copied"));
  setTimeout(() => button.replaceChildren(icon("copy"), t("copy")), 1600);
}

function quoted(quote, room, actions) {
  const text = quote.is_recalled ? t("quoted_recalled") : quote.text || t("a_file");
  const name = quote.is_bot ? room.bot.name : quote.name;
  return h("button", { type: "button", class: "quoted", onclick: () => actions.jump(quote.number) }, h("b", {}, name), text);
}

function drawFiles(message, room) {
  const drawn = message.files.map((file, index) => {
    const url = message.number ? fileUrl(room.id, message.number, index) : undefined;
    return file.is_picture && url ? picture(file, url) : documentLink(file, url);
  });
  return h("div", { class: "files" }, drawn);
}

const picture = (file, url) =>
  h("a", { class: "picture", href: url, target: "_blank", rel: "noopener" }, h("img", { src: url, alt: file.name, loading: "lazy" }));

const documentLink = (file, url) =>
  h("a", { class: "document", href: url, download: file.name, title: file.name }, icon("file"), h("span", { class: "name" }, file.name), h("span", { class: "size" }, bytes(file.size_bytes)));

function choices(message, room, actions) {
  if (!message.choices?.length) return null;
  const presses = message.presses ?? [];
  const mine = presses.find((press) => press.person === room.me.id);
  const buttons = message.choices.map((choice) => {
    const isChosen = presses.some((press) => press.token === choice.token);
    const button = h("button", { type: "button", class: isChosen ? "choice chosen" : "choice", disabled: Boolean(mine) }, isChosen && icon("check"), choice.label);
    button.addEventListener("click", () => actions.press(message.number, choice.token, button));
    return button;
  });
  const list = h("div", { class: "choices" }, buttons);
  if (presses.length) list.append(h("span", { class: "pressed" }, pressedBy(message, presses, room)));
  return list;
}

function pressedBy(message, presses, room) {
  const label = (token) => message.choices.find((choice) => choice.token === token)?.label ?? "";
  const shown = presses.slice(0, 3).map((press) => `${label(press.token)} · ${press.person === room.me.id ? t("you") : room.nameOf(press.person, press.name)}`);
  const more = presses.length > 3 ? ` ${t("and_more", presses.length)}` : "";
  return t("pressed_by", shown.join(currentLanguage() === "zh" ? "，" : ", ")) + more;
}

function tools(message, actions, element) {
  const bar = h("div", { class: "tools", role: "toolbar" });
  if (message.is_draft) return bar;
  bar.append(iconButton("quote", t("quote"), () => actions.quote(message)));
  if (message.text) bar.append(iconButton("copy", t("copy"), () => copyText(message.text)));
  if (message.is_mine && message.text) bar.append(iconButton("edit", t("edit"), () => actions.edit(message)));
  if (message.is_mine) bar.append(iconButton("undo", t("recall"), () => actions.recall(message)));
  bar.addEventListener("click", () => element.classList.remove("open"));
  return bar;
}

const STATES = {
  sending: "clock", waiting: "clock", delivered: "check", queued: "clock", answering: "pen", failed: "warn", unanswered: "warn",
};

/** The line below a message: edited, and where it is on its road. */
export function drawFoot(element, message, progress, actions) {
  const foot = element.querySelector(".foot");
  const parts = [];
  if (message.edited_at && !message.is_recalled) parts.push(h("span", { class: "edited", title: moment(message.edited_at) }, t("edited")));
  if (progress && progress.state in STATES) parts.push(stateWords(progress));
  if (progress?.state === "failed") {
    parts.push(h("button", { type: "button", onclick: () => actions.retry(message.key) }, t("retry")));
    parts.push(h("button", { type: "button", onclick: () => actions.discard(message.key) }, t("discard")));
  }
  foot.replaceChildren(...parts);
}

function stateWords(progress) {
  const isChinese = currentLanguage() === "zh";
  const why = isChinese ? progress.zh : progress.en;
  const next = isChinese ? progress.next_zh : progress.next_en;
  const words = progress.state === "unanswered" ? why : progress.state === "failed" && why ? `${t("failed")} · ${why}` : t(progress.state);
  return h("span", { class: `state ${progress.state}`, title: next || undefined }, icon(STATES[progress.state]), words);
}
