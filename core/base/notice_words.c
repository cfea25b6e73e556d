#include "base/notice_words.h"

#include <string.h>

/* clang-format off */
static const struct notice_words list[] = {
	{ "login_code", "登录验证码{code}，5分钟内有效，请勿告诉他人。",
		"Your login code is {code}, valid for 5 minutes. Do not tell it to anybody." },
	{ "low1", "{shop}的{purse}余额还有{balance}元，请留意充值。",
		"{shop}: {balance} yuan left for {purse}. Please recharge in time." },
	{ "low2", "{shop}的{purse}余额只剩{balance}元，用完将自动断供，请尽快充值。",
		"{shop}: only {balance} yuan left for {purse}. Supply stops when it is used up." },
	{ "arrears", "{shop}的{purse}已用完（{balance}元），断供时间：{time}，充值后自动恢复。",
		"{shop}: {purse} is used up ({balance} yuan). Supply stops {time} and returns after a recharge." },
	/* "arrears" where nothing will be cut */
	{ "arrears_uncut", "{shop}的{purse}已用完（{balance}元），请尽快充值。",
		"{shop}: {purse} is used up ({balance} yuan). Please recharge soon." },
	{ "overload", "{shop}用电超过功率限值，已断电，请减少负荷，稍后自动恢复。",
		"{shop}: the load was above its limit, supply is off. Reduce the load; it returns by itself." },
	{ "overload_lock", "{shop}用电多次超过功率限值，已断电，请联系物业恢复。",
		"{shop}: the load was above its limit too often. Supply stays off until the property office restores it." },
	{ "fee_low", "{shop}的{purse}余额还有{balance}元，请留意充值。",
		"{shop}: {balance} yuan left for {purse}. Please recharge in time." },
	{ "fee_due", "{shop}下月应缴{amount}元，{purse}余额{balance}元，不足扣缴，请在月初前充值。",
		"{shop}: {amount} yuan is due at the start of next month, and the balance of {purse} is {balance} yuan. Please recharge before." },
	{ "fee_short", "{shop}的{purse}余额不足（{balance}元），请尽快充值。",
		"{shop}: the balance of {purse} does not cover what was due ({balance} yuan). Please recharge soon." },
	{ "fee", "{shop}的{purse}欠费（{balance}元），即将断电，充值后自动恢复。",
		"{shop}: {purse} is unpaid ({balance} yuan). Electricity stops now and returns after a recharge." },
	{ "restored", "{shop}的{purse}已恢复供应。",
		"{shop}: supply is back for {purse}." },
	{ "recharged", "{shop}的{purse}已充值{amount}元，余额{balance}元。",
		"{shop}: {amount} yuan added for {purse}. Balance {balance} yuan." },
	{ "invoice_issued", "{shop}申请的{amount}元发票已开具，请在账单页查看。",
		"{shop}: the invoice of {amount} yuan was issued. See Records." },
	{ "invoice_refused", "{shop}申请的{amount}元发票未能开具，原因请在账单页查看。",
		"{shop}: the invoice of {amount} yuan was refused. See Records for the reason." },
	{ "alarm", "告警：{object}，{what}。", "Alarm: {object}, {what}." },
};
/* clang-format on */

const struct notice_words *notice_words_find(const char *kind)
{
	for (size_t i = 0; i < ARRAY_LEN(list); i++)
		if (str_eq(list[i].kind, kind))
			return &list[i];
	return NULL;
}

void notice_words_fill(const char *text, const struct word_value *v, size_t n, struct buf *out)
{
	while (*text) {
		size_t plain = strcspn(text, "{"), i = 0;

		buf_add(out, text, plain);
		text += plain;
		if (!*text)
			return;
		while (i < n && !str_starts(text, v[i].name))
			i++;
		if (i == n) {
			buf_add(out, text++, 1);
			continue;
		}
		buf_adds(out, v[i].value);
		text += strlen(v[i].name);
	}
}
