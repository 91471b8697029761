// Talks to the sandbox server: requests, and one websocket that comes back by itself.

/** A request the server refused or never got; the message is a sentence for the person. */
export class ApiError extends Error {}

async function answerOf(response) {
  let answer;
  try {
    answer = await response.json();
  } catch {
    throw new ApiError(`The sandbox answered ${response.status} without a reason. Try again.`);
  }
  if (answer.ok === false) throw new ApiError(answer.error || "The sandbox refused that.");
  return answer;
}

async function send(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new ApiError(
      "The sandbox can't be reached. Nothing was sent; try again when it is back.",
    );
  }
  return answerOf(response);
}

/** The requests of one person. */
export class Api {
  constructor(user) {
    this.user = user;
  }

  state() {
    return send(`/sandbox/state?user=${encodeURIComponent(this.user)}`, { cache: "no-store" });
  }

  post(what, body = {}) {
    return send(`/sandbox/${what}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ user: this.user, ...body }),
    });
  }

  /** @returns {Promise<object>} the file as Slack describes it. */
  async upload(file) {
    const form = new FormData();
    form.append("user", this.user);
    form.append("file", file, file.name);
    const answer = await send("/sandbox/upload", { method: "POST", body: form });
    return answer.file;
  }
}

const FIRST_WAIT_MS = 400;
const LONGEST_WAIT_MS = 4000;

/** A websocket that reconnects until it is closed on purpose. */
export class Socket {
  /**
   * @param {string} user whose events to hear.
   * @param {{open: Function, event: Function, lost: Function}} handlers
   */
  constructor(user, handlers) {
    this.user = user;
    this.handlers = handlers;
    this.wait = FIRST_WAIT_MS;
    this.closed = false;
    this.connect();
  }

  connect() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const url = `${scheme}//${location.host}/sandbox/ws?user=${encodeURIComponent(this.user)}`;
    this.socket = new WebSocket(url);
    this.socket.addEventListener("open", () => {
      this.wait = FIRST_WAIT_MS;
      this.handlers.open();
    });
    this.socket.addEventListener("message", (event) => {
      if (!this.closed) this.handlers.event(JSON.parse(event.data));
    });
    this.socket.addEventListener("close", () => {
      if (this.closed) return;
      this.handlers.lost();
      this.timer = setTimeout(() => this.connect(), this.wait);
      this.wait = Math.min(this.wait * 1.6, LONGEST_WAIT_MS);
    });
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
    this.socket.close();
  }
}
