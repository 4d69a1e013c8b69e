// The chat's own interface. Every address is relative to the page, so any sub-path works.

import { sentence, t } from "./words.js";

export const root = new URL(document.documentElement.dataset.root, location.href);

/** What the server declined, or (status 0) that it could not be reached. */
export class Problem extends Error {
  constructor(status, body, retryAfter = 0) {
    super(body.code);
    this.status = status;
    this.code = body.code;
    this.body = body;
    this.retryAfter = retryAfter;
  }

  /** Whether the same request may do better later. */
  get isPassing() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }

  get words() {
    return this.status === 0 ? t("network") : sentence(this.body);
  }
}

export async function call(method, path, body, limitMs = 20000) {
  let response;
  try {
    response = await fetch(new URL(`api/${path}`, root), {
      method,
      headers: body === undefined ? {} : { "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(limitMs),
    });
  } catch {
    throw new Problem(0, { code: "network" });
  }
  const answer = await response.json().catch(() => ({ code: "broken" }));
  if (response.ok) return answer;
  throw new Problem(response.status, answer, Number(response.headers.get("retry-after") ?? 0));
}

/** Upload a file; `onProgress` gets a share between 0 and 1. Returns the request, to be aborted. */
export function upload(room, file, onProgress, onDone) {
  const request = new XMLHttpRequest();
  const address = new URL(`api/rooms/${room}/files`, root);
  address.searchParams.set("name", file.name || "image.png");
  request.open("POST", address);
  request.responseType = "json";
  request.upload.onprogress = (event) => {
    if (event.lengthComputable) onProgress(event.loaded / event.total);
  };
  request.onload = () => {
    const answer = request.response ?? { code: "broken" };
    onDone(request.status < 300 ? null : new Problem(request.status, answer), answer);
  };
  request.onerror = () => onDone(new Problem(0, { code: "network" }));
  request.send(file);
  return request;
}

const below = (path) => new URL(path, root).href;

export const roomUrl = (room) => below(`rooms/${room}`);
export const eventsUrl = (room, after) => below(`rooms/${room}/events?after=${after}`);
export const fileUrl = (room, number, index) => below(`api/rooms/${room}/messages/${number}/files/${index}`);
