// What the page knows: people, conversations, messages, and what is selected.

/**
 * Holds the state of one person's view and tells listeners what changed.
 * Topics: `reset`, `messages`, `select`, `thread`, `bot`, `connection`, `status`, `home`, `unread`,
 * `read`.
 */
export class State {
  constructor() {
    this.listeners = new Map();
    this.users = new Map();
    this.conversations = [];
    this.messages = new Map();
    this.commands = [];
    this.shortcuts = [];
    this.examples = [];
    this.statuses = new Map();
    this.me = null;
    this.home = null;
    this.bot = { connected: false, user_id: "" };
    this.connection = "connecting";
    this.channel = null;
    this.tab = "messages";
    this.thread = null;
    this.loaded = false;
  }

  on(topic, listener) {
    const all = this.listeners.get(topic) ?? [];
    this.listeners.set(topic, [...all, listener]);
  }

  emit(topic, detail = {}) {
    for (const listener of this.listeners.get(topic) ?? []) listener(detail);
  }

  /** Takes the server's whole answer to `/sandbox/state`. */
  replace(data) {
    const samePerson = this.me?.id === data.me.id;
    this.team = data.team;
    this.me = data.me;
    this.mode = data.mode;
    this.users = new Map(data.users.map((user) => [user.id, user]));
    this.conversations = data.conversations;
    this.messages = new Map(
      Object.entries(data.messages).map(([id, list]) => [
        id,
        new Map(list.map((message) => [message.ts, message])),
      ]),
    );
    this.home = data.home;
    this.commands = data.commands ?? [];
    this.shortcuts = data.shortcuts ?? [];
    this.examples = data.examples ?? [];
    this.bot = data.bot;
    this.statuses.clear();
    if (!samePerson) this.thread = null;
    if (!this.conversation(this.channel)) {
      this.channel = this.dm()?.id ?? this.conversations[0]?.id ?? null;
      this.thread = null;
    }
    this.loaded = true;
    this.emit("reset");
  }

  /** The conversation with this id, if this person may see it. */
  conversation(id) {
    return this.conversations.find((one) => one.id === id);
  }

  /** The person's direct messages with the bot. */
  dm() {
    return this.conversations.find((one) => one.kind === "im");
  }

  isDm(id = this.channel) {
    return this.conversation(id)?.kind === "im";
  }

  botUser() {
    return this.users.get(this.bot.user_id);
  }

  /** Who wrote a message: a user, or the bot for a message that only names a bot id. */
  authorOf(message) {
    return (
      this.users.get(message.user) ??
      (message.bot_id ? this.botUser() : null) ?? {
        id: message.user ?? message.bot_id ?? "?",
        name: message.username ?? "unknown",
        real_name: message.username ?? "Unknown",
        is_bot: Boolean(message.bot_id),
        color: "#5b6b70",
      }
    );
  }

  message(channel, ts) {
    return this.messages.get(channel)?.get(ts);
  }

  /** Messages of a conversation outside threads, oldest first. */
  topLevel(channel) {
    return this.sorted(channel).filter(
      (message) => !isReply(message) || message.subtype === "thread_broadcast",
    );
  }

  /** The parent of a thread (if known) and its replies, oldest first. */
  threadOf(channel, ts) {
    return this.sorted(channel).filter((message) => message.ts === ts || message.thread_ts === ts);
  }

  replies(channel, ts) {
    return this.sorted(channel).filter((message) => isReply(message) && message.thread_ts === ts);
  }

  sorted(channel) {
    const all = [...(this.messages.get(channel)?.values() ?? [])];
    return all.sort((a, b) => Number(a.ts) - Number(b.ts));
  }

  put(channel, message, isNew) {
    if (!this.messages.has(channel)) this.messages.set(channel, new Map());
    this.messages.get(channel).set(message.ts, message);
    this.emit("messages", { channel, message, isNew });
  }

  remove(channel, ts) {
    this.messages.get(channel)?.delete(ts);
    if (this.thread === ts) this.closeThread();
    this.emit("messages", { channel, removed: ts });
  }

  select(channel, tab = "messages") {
    const moved = channel !== this.channel;
    this.channel = channel;
    this.tab = tab;
    if (moved) this.thread = null;
    this.read();
    this.emit("select", { moved });
    if (moved) this.emit("thread", {});
  }

  openThread(ts, focus = false) {
    this.thread = ts;
    this.emit("thread", { focus });
  }

  closeThread(focus = false) {
    const closed = this.thread;
    this.thread = null;
    this.emit("thread", { closed, focus });
  }

  /** Marks what is on screen as read. */
  read() {
    const conversation = this.conversation(this.channel);
    if (conversation && this.tab === "messages") {
      conversation.unread = 0;
      this.emit("read", { channel: this.channel });
    }
    this.emit("unread");
  }

  bumpUnread(channel) {
    const conversation = this.conversation(channel);
    if (!conversation) return;
    conversation.unread = (conversation.unread ?? 0) + 1;
    this.emit("unread");
  }

  setStatus(channel, thread, text) {
    const key = `${channel}:${thread ?? ""}`;
    if (text) this.statuses.set(key, text);
    else this.statuses.delete(key);
    this.emit("status");
  }

  /** An answer ends the status of its thread; one outside threads, those of the conversation. */
  clearStatus(channel, thread) {
    for (const key of [...this.statuses.keys()]) {
      if (thread ? key === `${channel}:${thread}` : key.startsWith(`${channel}:`)) {
        this.statuses.delete(key);
      }
    }
    this.emit("status");
  }

  /** The status to show for a conversation, or for one thread of it. */
  statusOf(channel, thread = null) {
    if (thread !== null) return this.statuses.get(`${channel}:${thread}`) ?? "";
    for (const [key, text] of this.statuses) if (key.startsWith(`${channel}:`)) return text;
    return "";
  }
}

/** Whether a message is an answer inside a thread. */
export function isReply(message) {
  return Boolean(message.thread_ts) && message.thread_ts !== message.ts;
}
