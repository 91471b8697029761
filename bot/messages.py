"""Every sentence that a person reads from the bot, each a function that says when it is used.

Those about operations are in `bot.ops_messages`.

A sentence says what happened, what was kept and what to do now. None takes note text.
"""

from mlops.errors import TriageError
from mlops.result import Recommendation, percent

NOTHING_KEPT = "Nothing was classified or kept."


# --- answers ---------------------------------------------------------------------------------


def reading() -> str:
    """While a note is read; this message becomes the answer."""
    return "Reading the note…"


def reading_status() -> str:
    """Below a thread of the agent view, after the app's name."""
    return "is reading the note…"


def headline(recommendation: str, confidence: float | None) -> str:
    """The answer in one line. It is the notification's text too, so it holds no note text.

    >>> headline("Surgery", 0.87)
    'Surgery, 87 % confidence'
    >>> headline("Needs review", None)
    'Needs review: the model can’t tell'
    """
    if confidence is None:
        return f"{recommendation}: the model can’t tell"
    return f"{recommendation}, {percent(confidence)} confidence"


def shares(probability: float) -> str:
    """Both classes' probabilities in words; neither is ever said to be impossible.

    >>> shares(0.87)
    'Surgery 87 %, Consultation 13 %'
    >>> shares(0.9999)
    'Surgery over 99 %, Consultation under 1 %'
    """
    return f"Surgery {_share(probability)}, Consultation {_share(1 - probability)}"


def _share(share: float) -> str:
    return "under 1 %" if share < 0.01 else percent(share)


def review_close() -> str:
    """What to do when the probability is in the abstention band."""
    return (
        "The findings point both ways, too evenly for a recommendation. "
        "Please read the note yourself, or ask the clinician who wrote it."
    )


def review_unreadable() -> str:
    """What to do when the text is no note that the model can judge."""
    return (
        "This doesn’t look like a clinical note that I can judge. Please check that it is the "
        "right text; if it is, a clinician has to read it."
    )


def no_evidence() -> str:
    """Where no single phrase moved the probability."""
    return "No single phrase decided this."


def clinician_decides() -> str:
    """On every card."""
    return "A clinician decides. This is a model’s recommendation, not a diagnosis."


def agreed(user: str, when: str) -> str:
    """On a card after a click on Agree (mrkdwn)."""
    return f":white_check_mark: <@{user}> agreed {when}."


def corrected(user: str, when: str, answer: str, reason: str | None) -> str:
    """On a card after a correction (mrkdwn)."""
    because = f" Reason: {reason}." if reason else ""
    return f":pencil2: <@{user}> corrected this to *{answer}* {when}.{because}"


def already_decided(user: str) -> str:
    """To somebody whose click came second (mrkdwn)."""
    return f"<@{user}> was first and has already answered this one. The card shows what they said."


def verdict_kept() -> str:
    """When an answer was recorded and the card could not be changed."""
    return "Your answer is recorded. I could not change the card to show it."


def decision_unknown() -> str:
    """A click on a card whose record is gone."""
    return (
        "I have no record of this recommendation any more, so your answer could not be kept. "
        "Send the note again for a fresh one."
    )


def not_recorded() -> str:
    """A warning on a card that could not be stored."""
    return "This recommendation could not be recorded, so it can’t be agreed to or corrected here."


# --- how to ask -------------------------------------------------------------------------------


def how_to_ask() -> str:
    """To “help”, “hi”, an empty mention (mrkdwn)."""
    return (
        "Send me a doctor’s note and I recommend *Surgery* or *Consultation*, with a confidence "
        "and the phrases that led there. A clinician decides.\n"
        "• *Paste* the note here, or *drop in files* (text, PDF, Word), several at once if you "
        "like.\n"
        "• In a channel, *mention me* with the note, or in the thread of a message that holds "
        "it.\n"
        "• */triage* opens a form; the answer comes to you alone.\n"
        "• *Triage this note* is in the menu (⋮) of every message."
    )


def how_to_ask_plain() -> str:
    """The notification of `how_to_ask`."""
    return "How to ask for a recommendation"


def suggested_prompts() -> list[dict[str, str]]:
    """Prompts above the message box of the agent view."""
    return [{"title": "How do I ask?", "message": "help"}]


def welcome() -> str:
    """First lines of the Home tab (mrkdwn)."""
    return (
        "I read a doctor’s note and recommend *Surgery* or *Consultation*, with a confidence and "
        "the phrases that led there. When I can’t tell, I say so. *A clinician decides.*"
    )


def privacy(kept_days: int | None) -> str:
    """On the Home tab and in the form.

    Args:
        kept_days: How long notes with a verdict are kept for training; None: they aren't.
    """
    if kept_days is None:
        return (
            "Notes are read, answered and forgotten: I keep the outcome and who asked, never the "
            "text."
        )
    return (
        "I keep the outcome and who asked. A note that somebody agrees to or corrects is also kept "
        f"for training, encrypted, for {kept_days:,} days; ask a team lead to delete one. All "
        "other notes are read, answered and forgotten."
    )


# --- places -----------------------------------------------------------------------------------


def not_here() -> str:
    """Privately, in a public channel that isn’t listed (mrkdwn)."""
    return (
        "This channel is public and not set up for patients’ notes, so I did not read anything "
        "here and kept nothing. Send me the note in a direct message, or type `/triage` alone for "
        "a form that only you see. If the note is already in this channel, consider deleting it."
    )


# --- what goes wrong --------------------------------------------------------------------------


def problem(error: TriageError) -> str:
    """A failure that has its own sentence."""
    return str(error)


def unexpected() -> str:
    """A failure that nobody foresaw. The log says where, without any text."""
    return (
        "Something went wrong on my side while I read this note. Nothing was kept. Please send it "
        "again; if that fails too, tell whoever runs this bot and give them the time."
    )


def unexpected_elsewhere() -> str:
    """The same, where no note was involved."""
    return (
        "Something went wrong on my side and this did not work. Please try again; if it fails "
        "again, tell whoever runs this bot and give them the time."
    )


def busy() -> str:
    """More notes wait than can be read soon."""
    return (
        "Too many notes are waiting right now, so this one was not read. Nothing was kept. "
        "Please send it again in a few minutes."
    )


def interrupted() -> str:
    """After a restart, about a note whose text is gone with the process."""
    return (
        "I was restarted while reading your note, and I keep no text, so it got no answer. "
        "Please send it again."
    )


def note_deleted() -> str:
    """After a restart, in place of “Reading the note…”, when the note is gone."""
    return "The message with the note was deleted before it was answered. Nothing was kept."


def gave_up() -> str:
    """After several restarts in the middle of one note."""
    return (
        "I tried to read this note several times and was interrupted each time. Nothing was kept. "
        "Please send it again; if that fails too, tell whoever runs this bot."
    )


def message_unreadable() -> str:
    """The message that holds the note can’t be read from Slack."""
    return (
        "Slack doesn’t let me read that message: I am probably not in the conversation. "
        f"{NOTHING_KEPT} Invite me there, or paste the note in a direct message."
    )


def nothing_in_message() -> str:
    """A message shortcut on a message without text or files."""
    return (
        "There is no note in that message: it has no text and no file. "
        f"{NOTHING_KEPT} Use the shortcut on the message that holds the note."
    )


def form_empty() -> str:
    """In the form, when nothing was entered."""
    return "Paste a note, or add a file below."


def form_failed() -> str:
    """When Slack did not open the form."""
    return (
        "The form could not be opened. Nothing was kept. Please try again, or send the note in a "
        "direct message."
    )


def unknown_action() -> str:
    """A button or a form that this version doesn’t know."""
    return "This button belongs to another version of me and does nothing any more."


# --- files ------------------------------------------------------------------------------------


def file_too_large(size: int, limit: int) -> str:
    """Larger than will be downloaded; sizes in bytes."""
    return (
        f"The file is {size / 1e6:.1f} MB; at most {limit / 1e6:.0f} MB can be read. "
        f"{NOTHING_KEPT} Send the pages with the note only, or paste its text."
    )


def file_sign_in_page() -> str:
    """Slack answered with its sign-in page: the token lacks a scope."""
    return (
        "Slack did not give me the file: the app lacks the files:read scope. "
        f"{NOTHING_KEPT} Paste the text for now, and ask whoever runs this bot to add the scope "
        "and install the app again."
    )


def file_elsewhere() -> str:
    """A link to another service, or an address that isn’t Slack’s."""
    return (
        "The file is not stored in Slack, so I did not fetch it. "
        f"{NOTHING_KEPT} Upload the file itself, or paste its text."
    )


def file_gone() -> str:
    """Deleted, hidden by a plan’s limit, or otherwise not there."""
    return (
        f"The file is not there any more, or Slack hides it. {NOTHING_KEPT} Upload it again, or "
        "paste its text."
    )


def file_not_downloaded(why: str) -> str:
    """The download failed; `why` is a status or the kind of error."""
    return (
        f"The file could not be downloaded from Slack ({why}). {NOTHING_KEPT} "
        "Please send it again in a minute."
    )


# --- starting ---------------------------------------------------------------------------------


def token_missing(variable: str, where: str) -> str:
    """A token that the bot can’t start without."""
    return (
        f"{variable} is not set. Nothing was started. Copy the token from your app’s page at "
        f"https://api.slack.com/apps: {where}. Put it into the environment or .env. "
        "To try the bot without Slack: triage demo"
    )


def token_wrong(variable: str, code: str, where: str) -> str:
    """A token that Slack refuses; `code` is Slack’s word for why."""
    return (
        f"Slack refuses {variable} ({code}). Nothing was started. Copy the token anew from your "
        f"app’s page at https://api.slack.com/apps: {where}."
    )


def slack_unreachable(url: str) -> str:
    """No answer from the server."""
    return (
        f"{url} can’t be reached. Nothing was started. Check the network and SLACK_API_URL, then "
        "start again."
    )


def secret_missing() -> str:
    """HTTP mode without a signing secret."""
    return (
        "SLACK_SIGNING_SECRET is not set, and HTTP mode needs it to know Slack’s requests. Nothing "
        "was started. Copy it from your app’s page: Basic Information, App Credentials."
    )


def notification(answer: Recommendation) -> str:
    """The text of a card’s notification."""
    return headline(answer.recommendation, answer.confidence)
