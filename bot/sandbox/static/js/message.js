// One message: who, when, what, and what can be done with it.

import { avatar } from "./avatar.js";
import { renderBlocks } from "./blocks.js";
import { h, icon } from "./dom.js";
import { emojiNode } from "./emoji.js";
import { filesNode } from "./files.js";
import { openMenu } from "./menu.js";
import { mrkdwn, plainText, textObject, unescapeText } from "./mrkdwn.js";
import { fullText, timeText } from "./time.js";
import { Values } from "./values.js";

const LONG_CHARACTERS = 900;
const LONG_LINES = 14;
const NAMED_COLOURS = { good: "#2e9e63", warning: "#e0a020", danger: "#d6453d" };
const SYSTEM = new Set(["channel_join", "channel_leave", "channel_topic", "channel_name"]);

/**
 * @param {object} app
 * @param {string} channel
 * @param {object} message as Slack describes it.
 * @param {{compact?: boolean, inThread?: boolean}} look `compact` leaves out the name.
 */
export function messageNode(app, channel, message, { compact = false, inThread = false } = {}) {
  const author = app.state.authorOf(message);
  const time = h(
    "time",
    {
      class: "message-time",
      datetime: new Date(Number(message.ts) * 1000).toISOString(),
      title: fullText(message.ts),
    },
    timeText(message.ts),
  );
  const privately = message.is_ephemeral ? ", only visible to you" : "";
  const classes = ["message"];
  if (compact) classes.push("compact");
  if (message.is_ephemeral) classes.push("ephemeral");
  if (SYSTEM.has(message.subtype)) classes.push("system");
  return h(
    "article",
    {
      class: classes.join(" "),
      tabindex: "-1",
      data: { ts: message.ts },
      "aria-label": `${author.real_name}, ${timeText(message.ts)}${privately}`,
    },
    h("div", { class: "message-gutter" }, compact ? time : avatar(author)),
    h(
      "div",
      { class: "message-main" },
      message.is_ephemeral
        ? h("div", { class: "only-you" }, icon("eye"), "Only visible to you")
        : null,
      compact
        ? null
        : h(
            "div",
            { class: "message-head" },
            h("span", { class: "message-author" }, author.real_name),
            author.is_bot ? h("span", { class: "tag" }, "App") : null,
            time,
          ),
      content(app, channel, message),
      inThread ? null : replyBar(app, channel, message),
    ),
    tools(app, channel, message, inThread),
  );
}

function content(app, channel, message) {
  const context = messageContext(app, channel, message);
  const parts = [];
  if (message.blocks?.length) {
    const plainOnly = message.blocks.every((block) => block.type === "rich_text");
    const author = app.state.authorOf(message);
    const node = renderBlocks(message.blocks, context);
    if (author.is_bot && !plainOnly && message.blocks.length > 1) node.classList.add("reply-card");
    parts.push(node);
  } else if (message.text) {
    parts.push(textNode(app, message, context));
  }
  for (const attachment of message.attachments ?? []) {
    parts.push(attachmentNode(attachment, context));
  }
  if (message.files?.length) parts.push(filesNode(message.files, app.state.me.id));
  if (message.edited && !message.bot_id) parts.push(h("span", { class: "edited" }, "(edited)"));
  if (message.reactions?.length) parts.push(reactions(app, message.reactions));
  return parts;
}

function messageContext(app, channel, message) {
  const values = new Values();
  return {
    state: app.state,
    api: app.api,
    values,
    act: (action) =>
      app.act({ channel, message_ts: message.ts, state: values.collect(), ...action }),
  };
}

function textNode(app, message, context) {
  const text = message.text;
  // What people type isn't formatted: a note's own asterisks and underscores stay as they are.
  const marks = app.state.authorOf(message).is_bot;
  const body = h("div", { class: "message-text" }, mrkdwn(text, { ...context, marks }));
  if (text.length < LONG_CHARACTERS && text.split("\n").length <= LONG_LINES) return body;
  body.classList.add("folded");
  const toggle = h(
    "button",
    { type: "button", class: "link-button", "aria-expanded": "false" },
    "Show more",
  );
  toggle.addEventListener("click", () => {
    const folded = body.classList.toggle("folded");
    toggle.textContent = folded ? "Show more" : "Show less";
    toggle.setAttribute("aria-expanded", String(!folded));
  });
  return h("div", {}, body, toggle);
}

function attachmentNode(attachment, context) {
  const node = h(
    "div",
    { class: "attachment" },
    attachment.pretext ? h("div", {}, mrkdwn(attachment.pretext, context)) : null,
    attachment.title ? h("strong", {}, mrkdwn(attachment.title, context)) : null,
    attachment.blocks
      ? renderBlocks(attachment.blocks, context)
      : h(
        "div",
        {},
        textObject({ type: "mrkdwn", text: attachment.text ?? attachment.fallback ?? "" }, context),
      ),
  );
  const colour = NAMED_COLOURS[attachment.color] ?? attachment.color;
  if (/^#?[0-9a-f]{3,8}$/i.test(colour ?? "")) {
    node.style.borderLeftColor = colour.startsWith("#") ? colour : `#${colour}`;
  }
  return node;
}

function reactions(app, all) {
  return h(
    "ul",
    { class: "reactions", "aria-label": "Reactions" },
    all.map((one) => {
      const names = (one.users ?? []).map((id) => app.state.users.get(id)?.real_name ?? id);
      return h(
        "li",
        { class: "reaction", title: names.join(", ") },
        emojiNode(one.name) ?? `:${one.name}:`,
        h("span", {}, String(one.count ?? names.length)),
      );
    }),
  );
}

function replyBar(app, channel, message) {
  const replies = app.state.replies(channel, message.ts);
  if (!replies.length) return null;
  const authors = [...new Set(replies.map((reply) => app.state.authorOf(reply)))].slice(0, 3);
  const count = replies.length === 1 ? "1 reply" : `${replies.length} replies`;
  return h(
    "button",
    {
      type: "button",
      class: "reply-bar",
      on: { click: () => app.state.openThread(message.ts, true) },
    },
    h("span", { class: "avatar-stack" }, authors.map((author) => avatar(author, "small"))),
    h("strong", {}, count),
    h("span", { class: "muted" }, `Last reply ${timeText(replies.at(-1).ts)}`),
  );
}

/** What the tools and the menu of a message offer; also reached by keys. */
export function messageActions(app, channel, message, inThread) {
  const items = [];
  if (!message.is_ephemeral && !inThread) {
    items.push({
      label: "Reply in thread",
      icon: "reply",
      run: () => app.state.openThread(message.thread_ts ?? message.ts, true),
    });
  }
  if (!message.is_ephemeral) {
    for (const shortcut of app.state.shortcuts) {
      items.push({
        label: shortcut.name,
        hint: app.state.botUser()?.real_name,
        icon: "shortcut",
        run: () =>
          app.request("shortcut", {
            callback_id: shortcut.callback_id,
            channel,
            message_ts: message.ts,
          }),
      });
    }
  }
  items.push({ label: "Copy text", icon: "copy", run: () => copy(app, message) });
  return items;
}

async function copy(app, message) {
  const shown = document.querySelector(`[data-ts="${CSS.escape(message.ts)}"] .blocks`);
  const text = shown?.innerText ?? unescapeText(message.text ?? "");
  try {
    await navigator.clipboard.writeText(text);
    app.toast("info", "Copied.");
  } catch {
    app.toast("warning", "The browser didn't allow copying. Select the text instead.");
  }
}

function tools(app, channel, message, inThread) {
  const actions = messageActions(app, channel, message, inThread);
  const more = h(
    "button",
    {
      type: "button",
      class: "icon-button",
      "aria-label": "More actions",
      title: "More actions",
      "aria-haspopup": "menu",
      "aria-expanded": "false",
    },
    icon("more"),
  );
  more.addEventListener("click", () => openMenu(more, actions, "Message actions"));
  const quick = actions.filter((item) => ["reply", "shortcut"].includes(item.icon)).slice(0, 2);
  return h(
    "div",
    { class: "message-tools", role: "group", "aria-label": "Message actions" },
    quick.map((item) =>
      h(
        "button",
        {
          type: "button",
          class: "icon-button",
          "aria-label": plainText(item.label),
          title: item.label,
          on: { click: item.run },
        },
        icon(item.icon),
      ),
    ),
    more,
  );
}
