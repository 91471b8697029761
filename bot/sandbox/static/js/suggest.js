// Suggestions while typing: `/` for commands, `@` for people, `#` for channels.

import { avatar, conversationSign } from "./avatar.js";
import { h, icon, uniqueId } from "./dom.js";

const MOST = 8;

/** The list above a text box. */
export class Suggestions {
  /**
   * @param {object} app
   * @param {HTMLTextAreaElement} field
   * @param {Function} changed called after a suggestion was taken.
   */
  constructor(app, field, changed) {
    this.app = app;
    this.field = field;
    this.changed = changed;
    this.items = [];
    this.at = 0;
    this.list = h(
      "ul",
      {
        class: "suggestions",
        role: "listbox",
        id: uniqueId("suggest"),
        "aria-label": "Suggestions",
        hidden: true,
      },
    );
    field.setAttribute("aria-autocomplete", "list");
    field.setAttribute("aria-controls", this.list.id);
    field.addEventListener("blur", () => this.close());
  }

  get open() {
    return !this.list.hidden;
  }

  /** Looks at the word before the caret. */
  update() {
    const before = this.field.value.slice(0, this.field.selectionStart);
    const match = /(?:^|\s)([@#])([^\s@#]*(?: [^\s@#]*)?)$/.exec(before);
    if (/^\/\S*$/.test(before)) this.items = this.commands(before);
    else if (match?.[1] === "@") this.items = this.people(match[2]);
    else if (match?.[1] === "#") this.items = this.channels(match[2]);
    else this.items = [];
    this.at = 0;
    this.draw();
  }

  commands(typed) {
    return this.app.state.commands
      .filter((one) => one.command.startsWith(typed))
      .map((one) => ({
        text: one.command,
        length: typed.length,
        label: one.command,
        hint: [one.usage_hint, one.description].filter(Boolean).join(" · "),
        sign: () => icon("slash"),
      }));
  }

  people(typed) {
    const wanted = typed.toLowerCase();
    return [...this.app.state.users.values()]
      .filter((user) => `${user.real_name} ${user.name}`.toLowerCase().includes(wanted))
      .sort((a, b) => Number(b.is_bot) - Number(a.is_bot))
      .map((user) => ({
        text: `@${user.real_name}`,
        length: typed.length + 1,
        label: user.real_name,
        hint: user.is_bot ? "App" : user.title,
        sign: () => avatar(user, "small"),
      }));
  }

  channels(typed) {
    const wanted = typed.toLowerCase();
    return this.app.state.conversations
      .filter((one) => one.kind !== "im" && one.name.includes(wanted))
      .map((one) => ({
        text: `#${one.name}`,
        length: typed.length + 1,
        label: one.name,
        hint: one.topic,
        sign: () => conversationSign(one),
      }));
  }

  draw() {
    this.items = this.items.slice(0, MOST);
    this.list.hidden = this.items.length === 0;
    this.list.replaceChildren(
      ...this.items.map((item, index) =>
        h(
          "li",
          {
            id: `${this.list.id}-${index}`,
            class: "suggestion",
            role: "option",
            "aria-selected": String(index === this.at),
            on: {
              pointerdown: (event) => {
                event.preventDefault();
                this.take(index);
              },
            },
          },
          item.sign(),
          h("span", { class: "suggestion-label" }, item.label),
          h("span", { class: "hint" }, item.hint),
        ),
      ),
    );
    if (this.open) this.field.setAttribute("aria-activedescendant", `${this.list.id}-${this.at}`);
    else this.field.removeAttribute("aria-activedescendant");
  }

  close() {
    this.items = [];
    this.draw();
  }

  /** Puts the suggestion in place of what was typed. */
  take(index = this.at) {
    const item = this.items[index];
    const caret = this.field.selectionStart;
    const start = caret - item.length;
    this.field.setRangeText(`${item.text} `, start, caret, "end");
    this.close();
    this.field.focus();
    this.changed();
  }

  /** @returns {boolean} whether the key was for the list. */
  onKey(event) {
    if (!this.open) return false;
    const count = this.items.length;
    if (event.key === "ArrowDown") this.at = (this.at + 1) % count;
    else if (event.key === "ArrowUp") this.at = (this.at + count - 1) % count;
    else if (event.key === "Escape") this.items = [];
    else if (event.key === "Tab" && !event.shiftKey) return this.taken();
    else if (event.key === "Enter" && !event.shiftKey) {
      // A command typed in full is sent, as anyone's fingers expect.
      if (this.field.value.trim() === this.items[this.at].text) {
        this.close();
        return false;
      }
      return this.taken();
    } else return false;
    this.draw();
    return true;
  }

  taken() {
    this.take();
    return true;
  }
}
