// A small menu at a button: arrow keys, Enter, Esc, and a click elsewhere closes it.

import { h, icon } from "./dom.js";

let open = null;

/**
 * @param {HTMLElement} anchor the button it belongs to.
 * @param {Array<{label: string, hint?: string, icon?: string, checked?: boolean, danger?: boolean,
 *   run: Function}>} items
 * @param {string} label the menu's name.
 */
export function openMenu(anchor, items, label) {
  const again = open?.anchor === anchor;
  closeMenu();
  if (again) return;
  const radio = items.some((item) => item.checked !== undefined);
  const menu = h(
    "div",
    { class: "menu", role: "menu", "aria-label": label },
    items.map((item) => entry(item, radio)),
  );
  // A modal dialog makes everything outside it inert, so its menus live inside it.
  (anchor.closest("dialog") ?? document.body).append(menu);
  place(menu, anchor);
  anchor.setAttribute("aria-expanded", "true");
  open = { anchor, menu };
  menu.addEventListener("keydown", onKey);
  setTimeout(() => document.addEventListener("pointerdown", onOutside), 0);
  (menu.querySelector('[aria-checked="true"]') ?? menu.firstElementChild)?.focus();
}

function entry(item, radio) {
  return h(
    "button",
    {
      type: "button",
      class: item.danger ? "menu-item danger" : "menu-item",
      role: radio ? "menuitemradio" : "menuitem",
      "aria-checked": radio ? String(Boolean(item.checked)) : null,
      tabindex: "-1",
      on: {
        click: () => {
          closeMenu();
          item.run();
        },
      },
    },
    item.before ?? (item.icon ? icon(item.icon) : null),
    h(
      "span",
      { class: "menu-text" },
      item.label,
      item.hint ? h("span", { class: "menu-hint" }, item.hint) : null,
    ),
    radio && item.checked ? icon("check", "menu-check") : null,
  );
}

function place(menu, anchor) {
  const gap = 6;
  const box = anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = menu;
  const below = box.bottom + gap;
  const top = below + height < innerHeight ? below : Math.max(gap, box.top - gap - height);
  // Towards the middle of the window.
  const wanted = box.left + box.width / 2 < innerWidth / 2 ? box.left : box.right - width;
  const left = Math.min(wanted, innerWidth - width - gap);
  menu.style.top = `${top}px`;
  menu.style.left = `${Math.max(gap, left)}px`;
}

/** Closes the open menu, if any, and gives the focus back. */
function closeMenu() {
  if (!open) return;
  const { anchor, menu } = open;
  open = null;
  document.removeEventListener("pointerdown", onOutside);
  anchor.setAttribute("aria-expanded", "false");
  const inside = menu.contains(document.activeElement);
  menu.remove();
  if (inside) anchor.focus();
}

function onOutside(event) {
  if (!open?.menu.contains(event.target) && !open?.anchor.contains(event.target)) closeMenu();
}

function onKey(event) {
  const items = [...event.currentTarget.children];
  const at = items.indexOf(document.activeElement);
  const go = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
  if (go !== undefined) {
    event.preventDefault();
    items[(go + items.length) % items.length].focus();
  } else if (event.key === "Escape" || event.key === "Tab") {
    event.preventDefault();
    event.stopPropagation();
    closeMenu();
  }
}
