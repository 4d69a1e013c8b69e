// Asks for the parts of a page anew when the house says that something happened.
// Without this script every page still works; it only does not move by itself.

const root = document.documentElement.dataset.root;
const BETWEEN_MS = 500;
const OVERVIEW_BETWEEN_MS = 2500; // a list of all chats has news all the time
const NEAR_PX = 160;

let changed = new Set();
let timer = null;
const between = document.querySelector("[data-chat]") ? BETWEEN_MS : OVERVIEW_BETWEEN_MS;

function isNearEnd() {
  const page = document.documentElement;
  return page.scrollHeight - window.scrollY - window.innerHeight < NEAR_PX;
}

function toEnd() {
  window.scrollTo(0, document.documentElement.scrollHeight);
}

function refresh() {
  timer = null;
  if (document.hidden || !window.htmx) return;
  const chats = changed;
  changed = new Set();
  for (const part of document.querySelectorAll("[hx-trigger='changed']")) {
    const own = part.dataset.chat;
    if (!own || chats.has(Number(own))) window.htmx.trigger(part, "changed");
  }
}

function soon() {
  if (timer === null && changed.size) timer = setTimeout(refresh, between);
}

function listen() {
  const source = new EventSource(`${root}events`);
  source.addEventListener("changed", (event) => {
    for (const chat of JSON.parse(event.data)) changed.add(chat);
    soon();
  });
  // What happened since the page was made, or while nobody listened, is not told: look once.
  source.addEventListener("listening", () => {
    const own = document.querySelector("[data-chat]");
    changed.add(own ? Number(own.dataset.chat) : 0);
    soon();
  });
  window.addEventListener("pagehide", () => source.close());
}

function keepEnd() {
  const timeline = document.querySelector("#timeline[hx-get]");
  if (!timeline) return;
  if (!location.hash) toEnd();
  let wasNear = true;
  document.body.addEventListener("htmx:beforeSwap", () => { wasNear = isNearEnd(); });
  document.body.addEventListener("htmx:afterSettle", () => { if (wasNear) toEnd(); });
}

function keys(event) {
  const isTyping = event.target.closest("input, textarea, select");
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.form) {
    event.target.form.requestSubmit();
  } else if (event.key === "/" && !isTyping) {
    event.preventDefault();
    (document.querySelector("#q") ?? { focus: () => location.assign(`${root}search`) }).focus();
  }
}

document.addEventListener("keydown", keys);
document.addEventListener("visibilitychange", soon);
window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
document.querySelector(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
listen();
keepEnd();
document.body.dataset.ready = "";
