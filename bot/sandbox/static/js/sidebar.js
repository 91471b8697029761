// The list of conversations: the app first, then channels.

import { avatar, conversationSign } from "./avatar.js";
import { fill, h } from "./dom.js";

const KINDS = { private: "private channel", im: "direct messages" };

/** Fills the sidebar and keeps it up to date. */
export class Sidebar {
  constructor(app, element) {
    this.app = app;
    this.element = element;
    for (const topic of ["reset", "select", "unread"]) app.state.on(topic, () => this.draw());
  }

  draw() {
    const { state } = this.app;
    const channels = state.conversations.filter((one) => one.kind !== "im");
    const dms = state.conversations.filter((one) => one.kind === "im");
    const mark = JSON.stringify([
      state.team,
      state.channel,
      state.conversations,
      state.bot.user_id,
    ]);
    if (mark === this.mark) return;
    this.mark = mark;
    const focused = document.activeElement?.dataset?.conversation;
    fill(
      this.element,
      h(
        "div",
        { class: "workspace" },
        h("span", { class: "workspace-name" }, state.team?.name ?? "Sandbox"),
        h("span", { class: "hint" }, "Runs on this computer only"),
      ),
      this.section("App", dms),
      this.section("Channels", channels),
    );
    const rows = [...this.element.querySelectorAll(".conversation")];
    rows.find((row) => row.dataset.conversation === focused)?.focus();
  }

  section(title, conversations) {
    return h(
      "section",
      { class: "sidebar-section", "aria-label": title },
      h("h2", { class: "sidebar-title" }, title),
      h("ul", {}, conversations.map((one) => h("li", {}, this.row(one)))),
    );
  }

  row(conversation) {
    const { state } = this.app;
    const current = conversation.id === state.channel;
    const bot = conversation.kind === "im" ? state.botUser() : null;
    const name = bot?.real_name ?? conversation.name;
    const unread = conversation.unread ?? 0;
    const kind = KINDS[conversation.kind] ?? "channel";
    return h(
      "button",
      {
        type: "button",
        class: unread ? "conversation unread" : "conversation",
        data: { conversation: conversation.id },
        "aria-current": current ? "page" : null,
        "aria-label": `${name}, ${kind}${unread ? `, ${unread} unread` : ""}`,
        on: { click: () => this.app.goTo(conversation.id) },
      },
      bot ? avatar(bot, "small") : conversationSign(conversation),
      h("span", { class: "conversation-name" }, name),
      unread ? h("span", { class: "badge", "aria-hidden": "true" }, String(unread)) : null,
    );
  }
}
