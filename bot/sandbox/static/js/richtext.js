// The rich_text block: sections, lists, quotes and preformatted text, as nodes.

import { h } from "./dom.js";
import { emojiNode, withDrawnEmoji } from "./emoji.js";
import { channelLink, link, mention } from "./mrkdwn.js";
import { slackDate } from "./time.js";

const STYLES = [["code", "code"], ["bold", "strong"], ["italic", "em"], ["strike", "s"],
  ["underline", "u"], ["highlight", "mark"]];

/** A whole `rich_text` block. */
export function richText(block, context) {
  return h("div", { class: "rich-text" }, (block.elements ?? []).map((one) => part(one, context)));
}

function part(element, context) {
  switch (element.type) {
    case "rich_text_section":
      return h("div", { class: "rich-section" }, inlines(element, context));
    case "rich_text_quote":
      return h("blockquote", {}, inlines(element, context));
    case "rich_text_preformatted":
      return h("pre", { class: "pre" }, inlines(element, context));
    case "rich_text_list":
      return list(element, context);
    default:
      return h("span", { class: "muted" }, `[${element.type}]`);
  }
}

function list(element, context) {
  const ordered = element.style === "ordered";
  const node = h(
    ordered ? "ol" : "ul",
    {
      class: element.border ? "rich-list bordered" : "rich-list",
      start: ordered && element.offset ? element.offset + 1 : null,
    },
    (element.elements ?? []).map((item) => h("li", {}, inlines(item, context))),
  );
  node.style.setProperty("--indent", String(element.indent ?? 0));
  return node;
}

function inlines(element, context) {
  return (element.elements ?? []).map((one) => styled(inlineNode(one, context), one.style));
}

function inlineNode(one, context) {
  switch (one.type) {
    case "text":
      return breaks(one.text ?? "");
    case "link":
      return link(one.url ?? "", one.text || one.url || "");
    case "user":
      return mention(one.user_id, "", context);
    case "usergroup":
      return h("span", { class: "mention" }, `@${one.usergroup_id}`);
    case "channel":
      return channelLink(one.channel_id, "", context);
    case "broadcast":
      return h("span", { class: "mention" }, `@${one.range}`);
    case "emoji":
      return emojiNode(one.name) ?? `:${one.name}:`;
    case "date":
      return h(
        "time",
        {},
        one.format ? slackDate(one.timestamp, one.format) : (one.fallback ?? ""),
      );
    case "color":
      return h("code", {}, one.value);
    default:
      return `[${one.type}]`;
  }
}

function breaks(text) {
  return text.split("\n").map((line, index) => [index ? h("br") : null, withDrawnEmoji(line)]);
}

function styled(content, style) {
  let node = content;
  for (const [name, tag] of STYLES) if (style?.[name]) node = h(tag, {}, node);
  return node;
}
