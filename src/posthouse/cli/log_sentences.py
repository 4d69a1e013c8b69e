"""What the codes of log records mean, in words. Fields stand in braces."""

from __future__ import annotations

from collections.abc import Mapping

from posthouse.settings.language import Said

LOG_SENTENCES: Mapping[str, Said] = {
    # the house
    "bot_connected": Said("机器人 {bot} 已连接", "bot {bot} is connected"),
    "bot_disconnected": Said(
        "机器人 {bot} 的连接断了，正在重连：{detail}",
        "bot {bot} lost its connection and tries again: {detail}",
    ),
    "bot_silent": Said(
        "机器人 {bot} 连不上（{state}，失败 {failures} 次）：{detail}。请运行 posthouse doctor",
        "bot {bot} cannot connect ({state}, {failures} failures): {detail}. Run posthouse doctor",
    ),
    "bot_recovered": Said("机器人 {bot} 已恢复连接", "bot {bot} is connected again"),
    "connection_held": Said(
        "机器人 {bot} 由这个进程连接", "bot {bot} is this process's to connect"
    ),
    "connection_let_go": Said(
        "机器人 {bot} 现在归别的进程连接", "bot {bot} is another process's to connect now"
    ),
    "model_replaced": Said(
        "模型 {model} 没有回答，改用下一个：{problem}",
        "model {model} gave no answer, the next one is asked: {problem}",
    ),
    "holder_not_known": Said(
        "暂时问不到机器人该由谁连接：{problem}",
        "who is to connect a bot cannot be asked at the moment: {problem}",
    ),
    "lease_not_ended": Said(
        "没能提前结束租期，到期后别的进程才会接手：{problem}",
        "the lease was not ended; others take over when its time is up: {problem}",
    ),
    "house_started": Said("驿站已开门：{url}", "the house is open: {url}"),
    "house_stopping": Said("正在关门，最多 {within_s} 秒", "closing, within {within_s} s"),
    "house_stopped": Said("驿站已关门", "the house is closed"),
    "house_forced": Said("不再等待，立即退出", "not waiting any longer, leaving now"),
    "nobody_fetches": Said(
        "机器人 {bot} 有 {waiting} 条消息在等，{minutes} 分钟没有驿站来取",
        "{waiting} messages of bot {bot} wait, and no house has come for {minutes} minutes",
    ),
    "somebody_fetches": Said(
        "机器人 {bot} 的消息又有驿站来取了", "a house fetches the messages of bot {bot} again"
    ),
    "relay_not_reloaded": Said(
        "中转站不重读配置：请重启它，消息不会丢",
        "a relay does not read its settings again: restart it, no message is lost",
    ),
    "relay_lease_over": Said(
        "从中转站取机器人 {bot} 的消息太慢，租约已过，重新取",
        "fetching for bot {bot} took longer than its lease; asking the relay again",
    ),
    "setting_changed": Said(
        "配置 {setting} 已改变（{counts}）", "setting {setting} has changed ({counts})"
    ),
    "settings_reloaded": Said(
        "配置已重新读取，{changes} 处改变；需要重启的：{restart_for}",
        "settings were read again, {changes} have changed; waiting for a restart: {restart_for}",
    ),
    "settings_not_reloaded": Said(
        "配置没有改变，因为：{problem}", "the settings stay as they were: {problem}"
    ),
    "house_failed": Said("驿站的一个部件出错", "a part of the house failed"),
    "variable_ignored": Said("环境变量 {name}：{said}", "environment variable {name}: {said}"),
    "library": Said("{library}：{said}", "{library}: {said}"),
    "request_failed": Said("处理请求 {method} {path} 时出错", "{method} {path} failed inside"),
    "admin_failed": Said("操作员命令 {task} 出错", "the operator's task {task} failed"),
    "page_failed": Said("控制台页面 {path} 出错", "the console's page {path} failed inside"),
    "feed_failed": Said(
        "控制台的实时更新出错，页面仍可手动刷新",
        "live updates of the console failed; pages can still be reloaded",
    ),
    # scenes
    "scenes_loaded": Said(
        "场景已加载：{count} 个，第 {generation} 代，用了 {took_s:.2f} 秒",
        "scenes loaded: {count}, generation {generation}, in {took_s:.2f} s",
    ),
    "scenes_kept": Said(
        "新的场景有错误，继续用第 {generation} 代",
        "the new scenes are broken; generation {generation} stays in use",
    ),
    "scenes_not_watched": Said(
        "暂时看不了场景目录，马上再试", "the scene folders cannot be watched; trying again soon"
    ),
    "scene_broken": Said("场景 {scene} 加载失败", "scene {scene} does not load"),
    "scene_folder_missing": Said(
        "场景目录 {folder} 不存在", "the scene folder {folder} is not there"
    ),
    "scene_output": Said("场景输出：{line}", "a scene says: {line}"),
    "scene_output_cut": Said(
        "场景输出超过 {bytes_max} 字节，其余不记",
        "a scene printed more than {bytes_max} bytes; the rest is left out",
    ),
    # the road
    "claim_postponed": Said(
        "暂时取不到排队的消息，稍后再试：{problem}",
        "cannot take from the queue, trying again: {problem}",
    ),
    "turn_left": Said(
        "第 {turn} 轮没有做完，稍后重来", "turn {turn} was left, it will be done again"
    ),
    "turn_stuck": Said(
        "第 {turn} 轮无法放回，其会话要等重新启动驿站",
        "turn {turn} could not be given back; its session waits until the house is restarted",
    ),
    "turn_broken": Said(
        "第 {turn} 轮因内部错误已放弃，等待处理",
        "turn {turn} broke inside and was given up; an operator can revive it",
    ),
    "turn_again": Said(
        "第 {turn} 轮出错，稍后重试：{problem}", "turn {turn} failed and is tried again: {problem}"
    ),
    "turn_fence_lost": Said(
        "第 {turn} 轮已由另一进程接手", "another process has taken turn {turn} over"
    ),
    "operator_not_told": Said(
        "没能通知操作员 {operator}：{problem}",
        "operator {operator} could not be told: {problem}",
    ),
    "call_not_recorded": Said(
        "没能记下一次模型调用的用量：{problem}",
        "what a call to a model has used could not be written down: {problem}",
    ),
    "question_not_rewritten": Said(
        "模型没能改写一个追问（{problem}），改用上一个问题的字词",
        "a model could not rewrite a question ({problem}); the words before it are used instead",
    ),
    "picture_not_fetched": Said(
        "一张图片取不到（{problem}），模型看不到它",
        "a picture could not be fetched ({problem}); the model does not see it",
    ),
    "operator_not_asked": Said(
        "没能问操作员，控制台仍会列出：{problem}",
        "an operator could not be asked; the console lists it: {problem}",
    ),
    "handler_error": Said(
        "处理程序 {handler} 在第 {turn} 轮出错，编号 {reference}",
        "handler {handler} failed in turn {turn}, reference {reference}",
    ),
    "handler_timeout": Said(
        "处理程序 {handler} 在第 {turn} 轮超时，编号 {reference}",
        "handler {handler} took too long in turn {turn}, reference {reference}",
    ),
    "delivery_troubled": Said(
        "机器人 {bot} 的第 {delivery} 条发送没有成功：{state} {reason}",
        "delivery {delivery} of bot {bot} did not get through: {state} {reason}",
    ),
    "delivery_left": Said(
        "一次发送没有做完，稍后重来：{problem}",
        "a delivery was left, it will be done again: {problem}",
    ),
    "delivery_fence_lost": Said(
        "第 {delivery} 条发送已由另一进程接手", "another process has taken delivery {delivery} over"
    ),
    "amend_fence_lost": Said(
        "第 {amend} 项修改已由另一进程接手", "another process has taken amendment {amend} over"
    ),
    "channel_raised": Said(
        "机器人 {bot} 的平台模块出错（{verb}），按结果不明处理",
        "the channel of bot {bot} raised while it did {verb}; the outcome counts as unknown",
    ),
    # QQ
    "onebot_waits": Said(
        "机器人 {bot}：{events} 条消息暂时存不下，稍后再存",
        "bot {bot}: {events} messages cannot be stored now, trying again",
    ),
    "onebot_lost": Said(
        "机器人 {bot}：关门时 {events} 条消息没能存下",
        "bot {bot}: {events} messages could not be stored before the end",
    ),
    "onebot_turned_away": Said(
        "机器人 {bot}：拒绝了一个连接（Token 不对，或已有一个连接在用）",
        "bot {bot}: a connection was refused (wrong token, or another one is in use)",
    ),
    "onebot_ended": Said("机器人 {bot}：连接结束：{why}", "bot {bot}: a connection ended: {why}"),
    "onebot_approved": Said("机器人 {bot}：同意了一个请求", "bot {bot}: approved a request"),
    "onebot_no_history": Said(
        "机器人 {bot}：实现端没有这类会话（{kind}）的历史消息，断线期间的消息无法补取",
        "bot {bot}: the implementation keeps no history of such chats ({kind}); what came there"
        " meanwhile cannot be fetched",
    ),
    "onebot_look_back_cut": Said(
        "机器人 {bot}：补取历史消息时连接断了（{problem}），重连后再来",
        "bot {bot}: the connection broke while looking back ({problem}); again at the next one",
    ),
    "onebot_looked_back": Said(
        "机器人 {bot}：查看了 {chats} 个会话的历史（{refused} 个查不了），共 {events} 条，"
        "其中没收到的会补上",
        "bot {bot}: looked back in {chats} chats ({refused} refused), {events} messages; those it"
        " missed are taken",
    ),
    "onebot_errand_failed": Said("机器人 {bot}：一件杂事出错", "bot {bot}: an errand failed"),
    "onebot_no_file": Said(
        "机器人 {bot}：文件发不出去（{problem}）", "bot {bot}: a file cannot be sent ({problem})"
    ),
    "websocket_failed": Said("WebSocket {path} 出错", "WebSocket {path} failed"),
    "web_request_failed": Said(
        "处理网页请求 {method} {path} 时出错", "the page's request {method} {path} failed inside"
    ),
    "web_errands_wait": Said(
        "网页聊天 {bot} 的收发稍后再试：{problem}",
        "web bot {bot} tries again in a moment: {problem}",
    ),
    "web_errands_failed": Said("网页聊天 {bot} 的收发出错", "an errand of web bot {bot} failed"),
    "web_sweep_failed": Said(
        "网页聊天 {bot} 没有清理完上传的文件：{problem}",
        "web bot {bot} could not remove old uploads: {problem}",
    ),
    "web_perform_failed": Said(
        "网页聊天 {bot} 出错（{verb}），按结果不明处理",
        "web bot {bot} failed at {verb}; the outcome counts as unknown",
    ),
    # the surroundings
    "loop_failed": Said(
        "{loop} 出错，几秒后重新开始", "{loop} failed and starts again in a few seconds"
    ),
    "lease_lost": Said(
        "失去租约：另一进程正以 {gateway} 的名义运行",
        "lease lost: another process runs as {gateway}",
    ),
    "lease_not_renewed": Said("租约没有续上：{problem}", "the lease was not renewed: {problem}"),
    "clock_set_back": Said(
        "时钟往回拨了 {by_s} 秒：推迟的事情现在就做",
        "the clock was set back by {by_s} s: what was put off is done now",
    ),
    "waits_not_bounded": Said("没能缩短等待：{problem}", "waits could not be shortened: {problem}"),
    "lease_entered_again": Said(
        "{gateway} 重新上岗，第 {epoch} 任", "{gateway} is back, epoch {epoch}"
    ),
    "quota_reached": Said(
        "存储已满（{size_bytes} / {quota_bytes} 字节），暂停接收；"
        "请腾出空间或调大 store.quota_bytes",
        "the store is full ({size_bytes} of {quota_bytes} bytes), nothing is accepted;"
        " free space or raise store.quota_bytes",
    ),
    "quota_free_again": Said(
        "存储又有空间了（{size_bytes} 字节），恢复接收",
        "the store has room again ({size_bytes} bytes)",
    ),
    "measuring_postponed": Said(
        "测量占用空间推迟：{problem}", "measuring was postponed: {problem}"
    ),
    "prune_postponed": Said("清理推迟：{problem}", "pruning was postponed: {problem}"),
    "turn_buried": Said(
        "第 {turn} 轮多次失败，已放弃，等待处理（posthouse why）",
        "turn {turn} failed several times and was given up, see `posthouse why`",
    ),
    # --- knowledge --------------------------------------------------------------------------
    "knowledge_read": Said(
        "知识库 {base} 读取了 {place}：新增 {added}，更新 {changed}，移除 {removed}，"
        "{problems} 个文件有问题 {problem}",
        "knowledge base {base} has read {place}: {added} new, {changed} changed, {removed} removed,"
        " {problems} files with problems {problem}",
    ),
    "knowledge_not_read": Said(
        "知识来源 {place} 无法读取：{problem}", "the source {place} cannot be read: {problem}"
    ),
    "document_unreadable": Said(
        "知识库里的第 {document} 号文档读不出来（{problem}），检索不到；请移除它的来源后重新添加",
        "document {document} of the knowledge cannot be read back ({problem}) and is not found;"
        " remove its source and add it again",
    ),
    "index_made_anew": Said(
        "知识库 {base} 的索引文件不能用（{problem}），正在重建",
        "the index of knowledge base {base} is of no use ({problem}) and is made anew",
    ),
    "embedding_stopped": Said(
        "知识库 {base} 暂停计算向量（{problem}），先按文字检索",
        "knowledge base {base} is searched by words for now: no vectors ({problem})",
    ),
    "gate_unreadable": Said(
        "训练过的判断标准读不出来（{problem}），改用自带的；请重新训练",
        "the trained gate cannot be read ({problem}); the shipped one judges. Train it again",
    ),
    "training_failed": Said(
        "知识库 {base} 的训练出错，原来的判断标准不变",
        "training for knowledge base {base} has failed; the gate stays as it was",
    ),
    "trial_failed": Said("控制台里的一次试问出错", "a trial question in the console has failed"),
    # --- Feishu ---------------------------------------------------------------------------
    "feishu_bot": Said("飞书机器人 {bot} 的名称是 {name}", "the Feishu bot {bot} is called {name}"),
    "frame_not_understood": Said(
        "飞书长连接来了一帧无法识别的数据（{bytes} 字节），没有确认：{problem}",
        "a frame of Feishu's long connection made no sense ({bytes} bytes) and was not"
        " acknowledged: {problem}",
    ),
    "pong_not_understood": Said(
        "飞书的心跳回应无法识别（{bytes} 字节），沿用原来的设置",
        "Feishu's pong made no sense ({bytes} bytes); the settings stay as they were",
    ),
    "connecting_anew": Said(
        "{silent_s} 秒没有收到飞书的事件，主动重连",
        "no event from Feishu for {silent_s} s: connecting anew",
    ),
    "names_unknown": Said(
        "查不到飞书的人名或群名（{problem}），以编号代替。解决办法：{remedy}",
        "Feishu does not tell the names of people or chats ({problem}); remedy: {remedy}",
    ),
    "places_unknown": Said(
        "查不到飞书消息或会话的出处（{problem}）：表情回应略去，其余按群聊处理；"
        "请开通 im:message:readonly 与 im:chat:readonly",
        "Feishu does not tell where something happened ({problem}): reactions are left out, the"
        " rest counts as of a group. Grant im:message:readonly and im:chat:readonly",
    ),
    "press_not_answered": Said(
        "飞书卡片上的一次点击没能回应（{problem}）；点击者会看到出错提示",
        "a press on a card of Feishu got no answer ({problem}); whoever pressed sees an error",
    ),
    "bundle_closed": Said(
        "打不开一条合并转发的消息（{problem}），按原样保存；请开通 im:message:readonly",
        "a bundle of forwarded messages could not be opened ({problem}) and is kept as it came;"
        " grant im:message:readonly",
    ),
    "feishu_shared": Said(
        "飞书机器人 {bot} 的应用共有 {count} 个长连接，每条消息只随机送给其中一个；"
        "除了本驿站的其他进程，请停掉别的程序，或给它们另建应用",
        "the app of Feishu bot {bot} has {count} long connections, and each message goes to one of"
        " them at random. Stop what is no process of this house, or give it an app of its own",
    ),
    "no_history": Said(
        "飞书不让机器人 {bot} 读取历史消息（{problem}），离线期间的消息只能靠飞书重投；"
        "请开通 im:message.group_msg 与 im:message:readonly",
        "Feishu does not let bot {bot} read history ({problem}); what came during an outage comes"
        " only by Feishu's own repeats. Grant im:message.group_msg and im:message:readonly",
    ),
    "history_cut": Said(
        "读取机器人 {bot} 的历史消息时中断（{problem}），重连后再试",
        "reading the history for bot {bot} was cut ({problem}); again after the next connection",
    ),
    "gap_filled": Said(
        "补收了机器人 {bot} 离线期间的 {count} 条消息（查看了 {chats} 个会话）",
        "{count} messages that bot {bot} had missed were found in {chats} chats",
    ),
}
