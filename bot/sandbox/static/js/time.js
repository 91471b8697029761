// Says when, the way a chat does.

const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const day = new Intl.DateTimeFormat(undefined, { weekday: "long", month: "long", day: "numeric" });

/** A Slack timestamp ("1700000000.000100") as a Date. */
export function dateOf(ts) {
  return new Date(Number(ts) * 1000);
}

export function timeText(ts) {
  return clock.format(dateOf(ts));
}

export function fullText(ts) {
  return full.format(dateOf(ts));
}

export function sameDay(a, b) {
  return dateOf(a).toDateString() === dateOf(b).toDateString();
}

/** "Today", "Yesterday", or the weekday with its date. */
export function dayText(date) {
  const days = daysAgo(date);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  return day.format(date);
}

function daysAgo(date) {
  const midnight = (value) => new Date(value).setHours(0, 0, 0, 0);
  return Math.round((midnight(Date.now()) - midnight(date)) / 86_400_000);
}

const FORMATS = {
  date_num: (d) => d.toISOString().slice(0, 10),
  date: (d) => format(d, { year: "numeric", month: "long", day: "numeric" }),
  date_short: (d) => format(d, { year: "numeric", month: "short", day: "numeric" }),
  date_long: (d) =>
    format(d, { weekday: "long", year: "numeric", month: "long", day: "numeric" }),
  time: (d) => clock.format(d),
  time_secs: (d) => format(d, { hour: "numeric", minute: "2-digit", second: "2-digit" }),
  ago: (d) => ago(d),
};

function format(date, options) {
  return new Intl.DateTimeFormat(undefined, options).format(date);
}

function ago(date) {
  const minutes = Math.round((Date.now() - date.getTime()) / 60_000);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  if (minutes < 1440) return `${Math.round(minutes / 60)} h ago`;
  return `${Math.round(minutes / 1440)} d ago`;
}

/** Fills Slack's `<!date^…>` tokens such as `{date_short_pretty} at {time}`. */
export function slackDate(seconds, tokens) {
  const date = new Date(seconds * 1000);
  return tokens.replace(/\{(\w+)\}/g, (token, name) => {
    if (name.endsWith("_pretty")) {
      const days = daysAgo(date);
      if (days === 0) return "today";
      if (days === 1) return "yesterday";
      if (days === -1) return "tomorrow";
      name = name.slice(0, -"_pretty".length);
    }
    return FORMATS[name] ? FORMATS[name](date) : token;
  });
}
