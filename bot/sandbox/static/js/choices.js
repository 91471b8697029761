// Selects, radio buttons and checkboxes, over options, people or conversations.

import { act, dispatches } from "./act.js";
import { h, icon, uniqueId } from "./dom.js";
import { plainText, textObject } from "./mrkdwn.js";

/** Options as groups of `{value, option, label}`, and `flat` as one list. */
export function optionsOf(element) {
  const row = (option) => ({
    value: option.value,
    kept: option,
    text: option.text,
    description: option.description,
  });
  const groups = element.option_groups
    ? element.option_groups.map(
      (group) => ({ label: plainText(group.label), rows: group.options.map(row) }),
    )
    : [{ label: "", rows: (element.options ?? []).map(row) }];
  return { groups, flat: groups.flatMap((group) => group.rows) };
}

function listOf(rows) {
  return { groups: [{ label: "", rows }], flat: rows };
}

export function people({ context }) {
  const users = [...(context.state?.users.values() ?? [])].filter((user) => !user.is_bot);
  return listOf(users.map((user) => ({ value: user.id, kept: user.id, text: user.real_name })));
}

export function channels({ context }, withDms) {
  const all = (context.state?.conversations ?? []).filter((one) => withDms || one.kind !== "im");
  return listOf(
    all.map(
      (one) => ({
        value: one.id,
        kept: one.id,
        text: one.kind === "im" ? one.name : `#${one.name}`,
      }),
    ),
  );
}

export function select(element, place, { groups, flat }, key, initialValue) {
  const { context, block, input } = place;
  const before = context.values.before(block, element)?.[key];
  const initial = before !== undefined ? before : (initialValue ?? element.initial_option ?? null);
  const initialId = typeof initial === "string" ? initial : initial?.value;
  const option = (row) =>
    h(
      "option",
      { value: row.value },
      typeof row.text === "string" ? row.text : plainText(row.text),
    );
  const node = h(
    "select",
    {
      class: "select",
      id: input?.id,
      "aria-label": input ? null : plainText(element.placeholder) || "Choose",
      "aria-describedby": input?.describedBy,
    },
    h(
      "option",
      { value: "", disabled: !input?.optional },
      plainText(element.placeholder) || "Choose…",
    ),
    groups.map(({ label, rows }) =>
      label ? h("optgroup", { label }, rows.map(option)) : rows.map(option),
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
  const description = row.description
    ? h("span", { class: "hint" }, textObject(row.description, context))
    : null;
  return {
    control,
    node: h("div", { class: "choice" }, control, h("label", { for: id }, label, description)),
  };
}

export function radioButtons(element, place) {
  const { context, block, input } = place;
  const before = context.values.before(block, element)?.selected_option;
  const initial = (before !== undefined ? before : element.initial_option)?.value;
  const rows = optionsOf(element).flat;
  const name = uniqueId("radio");
  const choices = rows.map((row) => choice("radio", name, row, row.value === initial, context));
  const node = h(
    "div",
    {
      class: "choices",
      role: "radiogroup",
      "aria-labelledby": input?.labelId,
      "aria-describedby": input?.describedBy,
      "aria-label": input ? null : "Choose one",
    },
    choices.map((one) => one.node),
  );
  const chosen = () => rows[choices.findIndex((one) => one.control.checked)]?.kept ?? null;
  context.values.add(block, element, () => ({ type: element.type, selected_option: chosen() }));
  node.addEventListener("change", () => {
    if (dispatches(place)) act(node, element, place, { selected_option: chosen() });
  });
  return node;
}

export function many(element, place, rows, key, initialIds) {
  const { context, block, input } = place;
  const kept = context.values.before(block, element)?.[key];
  const before = kept ?? initialIds ?? element.initial_options ?? [];
  const initial = new Set(before.map((one) => (typeof one === "string" ? one : one.value)));
  const choices = rows.map((row) => choice("checkbox", "", row, initial.has(row.value), context));
  const node = h(
    "div",
    {
      class: "choices",
      role: "group",
      "aria-labelledby": input?.labelId,
      "aria-describedby": input?.describedBy,
      "aria-label": input ? null : "Choose any",
    },
    choices.map((one) => one.node),
  );
  const chosen = () => rows.filter((_, at) => choices[at].control.checked).map((row) => row.kept);
  context.values.add(block, element, () => ({ type: element.type, [key]: chosen() }));
  node.addEventListener("change", () => {
    if (dispatches(place)) act(node, element, place, { [key]: chosen() });
  });
  return node;
}
