// The markdown block: the common Markdown that Slack's block accepts, as nodes.

import { h } from "./dom.js";
import { emojiNode, withDrawnEmoji } from "./emoji.js";
import { link } from "./mrkdwn.js";

const TABLE_RULE = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;
const STARTS_BLOCK = /^(#{1,6}\s|\s*>|\s*(```|~~~))/;
const BULLET = /^(\s*)([-*+]|\d+[.)])\s+(.*)$/;

/** A whole text. */
export function markdown(text) {
  const rows = text.replaceAll("\r\n", "\n").split("\n");
  const out = [];
  let at = 0;
  const take = (test) => {
    const taken = [];
    while (at < rows.length && test(rows[at])) {
      taken.push(rows[at]);
      at += 1;
    }
    return taken;
  };
  while (at < rows.length) {
    const row = rows[at];
    const heading = /^(#{1,6})\s+(.*?)\s*#*$/.exec(row);
    if (!row.trim()) {
      at += 1;
    } else if (heading) {
      // Under the page's own headings: a message never holds the first two levels.
      const level = Math.min(heading[1].length + 2, 6);
      out.push(h(`h${level}`, { class: "md-heading" }, inline(heading[2])));
      at += 1;
    } else if (/^\s*(```|~~~)/.test(row)) {
      at += 1;
      const body = take((line) => !/^\s*(```|~~~)/.test(line));
      at += 1;
      out.push(h("pre", { class: "pre" }, body.join("\n")));
    } else if (/^\s*([-*_])(\s*\1){2,}\s*$/.test(row)) {
      out.push(h("hr", { class: "divider" }));
      at += 1;
    } else if (/^\s*>/.test(row)) {
      const quoted = take((line) => /^\s*>/.test(line));
      out.push(
        h("blockquote", {}, markdown(quoted.map((q) => q.replace(/^\s*>\s?/, "")).join("\n"))),
      );
    } else if (BULLET.test(row)) {
      out.push(list(take((line) => BULLET.test(line) || /^\s{2,}\S/.test(line))));
    } else if (row.includes("|") && TABLE_RULE.test(rows[at + 1] ?? "")) {
      out.push(table(take((line) => line.includes("|"))));
    } else {
      const body = take((line) => line.trim() && !BULLET.test(line) && !STARTS_BLOCK.test(line));
      out.push(
        h(
          "p",
          { class: "md-paragraph" },
          body.map((line, i) => [i ? h("br") : null, inline(line)]),
        ),
      );
    }
  }
  return out;
}

function list(rows) {
  const items = rows.map((row) => BULLET.exec(row) ?? [row, "", "", row.trim()]);
  const build = (from, indent) => {
    const ordered = /\d/.test(items[from][2]);
    const node = h(ordered ? "ol" : "ul", {});
    let at = from;
    while (at < items.length) {
      const [, space, , body] = items[at];
      if (space.length < indent) break;
      if (space.length > indent + 1) {
        const [inner, next] = build(at, space.length);
        (node.lastElementChild ?? node).append(inner);
        at = next;
      } else {
        node.append(h("li", {}, inline(body)));
        at += 1;
      }
    }
    return [node, at];
  };
  return build(0, items[0][1].length)[0];
}

function table(rows) {
  const cells = (row) => row.trim().replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim());
  const [head, , ...body] = rows;
  return h(
    "div",
    { class: "table-wrap", tabindex: "0", role: "region", "aria-label": "Table" },
    h(
      "table",
      {},
      h(
        "thead",
        {},
        h("tr", {}, cells(head).map((cell) => h("th", { scope: "col" }, inline(cell)))),
      ),
      h(
        "tbody",
        {},
        body.map((row) => h("tr", {}, cells(row).map((cell) => h("td", {}, inline(cell))))),
      ),
    ),
  );
}

const TOKENS = [
  [/^`([^`]+)`/, (m) => h("code", {}, m[1])],
  [/^\[([^\]]+)\]\(([^)\s]+)\)/, (m) => link(m[2], m[1])],
  [/^\*\*(?=\S)(.+?\S?)\*\*/, (m) => h("strong", {}, inline(m[1]))],
  [/^__(?=\S)(.+?\S?)__/, (m) => h("strong", {}, inline(m[1]))],
  [/^~~(?=\S)(.+?)~~/, (m) => h("s", {}, inline(m[1]))],
  [/^\*(?=\S)([^*]+?)\*/, (m) => h("em", {}, inline(m[1]))],
  [/^_(?=\S)([^_]+?)_(?![\p{L}\p{N}])/u, (m) => h("em", {}, inline(m[1]))],
  [/^:([a-z0-9_+-]+):/, (m) => emojiNode(m[1])],
  [/^<(https?:[^>]+)>/, (m) => link(m[1], m[1])],
  [/^https?:\/\/[^\s<>]+[^\s<>.,;:!?)\]'"]/, (m) => link(m[0], m[0])],
  [/^\\([\\`*_{}[\]()#+.!~|>-])/, (m) => document.createTextNode(m[1])],
];

function inline(text) {
  const out = [];
  let plainFrom = 0;
  let at = 0;
  while (at < text.length) {
    const rest = text.slice(at);
    let node = null;
    let length = 0;
    for (const [pattern, make] of TOKENS) {
      const match = pattern.exec(rest);
      if (!match || (rest[0] === "_" && /[\p{L}\p{N}]/u.test(text[at - 1] ?? ""))) continue;
      node = make(match);
      length = match[0].length;
      if (node) break;
    }
    if (node) {
      out.push(...withDrawnEmoji(text.slice(plainFrom, at)), node);
      at += length;
      plainFrom = at;
    } else {
      at += 1;
    }
  }
  out.push(...withDrawnEmoji(text.slice(plainFrom)));
  return out;
}
