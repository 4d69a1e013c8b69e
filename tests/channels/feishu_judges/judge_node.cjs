// A bot on Feishu's own SDK for Node, told by JSON lines what to do.

"use strict";

const { readFileSync } = require("node:fs");
const readline = require("node:readline");
const lark = require(`${process.env.NODE_MODULES}/@larksuiteoapi/node-sdk`);

let told = 0;
const tell = (what, fields = {}) => {
  told += 1;
  console.log(JSON.stringify({ what, ...fields }));
};
const quiet = { error() {}, warn() {}, info() {}, debug() {}, trace() {} };
const shown = (answer) => ({ code: answer.code, msg: answer.msg, data: answer.data ?? null });

class Bot {
  constructor(asked) {
    const app = { appId: asked.app_id, appSecret: asked.app_secret, domain: asked.domain };
    this.client = new lark.Client({ ...app, logger: quiet });
    this.messages = this.client.im.v1.message;
    this.dispatcher = new lark.EventDispatcher({
      encryptKey: asked.encrypt_key,
      verificationToken: asked.token,
      logger: quiet,
    }).register({
      "im.message.receive_v1": (event) =>
        tell("event", {
          type: event.event_type,
          message_id: event.message.message_id,
          chat_id: event.message.chat_id,
          text: JSON.parse(event.message.content).text,
          sender: event.sender.sender_id.open_id,
          mentions: (event.message.mentions ?? []).map((each) => each.id.open_id),
        }),
      "im.message.recalled_v1": (event) =>
        tell("event", { type: event.event_type, message_id: event.message_id }),
      "im.message.reaction.created_v1": (event) =>
        tell("event", { type: event.event_type, emoji: event.reaction_type.emoji_type }),
      "card.action.trigger": (event) => {
        tell("event", { type: event.event_type, value: event.action.value });
        return { toast: { type: "success", content: "thanks" } };
      },
    });
    this.line = new lark.WSClient({ ...app, logger: quiet });
    this.line.start({ eventDispatcher: this.dispatcher });
  }

  async webhook({ headers, body }) {
    const data = JSON.parse(body);
    const { isChallenge, challenge } = lark.generateChallenge(data, {
      encryptKey: this.dispatcher.encryptKey,
    });
    if (isChallenge) return { status: 200, body: JSON.stringify(challenge) };
    const named = Object.assign(Object.create({ headers }), data);
    const before = told;
    const answer = await this.dispatcher.invoke(named);
    // With a wrong signature the SDK calls nobody, and answers nothing.
    return { status: told > before ? 200 : 401, body: JSON.stringify(answer ?? {}) };
  }

  info() {
    return this.client.request({ method: "GET", url: "/open-apis/bot/v3/info" });
  }

  async send({ chat_id, msg_type, content, uuid }) {
    const data = { receive_id: chat_id, msg_type, content, uuid };
    return shown(await this.messages.create({ params: { receive_id_type: "chat_id" }, data }));
  }

  async reply({ message_id, msg_type, content }) {
    return shown(await this.messages.reply({ path: { message_id }, data: { msg_type, content } }));
  }

  async edit({ message_id, content }) {
    const data = { msg_type: "text", content };
    return shown(await this.messages.update({ path: { message_id }, data }));
  }

  async patch({ message_id, content }) {
    return shown(await this.messages.patch({ path: { message_id }, data: { content } }));
  }

  async recall({ message_id }) {
    return shown(await this.messages.delete({ path: { message_id } }));
  }

  async history({ chat_id }) {
    const params = { container_id_type: "chat", container_id: chat_id, page_size: 10 };
    return shown(await this.messages.list({ params }));
  }

  async react({ message_id, emoji }) {
    const data = { reaction_type: { emoji_type: emoji } };
    return shown(await this.client.im.v1.messageReaction.create({ path: { message_id }, data }));
  }

  async upload({ path }) {
    const data = { image_type: "message", image: readFileSync(path) };
    return { code: 0, data: await this.client.im.v1.image.create({ data }) };
  }

  async upload_file({ path, name }) {
    const data = { file_type: "stream", file_name: name, file: readFileSync(path) };
    return { code: 0, data: await this.client.im.v1.file.create({ data }) };
  }

  async resource({ message_id, key }) {
    const asked = { path: { message_id, file_key: key }, params: { type: "image" } };
    const answer = await this.client.im.v1.messageResource.get(asked);
    const chunks = [];
    for await (const chunk of answer.getReadableStream()) chunks.push(chunk);
    return { code: 0, bytes: Buffer.concat(chunks).toString("hex") };
  }

  async card({ data }) {
    return shown(await this.client.cardkit.v1.card.create({ data: { type: "card_json", data } }));
  }

  async write({ card_id, element_id, content, sequence }) {
    const asked = { path: { card_id, element_id }, data: { content, sequence } };
    return shown(await this.client.cardkit.v1.cardElement.content(asked));
  }
}

let bot;

async function take(line) {
  const { do: what, ...asked } = JSON.parse(line);
  try {
    if (what === "connect") {
      bot = new Bot(asked);
      tell("done");
    } else {
      tell("done", await bot[what](asked));
    }
  } catch (error) {
    // A refusal comes as an error of the HTTP client; its body has the code.
    const body = error.response?.data;
    tell("done", body?.code === undefined ? { failure: String(error) } : shown(body));
  }
}

let last = Promise.resolve();
readline.createInterface({ input: process.stdin }).on("line", (line) => {
  last = last.then(() => take(line));
}).on("close", () => process.exit(0));
tell("ready");
