// Where one writes: words, files, whom one means, what one answers, what one corrects.

import { upload } from "./api.js";
import { byId, face, h, icon, iconButton, span, toast } from "./dom.js";
import { bytes, t } from "./words.js";

const TYPING_EACH_MS = 3000;

export class Composer {
  /** `hooks`: send(text, quote, files), saveEdit(message, text), lastMine(), typing(). */
  constructor(limits, hooks) {
    this.limits = limits;
    this.hooks = hooks;
    this.room = null;
    this.files = [];
    this.quoting = null;
    this.editing = null;
    this.choice = 0;
    this.form = byId("composer");
    this.text = byId("text");
    this.list = byId("mentions");
    this.#listen();
  }

  #listen() {
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.text.addEventListener("input", () => this.#changed());
    this.text.addEventListener("keydown", (event) => this.#key(event));
    this.text.addEventListener("paste", (event) => this.#pasted(event));
    this.text.addEventListener("blur", () => setTimeout(() => this.#closeMentions(), 150));
    byId("attach").addEventListener("click", () => byId("file").click());
    byId("file").addEventListener("change", (event) => {
      this.add([...event.target.files]);
      event.target.value = "";
    });
    const stage = this.form.closest("main");
    stage.addEventListener("dragover", (event) => {
      if (!event.dataTransfer.types.includes("Files")) return;
      event.preventDefault();
      this.form.classList.add("dropping");
    });
    stage.addEventListener("dragleave", (event) => {
      if (!stage.contains(event.relatedTarget)) this.form.classList.remove("dropping");
    });
    stage.addEventListener("drop", (event) => {
      event.preventDefault();
      this.form.classList.remove("dropping");
      this.add([...event.dataTransfer.files]);
    });
  }

  open(room) {
    this.room = room;
    this.form.hidden = false;
    this.files.forEach((file) => file.request?.abort());
    this.files = [];
    this.#stopContext();
    this.text.value = localStorage.getItem(this.#draftKey) ?? "";
    this.speak();
    this.#changed(false);
    this.#drawTray();
  }

  close() {
    this.room = null;
    this.form.hidden = true;
  }

  speak() {
    const key = this.room?.kind === "group" ? "write_group" : "write_private";
    if (this.room) this.text.placeholder = t(key, this.room.bot.name);
    this.#drawContext();
  }

  focus() {
    if (matchMedia("(hover: hover)").matches) this.text.focus();
  }

  write(text) {
    this.text.value = text;
    this.#changed();
    this.text.focus();
  }

  quote(message, name) {
    this.#stopContext();
    const files = message.files?.map((file) => file.name).join(", ") ?? "";
    const words = h("div", { html: message.html ?? "" }).textContent.trim(); // without its Markdown
    this.quoting = { number: message.number, name, text: words || files, is_bot: message.is_bot };
    this.#drawContext();
    this.text.focus();
  }

  edit(message) {
    this.#stopContext();
    this.before = this.text.value;
    this.editing = message;
    this.text.value = message.text;
    this.#drawContext();
    this.#changed(false);
    this.text.focus();
    this.text.setSelectionRange(message.text.length, message.text.length);
  }

  // --- words -----------------------------------------------------------------------------------

  get #draftKey() {
    return `posthouse:draft:${this.room.me.id}:${this.room.id}`;
  }

  #changed(isTyped = true) {
    this.text.style.height = "auto";
    if (this.text.value) this.text.style.height = `${this.text.scrollHeight}px`; // a placeholder may be longer
    if (this.room && !this.editing) {
      if (this.text.value) localStorage.setItem(this.#draftKey, this.text.value);
      else localStorage.removeItem(this.#draftKey);
    }
    this.#allowSend();
    if (!isTyped) return;
    this.#suggest();
    if (this.text.value && Date.now() - (this.typedAt ?? 0) > TYPING_EACH_MS) {
      this.typedAt = Date.now();
      this.hooks.typing();
    }
  }

  #allowSend() {
    const isBusy = this.files.some((file) => file.request);
    const hasBad = this.files.some((file) => file.problem);
    const isEmpty = !this.text.value.trim() && !this.files.length;
    byId("send").disabled = isBusy || hasBad || isEmpty;
  }

  #key(event) {
    if (event.isComposing || event.keyCode === 229) return; // a word is still being chosen
    if (!this.list.hidden && this.#mentionKey(event)) return;
    if (event.key === "Enter" && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      this.#submit();
    } else if (event.key === "Escape") {
      this.cancel();
    } else if (event.key === "ArrowUp" && !this.text.value && !this.editing) {
      const message = this.hooks.lastMine();
      if (!message) return;
      event.preventDefault();
      this.edit(message);
    }
  }

  #submit() {
    if (byId("send").disabled) return;
    const text = this.text.value;
    const surplus = [...text].length - this.limits.text_chars_max;
    if (surplus > 0) return toast(t("too_long", surplus));
    if (this.editing) {
      const message = this.editing;
      this.cancel();
      if (text !== message.text) this.hooks.saveEdit(message, text);
      return;
    }
    const files = this.files.map((file) => file.kept);
    const quoting = this.quoting;
    this.files = [];
    this.#stopContext();
    this.text.value = "";
    this.#changed(false);
    this.#drawTray();
    this.#closeMentions();
    this.typedAt = 0;
    this.hooks.send(text, quoting, files);
  }

  cancel() {
    const wasEditing = this.editing;
    this.#stopContext();
    if (!wasEditing) return;
    this.text.value = this.before ?? "";
    this.#changed(false);
  }

  #stopContext() {
    this.quoting = null;
    this.editing = null;
    this.#drawContext();
  }

  #drawContext() {
    const context = byId("context");
    const subject = this.editing ?? this.quoting;
    context.hidden = !subject;
    if (!subject) return;
    const label = this.editing ? t("editing") : t("replying", this.quoting.name);
    const what = span("what", h("b", {}, label), subject.text);
    context.replaceChildren(what, iconButton("close", t("cancel"), () => this.cancel(), "round"));
  }

  // --- whom one means ----------------------------------------------------------------------------

  #suggest() {
    const before = this.text.value.slice(0, this.text.selectionStart);
    const found = /(^|[^A-Za-z0-9_])@([^\s@]{0,40})$/.exec(before);
    if (!found || !this.room || this.room.kind !== "group") return this.#closeMentions();
    const typed = found[2].toLowerCase();
    const people = this.room.members.filter((member) => member.id !== this.room.me.id);
    const all = [{ id: "bot", name: this.room.bot.name, is_bot: true }, ...people];
    this.found = all.filter((one) => one.name.toLowerCase().includes(typed)).slice(0, 8);
    this.from = before.length - found[2].length;
    if (!this.found.length) return this.#closeMentions();
    this.choice = 0;
    this.#drawMentions();
  }

  #drawMentions() {
    this.list.replaceChildren(...this.found.map((one, at) => this.#candidate(one, at)));
    this.list.hidden = false;
    this.text.setAttribute("aria-activedescendant", `mention-${this.choice}`);
  }

  #candidate(one, at) {
    const isChosen = String(at === this.choice);
    const line = h("li", { role: "option", id: `mention-${at}`, "aria-selected": isChosen });
    line.append(face(one.name, one.id, one.is_bot, "small"), one.name);
    line.addEventListener("mousedown", (event) => {
      event.preventDefault(); // the box keeps the focus
      this.#mention(one);
    });
    return line;
  }

  #closeMentions() {
    this.list.hidden = true;
    this.text.removeAttribute("aria-activedescendant");
  }

  #mentionKey(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      this.choice = (this.choice + step + this.found.length) % this.found.length;
      this.#drawMentions();
    } else if (event.key === "Enter" || event.key === "Tab") {
      this.#mention(this.found[this.choice]);
    } else if (event.key === "Escape") {
      this.#closeMentions();
    } else {
      return false;
    }
    event.preventDefault();
    return true;
  }

  #mention(one) {
    this.text.setRangeText(`${one.name} `, this.from, this.text.selectionStart, "end");
    this.#closeMentions();
    this.#changed(false);
  }

  // --- files ---------------------------------------------------------------------------------------

  #pasted(event) {
    const files = [...event.clipboardData.files];
    if (!files.length) return;
    event.preventDefault();
    this.add(files);
  }

  add(files) {
    if (!this.room || this.editing) return;
    for (const file of files) {
      if (this.files.length >= this.limits.files_max) return toast(t("too_many_files", this.limits.files_max));
      if (file.size <= this.limits.upload_bytes_max) this.#upload(file);
      else toast(t("too_big", bytes(this.limits.upload_bytes_max)));
    }
  }

  #upload(file) {
    const preview = file.type.startsWith("image/") ? URL.createObjectURL(file) : null;
    const item = { name: file.name || "image.png", share: 0, preview };
    const onProgress = (share) => {
      item.share = share;
      this.#drawTray();
    };
    const onDone = (problem, kept) => {
      item.request = null;
      item.problem = problem?.words;
      item.kept = kept;
      this.#drawTray();
    };
    this.files.push(item);
    item.request = upload(this.room.id, file, onProgress, onDone);
    this.#drawTray();
    this.text.focus();
  }

  #drawTray() {
    const tray = byId("tray");
    tray.hidden = !this.files.length;
    tray.replaceChildren(...this.files.map((file) => this.#drawFile(file)));
    this.#allowSend();
  }

  #drawFile(file) {
    const line = h("li", { class: file.problem ? "bad" : "", title: file.problem ?? file.name });
    line.append(file.preview ? h("img", { src: file.preview, alt: "" }) : icon("file"));
    line.append(span("name", file.problem ? `${t("upload_failed")} · ${file.problem}` : file.name));
    if (file.request) line.append(progressBar(file.share));
    line.append(iconButton("close", t("discard"), () => this.#remove(file), "round"));
    return line;
  }

  #remove(file) {
    file.request?.abort();
    if (file.preview) URL.revokeObjectURL(file.preview);
    this.files = this.files.filter((one) => one !== file);
    this.#drawTray();
  }
}

function progressBar(share) {
  return h("progress", { max: "1", value: String(share), "aria-label": t("uploading") });
}
