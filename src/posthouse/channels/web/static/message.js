// One message as people see it: what was said, its files, its buttons, and how far it has come.

import { fileUrl } from "./api.js";
import { button, div, face, h, icon, iconButton, span, toast } from "./dom.js";
import { bytes, clock, currentLanguage, moment, t } from "./words.js";

const COPIED_FOR_MS = 1600;
const PRESSES_NAMED = 3;

/**
 * Draw a message, or what waits in the outbox.
 * `room` knows names and the bot; `actions` are quote, edit, recall, press, retry, discard, rewrite, jump.
 */
export function drawMessage(message, room, actions) {
  const name = message.is_bot ? room.bot.name : room.nameOf(message.sender, message.name);
  const element = h("article", { class: classes(message), id: `m${message.number ?? message.key}` });
  element.append(face(name, message.sender, message.is_bot), column(message, name, room, actions));
  if (!message.is_recalled && message.number) element.append(tools(message, actions, element));
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
  const said = message.is_recalled
    ? [tombstone(message, name, actions)]
    : [bubble(message, room, actions), choices(message, room, actions)];
  return div("column", byline(message, name), ...said, div("foot"));
}

function byline(message, name) {
  const date = new Date(message.at * 1000).toISOString();
  const time = h("time", { datetime: date, title: moment(message.at) }, clock(message.at));
  return div("byline", span("who", name), message.is_bot && span("badge", t("bot")), time);
}

function tombstone(message, name, actions) {
  const words = message.is_mine ? t("recalled_you") : t("recalled_other", name);
  const isRemembered = message.is_mine && actions.remembered(message.number);
  const again = isRemembered && button("", () => actions.rewrite(message.number), t("rewrite"));
  return h("em", { class: "gone" }, words, again);
}

function bubble(message, room, actions) {
  const files = message.files?.length ? drawFiles(message, room) : null;
  const isFilesOnly = files && !message.html && !message.text && !message.quoted;
  const body = div(isFilesOnly ? "bubble files-only" : "bubble");
  if (message.is_draft) body.setAttribute("aria-busy", "true");
  if (message.quoted) body.append(quoted(message.quoted, room, actions));
  if (message.html) body.append(words(message.html));
  else if (message.text) body.append(div("words", ...plainLines(message.text)));
  else if (message.is_draft) body.append(words(""));
  if (files) body.append(files);
  return body;
}

/** Words of the outbox: the server has not rendered them yet. */
function plainLines(text) {
  const withBreaks = (paragraph) => paragraph.split("\n").flatMap((line, at) => (at ? [h("br"), line] : [line]));
  return text.split(/\n{2,}/).map((paragraph) => h("p", {}, ...withBreaks(paragraph)));
}

/** What the server has rendered, with a copy button on every block of code. */
export function words(html) {
  const element = h("div", { class: "words", html });
  for (const code of element.querySelectorAll("figure.code")) {
    const copy = button("copy", () => copyText(code.querySelector("code").textContent, copy));
    copy.append(icon("copy"), t("copy"));
    code.append(copy);
  }
  return element;
}

export async function copyText(text, pressed) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    copyByHand(text, pressed); // pages without TLS have no clipboard of their own
  }
  if (!pressed?.classList.contains("copy")) return toast(t("copied"));
  pressed.replaceChildren(icon("check"), t("copied"));
  setTimeout(() => pressed.replaceChildren(icon("copy"), t("copy")), COPIED_FOR_MS);
}

function copyByHand(text, pressed) {
  const area = h("textarea", { readonly: true });
  area.value = text;
  (pressed?.closest("dialog") ?? document.body).append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

function quoted(quote, room, actions) {
  const text = quote.is_recalled ? t("quoted_recalled") : quote.text || t("a_file");
  const name = quote.is_bot ? room.bot.name : quote.name;
  return button("quoted", () => actions.jump(quote.number), h("b", {}, name), text);
}

// --- files and buttons -------------------------------------------------------------------------

function drawFiles(message, room) {
  const drawn = message.files.map((file, index) => {
    const url = message.number ? fileUrl(room.id, message.number, index) : undefined;
    return file.is_picture && url ? picture(file, url) : documentLink(file, url);
  });
  return div("files", drawn);
}

function picture(file, url) {
  const image = h("img", { src: url, alt: file.name, loading: "lazy" });
  return h("a", { class: "picture", href: url, target: "_blank", rel: "noopener" }, image);
}

function documentLink(file, url) {
  const link = h("a", { class: "document", href: url, download: file.name, title: file.name });
  link.append(icon("file"), span("name", file.name), span("size", bytes(file.size_bytes)));
  return link;
}

function choices(message, room, actions) {
  if (!message.choices?.length) return null;
  if (message.is_draft) return stopButton(message, room, actions);
  const presses = message.presses ?? [];
  const hasPressed = presses.some((press) => press.person === room.me.id);
  const chosen = presses.filter((press) => !press.is_vain);
  const buttons = message.choices.map((choice) => {
    const isChosen = chosen.some((press) => press.token === choice.token);
    const press = () => actions.press(message.number, choice.token, one);
    const one = button(isChosen ? "choice chosen" : "choice", press);
    one.append(...(isChosen ? [icon("check")] : []), choice.label);
    one.disabled = hasPressed;
    return one;
  });
  return div("choices", buttons, chosen.length > 0 && span("pressed", pressedBy(message, chosen, room)));
}

/** The only button of an answer that still grows is the one that stops it. */
function stopButton(message, room, actions) {
  const [{ token }] = message.choices;
  const stop = button("choice stop", () => actions.press(message.number, token, stop), icon("stop"), t("stop"));
  stop.setAttribute("aria-label", t("stop_answer"));
  stop.disabled = (message.presses ?? []).some((press) => press.person === room.me.id);
  return div("choices", stop);
}

function pressedBy(message, presses, room) {
  const label = (token) => message.choices.find((choice) => choice.token === token)?.label ?? "";
  const who = (press) => (press.person === room.me.id ? t("you") : room.nameOf(press.person, press.name));
  const named = presses.slice(0, PRESSES_NAMED).map((press) => `${label(press.token)} · ${who(press)}`);
  const more = presses.length > PRESSES_NAMED ? ` ${t("and_more", presses.length)}` : "";
  return t("pressed_by", named.join(currentLanguage() === "zh" ? "，" : ", ")) + more;
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

// --- the line below ----------------------------------------------------------------------------

const STATE_ICONS = {
  sending: "clock",
  waiting: "clock",
  delivered: "check",
  queued: "clock",
  answering: "pen",
  failed: "warn",
  unanswered: "warn",
};

/** Say below a message that it was edited, and where it is on its road. */
export function drawFoot(element, message, progress, actions) {
  const parts = [];
  if (message.edited_at && !message.is_recalled) {
    parts.push(h("span", { class: "edited", title: moment(message.edited_at) }, t("edited")));
  }
  if (progress && progress.state in STATE_ICONS) parts.push(stateWords(progress));
  if (progress?.state === "failed") {
    parts.push(button("", () => actions.retry(message.key), t("retry")));
    parts.push(button("", () => actions.discard(message.key), t("discard")));
  }
  element.querySelector(".foot").replaceChildren(...parts);
}

function stateWords(progress) {
  const isChinese = currentLanguage() === "zh";
  const why = isChinese ? progress.zh : progress.en;
  const next = isChinese ? progress.next_zh : progress.next_en;
  const properties = { class: `state ${progress.state}`, title: next || null };
  return h("span", properties, icon(STATE_ICONS[progress.state]), stateSentence(progress.state, why));
}

function stateSentence(state, why) {
  if (state === "unanswered") return why;
  return why ? `${t(state)} · ${why}` : t(state);
}
