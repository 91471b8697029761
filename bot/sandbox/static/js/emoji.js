// Emoji by Slack's short names: drawn ones from our sprite, the others as characters.

import { h, sprite } from "./dom.js";

// Drawn, so that they look the same on a machine without an emoji font.
const DRAWN = {
  white_check_mark: "✅", heavy_check_mark: "✔️", x: "❌", warning: "⚠️", hospital: "🏥",
  scissors: "✂️", speech_balloon: "💬", mag: "🔍", information_source: "ℹ️", stethoscope: "🩺",
  hourglass_flowing_sand: "⏳", hourglass: "⌛", page_facing_up: "📄", memo: "📝", clipboard: "📋",
  pencil2: "✏️",
  bulb: "💡", lock: "🔒", thumbsup: "👍", thumbsdown: "👎", bar_chart: "📊",
  chart_with_upwards_trend: "📈", question: "❓", grey_question: "❔", robot_face: "🤖",
  rotating_light: "🚨", no_entry: "⛔", gear: "⚙️", wave: "👋", arrow_up: "⬆️", arrow_down: "⬇️",
  arrow_right: "➡️", arrow_left: "⬅️", red_circle: "🔴", large_orange_circle: "🟠",
  large_yellow_circle: "🟡", large_green_circle: "🟢", large_blue_circle: "🔵",
  large_purple_circle: "🟣", white_circle: "⚪", black_circle: "⚫", large_blue_square: "🟦",
  large_green_square: "🟩", large_orange_square: "🟧", large_red_square: "🟥",
  large_purple_square: "🟪", white_large_square: "⬜", black_large_square: "⬛",
  person_in_scrubs: "🧑‍⚕️", bell: "🔔", lightning: "⚡", repeat: "🔁",
};

const ALIASES = {
  "+1": "thumbsup", "-1": "thumbsdown", eight_spoked_asterisk: "grey_question",
  health_worker: "person_in_scrubs", zap: "lightning", blue_circle: "large_blue_circle",
  green_circle: "large_green_circle", yellow_circle: "large_yellow_circle",
  orange_circle: "large_orange_circle", purple_circle: "large_purple_circle",
  mag_right: "mag", arrows_counterclockwise: "repeat", page_with_curl: "page_facing_up",
  octagonal_sign: "no_entry", negative_squared_cross_mark: "x", ballot_box_with_check:
  "white_check_mark", hourglass_done: "hourglass", left_speech_bubble: "speech_balloon",
  information: "information_source",
};

const CHARACTERS = {
  smile: "😄", slightly_smiling_face: "🙂", thinking_face: "🤔", eyes: "👀", tada: "🎉",
  rocket: "🚀", heart: "❤️", pray: "🙏", raised_hands: "🙌", clap: "👏", ok_hand: "👌",
  pushpin: "📌", paperclip: "📎", calendar: "📅", date: "📅", key: "🔑", link: "🔗",
  pill: "💊", syringe: "💉", bone: "🦴", anatomical_heart: "🫀", lungs: "🫁", brain: "🧠",
  ambulance: "🚑", file_folder: "📁", inbox_tray: "📥", outbox_tray: "📤", wrench: "🔧",
  hammer_and_wrench: "🛠️", label: "🏷️", books: "📚", star: "⭐", sparkles: "✨", fire: "🔥",
  raised_hand: "✋", point_right: "👉", point_up: "☝️", checkered_flag: "🏁", stopwatch: "⏱️",
  alarm_clock: "⏰", no_entry_sign: "🚫", exclamation: "❗", heavy_plus_sign: "➕",
  heavy_minus_sign: "➖", small_blue_diamond: "🔹", small_orange_diamond: "🔸",
  large_blue_diamond: "🔷", black_small_square: "▪️", white_small_square: "▫️",
  bust_in_silhouette: "👤", busts_in_silhouette: "👥", computer: "💻", shield: "🛡️",
  chart_with_downwards_trend: "📉", back: "🔙", leftwards_arrow_with_hook: "↩️",
  seedling: "🌱", package: "📦", floppy_disk: "💾", test_tube: "🧪", microscope: "🔬",
};

const NAME_OF = new Map();
for (const [name, character] of Object.entries(DRAWN)) {
  NAME_OF.set(character, name);
  NAME_OF.set(character.replace("\u{fe0f}", ""), name);
}
// These are also plain arrows and signs in running text; only the emoji form is drawn.
for (const plain of ["✏", "✔", "✂", "⚠", "ℹ", "⬆", "⬇", "➡", "⬅", "⚙"]) NAME_OF.delete(plain);

const CHARACTER = new RegExp(
  [...NAME_OF.keys()].sort((a, b) => b.length - a.length).join("|"),
  "gu",
);

/** The node for a short name, or null when nobody knows it. */
export function emojiNode(shortName) {
  const name = ALIASES[shortName] ?? shortName;
  const label = name.replaceAll("_", " ");
  if (DRAWN[name]) {
    const svg = sprite("/static/emoji.svg", name, "emoji");
    svg.removeAttribute("aria-hidden");
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", label);
    return svg;
  }
  if (!CHARACTERS[name]) return null;
  return h("span", { class: "emoji-char", role: "img", "aria-label": label }, CHARACTERS[name]);
}

// A row of cells is a bar drawn with letters: it gets the accent's colour.
const BAR = /[▰▱]{3,}|[█▓▒░]{3,}/gu;

/** Splits text at emoji characters we draw ourselves and at bars. */
export function withDrawnEmoji(text) {
  const drawn = split(text, CHARACTER, (found) => emojiNode(NAME_OF.get(found)));
  const bar = (found) => h("span", { class: "bar" }, found);
  return drawn.flatMap((part) => (typeof part === "string" ? split(part, BAR, bar) : [part]));
}

function split(text, pattern, node) {
  const out = [];
  let from = 0;
  for (const match of text.matchAll(pattern)) {
    if (match.index > from) out.push(text.slice(from, match.index));
    out.push(node(match[0]));
    from = match.index + match[0].length;
  }
  if (from < text.length) out.push(text.slice(from));
  return out;
}
