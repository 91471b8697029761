// Text, number, date and time inputs.

import { act, dispatches } from "./act.js";
import { h } from "./dom.js";
import { plainText } from "./mrkdwn.js";

export function textInput(element, place, type) {
  const { context, block, input } = place;
  const before = context.values.before(block, element);
  const node = h(element.multiline ? "textarea" : "input", {
    class: "text-input",
    type: element.multiline ? null : type,
    rows: element.multiline ? "7" : null,
    id: input?.id,
    "aria-describedby": input?.describedBy,
    placeholder: plainText(element.placeholder) || null,
    min: element.min_value ?? null,
    max: element.max_value ?? null,
    step: element.is_decimal_allowed ? "any" : null,
    autocomplete: "off",
    autofocus: element.focus_on_load || null,
    value: before ? (before.value ?? "") : (element.initial_value ?? ""),
  });
  const value = () => node.value || null;
  context.values.add(block, element, () => ({ type: element.type, value: value() }));
  node.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || element.multiline || !dispatches(place)) return;
    event.preventDefault();
    act(node, element, place, { value: value() });
  });
  return element.max_length ? counted(node, element.max_length) : node;
}

/** A limit that tells instead of cutting: a note pasted in half would be a different note. */
function counted(node, limit) {
  const counter = h("span", { class: "hint counter", "aria-live": "polite" });
  const show = () => {
    const { length } = node.value;
    counter.classList.toggle("over", length > limit);
    const over = `${(length - limit).toLocaleString()} characters too many`;
    const left = `${(limit - length).toLocaleString()} characters left`;
    counter.textContent = length > limit ? over : length > limit * 0.8 ? left : "";
  };
  node.addEventListener("input", show);
  show();
  return h("div", { class: "counted" }, node, counter);
}

export function richTextInput(element, place) {
  const node = textInput(
    { ...element, multiline: true, initial_value: "", max_length: null },
    place,
    "text",
  );
  const { context, block } = place;
  context.values.add(block, element, () => ({
    type: element.type,
    rich_text_value: {
      type: "rich_text",
      elements: [{ type: "rich_text_section", elements: [{ type: "text", text: node.value }] }],
    },
  }));
  return node;
}

export function picker(element, place, type, key, initial) {
  const { context, block, input } = place;
  const before = context.values.before(block, element)?.[key];
  const node = h("input", {
    class: "text-input narrow",
    type,
    id: input?.id,
    "aria-describedby": input?.describedBy,
    "aria-label": input ? null : plainText(element.placeholder) || `Choose a ${type}`,
    value: before ?? initial ?? "",
  });
  const value = () => node.value || null;
  context.values.add(block, element, () => ({ type: element.type, [key]: value() }));
  node.addEventListener("change", () => {
    if (dispatches(place)) act(node, element, place, { [key]: value() });
  });
  return node;
}

export function dateTimePicker(element, place) {
  const { context, block, input } = place;
  const local = (seconds) => {
    const date = new Date(seconds * 1000);
    return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
  };
  const kept = context.values.before(block, element)?.selected_date_time;
  const start = kept ?? element.initial_date_time;
  const node = h("input", {
    class: "text-input narrow",
    type: "datetime-local",
    id: input?.id,
    "aria-label": input ? null : "Choose a date and time",
    value: start ? local(start) : "",
  });
  const value = () => (node.value ? Math.round(new Date(node.value).getTime() / 1000) : null);
  context.values.add(block, element, () => ({ type: element.type, selected_date_time: value() }));
  node.addEventListener("change", () => {
    if (dispatches(place)) act(node, element, place, { selected_date_time: value() });
  });
  return node;
}
