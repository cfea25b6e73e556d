#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/svc_inbox.h"

const struct svc_template svc_templates[] = {
	{ "login_code", 1, { "code" },
		{ "您的验证码是 ${code}，5 分钟内有效，请勿告诉他人。",
			"Your code is ${code}, good for 5 minutes. Tell nobody." } },
	{ "low1", 2, { "shop", "purse", "balance" },
		{ "${shop}：${purse}余额还有 ${balance} 元，请留意充值。",
			"${shop}: ${balance} yuan left for ${purse}. Please recharge in time." } },
	{ "low2", 3, { "shop", "purse", "balance" },
		{ "${shop}：${purse}余额只剩 ${balance} 元，用完将断供，请尽快充值。",
			"${shop}: only ${balance} yuan left for ${purse}. Please recharge "
			"soon." } },
	{ "arrears", 4, { "shop", "purse", "balance", "time" },
		{ "${shop}：${purse}已用完（${balance} 元），断供时间：${time}，充值后自动恢复。",
			"${shop}: ${purse} is used up (${balance} yuan). Supply stops ${time}." } },
	{ "restored", 5, { "shop", "purse" },
		{ "${shop}：${purse}已恢复供应。", "${shop}: supply is back for ${purse}." } },
	{ "recharged", 6, { "shop", "purse", "amount", "balance" },
		{ "${shop}：${purse}已充值 ${amount} 元，余额 ${balance} 元。",
			"${shop}: ${amount} yuan added for ${purse}. Balance ${balance} yuan." } },
	{ "overload", 7, { "shop" },
		{ "${shop}：用电超过功率限值，已断电，请减少负荷，稍后自动恢复。",
			"${shop}: the load was above its limit, supply is off for a while." } },
	{ "overload_lock", 8, { "shop" },
		{ "${shop}：用电多次超过功率限值，已断电，请联系物业恢复。",
			"${shop}: too often above the limit. Ask the property office." } },
	{ "fee_low", 11, { "shop", "purse", "balance" },
		{ "${shop}：${purse}余额还有 ${balance} 元，请留意充值。",
			"${shop}: ${balance} yuan left for ${purse}. Please recharge in time." } },
	{ "fee_due", 12, { "shop", "purse", "amount", "balance" },
		{ "${shop}：下月应缴 ${amount} 元，${purse}余额 ${balance} 元，请在月初前充值。",
			"${shop}: ${amount} yuan due next month, ${balance} yuan left for "
			"${purse}." } },
	{ "fee_short", 13, { "shop", "purse", "balance" },
		{ "${shop}：${purse}余额不足（${balance} 元），请尽快充值。",
			"${shop}: the balance of ${purse} is short (${balance} yuan)." } },
	{ "fee", 14, { "shop", "purse", "balance" },
		{ "${shop}：${purse}欠费（${balance} 元），即将断电，充值后自动恢复。",
			"${shop}: ${purse} is unpaid (${balance} yuan). Electricity stops now." } },
	{ "invoice_issued", 16, { "shop", "amount" },
		{ "${shop}：申请的 ${amount} 元发票已开具，请在账单页查看。",
			"${shop}: the invoice of ${amount} yuan was issued. See Records." } },
	{ "invoice_refused", 17, { "shop", "amount" },
		{ "${shop}：申请的 ${amount} 元发票未能开具，原因请在账单页查看。",
			"${shop}: the invoice of ${amount} yuan was refused. See Records." } },
	{ "alarm", 15, { "object", "what" },
		{ "告警：${object} ${what}，请处理。", "Alarm: ${object} ${what}." } },
};
const size_t svc_template_count = ARRAY_LEN(svc_templates);

void svc_template_code(const struct svc_template *t, enum svc_kind k, bool english, char out[16])
{
	if (k == SVC_TENCENT)
		snprintf(out, 16, "%d", (english ? 120000 : 110000) + t->number);
	else
		snprintf(out, 16, "SMS_%d", (english ? 200000 : 100000) + t->number);
}

const struct svc_template *svc_template_find(enum svc_kind k, const char *code, bool *english)
{
	for (size_t i = 0; code && i < svc_template_count; i++)
		for (int l = 0; l < 2; l++) {
			char have[16];

			svc_template_code(&svc_templates[i], k, l == 1, have);
			if (str_eq(have, code)) {
				*english = l == 1;
				return &svc_templates[i];
			}
		}
	return NULL;
}

static const char *value_of(const struct svc_template *t, const json_t *params, const char *name)
{
	if (json_is_object(params))
		return json_string_value(json_object_get(params, name));
	for (size_t i = 0; i < ARRAY_LEN(t->params) && t->params[i]; i++)
		if (str_eq(t->params[i], name))
			return json_string_value(json_array_get(params, i));
	return NULL;
}

char *svc_template_fill(const struct svc_template *t, bool english, const json_t *params)
{
	const char *s = t->text[english ? 1 : 0], *var;
	AUTO(buf_free) struct buf out = { 0 };
	char *text;

	while ((var = strstr(s, "${")) != NULL) {
		size_t n = strcspn(var + 2, "}");
		char name[32];
		const char *value;

		buf_add(&out, s, (size_t)(var - s));
		snprintf(name, sizeof(name), "%.*s", (int)n, var + 2);
		value = value_of(t, params, name);
		if (!value)
			return NULL;
		buf_adds(&out, value);
		s = var + 2 + n + 1;
	}
	buf_adds(&out, s);
	text = strdup(out.text);
	ASSERT(text);
	return text;
}
