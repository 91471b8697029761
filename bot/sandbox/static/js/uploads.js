// Files waiting beside a message: uploaded as soon as they are chosen, sent with the words.

import { h, icon } from "./dom.js";
import { fileSize } from "./files.js";

const MOST = 10;

/** The chips of one composer. */
export class Uploads {
  constructor(app, changed) {
    this.app = app;
    this.changed = changed;
    this.items = [];
    this.element = h("ul", { class: "chips", "aria-label": "Files to send", hidden: true });
  }

  get pending() {
    return this.items.some((item) => item.state === "sending");
  }

  add(files) {
    for (const file of files) {
      if (this.items.length >= MOST) {
        this.app.toast("warning", `A message holds ${MOST} files. The others were left out.`);
        break;
      }
      const item = { name: file.name, size: file.size, state: "sending", id: null };
      this.items.push(item);
      item.done = this.app.api.upload(file).then(
        (sent) => {
          item.id = sent.id;
          item.state = "ready";
          this.draw();
        },
        (error) => {
          item.state = "failed";
          this.draw();
          this.app.toast("error", `${file.name}: ${error.message}`);
        },
      );
    }
    this.draw();
  }

  /** Waits for the uploads. @returns {Promise<string[]>} the ids that arrived. */
  async ids() {
    await Promise.all(this.items.map((item) => item.done));
    return this.items.filter((item) => item.state === "ready").map((item) => item.id);
  }

  swap(items) {
    const before = this.items;
    this.items = items;
    this.draw();
    return before;
  }

  draw() {
    this.element.hidden = this.items.length === 0;
    this.element.replaceChildren(...this.items.map((item) => this.chip(item)));
    this.changed();
  }

  chip(item) {
    const hint = { sending: "uploading…", failed: "not uploaded", ready: fileSize(item.size) };
    const remove = () => {
      this.items = this.items.filter((other) => other !== item);
      this.draw();
    };
    return h(
      "li",
      { class: `chip ${item.state}` },
      icon("file"),
      h("span", { class: "chip-name" }, item.name),
      h("span", { class: "hint" }, hint[item.state]),
      h(
        "button",
        {
          type: "button",
          class: "chip-remove",
          "aria-label": `Remove ${item.name}`,
          on: { click: remove },
        },
        icon("close"),
      ),
    );
  }
}
