// Modal dialogs: one way to open them, and the question before a risky button.

import { h, icon, uniqueId } from "./dom.js";
import { plainText, textObject } from "./mrkdwn.js";

/**
 * Shows a `<dialog>`: the browser keeps the focus inside and makes the rest inert.
 * @param {{title: Node|string, body: Node[], footer?: Node[], className?: string,
 *   closed?: Function}} parts `closed` hears how it was closed.
 */
export function openDialog({ title, body, footer = [], className = "", closed = () => {} }) {
  const id = uniqueId("title");
  const dialog = h(
    "dialog",
    { class: `dialog ${className}`.trim(), "aria-labelledby": id },
    h(
      "header",
      { class: "dialog-head" },
      h("h2", { id, class: "dialog-title" }, title),
      h(
        "button",
        {
          type: "button",
          class: "icon-button",
          "aria-label": "Close",
          on: { click: () => dialog.close() },
        },
        icon("close"),
      ),
    ),
    h("div", { class: "dialog-body", tabindex: "-1" }, body),
    footer.length ? h("footer", { class: "dialog-foot" }, footer) : null,
  );
  dialog.addEventListener("close", () => {
    dialog.remove();
    closed(dialog.returnValue);
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** Asks a Block Kit confirmation object. @returns {Promise<boolean>} */
export function confirmed(confirm, context) {
  if (!confirm) return Promise.resolve(true);
  return new Promise((resolve) => {
    const yes = h(
      "button",
      { type: "button", class: confirm.style === "danger" ? "button danger" : "button primary" },
      plainText(confirm.confirm) || "Yes",
    );
    const no = h(
      "button",
      { type: "button", class: "button" },
      plainText(confirm.deny) || "Cancel",
    );
    const dialog = openDialog({
      title: plainText(confirm.title) || "Are you sure?",
      body: [h("div", {}, textObject(confirm.text, context))],
      footer: [no, yes],
      className: "dialog-small",
      closed: (value) => resolve(value === "yes"),
    });
    yes.addEventListener("click", () => dialog.close("yes"));
    no.addEventListener("click", () => dialog.close());
    no.focus();
  });
}
