// The panel beside the conversation that shows one thread.

import { Composer } from "./composer.js";
import { h, icon } from "./dom.js";
import { MessageList } from "./messages.js";

/** Opens, fills and closes the thread panel. */
export class Thread {
  constructor(app, element) {
    this.app = app;
    this.element = element;
    this.list = new MessageList(app, { label: "Thread messages", inThread: true });
    this.composer = new Composer(app, { id: "composer-thread", inThread: true });
    this.status = h("div", { class: "status-line", role: "status" });
    this.where = h("span", { class: "hint" });
    element.append(
      h(
        "header",
        { class: "pane-head" },
        h("div", { class: "pane-heading" }, h("h2", { class: "pane-title" }, "Thread"), this.where),
        h(
          "button",
          {
            type: "button",
            class: "icon-button",
            "aria-label": "Close thread",
            on: { click: () => app.state.closeThread(true) },
          },
          icon("close"),
        ),
      ),
      this.list.element,
      h("div", { class: "pane-foot" }, this.status, this.composer.element),
    );
    const { state } = app;
    state.on("thread", (detail) => this.changed(detail));
    state.on("reset", () => this.changed({}));
    state.on("messages", (detail) => this.onMessages(detail));
    state.on("status", () => this.showStatus());
  }

  changed({ focus }) {
    const { state } = this.app;
    const { channel, thread } = state;
    this.element.hidden = thread === null;
    document.body.classList.toggle("with-thread", thread !== null);
    if (thread === null) return;
    const conversation = state.conversation(channel);
    const dm = conversation?.kind === "im";
    this.where.textContent = dm ? "Direct messages" : `#${conversation?.name ?? ""}`;
    this.composer.goTo(channel, thread, "Reply…");
    this.list.show(channel, state.threadOf(channel, thread), { fresh: true });
    this.showStatus();
    if (focus) this.composer.focus();
  }

  onMessages({ channel, message }) {
    const { state } = this.app;
    if (channel !== state.channel || state.thread === null) return;
    const mine = message?.user === state.me.id;
    this.list.show(channel, state.threadOf(channel, state.thread), { mine });
  }

  showStatus() {
    const { state } = this.app;
    const text = state.thread === null ? "" : state.statusOf(state.channel, state.thread);
    this.app.drawStatus(this.status, text);
  }
}
