"""The calls that tell what the developer console has: scopes, version, roads, connections."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from posthouse.simulators.feishu import events
from posthouse.simulators.feishu.calls import Body, Call, Endpoint
from posthouse.simulators.feishu.people import EVERYTHING, MENTIONING, PRIVATE
from posthouse.simulators.feishu.post import Post
from posthouse.simulators.feishu.refusals import Refusal
from posthouse.simulators.feishu.settings import Switches

VERSION_ID = "oav_d317f090b7258ad0372aa53963cda70d"
# Scopes that no call asks for: they decide which events come, and with which fields.
EVENT_SCOPES = (
    PRIVATE,
    MENTIONING,
    EVERYTHING,
    "contact:user.employee_id:readonly",
)
SUBSCRIBED = (
    events.MESSAGE_RECEIVED,
    events.MESSAGE_RECALLED,
    events.REACTION_CREATED,
    events.REACTION_DELETED,
    events.BOT_ADDED,
    events.BOT_DELETED,
    events.USER_ADDED,
    events.USER_DELETED,
    events.CHAT_ENTERED,
    events.MENU,
)
SELF_SCOPES = ("application:application:self_manage", "admin:app.info:readonly")


class Console:
    """Tells a bot program how its app is set."""

    def __init__(
        self,
        posts: Mapping[str, Post],
        switches: Mapping[str, Switches],
        asked: Iterable[Endpoint],
    ) -> None:
        self._posts = posts
        self._switches = switches
        named = {scope for each in asked for scope in each.scopes}
        self._scopes = sorted(named | {*EVENT_SCOPES, *SELF_SCOPES})

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the rows of the API list that are done here."""
        application = "/application/v6/applications/{app_id}"
        return (
            Endpoint(method="GET", path="/event/v1/connection", do=self.connection),
            Endpoint(method="GET", path="/application/v6/scopes", do=self.scopes),
            Endpoint(method="GET", path=application, do=self.application, scopes=SELF_SCOPES),
        )

    def connection(self, call: Call) -> Body:
        return {"online_instance_cnt": len(self._posts[call.app.name].lines)}

    def scopes(self, call: Call) -> Body:
        missing = call.app.missing_scopes
        return {
            "scopes": [
                {
                    "scope_name": each,
                    "grant_status": 2 if each in missing else 1,
                    "scope_type": "tenant",
                }
                for each in self._scopes
            ]
        }

    def application(self, call: Call) -> Body:
        call.choice("lang", ("zh_cn", "en_us", "ja_jp"))
        if call.path["app_id"] not in ("me", call.app.app_id):
            raise Refusal(210504, "The app is not visible to you.")
        switches = self._switches[call.app.name]
        return {
            "app": {
                "app_id": call.app.app_id,
                "app_name": call.app.bot_name,
                "status": 1,
                "online_version_id": VERSION_ID,
                "unaudit_version_id": "",
                "primary_language": "zh_cn",
                "event": {
                    "subscription_type": _road(switches.webhook),
                    "request_url": switches.webhook,
                    "subscribed_events": SUBSCRIBED,
                },
                "callback": {
                    "callback_type": _road(switches.card_webhook),
                    "request_url": switches.card_webhook,
                    "subscribed_callbacks": [events.CARD_PRESSED],
                },
            }
        }


def _road(url: str) -> str:
    return "webhook" if url else "websocket"
