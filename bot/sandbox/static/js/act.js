// Sends what a person does with an element to the app.

import { confirmed } from "./dialog.js";

/** Sends an action; the control is busy until the app has answered. */
export async function act(control, element, place, extra) {
  if (control.getAttribute("aria-busy") === "true") return;
  if (!(await confirmed(element.confirm, place.context))) return;
  control.setAttribute("aria-busy", "true");
  try {
    await place.context.act({
      block_id: place.block.block_id ?? "",
      action_id: element.action_id ?? "",
      type: element.type,
      ...extra,
    });
  } finally {
    control.removeAttribute("aria-busy");
  }
}

/** Outside an input block every change is an action; inside, only with `dispatch_action`. */
export function dispatches({ block }) {
  return block.type !== "input" || block.dispatch_action === true;
}
