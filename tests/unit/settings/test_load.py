"""Settings: who wins, where each value came from, what is said about a wrong one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from posthouse.model.errors import OperatorMistake
from posthouse.settings.load import Loaded, load
from posthouse.settings.origin import Layer
from posthouse.settings.settings import Settings


class Folder:
    """A folder in which a house is started."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, text: str | bytes, name: str = "posthouse.toml") -> Path:
        file = self.path / name
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    def load(
        self,
        environ: Mapping[str, str] | None = None,
        flags: Mapping[str, object] | None = None,
        config: Path | None = None,
    ) -> Loaded:
        return load(environ or {}, flags, config, self.path)

    def mistake(self, environ: Mapping[str, str] | None = None) -> OperatorMistake:
        with pytest.raises(OperatorMistake) as caught:
            self.load(environ)
        return caught.value


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def origins(loaded: Loaded) -> dict[str, str]:
    return {key: str(origin) for key, _, origin in loaded.sources()}


# ── who wins ─────────────────────────────────────────────────────────────────────────────────


def test_nothing_given_means_the_defaults(folder: Folder) -> None:
    loaded = folder.load()
    assert loaded.settings == Settings()
    assert loaded.file is None
    assert set(origins(loaded).values()) == {"default"}


def test_each_layer_wins_over_the_one_before(folder: Folder) -> None:
    folder.write('[server]\nport = 1\nhost = "file"\n[gateway]\nname = "file"\nturns_max = 7\n')
    environ = {"POSTHOUSE_SERVER__HOST": "variable", "POSTHOUSE_SERVER__PORT": "2"}
    loaded = folder.load(environ, {"server.port": "3", "server.host": None})
    server, gateway = loaded.settings.server, loaded.settings.gateway
    assert (server.port, server.host) == (3, "variable")
    assert (gateway.name, gateway.turns_max) == ("file", 7)
    said = origins(loaded)
    assert said["server.port"] == "from --port"
    assert said["server.host"] == "from POSTHOUSE_SERVER__HOST"
    assert said["gateway.name"] == "from posthouse.toml"
    assert said["gateway.lease_s"] == "default"


def test_names_that_other_programs_know(folder: Folder) -> None:
    environ = {"LOG_LEVEL": "WARNING", "DATABASE_URL": "sqlite:///elsewhere.db"}
    settings = folder.load(environ).settings
    assert settings.log.level == "warning"
    assert settings.store.url == "sqlite:///elsewhere.db"
    environ["POSTHOUSE_LOG__LEVEL"] = "error"
    assert folder.load(environ).settings.log.level == "error"


def test_an_empty_variable_is_not_set(folder: Folder) -> None:
    environ = {"POSTHOUSE_SERVER__PORT": "", "LOG_LEVEL": "", "DATABASE_URL": ""}
    assert folder.load(environ).settings == Settings()


def test_a_variable_can_hold_a_list(folder: Folder) -> None:
    loaded = folder.load({"POSTHOUSE_WORDS__STOP": '["halt", "够了"]'})
    assert loaded.settings.words.stop == ("halt", "够了")


def test_what_container_platforms_set_by_themselves_is_not_ours(folder: Folder) -> None:
    environ = {
        "POSTHOUSE_PORT": "tcp://10.0.0.7:8350",
        "POSTHOUSE_PORT_8350_TCP_ADDR": "10.0.0.7",
        "POSTHOUSE_SERVICE_HOST": "10.0.0.7",
    }
    assert folder.load(environ).settings == Settings()


def test_the_file_is_found_by_flag_then_variable_then_place(folder: Folder) -> None:
    folder.write('language = "en"\n')
    other = folder.write('[gateway]\nname = "other"\n', "other.toml")
    third = folder.write('[gateway]\nname = "third"\n', "third.toml")
    assert folder.load().settings.language == "en"
    environ = {"POSTHOUSE_CONFIG": "other.toml"}
    assert folder.load(environ).settings.gateway.name == "other"
    assert folder.load(environ, config=third).settings.gateway.name == "third"
    assert folder.load(config=other).file == other


def test_a_data_directory_in_the_file_begins_at_the_file(folder: Folder) -> None:
    below = folder.path / "below"
    below.mkdir()
    file = folder.write('data = "here"\n', "below/posthouse.toml")
    assert folder.load(config=file).settings.data == below / "here"
    assert folder.load(flags={"data": "/there"}, config=file).settings.data == Path("/there")


def test_a_file_saved_by_windows_is_read(folder: Folder) -> None:
    folder.write(b'\xef\xbb\xbflanguage = "en"\r\n')
    assert folder.load().settings.language == "en"


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({"LANG": "en_US.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "zh_TW"}, "zh"),
        ({"LANG": "C.UTF-8"}, "zh"),
        ({}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "POSTHOUSE_LANGUAGE": "en"}, "en"),
    ],
    ids=str,
)
def test_the_language_follows_the_surroundings(
    folder: Folder, environ: dict[str, str], language: str
) -> None:
    assert folder.load(environ).settings.language == language


def test_the_file_says_the_language_more_clearly_than_the_surroundings(folder: Folder) -> None:
    folder.write('language = "zh"\n')
    assert folder.load({"LANG": "en_US.UTF-8"}).settings.language == "zh"


# ── bots, handlers, routes ───────────────────────────────────────────────────────────────────


def test_naming_a_bot_replaces_the_default_one(folder: Folder) -> None:
    folder.write('[bots.hall]\nchannel = "web"\ntitle = "Hall"\n')
    (name, bot), *others = folder.load().settings.bots.items()
    assert (name, bot.channel, bot.model_extra, others) == ("hall", "web", {"title": "Hall"}, [])


def test_commands_stay_whatever_else_answers(folder: Folder) -> None:
    folder.write('[handlers.mine]\nkind = "demo"\n')
    assert set(folder.load().settings.handlers) == {"commands", "mine"}


# ── secrets ──────────────────────────────────────────────────────────────────────────────────


def test_a_secret_by_reference_is_read_and_never_shown(folder: Folder) -> None:
    folder.write("file-secret-0123456789\n", "token")
    folder.write(
        '[bots.a]\nchannel = "web"\nsecret = { env = "A_SECRET" }\nother = { file = "token" }\n'
    )
    loaded = folder.load({"A_SECRET": "variable-secret-9876"})
    assert loaded.settings.bots["a"].model_extra == {
        "secret": "variable-secret-9876",
        "other": "file-secret-0123456789",
    }
    assert loaded.secrets == {"variable-secret-9876", "file-secret-0123456789"}
    assert loaded.settings.secret_variables == {"A_SECRET"}
    shown = {key: (value, str(origin)) for key, value, origin in loaded.sources()}
    assert shown["bots.a.secret"] == ("****9876", "from env A_SECRET")
    assert shown["bots.a.other"] == ("****6789", "from file token")
    assert "variable" not in json.dumps([str(row) for row in loaded.sources()])


def test_a_secret_deep_inside_is_found(folder: Folder) -> None:
    folder.write('[handlers.h]\nkind = "demo"\nbackends = [{ url = "u", key = { env = "K" } }]\n')
    loaded = folder.load({"K": "deep-secret-value"})
    assert loaded.settings.handlers["h"].model_extra == {
        "backends": [{"url": "u", "key": "deep-secret-value"}]
    }


def test_a_secret_written_into_the_file_is_masked_too(folder: Folder) -> None:
    folder.write('[bots.a]\nchannel = "web"\napp_secret = "written-in-the-file"\npin_token = "1"\n')
    shown = {key: value for key, value, _ in folder.load().sources()}
    assert shown["bots.a.app_secret"] == "****file"
    assert shown["bots.a.pin_token"] == "****"


def test_a_variable_wins_over_a_reference(folder: Folder) -> None:
    folder.write('[bots.a]\nchannel = "web"\ntoken = { env = "NOT_SET" }\n')
    loaded = folder.load({"POSTHOUSE_BOTS__A__TOKEN": "given"})
    assert loaded.settings.bots["a"].model_extra == {"token": "given"}


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ('{ env = "NOT_SET" }', ("bots.a.token", "NOT_SET", "Set NOT_SET")),
        ('{ file = "missing" }', ("bots.a.token", "missing", "Create it")),
        ('{ file = "empty" }', ("bots.a.token", "empty", "one line")),
        ('{ file = "binary" }', ("bots.a.token", "binary", "not UTF-8")),
    ],
)
def test_a_missing_secret_names_key_and_remedy(
    folder: Folder, reference: str, words: tuple[str, ...]
) -> None:
    folder.write("\n", "empty")
    folder.write(b"\xff\xfe", "binary")
    folder.write(f'[bots.a]\nchannel = "web"\ntoken = {reference}\n')
    mistake = folder.mistake()
    assert all(word in str(mistake) for word in words)
    assert "bots.a.token" in mistake.zh


# ── mistakes ─────────────────────────────────────────────────────────────────────────────────

MISTAKES = {
    "unknown, nearly right": (
        "[server]\nprot = 1",
        ("server.prot", "posthouse.toml", "did you mean port"),
        ("server.prot", "posthouse.toml", "port"),
    ),
    "unknown, wrong table": ("port = 1", ("port is no setting", "[server]"), ("port", "[server]")),
    "unknown, nowhere": ("[log]\nxyzzy = 1", ("log.xyzzy", "level"), ("log.xyzzy", "level")),
    "no number": (
        '[server]\nport = "abc"',
        ('server.port = "abc"', "whole number", "port = 8350"),
        ('server.port = "abc"', "整数", "port = 8350"),
    ),
    "too large": ("[server]\nport = 65536", ("at most 65535",), ("不大于 65535",)),
    "too small": ("[gateway]\nlease_s = 1", ("at least 2",), ("不小于 2",)),
    "no choice": ('language = "fr"', ("'zh' or 'en'",), ("'zh'",)),
    "no list": ('[words]\nstop = "x"', ("words.stop", "a list"), ("列表",)),
    "no table": ("bots = 3", ("bots = 3", "a table"), ("一张表",)),
    "missing": ("[bots.a]\nsend_only = true", ("bots.a.channel", "missing"), ("缺少",)),
    "no name": ('[bots."a b"]\nchannel = "web"', ("letters, digits",), ("字母、数字",)),
    "to come": (
        '[bots.a]\nchannel = "dingtalk"',
        ("bots.a.channel", "channel dingtalk is not part of this version"),
        ("dingtalk 不在此版本中",),
    ),
    "no store": ('[store]\nurl = "mysql://h/d"', ("sqlite:///path",), ("sqlite:///",)),
    "no zone": ('timezone = "Mars/Olympus"', ("Asia/Shanghai",), ("时区",)),
    "no address": ('[server]\npublic_url = "me"', ("http://",), ("http://",)),
    "no pattern": (
        '[[routes]]\nhandler = "assistant"\npattern = "("',
        ("routes.0.pattern", "regular expression"),
        ("正则表达式",),
    ),
    "no end": ('[[routes]]\nprefix = "x"', ("routes.0", "exactly one"), ("之一",)),
    "two ends": ('[[routes]]\nignore = true\nrefuse = "x"', ("exactly one",), ("之一",)),
    "no handler": ('[[routes]]\nhandler = "gone"', ("gone", "assistant, commands"), ("gone",)),
    "no bot": ('[[routes]]\nhandler = "assistant"\nbot = "gone"', ("gone", "web"), ("gone",)),
    "no TOML": ("[server]\nport = \n", ("line 2", "posthouse.toml"), ("第 2 行",)),
    "unfinished": ('a = 1\nb = """x\n', ("line 3",), ("第 3 行",)),
    "no UTF-8": (b'# one\nlanguage = "\xd6\xd0"', ("line 2", "UTF-8"), ("第 2 行", "UTF-8")),
    "nested 100,000 deep": ("a = " + "[" * 100_000, ("posthouse.toml",), ("posthouse.toml",)),
}


@pytest.mark.parametrize(("text", "english", "chinese"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_names_key_shape_and_remedy(
    folder: Folder, text: str | bytes, english: tuple[str, ...], chinese: tuple[str, ...]
) -> None:
    folder.write(text)
    mistake = folder.mistake()
    assert [word for word in english if word not in mistake.sentence("en")] == []
    assert [word for word in chinese if word not in mistake.sentence("zh")] == []


def test_every_mistake_is_named_at_once(folder: Folder) -> None:
    folder.write('language = "fr"\n[server]\nport = "x"\nhots = 1\n')
    said = str(folder.mistake()).splitlines()
    assert len(said) == 3


def test_a_wrong_variable_is_named(folder: Folder) -> None:
    assert "POSTHOUSE_SERVER__PORT" in str(folder.mistake({"POSTHOUSE_SERVER__PORT": "x"}))
    assert "POSTHOUSE_SERVER__PROT" in str(folder.mistake({"POSTHOUSE_SERVER__PROT": "1"}))
    assert "POSTHOUSE_WORDS__STOP" in str(folder.mistake({"POSTHOUSE_WORDS__STOP": "[x"}))


def test_a_secret_in_the_wrong_place_is_not_repeated(folder: Folder) -> None:
    folder.write('[server]\nport = { env = "SECRET" }\n')
    assert "hush-hush" not in str(folder.mistake({"SECRET": "hush-hush"}))


def test_a_file_that_was_asked_for_must_be_there(folder: Folder) -> None:
    mistake = folder.mistake({"POSTHOUSE_CONFIG": "nowhere.toml"})
    assert "nowhere.toml" in str(mistake)
    assert "posthouse init" in str(mistake)


# ── names from elsewhere ─────────────────────────────────────────────────────────────────────


def test_a_variable_from_elsewhere_gets_one_line(folder: Folder) -> None:
    environ = {"TELEGRAM_BOT_TOKEN": "1", "WX_BOT_KEY": "k", "HOME": "/root", "LLM_MODEL": ""}
    remarks = dict(folder.load(environ).remarks)
    assert set(remarks) == {"TELEGRAM_BOT_TOKEN", "WX_BOT_KEY"}
    assert "Telegram" in remarks["TELEGRAM_BOT_TOKEN"].en
    assert "企业微信" in remarks["WX_BOT_KEY"].zh


FEISHU = {"FEISHU_APP_ID": "cli_1", "FEISHU_APP_SECRET": "hush-hush"}


def test_a_platforms_own_variables_make_a_bot(folder: Folder) -> None:
    loaded = folder.load({**FEISHU, "FEISHU_DOMAIN": "lark"})
    assert set(loaded.settings.bots) == {"web", "feishu"}
    bot = loaded.settings.bots["feishu"].model_dump()
    assert (bot["channel"], bot["app_id"], bot["domain"]) == ("feishu", "cli_1", "lark")
    assert "hush-hush" in loaded.secrets
    assert loaded.remarks == ()


def test_a_bot_of_the_file_goes_before_them(folder: Folder) -> None:
    folder.write('[bots.duty]\nchannel = "lark"\napp_id = "cli_2"\napp_secret = "s"\n')
    assert set(folder.load(FEISHU).settings.bots) == {"duty"}


def test_they_join_the_bots_of_the_file(folder: Folder) -> None:
    folder.write('[bots.room]\nchannel = "web"\n')
    assert set(folder.load(FEISHU).settings.bots) == {"room", "feishu"}


def test_half_of_them_make_a_remark(folder: Folder) -> None:
    loaded = folder.load({"FEISHU_APP_ID": "cli_1"})
    assert set(loaded.settings.bots) == {"web"}
    assert "FEISHU_APP_SECRET" in dict(loaded.remarks)["FEISHU_APP_ID"].en


def test_an_origin_knows_its_layer(folder: Folder) -> None:
    folder.write('[bots.web]\nchannel = "web"\n')
    by_key = {key: origin.layer for key, _, origin in folder.load().sources()}
    assert by_key["bots.web.channel"] is Layer.FILE
    assert by_key["bots.web.send_only"] is Layer.DEFAULT
