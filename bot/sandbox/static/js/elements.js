// Block Kit's elements: the buttons here, the inputs and choices from their modules.

import { act } from "./act.js";
import { channels, many, optionsOf, people, radioButtons, select } from "./choices.js";
import { h, icon } from "./dom.js";
import { fileInput } from "./fileinput.js";
import { imageNode } from "./images.js";
import { dateTimePicker, picker, richTextInput, textInput } from "./inputs.js";
import { openMenu } from "./menu.js";
import { plainText, textObject } from "./mrkdwn.js";

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
  channels_select: (e, p) => select(
    e,
    p,
    channels(p, false),
    "selected_channel",
    e.initial_channel,
  ),
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

function button(element, place) {
  const style = { primary: "button primary", danger: "button danger" }[element.style] ?? "button";
  const content = [h("span", { class: "button-label" }, textObject(element.text, place.context))];
  const label = element.accessibility_label ?? null;
  if (element.url) content.push(icon("chevron", "icon-out"));
  const node = h(
    "button",
    {
      type: "button",
      class: style,
      "aria-label": label,
      data: { action: element.action_id ?? "" },
    },
    content,
  );
  node.addEventListener("click", () => {
    if (/^https?:/i.test(element.url ?? "")) window.open(element.url, "_blank", "noopener");
    act(node, element, place, element.value === undefined ? {} : { value: element.value });
  });
  return node;
}

function iconButton(element, place) {
  const visible = element.visible_to_user_ids;
  if (visible?.length && !visible.includes(place.context.state?.me?.id)) {
    return h("span", { hidden: true });
  }
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
    {
      type: "button",
      class: "button quiet",
      "aria-label": "More options",
      "aria-haspopup": "menu",
      "aria-expanded": "false",
    },
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
