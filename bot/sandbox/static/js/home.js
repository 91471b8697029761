// The app's Home tab.

import { renderBlocks } from "./blocks.js";
import { fill, h } from "./dom.js";
import { Values } from "./values.js";

const PATIENCE_MS = 5000;

/** Shows the Home view, and asks for it when the tab is opened. */
export class Home {
  constructor(app) {
    this.app = app;
    this.element = h(
      "section",
      {
        class: "home",
        id: "panel-home",
        role: "tabpanel",
        "aria-labelledby": "tab-home",
        tabindex: "-1",
      },
    );
    app.state.on("home", () => this.draw());
    app.state.on("reset", () => this.draw());
  }

  /** The tab was opened. */
  opened() {
    this.draw();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.draw(true), PATIENCE_MS);
    this.app.request("home");
  }

  draw(waitedLong = false) {
    const { state, api } = this.app;
    const view = state.home;
    if (!view) {
      const name = state.botUser()?.real_name ?? "The app";
      const text = waitedLong
        ? `${name} hasn't shown a Home page yet. Is the bot running?`
        : `${name} is preparing its Home page…`;
      fill(this.element, h("p", { class: "home-empty" }, text));
      return;
    }
    const mark = JSON.stringify(view);
    if (mark === this.mark && this.element.querySelector(".blocks")) return;
    this.mark = mark;
    const values = new Values();
    const context = {
      state,
      api,
      values,
      act: (action) =>
        this.app.act({ view_id: view.id, state: values.collect(), ...action }),
    };
    fill(this.element, renderBlocks(view.blocks, context));
  }
}
