"""The calls about bots, chats, members and users."""

from __future__ import annotations

from collections.abc import Callable

from posthouse.simulators.feishu.calls import Body, Call, Endpoint, paged
from posthouse.simulators.feishu.faults import Verb
from posthouse.simulators.feishu.refusals import Refusal
from posthouse.simulators.feishu.tenant import Chat, Person, Tenant

MEMBERS_MAX = 100
CONTACT_SCOPES = (
    "contact:contact.base:readonly",
    "contact:contact:readonly",
    "contact:contact:readonly_as_app",
    "contact:contact:access_as_app",
)
NAME_SCOPES = ("contact:user.base:readonly", *CONTACT_SCOPES[1:])  # of fields, not of the call
ID_TYPES = ("open_id", "union_id", "user_id")


class Directory:
    """Tells bot programs who and what there is."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the rows of the API list that are done here."""
        chats, one = "/im/v1/chats", "/im/v1/chats/{chat_id}"
        chat = ("im:chat", "im:chat:readonly", "im:chat:read")
        return (
            Endpoint(method="GET", path="/bot/v3/info", do=self.bot, is_flat=True),
            _row(chats, self.chats, *chat),
            _row(one, self.chat, *chat),
            _row(f"{one}/members", self.members, *chat, "im:chat.members:read"),
            _row("/contact/v3/users/{user_id}", self.user, *CONTACT_SCOPES),
        )

    def bot(self, call: Call) -> Body:
        app = call.app
        return {
            "bot": {
                "activate_status": 2,
                "app_name": app.bot_name,
                "avatar_url": "",
                "ip_white_list": [],
                "open_id": self._tenant.open_id(app, app),
            }
        }

    def chats(self, call: Call) -> Body:
        start, size = call.page(size_max=MEMBERS_MAX)
        every = self._tenant.chats.values()
        mine = [each for each in every if call.app.name in each.apps and not each.is_private]
        return paged([self._listed(call, each) for each in mine], start, size)

    def chat(self, call: Call) -> Body:
        chat = self._chat(call)
        shown = self._listed(call, chat)
        del shown["chat_id"]
        return {
            **shown,
            "chat_mode": chat.kind,
            "chat_type": "private",
            "group_message_type": "thread" if chat.kind == "topic" else "chat",
            "user_count": str(len(chat.people)),
            "bot_count": str(len(chat.apps)),
        }

    def members(self, call: Call) -> Body:
        id_type = call.choice("member_id_type", ID_TYPES, "open_id")
        chat = self._chat(call)
        start, size = call.page(size_max=MEMBERS_MAX)
        people = [
            {
                "member_id_type": id_type,
                "member_id": self._id(call, each, id_type),
                "name": each.name,
                "tenant_key": self._tenant.tenant_key,
            }
            for each in chat.people.values()
        ]
        return {**paged(people, start, size), "member_total": len(people)}

    def user(self, call: Call) -> Body:
        id_type = call.choice("user_id_type", ID_TYPES, "open_id")
        who = self._tenant.who(call.app, call.path["user_id"], id_type)
        if not isinstance(who, Person):
            raise Refusal(41012, "user id invalid", is_malformed=True)
        if who.key in self._tenant.refused:
            code = self._tenant.refused[who.key]
            raise Refusal(code, "no user authority error")
        named = {
            "name": who.name,
            "en_name": who.key,
            "nickname": "",
            "avatar": {"avatar_72": "", "avatar_240": "", "avatar_640": ""},
        }
        return {
            "user": {
                **self._tenant.ids(call.app, who),
                **({} if call.app.missing_scopes.issuperset(NAME_SCOPES) else named),
                "status": {"is_frozen": False, "is_resigned": False, "is_activated": True},
            }
        }

    def _listed(self, call: Call, chat: Chat) -> Body:
        owner = self._tenant.people.get(chat.owner)
        return {
            "chat_id": chat.chat_id,
            "avatar": "",
            "name": "" if chat.is_private else chat.title,
            "description": "",
            "owner_id": self._tenant.open_id(call.app, owner) if owner is not None else "",
            "owner_id_type": "open_id",
            "external": False,
            "tenant_key": self._tenant.tenant_key,
            "chat_status": "dissolved" if chat.is_dissolved else "normal",
        }

    def _chat(self, call: Call) -> Chat:
        chat = self._tenant.chat(call.path["chat_id"])
        if chat is None:
            raise Refusal(
                232006, "Your request specifies a chat_id which is invalid.", is_malformed=True
            )
        call.entry.chat = chat.key
        if call.app.name not in chat.apps:
            raise Refusal(232011, "Operator can NOT be out of the chat.")
        return chat

    def _id(self, call: Call, who: Person, id_type: str) -> str:
        kinds = {
            "open_id": self._tenant.open_id(call.app, who),
            "union_id": self._tenant.union_id(who),
            "user_id": self._tenant.user_id(who),
        }
        return kinds[id_type]


def _row(path: str, do: Callable[[Call], Body], *scopes: str) -> Endpoint:
    return Endpoint(method="GET", path=path, do=do, verb=Verb.LOOK_UP, scopes=scopes)
