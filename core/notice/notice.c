#include "notice/notice.h"

#include <stdlib.h>

#include "base/log.h"
#include "notice/channel.h"

/* clang-format off */
const struct notice_kind notice_kinds[] = {
	{ "login_code", { "code" } },
	{ "low1",       { "shop", "purse", "balance" } },
	{ "low2",       { "shop", "purse", "balance" } },
	{ "arrears",    { "shop", "purse", "balance", "time" } },
	{ "overload",   { "shop" } },
	{ "overload_lock", { "shop" } },
	{ "fee_low",    { "shop", "purse", "balance" } },
	{ "fee_due",    { "shop", "purse", "amount", "balance" } },
	{ "fee_short",  { "shop", "purse", "balance" } },
	{ "fee",        { "shop", "purse", "balance" } },
	{ "restored",   { "shop", "purse" } },
	{ "recharged",  { "shop", "purse", "amount", "balance" } },
	{ "invoice_issued", { "shop", "amount" } },
	{ "invoice_refused", { "shop", "amount" } },
	{ "alarm",      { "object", "what" } },
};

const struct notice_channel notice_channels[] = {
	{ "aliyun_sms", "sms", aliyun_off, aliyun_serves, aliyun_how, aliyun_send, aliyun_look_up },
	{ "tencent_sms", "sms", tencent_off, tencent_serves, tencent_how, tencent_send, tencent_look_up },
	{ "gammu", "sms", gammu_off, gammu_serves, gammu_how, gammu_send, gammu_look_up },
	{ "wechat_oa", "wechat", wechat_oa_off, wechat_oa_serves, wechat_oa_how, wechat_oa_send, NULL },
	{ "wechat_mini", "wechat", wechat_mini_off, wechat_mini_serves, wechat_mini_how, wechat_mini_send, NULL },
};
/* clang-format on */
const size_t notice_kind_count = ARRAY_LEN(notice_kinds);
const size_t notice_channel_count = ARRAY_LEN(notice_channels);
_Static_assert(ARRAY_LEN(notice_kinds) <= NOTICE_KINDS_MAX, "room for a template of each kind");
_Static_assert(ARRAY_LEN(notice_channels) <= NOTICE_CHANNELS_MAX, "room for all channels");

const struct notice_kind *notice_kind_find(const char *name)
{
	for (size_t i = 0; i < notice_kind_count; i++)
		if (str_eq(notice_kinds[i].name, name))
			return &notice_kinds[i];
	return NULL;
}

const struct notice_channel *notice_channel_find(const char *name)
{
	for (size_t i = 0; i < notice_channel_count; i++)
		if (str_eq(notice_channels[i].name, name))
			return &notice_channels[i];
	return NULL;
}

void notice_load(struct conf *conf, struct notice **out)
{
	struct notice *n = calloc(1, sizeof(*n));

	ASSERT(n);
	if (aliyun_load(conf, &n->aliyun, &n->aliyun_off) != ERR_OK && n->aliyun_off.field[0])
		log_error("channel=aliyun_sms state=off key=%s why=\"%s\"", n->aliyun_off.field,
			n->aliyun_off.text);
	wechat_ways_load(conf, n);
	if (tencent_load(conf, &n->tencent, &n->tencent_off) != ERR_OK && n->tencent_off.field[0])
		log_error("channel=tencent_sms state=off key=%s why=\"%s\"", n->tencent_off.field,
			n->tencent_off.text);
	if (gammu_load(conf, &n->gammu, &n->gammu_off) != ERR_OK && n->gammu_off.field[0])
		log_error("channel=gammu state=off key=%s why=\"%s\"", n->gammu_off.field,
			n->gammu_off.text);
	notice_settle(conf, n);
	*out = n;
}

void notice_free(struct notice **notice)
{
	if (!*notice)
		return;
	aliyun_free(&(*notice)->aliyun);
	wechat_ways_free(*notice);
	tencent_free(&(*notice)->tencent);
	gammu_free(&(*notice)->gammu);
	free(*notice);
	*notice = NULL;
}

void notice_send_sms(const struct notice *notice, const struct notice_message *message,
	struct utc now, int64_t deadline_ms, struct notice_result *out)
{
	for (size_t i = 0; i < notice->ways_n; i++)
		if (str_eq(notice->ways[i]->medium, "sms")) {
			notice->ways[i]->send(notice, message, now, deadline_ms, out);
			return;
		}
	notice_result_set(out, NOTICE_REFUSED, false, "not_configured");
}
