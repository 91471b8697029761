// Block Kit's interactive elements: what they look like, what they hold, what they send.

import { h, icon, uniqueId } from "./dom.js";
import { confirmed } from "./dialog.js";
import { openMenu } from "./menu.js";
import { plainText, textObject } from "./mrkdwn.js";
import { imageNode } from "./images.js";
import { fileInput } from "./fileinput.js";

/**
 * Renders one element.
 * @param {object} element
 * @param {{block: object, context: object, input?: object}} place `context` has `values` (a
 *   Values), `act` (sends an action; a promise) and `state`; `input` is there inside an input
 *   block: `{id, describedBy}`.
 * @returns {Node|null} null for an element this page doesn't know.
 */
export function elementNode(element, place) {
  return RENDERERS[element.type]?.(element, place) ?? null;
}

/** Whether an element draws several controls, which need a group's name instead of a label. */
export function isGroup(element) {
  return /^(radio_buttons|checkboxes|multi_.*|file_input)$/.test(element.type);
}

/** What the inputs of one message or view hold now, in the shape of Slack's `state.values`. */
export class Values {
  constructor(previous = {}) {
    this.previous = previous;
    this.readers = [];
  }

  /** What was there before the view was drawn again, or undefined. */
  before(block, element) {
    return this.previous[block.block_id]?.[element.action_id];
  }

  add(block, element, read) {
    this.readers.push([block.block_id, element.action_id, read]);
  }

  collect() {
    const values = {};
    for (const [block, action, read] of this.readers) {
      values[block] = { ...values[block], [action]: read() };
    }
    return values;
  }
}

const RENDERERS = {
  button,
  workflow_button: button,
  icon_button: iconButton,
  feedback_buttons: feedbackButtons,
  overflow,
  image: imageNode,
  static_select: (e, p) => select(e, p, optionsOf(e), "selected_option"),
  users_select: (e, p) => select(e, p, people(p), "selected_user", e.initial_user),
  conversations_select: (e, p) =>
    select(e, p, channels(p, true), "selected_conversation", e.initial_conversation),
  channels_select: (e, p) => select(e, p, channels(p, false), "selected_channel", e.initial_channel),
  multi_static_select: (e, p) => many(e, p, optionsOf(e).flat, "selected_options"),
  multi_users_select: (e, p) => many(e, p, people(p).flat, "selected_users", e.initial_users),
  multi_conversations_select: (e, p) =>
    many(e, p, channels(p, true).flat, "selected_conversations", e.initial_conversations),
  multi_channels_select: (e, p) =>
    many(e, p, channels(p, false).flat, "selected_channels", e.initial_channels),
  radio_buttons: radioButtons,
  checkboxes: (e, p) => many(e, p, optionsOf(e).flat, "selected_options"),
  plain_text_input: (e, p) => textInput(e, p, "text"),
  email_text_input: (e, p) => textInput(e, p, "email"),
  url_text_input: (e, p) => textInput(e, p, "url"),
  number_input: (e, p) => textInput(e, p, "number"),
  rich_text_input: richTextInput,
  datepicker: (e, p) => picker(e, p, "date", "selected_date", e.initial_date),
  timepicker: (e, p) => picker(e, p, "time", "selected_time", e.initial_time),
  datetimepicker: dateTimePicker,
  file_input: fileInput,
};

/** Sends an action; the control is busy until the app has answered. */
async function act(control, element, place, extra) {
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

function button(element, place) {
  const style = { primary: "button primary", danger: "button danger" }[element.style] ?? "button";
  const content = [h("span", { class: "button-label" }, textObject(element.text, place.context))];
  const label = element.accessibility_label ?? null;
  if (element.url) content.push(icon("chevron", "icon-out"));
  const node = h(
    "button",
    { type: "button", class: style, "aria-label": label, data: { action: element.action_id ?? "" } },
    content,
  );
  node.addEventListener("click", () => {
    if (element.url && /^https?:/i.test(element.url)) window.open(element.url, "_blank", "noopener");
    act(node, element, place, element.value === undefined ? {} : { value: element.value });
  });
  return node;
}

function iconButton(element, place) {
  const visible = element.visible_to_user_ids;
  if (visible?.length && !visible.includes(place.context.state?.me?.id)) return h("span", { hidden: true });
  const label = element.accessibility_label ?? plainText(element.text);
  const known = ["trash", "edit", "bookmark", "copy"].includes(element.icon);
  const node = h(
    "button",
    { type: "button", class: "button quiet", "aria-label": label, title: label },
    icon(known ? element.icon : "more"),
  );
  node.addEventListener("click", () => act(node, element, place, { value: element.value }));
  return node;
}

function feedbackButtons(element, place) {
  const one = (data, glyph) => {
    const label = data.accessibility_label ?? plainText(data.text);
    const node = h(
      "button",
      { type: "button", class: "button quiet", "aria-label": label, title: label },
      icon(glyph),
      h("span", { class: "button-label" }, plainText(data.text)),
    );
    node.addEventListener("click", () => act(node, element, place, { value: data.value }));
    return node;
  };
  return h(
    "div",
    { class: "feedback", role: "group", "aria-label": "Feedback" },
    one(element.positive_button, "thumbs_up"),
    one(element.negative_button, "thumbs_down"),
  );
}

function overflow(element, place) {
  const node = h(
    "button",
    { type: "button", class: "button quiet", "aria-label": "More options", "aria-haspopup": "menu", "aria-expanded": "false" },
    icon("more"),
  );
  const items = (element.options ?? []).map((option) => ({
    label: plainText(option.text),
    hint: option.description ? plainText(option.description) : "",
    run: () => act(node, element, place, { selected_option: option }),
  }));
  node.addEventListener("click", () => openMenu(node, items, "More options"));
  return node;
}

/** Options as groups of `{value, option, label}`, and `flat` as one list. */
function optionsOf(element) {
  const row = (option) => ({ value: option.value, kept: option, text: option.text, description: option.description });
  const groups = element.option_groups
    ? element.option_groups.map((group) => ({ label: plainText(group.label), rows: group.options.map(row) }))
    : [{ label: "", rows: (element.options ?? []).map(row) }];
  return { groups, flat: groups.flatMap((group) => group.rows) };
}

function listOf(rows) {
  return { groups: [{ label: "", rows }], flat: rows };
}

function people({ context }) {
  const users = [...(context.state?.users.values() ?? [])].filter((user) => !user.is_bot);
  return listOf(users.map((user) => ({ value: user.id, kept: user.id, text: user.real_name })));
}

function channels({ context }, withDms) {
  const all = (context.state?.conversations ?? []).filter((one) => withDms || one.kind !== "im");
  return listOf(
    all.map((one) => ({ value: one.id, kept: one.id, text: one.kind === "im" ? one.name : `#${one.name}` })),
  );
}

function select(element, place, { groups, flat }, key, initialValue) {
  const { context, block, input } = place;
  const before = context.values.before(block, element)?.[key];
  const initial = before !== undefined ? before : (initialValue ?? element.initial_option ?? null);
  const initialId = typeof initial === "string" ? initial : initial?.value;
  const option = (row) =>
    h("option", { value: row.value }, typeof row.text === "string" ? row.text : plainText(row.text));
  const node = h(
    "select",
    { class: "select", id: input?.id, "aria-label": input ? null : plainText(element.placeholder) || "Choose", "aria-describedby": input?.describedBy },
    h("option", { value: "", disabled: !input?.optional }, plainText(element.placeholder) || "Choose…"),
    groups.map((group) =>
      group.label ? h("optgroup", { label: group.label }, group.rows.map(option)) : group.rows.map(option),
    ),
  );
  node.value = initialId ?? "";
  const chosen = () => flat.find((row) => row.value === node.value)?.kept ?? null;
  context.values.add(block, element, () => ({ type: element.type, [key]: chosen() }));
  node.addEventListener("change", () => {
    if (dispatches(place)) act(node, element, place, { [key]: chosen() });
  });
  return h("span", { class: "select-wrap" }, node, icon("chevron"));
}

function choice(type, name, row, checked, context) {
  const id = uniqueId("choice");
  const control = h("input", { type, name, id, value: row.value, checked });
  const label = typeof row.text === "string" ? row.text : textObject(row.text, context);
  const description = row.description ? h("span", { class: "hint" }, textObject(row.description, context)) : null;
  return { control, node: h("div", { class: "choice" }, control, h("label", { for: id }, label, description)) };
}

function radioButtons(element, place) {
  const { context, block, input } = place;
  const before = context.values.before(block, element)?.selected_option;
  const initial = (before !== undefined ? before : element.initial_option)?.value;
  const rows = optionsOf(element).flat;
  const name = uniqueId("radio");
  const choices = rows.map((row) => choice("radio", name, row, row.value === initial, context));
  const node = h(
    "div",
    { class: "choices", role: "radiogroup", "aria-labelledby": input?.labelId, "aria-describedby": input?.describedBy, "aria-label": input ? null : "Choose one" },
    choices.map((one) => one.node),
  );
  const chosen = () => rows[choices.findIndex((one) => one.control.checked)]?.kept ?? null;
  context.values.add(block, element, () => ({ type: element.type, selected_option: chosen() }));
  node.addEventListener("change", () => {
    if (dispatches(place)) act(node, element, place, { selected_option: chosen() });
  });
  return node;
}

function many(element, place, rows, key, initialIds) {
  const { context, block, input } = place;
  const before = context.values.before(block, element)?.[key] ?? initialIds ?? element.initial_options ?? [];
  const initial = new Set(before.map((one) => (typeof one === "string" ? one : one.value)));
  const choices = rows.map((row) => choice("checkbox", "", row, initial.has(row.value), context));
  const node = h(
    "div",
    { class: "choices", role: "group", "aria-labelledby": input?.labelId, "aria-describedby": input?.describedBy, "aria-label": input ? null : "Choose any" },
    choices.map((one) => one.node),
  );
  const chosen = () => rows.filter((_, at) => choices[at].control.checked).map((row) => row.kept);
  context.values.add(block, element, () => ({ type: element.type, [key]: chosen() }));
  node.addEventListener("change", () => {
    if (dispatches(place)) act(node, element, place, { [key]: chosen() });
  });
  return node;
}

function textInput(element, place, type) {
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

function richTextInput(element, place) {
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

function picker(element, place, type, key, initial) {
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

function dateTimePicker(element, place) {
  const { context, block, input } = place;
  const local = (seconds) => {
    const date = new Date(seconds * 1000);
    return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
  };
  const start = context.values.before(block, element)?.selected_date_time ?? element.initial_date_time;
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

/** Outside an input block every change is an action; inside, only with `dispatch_action`. */
function dispatches({ block }) {
  return block.type !== "input" || block.dispatch_action === true;
}
