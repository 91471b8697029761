// Slack's mrkdwn and plain text, as nodes.

import { h } from "./dom.js";
import { emojiNode, withDrawnEmoji } from "./emoji.js";
import { slackDate } from "./time.js";

const ENTITIES = { "&amp;": "&", "&lt;": "<", "&gt;": ">" };
const MARKS = { "*": "strong", _: "em", "~": "s" };
const WORD = /[\p{L}\p{N}]/u;
const SAFE_LINK = /^(https?:|mailto:|tel:)/i;

/** Undoes the three escapes of Slack's text. */
export function unescapeText(text) {
  return text.replace(/&(amp|lt|gt);/g, (entity) => ENTITIES[entity]);
}

/** A text object (`plain_text` or `mrkdwn`) or a bare string, as nodes. */
export function textObject(object, context) {
  if (object === null || object === undefined) return [];
  if (typeof object === "string") return mrkdwn(object, context);
  const text = object.text ?? "";
  if (object.type !== "mrkdwn") return plain(text, object.emoji !== false);
  if (object.verbatim) return mrkdwn(text, { ...context, verbatim: true });
  return mrkdwn(text, context);
}

/** The words of a text object, without marks: for labels and names. */
export function plainText(object) {
  const text = typeof object === "string" ? object : (object?.text ?? "");
  return unescapeText(text).replace(/:[a-z0-9_+-]+:\s?/g, (code) =>
    emojiNode(code.trim().slice(1, -1)) ? "" : code,
  );
}

/** Plain text: line breaks and emoji, nothing else. */
export function plain(text, emoji = true) {
  return lines(unescapeText(text), (line) => (emoji ? emojiIn(line) : [line]));
}

/**
 * A message's text in Slack's mark-up; with `context.marks` false only links and mentions count.
 */
export function mrkdwn(text, context = {}) {
  if (context.marks === false) return lines(text, (row) => inline(row, context));
  const out = [];
  text.split(/```([\s\S]+?)```/).forEach((part, index) => {
    if (index % 2 === 1) {
      out.push(h("pre", { class: "pre" }, unescapeText(part.replace(/^\n|\n$/g, ""))));
    } else {
      out.push(...paragraphs(trimAround(part, index > 0), context));
    }
  });
  return out;
}

function trimAround(part, afterPre) {
  return afterPre ? part.replace(/^\n/, "") : part;
}

function paragraphs(text, context) {
  const out = [];
  const rows = text.split("\n");
  let plainRows = [];
  const flush = () => {
    if (plainRows.length) out.push(...lines(plainRows.join("\n"), (row) => inline(row, context)));
    plainRows = [];
  };
  for (let at = 0; at < rows.length; at += 1) {
    const quote = /^(?:>|&gt;)\s?/;
    if (!quote.test(rows[at])) {
      plainRows.push(rows[at]);
      continue;
    }
    flush();
    const quoted = [];
    while (at < rows.length && quote.test(rows[at])) {
      quoted.push(rows[at].replace(quote, ""));
      at += 1;
    }
    at -= 1;
    out.push(h("blockquote", {}, lines(quoted.join("\n"), (row) => inline(row, context))));
  }
  flush();
  return out;
}

function lines(text, each) {
  const out = [];
  text.split("\n").forEach((line, index) => {
    if (index > 0) out.push(h("br"));
    out.push(...each(line));
  });
  return out;
}

/** Marks, links, mentions, dates and emoji within one line. */
function inline(text, context) {
  const out = [];
  let plainFrom = 0;
  let at = 0;
  const push = (node, length) => {
    if (at > plainFrom) out.push(...words(text.slice(plainFrom, at), context));
    out.push(node);
    at += length;
    plainFrom = at;
  };
  while (at < text.length) {
    const found = tokenAt(text, at, context);
    if (found) push(found.node, found.length);
    else at += 1;
  }
  if (at > plainFrom) out.push(...words(text.slice(plainFrom), context));
  return out;
}

function tokenAt(text, at, context) {
  const character = text[at];
  const marks = context.marks !== false;
  if (character === "<") {
    const match = /^<([^<>\n]+)>/.exec(text.slice(at));
    return match && { node: reference(match[1], context), length: match[0].length };
  }
  if (character === "`" && marks) {
    const match = /^`([^`\n]+)`/.exec(text.slice(at));
    return (
      match && { node: h("code", {}, unescapeText(match[1])), length: match[0].length }
    );
  }
  if (character === ":") {
    const match = /^:([a-z0-9_+-]+):/.exec(text.slice(at));
    const node = match && emojiNode(match[1]);
    return node && { node, length: match[0].length };
  }
  return marks && MARKS[character] ? marked(text, at, context) : null;
}

/** `*bold*`: the mark opens after a non-word and closes before one, with no space inside. */
function marked(text, at, context) {
  const mark = text[at];
  if (at > 0 && (WORD.test(text[at - 1]) || text[at - 1] === mark)) return null;
  if (!text[at + 1] || /\s/.test(text[at + 1]) || text[at + 1] === mark) return null;
  for (let end = text.indexOf(mark, at + 2); end > 0; end = text.indexOf(mark, end + 1)) {
    const after = text[end + 1];
    if (/\s/.test(text[end - 1]) || (after && (WORD.test(after) || after === mark))) continue;
    const inside = inline(text.slice(at + 1, end), context);
    return { node: h(MARKS[mark], {}, inside), length: end + 1 - at };
  }
  return null;
}

function reference(inside, context) {
  const bar = inside.indexOf("|");
  const target = bar < 0 ? inside : inside.slice(0, bar);
  const label = bar < 0 ? "" : unescapeText(inside.slice(bar + 1));
  if (target.startsWith("@")) return mention(target.slice(1), label, context);
  if (target.startsWith("#")) return channelLink(target.slice(1), label, context);
  if (target.startsWith("!")) return special(target.slice(1), label);
  return link(unescapeText(target), label || unescapeText(target));
}

/** A person's name, marked when it is the reader's own. */
export function mention(id, label, { state } = {}) {
  const user = state?.users.get(id);
  const mine = state?.me?.id === id;
  const name = user?.real_name ?? label ?? id;
  return h("span", { class: mine ? "mention mention-me" : "mention" }, `@${name || id}`);
}

/** A channel's name; a button when the reader can open it. */
export function channelLink(id, label, { state } = {}) {
  const conversation = state?.conversation(id);
  const name = `#${conversation?.name ?? (label || id)}`;
  if (!conversation) return h("span", { class: "mention" }, name);
  return h(
    "button",
    { type: "button", class: "mention", on: { click: () => state.select(id) } },
    name,
  );
}

function special(inside, label) {
  if (inside.startsWith("date^")) {
    const [, seconds, tokens, href] = inside.split("^");
    const text = tokens && seconds ? slackDate(Number(seconds), tokens) : label;
    const node = h("time", { datetime: new Date(Number(seconds) * 1000).toISOString() }, text);
    return href ? link(href, text) : node;
  }
  const name = inside.split("^")[0];
  return h("span", { class: "mention" }, `@${label.replace(/^@/, "") || name}`);
}

/** A link that opens in a new tab; anything but a web or mail address stays text. */
export function link(href, label) {
  if (!SAFE_LINK.test(href)) return h("span", {}, label);
  return h("a", { href, target: "_blank", rel: "noopener noreferrer" }, label);
}

const BARE_LINK = /https?:\/\/[^\s<>]+[^\s<>.,;:!?)\]'"]/g;

function words(text, { verbatim } = {}) {
  const clear = unescapeText(text);
  if (verbatim) return withDrawnEmoji(clear);
  const out = [];
  let from = 0;
  for (const match of clear.matchAll(BARE_LINK)) {
    out.push(...withDrawnEmoji(clear.slice(from, match.index)), link(match[0], match[0]));
    from = match.index + match[0].length;
  }
  out.push(...withDrawnEmoji(clear.slice(from)));
  return out;
}

function emojiIn(text) {
  const out = [];
  let from = 0;
  for (const match of text.matchAll(/:([a-z0-9_+-]+):/g)) {
    const node = emojiNode(match[1]);
    if (!node) continue;
    out.push(...withDrawnEmoji(text.slice(from, match.index)), node);
    from = match.index + match[0].length;
  }
  out.push(...withDrawnEmoji(text.slice(from)));
  return out;
}
