// Making elements. Text goes in as text; only what the server has rendered goes in as HTML.

const here = new URL(".", import.meta.url);

export const byId = (id) => document.getElementById(id);

/** Make an element: h("p", { class: "hint", onclick: f }, "words", child, …). */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "html") element.innerHTML = value;
    else if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  const isThere = (child) => child !== null && child !== undefined && child !== false;
  element.append(...children.flat().filter(isThere));
  return element;
}

export const div = (className, ...children) => h("div", { class: className }, ...children);
export const span = (className, ...children) => h("span", { class: className }, ...children);

export function button(className, onclick, ...children) {
  return h("button", { type: "button", class: className || null, onclick }, ...children);
}

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", new URL(`icons.svg#${name}`, here).pathname + `#${name}`);
  svg.append(use);
  return svg;
}

/** A button that shows an icon and says in words what it does. */
export function iconButton(name, label, onclick, className = "") {
  const properties = { type: "button", class: className, title: label, "aria-label": label, onclick };
  return h("button", properties, icon(name));
}

export const markUrl = new URL("mark.svg", here).href;

/** A face: the bot's seal, or somebody's initial in a colour of their own. */
export function face(name, id, isBot, size = "") {
  const inside = isBot ? h("img", { src: markUrl, alt: "" }) : initial(name);
  const element = h("span", { class: `face ${size}`, "aria-hidden": "true" }, inside);
  if (isBot) return element;
  element.style.setProperty("--hue", hue(id));
  return element;
}

function initial(name) {
  const characters = [...name.trim()];
  const isLatin = /^[\p{Script=Latin}]/u.test(name);
  return (isLatin ? characters[0] : characters.at(-1) ?? "?")?.toUpperCase() ?? "?";
}

function hue(id) {
  let sum = 0;
  for (const character of id) sum = (sum * 31 + character.codePointAt(0)) % 360;
  return String(sum);
}

let toasts;
export function toast(text) {
  toasts ??= byId("toasts");
  const shown = h("div", { class: "toast" }, text);
  toasts.append(shown);
  setTimeout(() => shown.remove(), 2600);
}
