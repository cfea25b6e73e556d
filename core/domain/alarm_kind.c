#include "domain/alarm_kind.h"

/* clang-format off */
const struct alarm_kind alarm_kinds[] = {
	/* Meters and their buses. */
	{ "clock_drift", "warn", "meter", false, "时钟不准", "clock is wrong" },
	{ "gateway_silent", "urgent", "gateway", false, "网关无应答", "gateway is silent" },
	{ "gateway_twin", "urgent", "gateway", false, "网关编号冒用", "gateway id used twice" },
	{ "identity_changed", "urgent", "meter", false, "表号已变", "serial number changed" },
	{ "loss_grown", "warn", "meter", false, "损耗增大", "losses have grown" },
	{ "meter_silent", "warn", "meter", false, "表计无应答", "meter is silent" },
	{ "phase_lost", "warn", "meter", false, "缺相", "phase lost" },
	{ "register_fell", "urgent", "meter", false, "读数回退", "register fell" },
	{ "register_jumped", "urgent", "meter", false, "读数跳变", "register jumped" },
	{ "round_long", "warn", "gateway", false, "抄表一轮过长", "poll round too long" },
	{ "use_while_off", "urgent", "meter", false, "断供后仍有用量", "use while off" },
	{ "voltage_high", "warn", "meter", false, "过电压", "voltage too high" },
	{ "voltage_low", "warn", "meter", false, "欠电压", "voltage too low" },
	/* Supply. */
	{ "held_unpaid", "warn", "meter", false, "欠费仍在供应", "unpaid, supply is held on" },
	{ "mass_trip", "urgent", "site", false, "批量断供已刹车", "mass-trip brake pulled" },
	{ "overload", "urgent", "meter", false, "超功率已断电", "overload, supply cut" },
	{ "overload_lock", "urgent", "meter", false, "多次超功率已锁定", "overload, locked off" },
	{ "paid_dark", "urgent", "order", false, "已付款未恢复供应", "paid, supply not back" },
	{ "still_dark", "urgent", "meter", false, "应供未供", "due on, still off" },
	{ "supply_stuck", "urgent", "meter", false, "供断电未执行", "supply does not switch" },
	{ "valve_stuck", "urgent", "meter", false, "阀门未到位", "valve is stuck" },
	/* Prices, settlement, credit in the meter. */
	{ "count_mismatch", "urgent", "meter", false, "表内购电次数不符", "purchase count differs" },
	{ "credit_drift", "warn", "meter", false, "表内扣费与电价不符", "meter charges otherwise" },
	{ "rates_differ", "warn", "meter", false, "分时读数不符", "rate registers differ" },
	{ "settings_differ", "warn", "meter", false, "表内参数不符", "settings of the meter differ" },
	{ "settle_failed", "urgent", "meter", false, "无法结算", "cannot be settled" },
	{ "share_negative", "warn", "share_group", false, "公摊用量为负", "shared use is negative" },
	{ "share_unpriced", "warn", "share_group", false, "公摊无电价", "shared use has no price" },
	{ "tariff_missing", "urgent", "meter", false, "无电价", "no tariff" },
	/* Payments. */
	{ "bill_changed", "urgent", "reconciliation", true, "对账单被更改", "bill was changed" },
	{ "bill_contradicts", "urgent", "reconciliation", false, "对账单自相矛盾", "bill contradicts itself" },
	{ "bill_differs", "warn", "reconciliation", false, "对账有差异", "bill and books differ" },
	{ "bill_missing", "urgent", "reconciliation", false, "两天未取得对账单", "no bill for two days" },
	{ "notify_refused", "warn", "service", true, "支付通知无法使用", "payment notice unusable" },
	{ "payment_amount", "urgent", "order", false, "付款金额不符", "amount paid differs" },
	{ "payment_second", "urgent", "order", false, "重复付款", "paid twice" },
	{ "payment_unknown_order", "urgent", "order", false, "付款无对应订单", "payment without an order" },
	{ "refund_amount", "urgent", "refund", false, "退款金额不符", "refund of another amount" },
	{ "refund_contradiction", "urgent", "refund", true, "退款结果与账目不符", "refund ended otherwise" },
	{ "refund_foreign", "urgent", "order", false, "非本系统退款", "refunded by others" },
	{ "refund_person", "urgent", "refund", false, "退款需人工处理", "refund needs a person" },
	{ "refund_waiting", "urgent", "refund", false, "退款逾一天未受理", "refund waits for a day" },
	/* The platform itself. */
	{ "job_failed", "urgent", "job", false, "后台任务失败", "a job fails" },
	{ "job_late", "urgent", "job", false, "外部任务未执行", "a job was not run" },
	{ "outbox_stuck", "warn", "way", false, "消息积压", "messages are not sent" },
	{ "webhook_off", "warn", "webhook", false, "事件推送已停", "webhook is off" },
	{ "wechat_refused", "warn", "service", false, "微信拒绝调用", "WeChat refuses calls" },
};
/* clang-format on */
const size_t alarm_kind_count = ARRAY_LEN(alarm_kinds);

const struct alarm_kind *alarm_kind_find(const char *kind)
{
	for (size_t i = 0; i < alarm_kind_count; i++)
		if (str_eq(alarm_kinds[i].kind, kind))
			return &alarm_kinds[i];
	return NULL;
}
