#include "notice/notice.h"

#include <stdlib.h>

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
	{ "aliyun_sms", aliyun_send },
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

enum err notice_load(struct conf *conf, struct notice **out, struct problem *why)
{
	AUTO(notice_free) struct notice *n = calloc(1, sizeof(*n));
	enum err e;

	ASSERT(n);
	e = aliyun_load(conf, &n->aliyun, why);
	if (e != ERR_OK)
		return e;
	*out = n;
	n = NULL;
	return ERR_OK;
}

void notice_free(struct notice **notice)
{
	if (!*notice)
		return;
	aliyun_free(&(*notice)->aliyun);
	free(*notice);
	*notice = NULL;
}

void notice_send_sms(const struct notice *notice, const struct notice_message *message,
	struct utc now, int64_t deadline_ms, struct notice_result *out)
{
	notice_channels[0].send(notice, message, now, deadline_ms, out);
}
