// A person's or an app's picture: initials on a colour of their own.

import { h, icon, sprite } from "./dom.js";

const FALLBACK = "#5b6b70";

function initials(name) {
  const words = name.trim().split(/\s+/);
  return ((words[0]?.[0] ?? "?") + (words.length > 1 ? words.at(-1)[0] : "")).toUpperCase();
}

/** The colour darkened until white text reads on it (contrast of at least 4.5). */
function readableColour(colour) {
  const match = /^#?([0-9a-f]{6})$/i.exec(colour ?? "");
  let rgb = parts(match ? match[1] : FALLBACK.slice(1));
  while (1.05 / (luminance(rgb) + 0.05) < 4.5) rgb = rgb.map((value) => value * 0.94);
  return `rgb(${rgb.map(Math.round).join(", ")})`;
}

function parts(hex) {
  return [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

function luminance(rgb) {
  const [r, g, b] = rgb.map((value) => {
    const part = value / 255;
    return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** @param {{real_name: string, name: string, color: string, is_bot: boolean}} user */
export function avatar(user, size = "") {
  const node = h(
    "span",
    { class: `avatar ${size} ${user.is_bot ? "avatar-app" : ""}`, "aria-hidden": "true" },
  );
  if (user.is_bot) {
    node.append(sprite("/static/icons.svg", "app", ""));
  } else {
    node.textContent = initials(user.real_name || user.name || "?");
    node.style.backgroundColor = readableColour(user.color);
  }
  return node;
}

/** The sign before a conversation's name. */
export function conversationSign(conversation) {
  return icon({ private: "lock", im: "at" }[conversation.kind] ?? "hash", "conversation-sign");
}
