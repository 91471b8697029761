// What stands above the first message of a conversation: where one is, and what to try.

import { h, icon } from "./dom.js";

/** @returns {{mark: string, draw: Function}} a row for the message list. */
export function introOf(app, composer) {
  const { state } = app;
  const conversation = state.conversation(state.channel);
  const empty = state.topLevel(state.channel).length === 0;
  const bot = state.botUser()?.real_name ?? "the app";
  const mark = JSON.stringify([conversation?.id, empty, state.examples.length, state.me?.id]);
  const draw = () =>
    conversation?.kind === "im"
      ? dmIntro(app, composer, bot, empty)
      : channelIntro(conversation, bot);
  return { mark, draw };
}

function dmIntro({ state }, composer, bot, empty) {
  return h(
    "div",
    { class: "intro" },
    h("h2", {}, "Surgery or Consultation?"),
    h(
      "p",
      {},
      "Paste a referral note, drop a PDF, a Word or a text file, or type /triage. " +
        `${bot} answers with its recommendation and the words in the note that led there. ` +
        "A clinician decides.",
    ),
    empty && state.examples.length
      ? h(
          "div",
          { class: "example-cards", role: "group", "aria-label": "Example notes" },
          state.examples.map((example) =>
            h(
              "button",
              {
                type: "button",
                class: "example-card",
                on: { click: () => composer.fillWith(example) },
              },
              h("strong", {}, example.title),
              h("span", {}, example.text.replace(/\s+/g, " ").slice(0, 150)),
            ),
          ),
        )
      : null,
    h(
      "p",
      { class: "intro-note" },
      icon("lock"),
      "Nothing leaves this computer. The people here are made up; use no real patient's notes.",
    ),
  );
}

function channelIntro(conversation, bot) {
  return h(
    "div",
    { class: "intro" },
    h("h2", {}, conversation?.kind === "private" ? conversation.name : `#${conversation?.name}`),
    conversation?.topic ? h("p", {}, conversation.topic) : null,
    h("p", {}, `Mention @${bot} with a note, and the answer comes in a thread.`),
  );
}
