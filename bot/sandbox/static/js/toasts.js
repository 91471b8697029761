// Notices in a corner: they say what happened and go, or stay until they are read.

import { h, icon } from "./dom.js";

const SHORT_MS = 6000;
const MOST = 4;
const ICONS = { info: "info", warning: "alert", error: "alert" };

/** @returns {(level: string, text: string) => void} */
export function setUpToasts(region) {
  return (level, text) => {
    const node = h(
      "div",
      { class: `toast ${level}`, role: level === "error" ? "alert" : "status" },
      icon(ICONS[level] ?? "info"),
      h("p", {}, text),
      h(
        "button",
        {
          type: "button",
          class: "icon-button",
          "aria-label": "Dismiss",
          on: { click: () => node.remove() },
        },
        icon("close"),
      ),
    );
    region.append(node);
    while (region.children.length > MOST) region.firstElementChild.remove();
    if (level === "info") setTimeout(() => node.remove(), SHORT_MS);
  };
}
