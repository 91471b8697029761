// The app's modals: a stack of views in one dialog, and the answers to what is submitted.

import { renderBlocks } from "./blocks.js";
import { fill, h, icon, uniqueId } from "./dom.js";
import { plainText } from "./mrkdwn.js";
import { Values } from "./values.js";

/** Shows views as the server opens, pushes, updates and closes them. */
export class Modals {
  constructor(app) {
    this.app = app;
    this.stack = [];
    this.dialog = null;
    this.values = new Values();
  }

  open(view) {
    this.stack = [view];
    this.draw();
  }

  /** After a reload: what was open still is. */
  restore(views) {
    const ids = (list) => list.map((view) => view.id).join();
    if (ids(views) === ids(this.stack)) return;
    this.stack = [...views];
    this.draw();
  }

  push(view) {
    this.keepInput();
    this.stack.push(view);
    this.draw();
  }

  /** A view that changed keeps what was typed where block and action are still there. */
  update(view) {
    const at = this.stack.findIndex((one) => one.id === view.id);
    if (at < 0) return;
    const top = at === this.stack.length - 1;
    if (top) this.keepInput();
    this.stack[at] = { ...view, kept: this.stack[at].kept };
    if (top) this.draw();
  }

  /** Takes a view away without telling the app: the app or the server said so. */
  drop(viewId) {
    const before = this.stack.length;
    this.stack = viewId ? this.stack.filter((view) => view.id !== viewId) : [];
    if (this.stack.length !== before) this.draw();
  }

  keepInput() {
    const top = this.stack.at(-1);
    if (top) top.kept = this.values.collect();
  }

  /** The person closes the top view. */
  async back() {
    const view = this.stack.pop();
    this.draw();
    if (view) await this.app.request("close", { view_id: view.id });
  }

  async closeAll() {
    while (this.stack.length) {
      const view = this.stack.pop();
      await this.app.request("close", { view_id: view.id, cleared: true });
    }
    this.draw();
  }

  draw() {
    const view = this.stack.at(-1);
    if (!view) {
      this.dialog?.close();
      this.dialog?.remove();
      this.dialog = null;
      return;
    }
    const isNew = !this.dialog;
    const samePlace = this.dialog?.dataset.view === view.id;
    const place = samePlace ? document.activeElement?.closest("[data-block]") : null;
    const focused = place?.dataset.block;
    if (isNew) this.dialog = this.makeDialog();
    this.dialog.dataset.view = view.id;
    this.drawView(view);
    if (isNew) this.dialog.showModal();
    this.focusFirst(focused);
  }

  makeDialog() {
    const dialog = h("dialog", { class: "dialog modal" });
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      this.back();
    });
    document.body.append(dialog);
    return dialog;
  }

  drawView(view) {
    const titleId = uniqueId("modal");
    this.values = new Values(view.kept);
    const values = this.values;
    const context = {
      state: this.app.state,
      api: this.app.api,
      values,
      act: (action) =>
        this.app.act({ view_id: view.id, state: values.collect(), ...action }),
    };
    this.blocks = renderBlocks(view.blocks, context);
    this.problem = h("p", { class: "modal-problem", role: "alert", hidden: true });
    this.submitButton = view.submit
      ? h(
        "button",
        { type: "submit", class: "button primary" },
        h("span", { class: "button-label" }, plainText(view.submit)),
      )
      : null;
    const cancel = h(
      "button",
      { type: "button", class: "button", on: { click: () => this.back() } },
      plainText(view.close) || "Cancel",
    );
    const form = h(
      "form",
      { class: "modal-form", novalidate: true },
      this.header(view, titleId),
      h("div", { class: "dialog-body" }, this.problem, this.blocks),
      h("footer", { class: "dialog-foot" }, cancel, this.submitButton),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.submitButton) this.submit(view);
    });
    this.dialog.setAttribute("aria-labelledby", titleId);
    fill(this.dialog, form);
  }

  header(view, titleId) {
    const tool = (name, label, run) =>
      h(
        "button",
        { type: "button", class: "icon-button", "aria-label": label, on: { click: run } },
        icon(name),
      );
    return h(
      "header",
      { class: "dialog-head" },
      this.stack.length > 1 ? tool("back", "Back", () => this.back()) : null,
      h("h2", { id: titleId, class: "dialog-title" }, plainText(view.title)),
      tool("close", "Close", () => this.closeAll()),
    );
  }

  focusFirst(block) {
    const same = block && this.dialog.querySelector(
      `[data-block="${CSS.escape(block)}"] :is(input, textarea, select)`,
    );
    const wanted = this.dialog.querySelector("[autofocus]");
    const first = this.blocks.querySelector("input:not([hidden]), textarea, select, button");
    (same ?? wanted ?? first ?? this.submitButton ?? this.dialog.querySelector("button"))?.focus();
  }

  async submit(view) {
    this.problem.hidden = true;
    const values = this.values.collect();
    const missing = this.missing(values);
    this.showErrors(missing);
    if (Object.keys(missing).length) return;
    this.submitButton.setAttribute("aria-busy", "true");
    this.submitButton.disabled = true;
    let answer;
    try {
      answer = await this.app.api.post("submit", { view_id: view.id, values });
    } catch (error) {
      this.showProblem(error.message);
      return;
    } finally {
      this.submitButton.removeAttribute("aria-busy");
      this.submitButton.disabled = false;
    }
    this.follow(view, answer);
  }

  showProblem(text) {
    this.problem.textContent = text;
    this.problem.hidden = false;
  }

  /** What the app's answer asks for. */
  follow(view, answer) {
    const action = answer.response_action;
    if (action === "errors") {
      this.showErrors(answer.errors ?? {});
      if (answer.error) this.showProblem("The app didn't answer. What you entered is still here.");
    } else if (action === "clear") this.drop(null);
    else if (action === "update") {
      if (answer.view) this.update({ ...answer.view, id: answer.view.id ?? view.id });
    } else if (action === "push") {
      if (answer.view && this.stack.at(-1)?.id !== answer.view.id) this.push(answer.view);
    } else this.drop(view.id);
  }

  missing(values) {
    const errors = {};
    for (const node of this.blocks.querySelectorAll('.block-input[data-required="yes"]')) {
      const answers = Object.values(values[node.dataset.block] ?? {});
      if (answers.length && answers.every(isEmpty)) {
        errors[node.dataset.block] = "Please complete this required field.";
      }
    }
    return errors;
  }

  showErrors(errors) {
    let first = null;
    for (const node of this.blocks.querySelectorAll(".block-input")) {
      const text = errors[node.dataset.block] ?? "";
      node.querySelector(".field-error").textContent = text;
      node.classList.toggle("invalid", Boolean(text));
      for (const control of node.querySelectorAll("input, textarea, select")) {
        control.toggleAttribute("aria-invalid", Boolean(text));
        if (text) control.setAttribute("aria-invalid", "true");
        if (text && !first) first = control;
      }
    }
    first?.focus();
  }
}

function isEmpty(answer) {
  const { type, ...held } = answer;
  return Object.values(held).every(
    (value) => value === null || value === undefined || value === "" || value.length === 0,
  );
}
