// Puts the page together: one person, one socket, and what the server's events do.

import { Api, ApiError, Socket } from "./api.js";
import { avatar } from "./avatar.js";
import { fill, h, icon } from "./dom.js";
import { Modals } from "./modal.js";
import { Pane } from "./pane.js";
import { rememberedPerson, setUpPerson } from "./person.js";
import { setUpShortcuts, showShortcuts } from "./shortcuts.js";
import { Sidebar } from "./sidebar.js";
import { isReply, State } from "./state.js";
import { setUpTheme } from "./theme.js";
import { Thread } from "./thread.js";
import { setUpToasts } from "./toasts.js";

const FIRST_PERSON = "U0ANA";
const GONE_AFTER_MS = 1200;
const byId = (id) => document.getElementById(id);

/** The page. */
class App {
  constructor() {
    this.state = new State();
    this.goneTimer = null;
    this.toast = setUpToasts(byId("toasts"));
    this.modals = new Modals(this);
    this.sidebar = new Sidebar(this, byId("sidebar"));
    this.pane = new Pane(this, byId("pane"));
    this.thread = new Thread(this, byId("thread"));
    setUpPerson(this, byId("person-button"));
    setUpTheme(byId("theme-button"));
    setUpShortcuts(this);
    this.setUpTopbar();
    this.state.on("bot", () => this.drawBot());
    this.state.on("reset", () => this.drawBot());
    this.state.on("read", ({ channel }) => this.markRead(channel));
    this.become(rememberedPerson() ?? FIRST_PERSON);
  }

  setUpTopbar() {
    const toggle = byId("menu-toggle");
    const drawer = (open) => {
      document.body.classList.toggle("with-drawer", open);
      toggle.setAttribute("aria-expanded", String(open));
      byId("scrim").hidden = !open;
    };
    this.closeDrawer = () => drawer(false);
    fill(toggle, icon("menu"));
    toggle.addEventListener(
      "click",
      () => drawer(!document.body.classList.contains("with-drawer")),
    );
    byId("scrim").addEventListener("click", () => drawer(false));
    byId("sidebar").addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || toggle.getAttribute("aria-expanded") !== "true") return;
      drawer(false);
      toggle.focus();
    });
    const help = byId("help-button");
    fill(help, icon("keyboard"));
    help.title = "Keyboard shortcuts (?)";
    help.addEventListener("click", showShortcuts);
  }

  /** Turns the page over to another person. */
  become(user) {
    this.socket?.close();
    this.modals.drop(null);
    this.pane.composer.forget();
    this.thread.composer.forget();
    this.state.thread = null;
    this.state.tab = "messages";
    this.api = new Api(user);
    this.waiting = [];
    this.socket = new Socket(user, {
      open: () => this.load(),
      event: (event) => (this.waiting ? this.waiting.push(event) : this.hear(event)),
      lost: () => this.lost(),
    });
  }

  /** Fetches everything; events that arrive meanwhile are heard afterwards. */
  async load() {
    this.waiting ??= [];
    const { api } = this;
    let data;
    try {
      data = await api.state();
    } catch (error) {
      this.waiting = null;
      this.showBanner(error.message);
      return;
    }
    if (api !== this.api) return;
    const first = !this.state.loaded;
    clearTimeout(this.goneTimer);
    this.goneTimer = null;
    byId("banner").hidden = true;
    if (first) this.state.channel = decodeURIComponent(location.hash.slice(1)) || null;
    this.state.replace(data);
    this.modals.restore(data.views ?? []);
    const waiting = this.waiting;
    this.waiting = null;
    waiting.forEach((event) => this.hear(event));
    this.state.read();
    if (first) this.pane.composer.focus();
  }

  lost() {
    this.waiting = [];
    this.goneTimer ??= setTimeout(() => {
      this.showBanner(
        "The sandbox has gone. Start it again with “make demo”; this page comes back by itself.",
      );
      this.state.bot = { ...this.state.bot, connected: false };
      this.state.emit("bot");
    }, GONE_AFTER_MS);
  }

  showBanner(text) {
    fill(byId("banner"), icon("alert"), h("span", {}, text));
    byId("banner").hidden = false;
  }

  /** One event from the server. */
  hear(event) {
    const { state } = this;
    switch (event.type) {
      case "message":
        this.newMessage(event.channel, event.message);
        break;
      case "message_changed":
        state.put(event.channel, event.message, false);
        break;
      case "message_deleted":
        state.remove(event.channel, event.ts);
        break;
      case "view_open":
        this.modals.open(event.view);
        break;
      case "view_update":
        this.modals.update(event.view);
        break;
      case "view_push":
        this.modals.push(event.view);
        break;
      case "view_close":
        this.modals.drop(event.view_id);
        break;
      case "home":
        state.home = event.view;
        state.emit("home");
        break;
      case "bot":
        state.bot = { ...state.bot, connected: event.connected };
        state.emit("bot");
        break;
      case "status":
        state.setStatus(event.channel, event.thread_ts, event.status);
        break;
      case "notice":
        this.toast(event.level, event.text);
        break;
      default:
        break;
    }
  }

  newMessage(channel, message) {
    const { state } = this;
    const fromMe = message.user === state.me.id;
    if (!fromMe) state.clearStatus(channel, isReply(message) ? message.thread_ts : null);
    state.put(channel, message, true);
    const visible = channel === state.channel && state.tab === "messages";
    if (!visible && !fromMe) state.bumpUnread(channel);
    if (visible && !fromMe) state.read();
    if (visible) this.followThread(channel, message);
  }

  /** An answer in a thread to what this person wrote is opened, so that nobody has to look. */
  followThread(channel, message) {
    const { state } = this;
    if (!isReply(message) || message.user === state.me.id) return;
    if (state.thread === message.thread_ts) return;
    if (state.thread !== null && this.thread.composer.hasDraft()) return;
    const parent = state.message(channel, message.thread_ts);
    if (message.is_ephemeral || parent?.user === state.me.id) state.openThread(message.thread_ts);
  }

  /** Goes to a conversation; `focus` puts the caret into its message box. */
  goTo(channel, tab = "messages", focus = true) {
    this.closeDrawer();
    this.state.select(channel, tab);
    history.replaceState(null, "", `#${encodeURIComponent(channel)}`);
    if (tab === "home") this.pane.home.opened();
    else if (focus) this.pane.composer.focus();
  }

  /** A request whose refusal is shown. @returns {Promise<object|null>} null if it failed. */
  async request(what, body) {
    try {
      return await this.api.post(what, body);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.toast("error", error.message);
      return null;
    }
  }

  /** Unread marks are a convenience: one that doesn't arrive is no reason for a notice. */
  markRead(channel) {
    this.api.post("read", { channel }).catch(() => {});
  }

  act(action) {
    return this.request("action", action);
  }

  drawBot() {
    const { bot, mode } = this.state;
    const node = byId("bot-state");
    node.classList.toggle("connected", bot.connected);
    node.title = mode === "http" ? "Over HTTP" : "Over Socket Mode";
    fill(
      node,
      h("span", { class: "dot", "aria-hidden": "true" }),
      h("span", {}, bot.connected ? "Bot connected" : "Bot not connected"),
    );
  }

  /** "Referral Triage is reading the note…" */
  drawStatus(node, text) {
    const bot = this.state.botUser();
    if (!text || !bot) {
      fill(node);
      return;
    }
    const sentence = /^(is|has|was)\b/.test(text) ? `${bot.real_name} ${text}` : text;
    fill(
      node,
      avatar(bot, "tiny"),
      h("span", {}, sentence),
      h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i")),
    );
  }
}

window.addEventListener("DOMContentLoaded", () => new App());
