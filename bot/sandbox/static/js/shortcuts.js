// Keys that work everywhere on the page, and the list of them.

import { openDialog } from "./dialog.js";
import { h } from "./dom.js";

// Each row: the keys and the words between them (in a list of one), and what they do.
const KEYS = [
  ["Enter", "Send the message"],
  ["Shift", ["+"], "Enter", "New line"],
  ["/", "Go to the message box; at its start: a command"],
  ["@", "Mention the app or a person"],
  ["Alt", ["+"], "↑", ["or"], "↓", "Previous or next conversation"],
  ["Ctrl", ["+"], "U", "Attach files"],
  ["F6", "Next part of the page"],
  ["↑", ["or"], "↓", "Between messages, when one has the focus"],
  ["Enter", ["on a message"], "What can be done with it"],
  ["T", ["on a message"], "Reply in thread"],
  ["Esc", "Close a menu, a modal or the thread"],
  ["?", "This list"],
];

/** Shows the list. */
export function showShortcuts() {
  if (document.querySelector("dialog[open]")) return;
  const key = (part) => (Array.isArray(part) ? ` ${part[0]} ` : h("kbd", {}, part));
  const row = (parts) =>
    h("div", {}, h("dt", {}, parts.slice(0, -1).map(key)), h("dd", {}, parts.at(-1)));
  openDialog({
    title: "Keyboard shortcuts",
    className: "dialog-keys",
    body: [h("dl", { class: "keys" }, KEYS.map(row))],
  });
}

/** Listens to the keys. */
export function setUpShortcuts(app) {
  document.addEventListener("keydown", (event) => {
    if (document.querySelector("dialog[open]") || event.defaultPrevented) return;
    const typing = event.target.closest?.("input, textarea, select");
    if (event.key === "?" && !typing) {
      event.preventDefault();
      showShortcuts();
    } else if (event.key === "/" && !typing) {
      event.preventDefault();
      app.pane.composer.focus();
    } else if (event.altKey && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      step(app, event.key === "ArrowDown" ? 1 : -1);
    } else if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "u") {
      event.preventDefault();
      const thread = event.target.closest?.("#thread");
      (thread ? app.thread : app.pane).composer.chooser.click();
    } else if (event.key === "F6") {
      event.preventDefault();
      nextRegion(event.shiftKey ? -1 : 1);
    } else if (event.key === "Escape" && app.state.thread !== null) {
      app.state.closeThread(true);
    }
  });
}

function step(app, by) {
  const order = [
    ...app.state.conversations.filter((one) => one.kind === "im"),
    ...app.state.conversations.filter((one) => one.kind !== "im"),
  ];
  const at = order.findIndex((one) => one.id === app.state.channel);
  app.goTo(order[(at + by + order.length) % order.length].id);
}

function nextRegion(by) {
  const places = [
    document.querySelector('#sidebar [aria-current="page"]'),
    document.querySelector('#pane .message[tabindex="0"]') ?? document.querySelector(
      '#pane [role="tab"][tabindex="0"]',
    ),
    document.getElementById("composer-main"),
    document.querySelector('#thread:not([hidden]) .message[tabindex="0"]'),
    document.querySelector("#thread:not([hidden]) textarea"),
    document.getElementById("person-button"),
  ].filter((node) => node && node.offsetParent !== null);
  const at = places.indexOf(document.activeElement);
  places[(at + by + places.length) % places.length]?.focus();
}
