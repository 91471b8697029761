// The conversation in the middle: its head, tabs, messages, status and message box.

import { avatar, conversationSign } from "./avatar.js";
import { Composer } from "./composer.js";
import { fill, h } from "./dom.js";
import { Home } from "./home.js";
import { introOf } from "./intro.js";
import { MessageList } from "./messages.js";

/** Shows the selected conversation. */
export class Pane {
  constructor(app, element) {
    this.app = app;
    this.element = element;
    this.head = h("header", { class: "pane-head" });
    this.tabs = h("div", { class: "tabs", role: "tablist", "aria-label": "Referral Triage" });
    this.list = new MessageList(
      app,
      { label: "Messages", intro: () => introOf(app, this.composer) },
    );
    this.composer = new Composer(app, { id: "composer-main" });
    this.home = new Home(app);
    this.status = h("div", { class: "status-line", role: "status" });
    this.dropHint = h("div", { class: "drop-hint", "aria-hidden": "true" }, h("span", {}));
    this.messages = h(
      "section",
      { class: "messages-panel", id: "panel-messages" },
      this.list.element,
      h("div", { class: "pane-foot" }, this.status, this.composer.element),
    );
    element.append(this.head, this.tabs, this.messages, this.home.element, this.dropHint);
    const { state } = app;
    state.on("reset", () => this.draw(true));
    state.on("select", ({ moved }) => this.draw(moved));
    state.on("messages", (detail) => this.onMessages(detail));
    state.on("status", () => app.drawStatus(this.status, state.statusOf(state.channel)));
    state.on("unread", () => this.drawTabs());
    state.on("thread", ({ closed, focus }) => {
      if (closed && focus && !this.list.focusOn(closed)) this.composer.focus();
    });
    this.acceptDrops();
  }

  draw(fresh) {
    const { state } = this.app;
    const conversation = state.conversation(state.channel);
    if (!conversation) return;
    const dm = conversation.kind === "im";
    const bot = state.botUser();
    const name = dm ? (bot?.real_name ?? conversation.name) : conversation.name;
    fill(
      this.head,
      dm && bot ? avatar(bot, "medium") : conversationSign(conversation),
      h(
        "div",
        { class: "pane-heading" },
        h("h1", { class: "pane-title", id: "pane-title" }, name),
        h(
          "span",
          { class: "hint" },
          dm ? "App · only you and the app read this" : (conversation.topic ?? ""),
        ),
      ),
    );
    this.name = dm ? name : `#${name}`;
    this.composer.goTo(conversation.id, null, `Message ${this.name}`);
    this.dropHint.firstChild.textContent = `Drop files to send them to ${this.name}`;
    this.drawTabs();
    const home = dm && state.tab === "home";
    this.messages.hidden = home;
    this.home.element.hidden = !home;
    this.list.show(conversation.id, state.topLevel(conversation.id), { fresh });
    if (!home && fresh) this.list.scrollToEnd(null);
    this.app.drawStatus(this.status, state.statusOf(conversation.id));
    document.title = `${this.name} · Slack sandbox · Referral Triage`;
  }

  drawTabs() {
    const { state } = this.app;
    const dm = state.isDm();
    this.tabs.hidden = !dm;
    const panel = { role: dm ? "tabpanel" : null, "aria-labelledby": dm ? "tab-messages" : null };
    for (const [key, value] of Object.entries(panel)) {
      if (value) this.messages.setAttribute(key, value);
      else this.messages.removeAttribute(key);
    }
    if (!dm) return;
    const focused = document.activeElement?.closest?.('[role="tab"]')?.id;
    fill(this.tabs, this.tab("home", "Home"), this.tab("messages", "Messages"));
    if (focused) document.getElementById(focused)?.focus();
  }

  tab(name, label) {
    const { state } = this.app;
    const selected = state.tab === name;
    const unread = name === "messages" ? (state.conversation(state.channel)?.unread ?? 0) : 0;
    const node = h(
      "button",
      {
        type: "button",
        class: "tab",
        role: "tab",
        id: `tab-${name}`,
        "aria-selected": String(selected),
        "aria-controls": `panel-${name}`,
        tabindex: selected ? "0" : "-1",
      },
      label,
      unread ? h("span", { class: "badge" }, String(unread)) : null,
    );
    node.addEventListener("click", () => this.app.goTo(state.channel, name, false));
    node.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
      this.app.goTo(state.channel, name === "home" ? "messages" : "home", false);
      document.getElementById(`tab-${state.tab}`)?.focus();
    });
    return node;
  }

  onMessages({ channel, message }) {
    const { state } = this.app;
    if (channel !== state.channel) return;
    const mine = message?.user === state.me.id;
    this.list.show(channel, state.topLevel(channel), { mine });
  }

  acceptDrops() {
    let depth = 0;
    const withFiles = (event) => event.dataTransfer?.types?.includes("Files");
    const show = (on) => this.element.classList.toggle("dropping", on);
    this.element.addEventListener("dragenter", (event) => {
      if (!withFiles(event)) return;
      depth += 1;
      show(true);
    });
    this.element.addEventListener("dragleave", () => {
      depth = Math.max(0, depth - 1);
      if (!depth) show(false);
    });
    this.element.addEventListener("dragover", (event) => {
      if (withFiles(event)) event.preventDefault();
    });
    this.element.addEventListener("drop", (event) => {
      depth = 0;
      show(false);
      if (!withFiles(event)) return;
      event.preventDefault();
      this.composer.uploads.add([...event.dataTransfer.files]);
      this.composer.focus();
    });
  }
}
