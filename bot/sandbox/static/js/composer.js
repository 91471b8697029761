// The message box: words, files, commands and mentions, on their way to a conversation.

import { h, icon } from "./dom.js";
import { openMenu } from "./menu.js";
import { Suggestions } from "./suggest.js";
import { Uploads } from "./uploads.js";

/** One message box; drafts are kept for each conversation and thread. */
export class Composer {
  /**
   * @param {object} app
   * @param {{id: string, inThread?: boolean}} options
   */
  constructor(app, { id, inThread = false }) {
    this.app = app;
    this.inThread = inThread;
    this.drafts = new Map();
    this.place = null;
    this.field = h(
      "textarea",
      { id, class: "composer-field", rows: "1", spellcheck: "true", enterkeyhint: "send" },
    );
    this.uploads = new Uploads(app, () => this.refresh());
    this.suggestions = new Suggestions(app, this.field, () => this.grow());
    this.sendButton = h(
      "button",
      { type: "submit", class: "send-button", "aria-label": "Send", title: "Send (Enter)" },
      icon("send"),
    );
    this.chooser = h(
      "input",
      { type: "file", multiple: true, hidden: true, "aria-label": "Choose files", tabindex: "-1" },
    );
    this.element = h(
      "form",
      { class: "composer" },
      this.suggestions.list,
      this.uploads.element,
      this.field,
      h(
        "div",
        { class: "composer-bar" },
        this.barButtons(),
        h("span", { class: "composer-hint" }, "Enter sends · Shift+Enter starts a new line"),
        this.sendButton,
      ),
      this.chooser,
    );
    this.listen();
  }

  barButtons() {
    const tool = (name, label, run) =>
      h(
        "button",
        {
          type: "button",
          class: "icon-button",
          "aria-label": label,
          title: label,
          on: { click: run },
        },
        icon(name),
      );
    const buttons = [
      tool("clip", "Attach files", () => this.chooser.click()),
      tool("at", "Mention someone", () => this.insert("@")),
    ];
    if (this.inThread) return buttons;
    buttons.push(tool("slash", "Run a command", () => this.startCommand()));
    this.examplesButton = h(
      "button",
      {
        type: "button",
        class: "example-button",
        "aria-haspopup": "menu",
        "aria-expanded": "false",
      },
      icon("spark"),
      "Try an example",
    );
    this.examplesButton.addEventListener("click", () => this.offerExamples());
    buttons.push(this.examplesButton);
    return buttons;
  }

  listen() {
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    this.field.addEventListener("input", () => {
      this.grow();
      this.suggestions.update();
    });
    this.field.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      if (this.suggestions.onKey(event)) {
        event.preventDefault();
        event.stopPropagation();
      } else if (event.key === "Enter" && !event.shiftKey) {
        event.preventDefault();
        this.send();
      }
    });
    this.field.addEventListener("paste", (event) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (!files.length) return;
      event.preventDefault();
      this.uploads.add(files);
    });
    this.chooser.addEventListener("change", () => {
      this.uploads.add(this.chooser.files);
      this.chooser.value = "";
      this.field.focus();
    });
  }

  /** Turns to a conversation or a thread, keeping what was being written elsewhere. */
  goTo(channel, thread, label) {
    const key = `${channel}:${thread ?? ""}`;
    if (this.place?.key !== key) {
      this.keepDraft();
      const draft = this.drafts.get(key);
      this.place = { key, channel, thread };
      this.field.value = draft?.text ?? "";
      this.uploads.swap(draft?.files ?? []);
      this.suggestions.close();
    }
    this.field.placeholder = label;
    this.field.setAttribute("aria-label", label);
    this.element.setAttribute("aria-label", label);
    if (this.examplesButton) this.examplesButton.hidden = this.app.state.examples.length === 0;
    this.grow();
  }

  keepDraft() {
    if (!this.place) return;
    this.drafts.set(this.place.key, { text: this.field.value, files: this.uploads.items });
  }

  hasDraft() {
    return this.field.value.trim() !== "" || this.uploads.items.length > 0;
  }

  /** Forgets the drafts: another person sits here now. */
  forget() {
    this.drafts.clear();
    this.place = null;
    this.field.value = "";
    this.uploads.swap([]);
  }

  focus() {
    this.field.focus();
  }

  insert(text) {
    const before = this.field.value.slice(0, this.field.selectionStart);
    const space = before && !/\s$/.test(before) ? " " : "";
    this.field.focus();
    this.field.setRangeText(
      space + text,
      this.field.selectionStart,
      this.field.selectionEnd,
      "end",
    );
    this.grow();
    this.suggestions.update();
  }

  startCommand() {
    if (!this.field.value) this.field.value = "/";
    this.field.focus();
    this.grow();
    this.suggestions.update();
  }

  offerExamples() {
    const items = this.app.state.examples.map((example) => ({
      label: example.title,
      hint: example.text.replace(/\s+/g, " ").slice(0, 90),
      run: () => this.fillWith(example),
    }));
    openMenu(this.examplesButton, items, "Example notes");
  }

  /** Puts an example in the box; in a channel the app has to be mentioned. */
  fillWith(example) {
    const bot = this.app.state.botUser();
    const mention = this.app.state.isDm() || !bot ? "" : `@${bot.real_name} `;
    this.field.value = mention + example.text;
    this.grow();
    this.field.focus();
    this.field.setSelectionRange(this.field.value.length, this.field.value.length);
  }

  grow() {
    this.field.style.height = "auto";
    this.field.style.height = `${this.field.scrollHeight + 2}px`;
    this.refresh();
  }

  refresh() {
    this.sendButton.disabled = !this.hasDraft();
  }

  async send() {
    const text = this.field.value.trim();
    if (!this.hasDraft()) return;
    const command = /^\/\S+/.exec(text)?.[0];
    if (command && !this.uploads.items.length) {
      this.runCommand(command, text);
      return;
    }
    const { channel, thread } = this.place;
    const items = this.uploads.items;
    this.field.value = "";
    this.grow();
    const files = await this.uploads.ids();
    if (!files.length && !text) return;
    this.uploads.swap([]);
    const sent = await this.app.request("say", {
      channel,
      text: this.wire(text),
      ...(thread ? { thread_ts: thread } : {}),
      ...(files.length ? { files } : {}),
    });
    if (!sent) this.putBack(text, items);
  }

  /** What couldn't be sent goes back where it was written. */
  putBack(text, items) {
    if (!this.field.value) this.field.value = text;
    if (items) this.uploads.swap(items);
    this.grow();
  }

  async runCommand(command, text) {
    const known = this.app.state.commands.some((one) => one.command === command);
    if (!known) {
      this.app.toast(
        "warning",
        `${command} is not a command here. A message that starts with "/" is read as one; ` +
          "put a word before it to send it as a message.",
      );
      return;
    }
    if (this.inThread) {
      this.app.toast(
        "warning",
        `Slack has no commands in threads. Run ${command} in the conversation.`,
      );
      return;
    }
    this.field.value = "";
    this.grow();
    const rest = text.slice(command.length).trim();
    const sent = await this.app.request(
      "command",
      { channel: this.place.channel, command, text: this.wire(rest) },
    );
    if (!sent) this.putBack(text, null);
  }

  /** What was typed, with ids instead of names; the server escapes the rest. */
  wire(text) {
    let out = text;
    const users = [...this.app.state.users.values()].sort(
      (a, b) => b.real_name.length - a.real_name.length,
    );
    for (const user of users) out = out.replaceAll(`@${user.real_name}`, `<@${user.id}>`);
    for (const one of this.app.state.conversations) {
      if (one.kind === "im") continue;
      const name = one.name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
      out = out.replace(new RegExp(`(^|\\s)#${name}(?![\\w-])`, "g"), `$1<#${one.id}|${one.name}>`);
    }
    return out;
  }
}
