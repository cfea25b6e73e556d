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
};

const struct notice_channel notice_channels[] = {
	{ "aliyun_sms", "sms", aliyun_off, aliyun_serves, aliyun_send, NULL },
	{ "gammu", "sms", gammu_off, gammu_serves, gammu_send, gammu_look_up },
};
/* clang-format on */
const size_t notice_kind_count = ARRAY_LEN(notice_kinds);
const size_t notice_channel_count = ARRAY_LEN(notice_channels);
_Static_assert(ARRAY_LEN(notice_kinds) <= NOTICE_KINDS_MAX, "room for a template of each kind");

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
	if (gammu_load(conf, &n->gammu, &n->gammu_off) != ERR_OK && n->gammu_off.field[0])
		log_error("channel=gammu state=off key=%s why=\"%s\"", n->gammu_off.field,
			n->gammu_off.text);
	*out = n;
}

void notice_free(struct notice **notice)
{
	if (!*notice)
		return;
	aliyun_free(&(*notice)->aliyun);
	gammu_free(&(*notice)->gammu);
	free(*notice);
	*notice = NULL;
}

void notice_send_sms(const struct notice *notice, const struct notice_message *message,
	struct utc now, int64_t deadline_ms, struct notice_result *out)
{
	const struct notice_channel *c = notice_channels;

	for (size_t i = notice_channel_count; i-- > 0;)
		if (str_eq(notice_channels[i].medium, "sms") && !notice_channels[i].off(notice))
			c = &notice_channels[i];
	c->send(notice, message, now, deadline_ms, out);
}
