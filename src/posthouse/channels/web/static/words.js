// What the page says, in Chinese and English. Every key stands in both.

const WORDS = {
  zh: {
    language_short: "EN",
    language: "Switch to English",
    theme: "外观：浅色、深色、跟随系统",
    theme_light: "浅色",
    theme_dark: "深色",
    theme_auto: "跟随系统",
    skip: "跳到输入框",
    rooms: "房间",
    new_room: "新建房间",
    rename_me: "修改我的名字",
    people: "成员",
    invite: "邀请",
    room_menu: "房间菜单",
    messages: "消息",
    mention_somebody: "提到谁",
    attach: "添加图片或文件",
    your_message: "消息",
    send: "发送",
    keys_hint: "Enter 发送 · Shift + Enter 换行 · ↑ 修改上一条 · @ 提到某人",
    write_private: (bot) => `发消息给${bot}…`,
    write_group: (bot) => `说点什么，@${bot} 会得到回答…`,
    no_rooms: "还没有房间。",
    bot: "机器人",
    you: "你",
    people_count: (n) => `${n} 人`,
    with_bot: (bot) => `与${bot}的私聊`,
    earlier: "更早的消息",
    fresh: "新消息",
    new_messages: (n) => `${n} 条新消息`,
    latest: "回到最新",
    quote: "引用",
    copy: "复制",
    copied: "已复制",
    stop: "停止",
    stop_answer: "停止这个回答",
    edit: "修改",
    recall: "撤回",
    save: "保存",
    sending: "发送中",
    waiting: "等待网络，将自动重发",
    delivered: "已送达",
    queued: "排队中",
    answering: "回答中",
    answered: "已回答",
    failed: "未送出",
    retry: "重试",
    discard: "删除",
    edited: "已编辑",
    recalled_you: "你撤回了一条消息",
    recalled_other: (name) => `${name}撤回了一条消息`,
    rewrite: "重新编辑",
    quoted_recalled: "已撤回的消息",
    a_file: "文件",
    replying: (name) => `回复 ${name}`,
    editing: "修改消息",
    cancel: "取消",
    typing_one: (name) => `${name}正在输入`,
    typing_bot: (name) => `${name}正在回答`,
    typing_many: (n) => `${n} 人正在输入`,
    uploading: "上传中",
    upload_failed: "上传失败",
    too_big: (size) => `文件不能超过 ${size}`,
    too_many_files: (n) => `一条消息最多 ${n} 个文件`,
    too_long: (n) => `消息太长了 ${n} 字`,
    pressed_by: (who) => `已选择：${who}`,
    and_more: (n) => `等 ${n} 人`,
    lost: "连接中断，正在重连…",
    offline: "网络已断开，恢复后会自动重连",
    back_again: "已重新连接",
    name_title: "怎么称呼你？",
    name_about: "房间里的人会看到这个名字。",
    name: "名字",
    begin: "开始聊天",
    room_title: "新建房间",
    room_name: "房间名",
    group: "群聊",
    group_about: "几个人和机器人一起，用链接邀请",
    private: "私聊",
    private_about: "只有你和机器人",
    create: "创建",
    invite_title: "邀请加入",
    invite_about: (title) => `拿到链接的人可以加入“${title}”。`,
    valid: "有效期",
    valid_day: "1 天",
    valid_week: "7 天",
    valid_month: "30 天",
    copy_link: "复制链接",
    link: "邀请链接",
    valid_until: (at) => `有效至 ${at}`,
    retitle: "修改房间名",
    leave: "离开房间",
    leave_sure: (title) => `离开“${title}”？再进来需要新的邀请。`,
    remove: "移出",
    owner: "群主",
    close: "关闭",
    recall_sure: "撤回这条消息？机器人对它的回答也会撤回。",
    empty_private: "开始聊天",
    empty_group: (bot) => `邀请同事加入，@${bot} 提问。`,
    pick_room: "选一个房间，或新建一个。",
    gone: "你已不在这个房间。",
    room_not_found: "没有这个房间，或你不在其中。",
    today: "今天",
    yesterday: "昨天",
    network: "网络不通，请稍后再试。",
    why: "原因",
  },
  en: {
    language_short: "中",
    language: "切换到中文",
    theme: "Appearance: light, dark, as the system",
    theme_light: "Light",
    theme_dark: "Dark",
    theme_auto: "As the system",
    skip: "Skip to the message box",
    rooms: "Rooms",
    new_room: "New room",
    rename_me: "Change my name",
    people: "Members",
    invite: "Invite",
    room_menu: "Room menu",
    messages: "Messages",
    mention_somebody: "Mention somebody",
    attach: "Add pictures or files",
    your_message: "Message",
    send: "Send",
    keys_hint: "Enter to send · Shift + Enter for a new line · ↑ to edit your last · @ to mention",
    write_private: (bot) => `Message ${bot}…`,
    write_group: (bot) => `Say something; @${bot} gets an answer…`,
    no_rooms: "No rooms yet.",
    bot: "Bot",
    you: "You",
    people_count: (n) => (n === 1 ? "1 person" : `${n} people`),
    with_bot: (bot) => `Private, with ${bot}`,
    earlier: "Earlier messages",
    fresh: "New",
    new_messages: (n) => (n === 1 ? "1 new message" : `${n} new messages`),
    latest: "Latest",
    quote: "Quote",
    copy: "Copy",
    copied: "Copied",
    stop: "Stop",
    stop_answer: "Stop this answer",
    edit: "Edit",
    recall: "Take back",
    save: "Save",
    sending: "Sending",
    waiting: "Waiting for the network; will be sent again",
    delivered: "Delivered",
    queued: "Queued",
    answering: "Answering",
    answered: "Answered",
    failed: "Not sent",
    retry: "Try again",
    discard: "Discard",
    edited: "edited",
    recalled_you: "You took a message back",
    recalled_other: (name) => `${name} took a message back`,
    rewrite: "Edit again",
    quoted_recalled: "A message that was taken back",
    a_file: "File",
    replying: (name) => `Reply to ${name}`,
    editing: "Editing",
    cancel: "Cancel",
    typing_one: (name) => `${name} is writing`,
    typing_bot: (name) => `${name} is answering`,
    typing_many: (n) => `${n} people are writing`,
    uploading: "Uploading",
    upload_failed: "Upload failed",
    too_big: (size) => `Files can have at most ${size}`,
    too_many_files: (n) => `A message carries at most ${n} files`,
    too_long: (n) => `${n} characters too long`,
    pressed_by: (who) => `Chosen: ${who}`,
    and_more: (n) => `and ${n} more`,
    lost: "Connection lost, reconnecting…",
    offline: "You are offline; we reconnect by ourselves",
    back_again: "Connected again",
    name_title: "What should we call you?",
    name_about: "People in the room will see this name.",
    name: "Name",
    begin: "Start chatting",
    room_title: "New room",
    room_name: "Room name",
    group: "Group",
    group_about: "Several people and the bot; invite them by link",
    private: "Private",
    private_about: "Only you and the bot",
    create: "Create",
    invite_title: "Invite people",
    invite_about: (title) => `Whoever has the link can join “${title}”.`,
    valid: "Valid for",
    valid_day: "1 day",
    valid_week: "7 days",
    valid_month: "30 days",
    copy_link: "Copy link",
    link: "Invitation link",
    valid_until: (at) => `Valid until ${at}`,
    retitle: "Rename the room",
    leave: "Leave the room",
    leave_sure: (title) => `Leave “${title}”? Coming back takes a new invitation.`,
    remove: "Remove",
    owner: "Owner",
    close: "Close",
    recall_sure: "Take this message back? The bot's answer to it is taken back too.",
    empty_private: "Say hello",
    empty_group: (bot) => `Invite your colleagues, and ask @${bot}.`,
    pick_room: "Choose a room, or open a new one.",
    gone: "You are no longer in this room.",
    room_not_found: "There is no such room, or you are not in it.",
    today: "Today",
    yesterday: "Yesterday",
    network: "The network is not available; please try again.",
    why: "Why",
  },
};

let language = "zh";

export function setLanguage(wanted) {
  language = wanted in WORDS ? wanted : "en";
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
}

export const currentLanguage = () => language;

/** The words for a key; some take a name or a number. */
export function t(key, ...values) {
  const words = WORDS[language][key];
  if (words === undefined) throw new Error(`no words for ${key}`);
  return typeof words === "function" ? words(...values) : words;
}

/** Say a problem of the server in the page's language. */
export const sentence = (problem) => problem[language] || problem.en || t("network");

/** Put words into all elements that the server left without. */
export function speak(root = document) {
  for (const element of root.querySelectorAll("[data-word]")) {
    element.textContent = t(element.dataset.word);
  }
  for (const element of root.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", t(element.dataset.label));
    if (element.tagName === "BUTTON") element.title = t(element.dataset.label);
  }
}

function locale() {
  if (language === "zh") return "zh-CN";
  return navigator.language.startsWith("en") ? navigator.language : "en";
}

export function clock(at) {
  return new Date(at * 1000).toLocaleTimeString(locale(), { hour: "2-digit", minute: "2-digit", hour12: false });
}

export function moment(at) {
  return new Date(at * 1000).toLocaleString(locale(), { dateStyle: "medium", timeStyle: "short", hour12: false });
}

export function day(at) {
  const date = new Date(at * 1000);
  const days = daysAgo(date);
  if (days === 0) return t("today");
  if (days === 1) return t("yesterday");
  const year = date.getFullYear() === new Date().getFullYear() ? undefined : "numeric";
  return date.toLocaleDateString(locale(), { year, month: "long", day: "numeric", weekday: "long" });
}

/** Short: the time today, else the day. */
export function when(at) {
  const date = new Date(at * 1000);
  const days = daysAgo(date);
  if (days === 0) return clock(at);
  if (days === 1) return t("yesterday");
  return date.toLocaleDateString(locale(), { month: "numeric", day: "numeric" });
}

export const sameDay = (one, other) => daysAgo(new Date(one * 1000)) === daysAgo(new Date(other * 1000));

const midnight = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
const daysAgo = (date) => Math.round((midnight(new Date()) - midnight(date)) / 86400000);

export function bytes(count) {
  const units = ["B", "KB", "MB", "GB"];
  let size = count;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${size.toLocaleString(locale(), { maximumFractionDigits: size < 10 && unit ? 1 : 0 })} ${units[unit]}`;
}
