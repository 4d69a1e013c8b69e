"""A language model by the variables that other programs know: set together, they are one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from posthouse.settings.language import Said

DEFAULT = "default"  # the model that answers where nobody names one

# Where providers that people name are reached, by the names that people use for them.
PROVIDERS: Mapping[str, str] = {
    "openai": "https://api.openai.com/v1",
    "qwen": "https://dashscope.aliyuncs.com/compatible-mode/v1",
    "dashscope": "https://dashscope.aliyuncs.com/compatible-mode/v1",
    "deepseek": "https://api.deepseek.com/v1",
    "kimi": "https://api.moonshot.cn/v1",
    "moonshot": "https://api.moonshot.cn/v1",
    "zhipu": "https://open.bigmodel.cn/api/paas/v4",
    "zhipuai": "https://open.bigmodel.cn/api/paas/v4",
    "siliconflow": "https://api.siliconflow.cn/v1",
    "siliconcloud": "https://api.siliconflow.cn/v1",
    "ollama": "http://127.0.0.1:11434/v1",
    "vllm": "http://127.0.0.1:8000/v1",
}

PROVIDER, BASE_URL, API_KEY, MODEL = "LLM_PROVIDER", "LLM_BASE_URL", "LLM_API_KEY", "LLM_MODEL"
FURTHER: Mapping[str, str] = {
    "LLM_TEMPERATURE": "temperature",
    "LLM_MAX_TOKENS": "answer_tokens_max",
    "LLM_TIMEOUT": "within_s",
}
VARIABLES = frozenset({PROVIDER, BASE_URL, API_KEY, MODEL, *FURTHER})


def from_model_variables(
    environ: Mapping[str, str], models: Mapping[str, object]
) -> Iterator[tuple[tuple[str, ...], object, str]]:
    """Yield the settings of the model that variables make, unless the other layers have one."""
    base_url = _base_url(environ)
    if models or not base_url or not environ.get(MODEL):
        return
    path = ("models", DEFAULT)
    yield (*path, "base_url"), base_url, BASE_URL if environ.get(BASE_URL) else PROVIDER
    yield (*path, "model"), environ[MODEL], MODEL
    if environ.get(API_KEY):
        yield (*path, "api_key"), {"env": API_KEY}, API_KEY
    for name, key in FURTHER.items():
        if environ.get(name):
            yield (*path, key), environ[name], name


def half_made_model(
    environ: Mapping[str, str], models: Mapping[str, object]
) -> Iterator[tuple[str, Said]]:
    """Yield what keeps the variables from being a model, with what to do about it."""
    given = sorted(name for name in VARIABLES if environ.get(name))
    if models or not given:
        return
    provider = environ.get(PROVIDER, "").lower()
    if not _base_url(environ):
        known = ", ".join(sorted(PROVIDERS))
        if provider:
            yield (
                PROVIDER,
                Said(
                    f"不认识 {provider}；请设置 LLM_BASE_URL，或用其中之一：{known}",
                    f"{provider} is not known; set LLM_BASE_URL, or use one of: {known}",
                ),
            )
        else:
            yield (
                given[0],
                Said("还缺 LLM_BASE_URL，没有用到", "without LLM_BASE_URL it is not used"),
            )
    elif not environ.get(MODEL):
        yield given[0], Said("还缺 LLM_MODEL，没有用到", "without LLM_MODEL it is not used")


def _base_url(environ: Mapping[str, str]) -> str:
    return environ.get(BASE_URL) or PROVIDERS.get(environ.get(PROVIDER, "").lower(), "")
