// Block Kit's layout blocks as nodes.

import { append, h, icon, uniqueId } from "./dom.js";
import { elementNode, isGroup } from "./elements.js";
import { imageNode } from "./images.js";
import { markdown } from "./markdown.js";
import { plain, plainText, textObject } from "./mrkdwn.js";
import { richText } from "./richtext.js";

/**
 * Renders the blocks of a message or a view.
 * @param {object[]} blocks
 * @param {object} context `state`, `api`, `values` (a Values) and `act` (sends an action).
 * @returns {HTMLElement}
 */
export function renderBlocks(blocks, context) {
  return h("div", { class: "blocks" }, (blocks ?? []).map((block) => renderBlock(block, context)));
}

/** One block; one that is unknown or broken becomes a labelled placeholder, never an exception. */
function renderBlock(block, context) {
  const render = RENDERERS[block?.type];
  if (!render) return placeholder(block?.type ?? "without a type");
  try {
    const node = render(block, context);
    node.classList.add("block");
    if (block.block_id) node.dataset.block = block.block_id;
    return node;
  } catch {
    return placeholder(`${block.type}, which couldn't be drawn`);
  }
}

function placeholder(what) {
  return h(
    "div",
    { class: "block block-unknown", role: "note" },
    icon("block"),
    h("span", {}, `Block not shown in the sandbox: ${what}`),
  );
}

const ALERT_ICONS = { info: "info", warning: "alert", error: "alert", success: "check" };

const RENDERERS = {
  header: (block) => h("h3", { class: "block-header" }, plain(block.text?.text ?? "")),
  section,
  divider: () => h("hr", { class: "divider" }),
  context: (block, context) =>
    h(
      "div",
      { class: "block-context" },
      (block.elements ?? []).map((one) => contextPart(one, context)),
    ),
  actions: (block, context) =>
    h(
      "div",
      { class: "block-actions" },
      (block.elements ?? []).map((one) => element(one, block, context)),
    ),
  context_actions: (block, context) =>
    h(
      "div",
      { class: "block-actions quiet" },
      (block.elements ?? []).map((one) => element(one, block, context)),
    ),
  input,
  image: (block) =>
    h(
      "figure",
      { class: "block-image" },
      block.title ? h("figcaption", {}, plainText(block.title)) : null,
      imageNode(block),
    ),
  rich_text: (block, context) => richText(block, context),
  markdown: (block) => h("div", { class: "block-markdown" }, markdown(block.text ?? "")),
  table,
  data_table: table,
  alert: (block, context) =>
    h(
      "div",
      {
        class: `block-alert ${ALERT_ICONS[block.level] ? block.level : "default"}`,
        role: "note",
      },
      icon(ALERT_ICONS[block.level] ?? "info"),
      h("div", {}, textObject(block.text, context)),
    ),
  card,
  carousel: (block, context) =>
    h(
      "div",
      { class: "block-carousel", tabindex: "0", role: "group", "aria-label": "Cards" },
      (block.elements ?? []).map((one) => renderBlock(one, context)),
    ),
  plan: (block, context) =>
    h(
      "div",
      { class: "block-plan" },
      h("strong", {}, plain(String(block.title?.text ?? block.title ?? ""))),
      (block.tasks ?? []).map((task) => taskCard(task, context)),
    ),
  task_card: taskCard,
};

function element(data, block, context, extra = {}) {
  const node = elementNode(data, { block, context, ...extra });
  return node ?? placeholder(`element ${data?.type}`);
}

function section(block, context) {
  const body = h(
    "div",
    { class: "section-body" },
    block.text ? h("div", { class: "section-text" }, textObject(block.text, context)) : null,
    block.fields?.length
      ? h(
          "div",
          { class: "section-fields" },
          block.fields.map(
            (field) => h("div", { class: "section-field" }, textObject(field, context)),
          ),
        )
      : null,
  );
  const accessory = block.accessory
    ? h("div", { class: "section-accessory" }, element(block.accessory, block, context))
    : null;
  return h("div", { class: "block-section" }, body, accessory);
}

function contextPart(part, context) {
  if (part.type === "image") return imageNode(part);
  return h("span", { class: "context-text" }, textObject(part, context));
}

function input(block, context) {
  const id = uniqueId("input");
  const labelId = `${id}-label`;
  const hintId = `${id}-hint`;
  const errorId = `${id}-error`;
  const describedBy = [block.hint ? hintId : null, errorId].filter(Boolean).join(" ");
  const label = [
    plainText(block.label),
    block.optional ? h("span", { class: "optional" }, " (optional)") : null,
  ];
  const group = isGroup(block.element) && block.element.type !== "file_input";
  const control = element(block.element, block, context, {
    input: { id, labelId, describedBy, optional: block.optional },
  });
  return h(
    "div",
    { class: "block-input", data: { required: block.optional ? "" : "yes" } },
    group
      ? h("div", { id: labelId, class: "field-label" }, label)
      : h("label", { id: labelId, for: id, class: "field-label" }, label),
    control,
    h("p", { id: errorId, class: "field-error", "aria-live": "polite" }),
    block.hint ? h("p", { id: hintId, class: "hint" }, textObject(block.hint, context)) : null,
  );
}

function table(block, context) {
  const align = (column) => block.column_settings?.[column]?.align ?? "left";
  const cell = (data, column, tag) => {
    const inside =
      data?.type === "rich_text"
        ? richText(data, context)
        : plain(String(data?.text ?? data?.value ?? data?.number ?? ""));
    const node = h(tag, { scope: tag === "th" ? "col" : null, class: `align-${align(column)}` });
    if (block.column_settings?.[column]?.is_wrapped === false) node.classList.add("nowrap");
    return append(node, inside);
  };
  const [head = [], ...rows] = block.rows ?? [];
  return h(
    "div",
    { class: "table-wrap", tabindex: "0", role: "region", "aria-label": "Table" },
    h(
      "table",
      {},
      h("thead", {}, h("tr", {}, head.map((data, column) => cell(data, column, "th")))),
      h(
        "tbody",
        {},
        rows.map((row) => h("tr", {}, row.map((data, column) => cell(data, column, "td")))),
      ),
    ),
  );
}

function card(block, context) {
  return h(
    "div",
    { class: "block-card" },
    block.hero_image ? imageNode(block.hero_image) : null,
    h(
      "div",
      { class: "card-text" },
      block.title ? h("strong", {}, textObject(block.title, context)) : null,
      block.subtitle ? h("span", { class: "muted" }, textObject(block.subtitle, context)) : null,
      block.body ? h("div", {}, textObject(block.body, context)) : null,
    ),
    block.actions?.length
      ? h(
        "div",
        { class: "block-actions" },
        block.actions.map((one) => element(one, block, context)),
      )
      : null,
  );
}

const TASK_STATES = {
  pending: "Waiting",
  in_progress: "Under way",
  complete: "Done",
  error: "Failed",
};

function taskCard(task, context) {
  return h(
    "div",
    { class: `block-task ${task.status in TASK_STATES ? task.status : "pending"}` },
    h("span", { class: "task-state" }, TASK_STATES[task.status] ?? "Waiting"),
    h(
      "div",
      {},
      h("strong", {}, String(task.title ?? "")),
      task.details ? richText(task.details, context) : null,
      task.output ? richText(task.output, context) : null,
    ),
  );
}
