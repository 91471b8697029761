// A list of messages that changes in place: days, groups, scrolling, and moving by keys.

import { h } from "./dom.js";
import { openMenu } from "./menu.js";
import { messageActions, messageNode } from "./message.js";
import { dateOf, dayText, sameDay } from "./time.js";

const GROUP_SECONDS = 300;
const NEAR_END_PX = 90;

/** Shows the messages of one conversation or one thread. */
export class MessageList {
  /**
   * @param {object} app
   * @param {{label: string, inThread?: boolean, intro?: Function}} options `intro` gives the node
   *   above the first message, or null.
   */
  constructor(app, { label, inThread = false, intro = () => null }) {
    this.app = app;
    this.inThread = inThread;
    this.intro = intro;
    this.rows = new Map();
    this.content = h("div", { class: "log-content" });
    this.element = h(
      "div",
      { class: "log", role: "log", "aria-label": label, "aria-live": "polite", tabindex: "-1" },
      this.content,
    );
    this.element.addEventListener("keydown", (event) => this.onKey(event));
  }

  /**
   * Draws `messages` of `channel`, reusing what hasn't changed.
   * @param {{fresh?: boolean, mine?: boolean}} how `fresh`: another conversation, so nothing is
   *   read aloud and the view starts at the end; `mine`: the reader has just written.
   */
  show(channel, messages, { fresh = false, mine = false } = {}) {
    this.channel = channel;
    const atEnd = fresh || mine || this.isAtEnd();
    const focused = this.focusedPlace();
    if (fresh) {
      this.rows.clear();
      this.content.replaceChildren();
      this.element.setAttribute("aria-live", "off");
      requestAnimationFrame(() => this.element.setAttribute("aria-live", "polite"));
    }
    const changed = this.reconcile(this.plan(messages));
    this.rove();
    if (focused) this.restoreFocus(focused);
    if (atEnd && (changed || fresh)) this.scrollToEnd(fresh ? null : changed);
  }

  /** The rows to show, each with a key, what it depends on, and how to draw it. */
  plan(messages) {
    const rows = [];
    const intro = this.intro();
    if (intro) rows.push({ key: "intro", mark: intro.mark, draw: intro.draw });
    let previous = null;
    for (const message of messages) {
      if (!previous || !sameDay(previous.ts, message.ts)) {
        const text = dayText(dateOf(message.ts));
        rows.push({ key: `day-${message.ts}`, mark: text, draw: () => dayDivider(text) });
        previous = null;
      }
      const compact = continues(previous, message);
      const replies = this.inThread ? [] : this.app.state.replies(this.channel, message.ts);
      rows.push({
        key: message.ts,
        mark: JSON.stringify([message, compact, replies.map((reply) => reply.ts)]),
        draw: () =>
          messageNode(this.app, this.channel, message, { compact, inThread: this.inThread }),
      });
      previous = message;
    }
    return rows;
  }

  /** @returns {HTMLElement|null} the last row that is new or different. */
  reconcile(plan) {
    let changed = null;
    const keys = new Set(plan.map((row) => row.key));
    for (const [key, row] of this.rows) {
      if (keys.has(key)) continue;
      row.node.remove();
      this.rows.delete(key);
    }
    let place = this.content.firstChild;
    for (const { key, mark, draw } of plan) {
      const known = this.rows.get(key);
      if (known && known.mark === mark) {
        if (known.node === place) place = place.nextSibling;
        else this.content.insertBefore(known.node, place);
        continue;
      }
      const node = draw();
      if (known) {
        if (known.node === place) place = place.nextSibling;
        known.node.replaceWith(node);
      } else {
        this.content.insertBefore(node, place);
      }
      this.rows.set(key, { node, mark });
      changed = node;
    }
    return changed;
  }

  isAtEnd() {
    const { scrollTop, scrollHeight, clientHeight } = this.element;
    return scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
  }

  /** To the end; but a card taller than the view is shown from its top. */
  scrollToEnd(newest) {
    const tall = newest && newest.offsetHeight > this.element.clientHeight - 40;
    const empty = this.content.querySelector(".message") === null;
    if (empty) this.element.scrollTop = 0;
    else this.element.scrollTop = tall ? newest.offsetTop - 12 : this.element.scrollHeight;
  }

  articles() {
    return [...this.content.querySelectorAll(".message")];
  }

  /** One message and its tools take part in the Tab order; arrows move between messages. */
  rove(to = null) {
    const all = this.articles();
    const target = to ?? all.find((one) => one.contains(document.activeElement)) ?? all.at(-1);
    for (const one of all) {
      const tabIndex = one === target ? 0 : -1;
      one.tabIndex = tabIndex;
      for (const tool of one.querySelectorAll(".message-tools button")) tool.tabIndex = tabIndex;
    }
  }

  /** Puts the focus on a message. @returns {boolean} whether it is there. */
  focusOn(ts) {
    const node = this.rows.get(ts)?.node;
    if (!node) return false;
    this.rove(node);
    node.focus();
    return true;
  }

  focusedPlace() {
    const active = document.activeElement;
    const article = active?.closest?.(".message");
    if (!article || !this.content.contains(article)) return null;
    return { ts: article.dataset.ts, action: active.dataset?.action, node: active };
  }

  restoreFocus({ ts, action, node }) {
    if (node.isConnected) return;
    const article = this.rows.get(ts)?.node;
    if (!article) return;
    const again = action ? article.querySelector(`[data-action="${CSS.escape(action)}"]`) : null;
    this.rove(article);
    (again ?? article).focus({ preventScroll: true });
  }

  onKey(event) {
    const article = event.target;
    if (!article.classList?.contains("message")) return;
    const all = this.articles();
    const at = all.indexOf(article);
    const to = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: all.length - 1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      const next = all[to];
      if (!next) return;
      this.rove(next);
      next.focus();
    } else if (event.key === "Enter" || event.key === "t") {
      event.preventDefault();
      this.openFor(article, event.key === "t");
    }
  }

  openFor(article, thread) {
    const message = this.app.state.message(this.channel, article.dataset.ts);
    if (!message) return;
    if (thread) {
      if (!this.inThread && !message.is_ephemeral) {
        this.app.state.openThread(message.thread_ts ?? message.ts, true);
      }
      return;
    }
    const actions = messageActions(this.app, this.channel, message, this.inThread);
    openMenu(article, actions, "Message actions");
  }
}

function dayDivider(text) {
  return h("div", { class: "day", role: "separator", "aria-label": text }, h("span", {}, text));
}

function continues(previous, message) {
  return (
    previous !== null &&
    !message.blocks?.length &&
    !message.is_ephemeral &&
    previous.user === message.user &&
    previous.bot_id === message.bot_id &&
    Number(message.ts) - Number(previous.ts) < GROUP_SECONDS
  );
}
