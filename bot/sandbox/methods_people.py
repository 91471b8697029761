"""The methods about people, the bot and the workspace: `auth`, `users`, `usergroups`, `team`…"""

from bot.sandbox import seed
from bot.sandbox.methods_conversations import conversation_object
from bot.sandbox.payloads import user_object
from bot.sandbox.state import Json
from bot.sandbox.table import Call, SlackError, method


@method("api.test", token="")
def api_test(call: Call) -> Json:
    """Answers with the arguments, and with an error if one is asked for."""
    if error := call.text("error"):
        raise SlackError(error, args=call.args)
    return {"args": call.args} if call.args else {}


@method("auth.test")
def auth_test(call: Call) -> Json:
    """Who the token is."""
    return {
        "url": f"{call.hub.workspace.url}/",
        "team": seed.TEAM_NAME,
        "user": call.hub.workspace.users[seed.BOT_USER].name,
        "team_id": seed.TEAM_ID,
        "user_id": seed.BOT_USER,
        "bot_id": seed.BOT_ID,
        "is_enterprise_install": False,
    }


@method("apps.connections.open", token="xapp")  # noqa: S106 - a kind of token
def open_connection(call: Call) -> Json:
    """An address for one Socket Mode connection."""
    address = call.hub.workspace.url.replace("http", "ws", 1)
    ticket = call.hub.tickets.socket_ticket()
    return {"url": f"{address}/link/?ticket={ticket}&app_id={seed.APP_ID}"}


@method("users.info", "users:read")
def users_info(call: Call) -> Json:
    """One person."""
    return {"user": user_object(call.person())}


@method("users.list", "users:read")
def users_list(call: Call) -> Json:
    """Everybody."""
    people = [user_object(user) for user in call.hub.workspace.users.values()]
    page, metadata = call.page(people, call.number("limit", 0) or len(people))
    return {"members": page, "cache_ts": 0, "response_metadata": metadata}


@method("users.conversations", "channels:read", "groups:read", "im:read", "mpim:read")
def users_conversations(call: Call) -> Json:
    """Where the bot, or somebody else, is a member."""
    user = call.text("user", seed.BOT_USER)
    found = [
        conversation_object(conversation)
        for conversation in call.hub.workspace.conversations.values()
        if user in conversation.members and conversation.kind == "channel"
    ]
    page, metadata = call.page(found, call.number("limit", 100))
    return {"channels": page, "response_metadata": metadata}


@method("usergroups.list", "usergroups:read")
def usergroups_list(call: Call) -> Json:
    """The user groups."""
    groups = []
    for group, (handle, name, people) in call.hub.workspace.usergroups.items():
        described: Json = {
            "id": group,
            "team_id": seed.TEAM_ID,
            "is_usergroup": True,
            "name": name,
            "handle": handle,
            "date_delete": 0,
            "user_count": len(people),
        }
        groups.append({**described, **({"users": people} if call.flag("include_users") else {})})
    return {"usergroups": groups}


@method("usergroups.users.list", "usergroups:read")
def usergroups_users_list(call: Call) -> Json:
    """Who is in a user group."""
    group = call.hub.workspace.usergroups.get(call.required("usergroup"))
    if group is None:
        raise SlackError("no_such_subteam")
    return {"users": list(group[2])}


@method("bots.info", "users:read")
def bots_info(call: Call) -> Json:
    """The bot."""
    if call.text("bot", seed.BOT_ID) != seed.BOT_ID:
        raise SlackError("bot_not_found")
    bot = {"id": seed.BOT_ID, "deleted": False, "name": seed.APP_NAME, "updated": 0}
    return {"bot": {**bot, "app_id": seed.APP_ID, "user_id": seed.BOT_USER, "icons": {}}}


@method("team.info", "team:read")
def team_info(_: Call) -> Json:
    """The workspace."""
    team = {"id": seed.TEAM_ID, "name": seed.TEAM_NAME, "domain": seed.TEAM_DOMAIN}
    return {"team": {**team, "email_domain": "", "icon": {}}}
