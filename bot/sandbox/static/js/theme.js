// Light or dark: what the system says, until the person says otherwise.

import { fill, icon } from "./dom.js";

const KEY = "sandbox-theme";
const system = matchMedia("(prefers-color-scheme: dark)");

function remembered() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

function current() {
  return document.documentElement.dataset.theme ?? (system.matches ? "dark" : "light");
}

function show(button) {
  const dark = current() === "dark";
  const label = dark ? "Use the light theme" : "Use the dark theme";
  button.setAttribute("aria-label", label);
  button.title = label;
  fill(button, icon(dark ? "sun" : "moon"));
}

/** Makes `button` switch the theme. */
export function setUpTheme(button) {
  const saved = remembered();
  if (saved) document.documentElement.dataset.theme = saved;
  show(button);
  system.addEventListener("change", () => show(button));
  button.addEventListener("click", () => {
    const next = current() === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    try {
      localStorage.setItem(KEY, next);
    } catch {
      // A browser that keeps nothing still shows the theme until it is closed.
    }
    show(button);
  });
}
