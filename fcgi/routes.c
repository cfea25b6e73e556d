#include "fcgi/routes.h"

#include <stdio.h>
#include <string.h>

#include "base/zone.h"
#include "domain/alarm.h"
#include "domain/approval.h"
#include "domain/attempt.h"
#include "domain/audit.h"
#include "domain/batch.h"
#include "domain/contract.h"
#include "domain/credit.h"
#include "domain/fee.h"
#include "domain/feecut.h"
#include "domain/ledger.h"
#include "domain/live.h"
#include "domain/me.h"
#include "domain/orders.h"
#include "domain/outage.h"
#include "domain/outbox_view.h"
#include "domain/reconciliation.h"
#include "domain/refund.h"
#include "domain/register.h"
#include "domain/service.h"
#include "domain/share.h"
#include "domain/shift.h"
#include "domain/staff.h"
#include "domain/supplypoint.h"
#include "domain/tariff.h"
#include "domain/timetable.h"
#include "domain/unmatched.h"
#include "domain/webhook.h"
#include "fcgi/handlers.h"
#include "fcgi/list.h"
#include "import/runs.h"
#include "report/report.h"

const char *perm_word(enum perm p)
{
	static const char *const words[PERM__MAX] = {
		[PERM_METER_READ] = "meter.read",
		[PERM_METER_CONTROL] = "meter.control",
		[PERM_ACCOUNT_READ] = "account.read",
		[PERM_TENANT_READ] = "tenant.read",
		[PERM_ALARM_READ] = "alarm.read",
		[PERM_SALE_CREATE] = "sale.create",
		[PERM_DAY_SEAL] = "day.seal",
		[PERM_REPORT_READ] = "report.read",
		[PERM_ALARM_ACK] = "alarm.ack",
		[PERM_TARIFF_READ] = "tariff.read",
		[PERM_TARIFF_EDIT] = "tariff.edit",
		[PERM_ENTRY_READ] = "entry.read",
		[PERM_ENTRY_REVERSE] = "entry.reverse",
		[PERM_REFUND_CREATE] = "refund.create",
		[PERM_ADJUSTMENT_CREATE] = "adjustment.create",
		[PERM_APPROVAL_READ] = "approval.read",
		[PERM_CONTRACT_READ] = "contract.read",
		[PERM_CONTRACT_EDIT] = "contract.edit",
		[PERM_METER_EDIT] = "meter.edit",
		[PERM_SETTING_READ] = "setting.read",
		[PERM_SETTING_EDIT] = "setting.edit",
		[PERM_FEE_READ] = "fee.read",
		[PERM_FEE_EDIT] = "fee.edit",
		[PERM_SHARE_READ] = "share.read",
		[PERM_SHARE_EDIT] = "share.edit",
		[PERM_SCHEDULE_EDIT] = "schedule.edit",
		[PERM_ACCOUNT_EDIT] = "account.edit",
		[PERM_WEBHOOK_MANAGE] = "webhook.manage",
		[PERM_RECONCILIATION_READ] = "reconciliation.read",
		[PERM_RECONCILIATION_RESOLVE] = "reconciliation.resolve",
		[PERM_NOTICE_READ] = "notice.read",
		[PERM_NOTICE_EDIT] = "notice.edit",
		[PERM_DUTY_EDIT] = "duty.edit",
		[PERM_IMPORT_RUN] = "import.run",
		[PERM_AUDIT_READ] = "audit.read",
		[PERM_USER_MANAGE] = "user.manage",
	};

	return words[p] ? words[p] : "";
}

#define USAGE_PARAMS                                                                               \
	{ "from", PARAM_DAY, true }, { "to", PARAM_DAY, true },                                    \
	{                                                                                          \
		"step", PARAM_STEP, false                                                          \
	}

/* clang-format off */
const struct route routes[] = {
	/* Who are you? */
	{ "POST", "/auth/login", PERM_OPEN, "login", "tokens", false, 200, auth_login, false,
		.help = "Log in by user name and password; tenants use their phone." },
	{ "POST", "/auth/sms-code", PERM_OPEN, "sms_code", "sms_code_sent", false, 202, auth_sms_code, false,
		.help = "Send a login code to a tenant's phone; the answer is the same for unknown phones." },
	{ "POST", "/auth/sms-login", PERM_OPEN, "sms_login", "tokens", false, 200, auth_sms_login, false,
		.help = "Log in by phone and the code sent to it." },
	{ "POST", "/auth/wechat", PERM_OPEN, "wechat_login", "tokens", false, 200, auth_wechat, false,
		.help = "Log in by a code of WeChat's: state as it came with the code, app mini for a mini program's. The problem"
			" wechat_not_bound has a ticket, with which a login binds that WeChat." },
	{ "GET", "/auth/wechat/start", PERM_OPEN, NULL, NULL, false, 302, auth_wechat_start, false,
		.help = "For browsers inside WeChat: asks WeChat who this is, and comes back to /login with code and state.",
		.params = { { "return", PARAM_TEXT, false } } },
	{ "POST", "/auth/refresh", PERM_OPEN, "refresh", "tokens", false, 200, auth_refresh, false,
		.help = "Change a refresh token for new tokens; it is good for one use." },
	{ "POST", "/auth/logout", PERM_OPEN, "refresh", NULL, false, 204, auth_logout, false,
		.help = "End a session, its access tokens too." },
	{ "GET", "/me", PERM_USER, NULL, "me", false, 200, me_get, false, .first = true,
		.help = "The caller: name, permissions, site, shops." },

	/* Tenants: their own things only. */
	{ "GET", "/me/accounts", PERM_TENANT, NULL, "account", true, 200, me_accounts, false,
		.etag = ETAG_BODY,
		.help = "Purses with balance, supply and use. ended=1: those of contracts that have ended, whose statement and bill can still be seen.",
		.params = { { "ended", PARAM_FLAG, false } } },
	{ "POST", "/me/accounts/:id/emergency-credit", PERM_TENANT, "empty", "account", false, 200, me_emergency, true,
		.help = "Take the emergency credit, once until it is repaid." },
	{ "GET", "/me/meters", PERM_TENANT, NULL, "my_meter", true, 200, me_meters, false,
		.etag = ETAG_BODY, .help = "Meters with their last reading.", .listing = &my_meter_listing },
	{ "GET", "/me/usage", PERM_TENANT, NULL, "usage", false, 200, me_usage, false,
		.help = "Use of a meter by local hour, day or month.",
		.params = { { "meter_id", PARAM_ID, true }, USAGE_PARAMS } },
	{ "GET", "/me/statement", PERM_TENANT, NULL, "statement", false, 200, me_statement, false,
		.help = "Movements of an account with the balance after each, newest first.",
		.params = { { "account_id", PARAM_ID, true }, { "from", PARAM_DAY, false }, { "to", PARAM_DAY, false } } },
	{ "GET", "/me/orders", PERM_TENANT, NULL, "order", true, 200, me_orders, false,
		.help = "Recharges, newest first.", .listing = &my_order_listing },
	{ "POST", "/me/orders", PERM_TENANT, "order_new", "order", false, 201, me_order_new, true,
		.help = "Recharge an account through a payment service." },
	{ "GET", "/me/orders/:id", PERM_TENANT, NULL, "order", false, 200, me_order, false,
		.etag = ETAG_BODY, .help = "One recharge: followed by the page until the supply is back." },
	{ "GET", "/me/pay-channels", PERM_TENANT, NULL, "pay_channel", true, 200, me_pay_channels, false,
		.help = "Ways to pay, and which are set up here." },
	{ "GET", "/me/notices", PERM_TENANT, NULL, "notice", true, 200, me_notices, false,
		.help = "What the tenant was told, newest first.", .listing = &my_notice_listing },
	{ "GET", "/me/alert-settings", PERM_TENANT, NULL, "alert_settings", false, 200, me_alerts, false,
		.help = "Warning thresholds, language, and by which ways to be told." },
	{ "PUT", "/me/alert-settings", PERM_TENANT, "alert_settings", "alert_settings", false, 200, me_alerts_put, false,
		.help = "Change warning thresholds, language and ways." },
	{ "GET", "/me/sub-tenants", PERM_TENANT, NULL, "sub_tenant", true, 200, me_sub_tenants, false,
		.help = "Supplies below the tenant's own that the tenant may switch.", .listing = &sub_tenant_listing },
	{ "POST", "/me/sub-tenants/:id/supply", PERM_TENANT, "sub_supply", "sub_tenant", false, 200, me_sub_supply, true,
		.help = "Switch a sub-tenant's supply." },

	{ "GET", "/me/wechat", PERM_TENANT, NULL, "wechat", false, 200, me_wechat, false,
		.help = "Is a WeChat bound to this login, and which messages does it allow?" },
	{ "POST", "/me/wechat", PERM_TENANT, "wechat_bind", "wechat", false, 200, me_wechat_bind, false,
		.help = "Bind the WeChat of a ticket to this login: from then on it logs in without a code, pays inside WeChat, and gets messages." },
	{ "DELETE", "/me/wechat", PERM_TENANT, NULL, NULL, false, 204, me_wechat_unbind, false,
		.help = "Unbind WeChat from this login." },
	{ "POST", "/me/wechat/subscriptions", PERM_TENANT, "wechat_subscription", "wechat", false, 200, me_wechat_subscription, false,
		.help = "What the person chose when asked to allow a message; counted unless WeChat's server tells us itself." },

	/* Staff. */
	{ "GET", "/board", PERM_METER_READ, NULL, "board", false, 200, board_get, false,
		.etag = ETAG_BODY, .areas = AREAS_LISTED, .help = "Counters of the live board." },
	{ "GET", "/meters", PERM_METER_READ, NULL, "meter", true, 200, meters_list, false,
		.areas = AREAS_LISTED, .help = "All meters, live.", .listing = &live_meter_listing, .etag = ETAG_METERS },
	{ "GET", "/meters/:id", PERM_METER_READ, NULL, "meter_detail", false, 200, meter_get, false,
		.etag = ETAG_BODY, .help = "One meter with its blocks, keep and acts." },
	{ "GET", "/meters/:id/usage", PERM_METER_READ, NULL, "usage", false, 200, meter_usage, false,
		.help = "Use of a meter by local hour, day or month.", .params = { USAGE_PARAMS } },
	{ "POST", "/meters/:id/supply", PERM_METER_CONTROL, "supply_order", "supply_answer", false, 202, meter_supply, true, .approved = true,
		.help = "off sets the block manual, on lifts it and an overload lock, keep keeps supply until a time, auto ends that." },
	{ "POST", "/meters/:id/read", PERM_METER_READ, "empty", "read_asked", false, 202, meter_read_now, false,
		.help = "Read a meter before its turn." },
	{ "GET", "/gateways", PERM_METER_READ, NULL, "gateway", true, 200, gateways_list, false,
		.etag = ETAG_BODY, .areas = AREAS_LISTED, .help = "Gateways and the health of their buses: use, answer times, and replies that were none, by kind.", .listing = &live_gateway_listing },
	{ "GET", "/gateways/:id/outages", PERM_METER_READ, NULL, "outage", true, 200, gateway_outages, false,
		.help = "When a gateway was silent, newest first.", .listing = &outage_listing },
	{ "GET", "/meters/:id/outages", PERM_METER_READ, NULL, "outage", true, 200, meter_outages, false,
		.help = "When a meter was silent while its gateway answered, newest first.", .listing = &outage_listing },
	{ "GET", "/accounts", PERM_ACCOUNT_READ, NULL, "account_found", true, 200, accounts_list, false,
		.areas = AREAS_LISTED, .help = "Accounts by room, name, phone or meter.", .listing = &live_account_listing },
	{ "GET", "/tenants", PERM_TENANT_READ, NULL, "tenant", true, 200, tenants_list, false,
		.areas = AREAS_LISTED, .help = "Tenants by room, name, code or phone.", .listing = &live_tenant_listing },
	{ "GET", "/shifts", PERM_SALE_CREATE, NULL, "shift", true, 200, shifts_list, false, .or_perm = PERM_REFUND_CREATE,
		.areas = AREAS_SITE, .help = "The caller's own shifts, newest first.", .listing = &shift_listing },
	{ "POST", "/shifts", PERM_SALE_CREATE, "empty", "shift", false, 201, shift_new, false, .or_perm = PERM_REFUND_CREATE,
		.areas = AREAS_SITE, .help = "Open a shift: a drawer for whoever sells or pays back." },
	{ "POST", "/shifts/:id/close", PERM_SALE_CREATE, "shift_close", "shift_closed", false, 200, shift_end, false, .key_welcome = true,
		.or_perm = PERM_REFUND_CREATE,
		.areas = AREAS_SITE, .help = "Close a shift with the cash counted; the same count again is answered as it was." },
	{ "POST", "/sales", PERM_SALE_CREATE, "sale_new", "sale", false, 201, sale_new, true,
		.areas = AREAS_SITE, .help = "Sell at the desk, in the open shift; one receipt." },
	{ "POST", "/days/:date/seal", PERM_DAY_SEAL, "empty", "day_sealed", false, 200, day_seal, false,
		.help = "Seal a book day that is over now instead of at 02:00; a sealed day is answered as it is.",
		.params = { { "site_id", PARAM_ID, false } } },

	/* Reports. */
	{ "GET", "/reports", PERM_REPORT_READ, NULL, "report", true, 200, reports_list, false,
		.help = "The reports that there are, with their columns; titles as Accept-Language has it." },
	{ "GET", "/reports/:report", PERM_REPORT_READ, NULL, NULL, false, 200, report_get, false,
		.help = "A report: rows and totals as JSON, or a file. Days are book days of the site; final: they are all sealed.",
		.params = { { "from", PARAM_DAY, true }, { "to", PARAM_DAY, true }, { "site", PARAM_TEXT, false },
			{ "format", PARAM_FORMAT, false }, { "by", PARAM_GROUP, false } } },

	/* Settings and approvals. */
	{ "GET", "/settings", PERM_SETTING_READ, NULL, "setting", true, 200, settings_list, false,
		.areas = AREAS_SITE, .help = "Settings of a site, with what they may be.", .params = { { "site_id", PARAM_ID, false } } },
	{ "PUT", "/settings", PERM_SETTING_EDIT, "setting_put", "setting", false, 200, setting_change, false, .approved = true,
		.help = "Change one setting; some need a second person." },
	{ "GET", "/approvals", PERM_APPROVAL_READ, NULL, "approval", true, 200, approvals_list, false,
		.areas = AREAS_LISTED, .help = "What waits, or waited, for a second person, newest first.", .listing = &approval_listing },
	{ "POST", "/approvals/:id/approve", PERM_APPROVAL_READ, "approval_note", "approval", false, 200, approval_approve, false,
		.help = "Approve, by another person than who asked, with the permission that the act needs; it is done at once." },
	{ "POST", "/approvals/:id/reject", PERM_APPROVAL_READ, "approval_note", "approval", false, 200, approval_reject, false,
		.help = "Reject; nothing is done. Who asked may take it back so." },

	/* Tariffs. */
	{ "GET", "/me/bill", PERM_TENANT, NULL, "bill", false, 200, me_bill, false,
		.help = "The explained bill: what each book day took, by rate, tier and price, with the readings that it came from.",
		.params = { { "account_id", PARAM_ID, true }, { "from", PARAM_DAY, true }, { "to", PARAM_DAY, true } } },
	{ "GET", "/accounts/:id/bill", PERM_ACCOUNT_READ, NULL, "bill", false, 200, account_bill, false,
		.help = "The explained bill of a purse, as its tenant has it.",
		.params = { { "from", PARAM_DAY, true }, { "to", PARAM_DAY, true } } },
	{ "GET", "/tariffs", PERM_TARIFF_READ, NULL, "tariff", true, 200, tariffs_list, false,
		.areas = AREAS_SITE, .help = "Tariffs, with the number of meters that have each now.", .listing = &tariff_listing },
	{ "POST", "/tariffs", PERM_TARIFF_EDIT, "tariff_file", "tariff_detail", false, 200, tariff_new, false, .approved = true,
		.help = "Store a tariff file: a new tariff, or a new revision of that code. What has priced settled energy cannot change; prices that move by more than price_limit_permille wait for a second person." },
	{ "GET", "/tariffs/:id", PERM_TARIFF_READ, NULL, "tariff_detail", false, 200, tariff_get, false,
		.areas = AREAS_SITE, .help = "One tariff with its file." },
	{ "POST", "/tariffs/:id/simulate", PERM_TARIFF_READ, "tariff_simulate", "tariff_simulated", false, 200, tariff_simulate, false,
		.areas = AREAS_SITE, .help = "What the tariff would have charged for the settled energy of a meter, tiers beginning at nothing." },
	{ "GET", "/meters/:id/tariffs", PERM_TARIFF_READ, NULL, "meter_tariff", true, 200, meter_tariffs, false,
		.help = "Tariffs of a meter by effective time." },
	{ "POST", "/meters/:id/tariff", PERM_TARIFF_EDIT, "meter_tariff_new", "meter_tariff", true, 200, meter_tariff_set, false,
		.help = "Give a meter a tariff from a time on: to come, or not before its last settled reading." },
	{ "GET", "/meters/:id/ratios", PERM_METER_READ, NULL, "meter_ratio", true, 200, meter_ratios, false,
		.help = "Transformer ratios of a meter by effective time." },
	{ "POST", "/meters/:id/ratio", PERM_METER_EDIT, "meter_ratio_new", "meter_ratio", true, 200, meter_ratio_set, false,
		.help = "Other transformers from a time on (now, unless said); what was counted before keeps the ratio of before." },
	{ "POST", "/meters/:id/capacity", PERM_METER_EDIT, "meter_capacity_new", "meter_capacity", false, 200, meter_capacity_set, false,
		.help = "How far the register counts before it begins anew at 0; 0: not known." },
	{ "GET", "/meters/:id/readings", PERM_METER_READ, NULL, "reading", true, 200, meter_readings, false,
		.help = "Readings of the last 31 days unless said, newest first, with what was made of each.", .listing = &reading_listing },
	{ "POST", "/meters/:id/readings/decide", PERM_METER_EDIT, "reading_decide", "reading_decided", false, 200, meter_reading_decide, true,
		.help = "Decide on a reading that fell or jumped: rebase makes it the new base and charges nothing, accept charges the growth." },

	/* Books. */
	{ "GET", "/entries", PERM_ENTRY_READ, NULL, "entry", true, 200, entries_list, false,
		.areas = AREAS_LISTED, .help = "Entries of the books, newest first.", .listing = &ledger_listing },
	{ "GET", "/entries/:id", PERM_ENTRY_READ, NULL, "entry_detail", false, 200, entry_get, false,
		.help = "One entry with its postings, and what reversed it." },
	{ "POST", "/entries/:id/reverse", PERM_ENTRY_REVERSE, "reason", "entry_detail", false, 201, entry_undo, true, .approved = true,
		.or_perm = PERM_SALE_CREATE,
		.help = "Undo an entry by its mirror, once, on today's book day; cash comes from an open drawer. Who only sells may undo sales of the own open shift." },
	{ "POST", "/accounts/:id/refund", PERM_REFUND_CREATE, "refund_new", "refund", false, 201, account_refund, true, .approved = true,
		.help = "Pay money back at the desk: cash from the open drawer, or by the bank, which a person settles." },
	{ "POST", "/orders/:id/refund", PERM_REFUND_CREATE, "order_refund", "refund", false, 201, order_refund, true, .approved = true,
		.help = "Pay an order back through the service that took it; open until the service or a person has settled it." },
	{ "GET", "/orders", PERM_ENTRY_READ, NULL, "staff_order", true, 200, orders_list, false,
		.areas = AREAS_LISTED, .help = "Recharges through payment services, newest first. number: ours or the service's; mismatch=1: named by a payment that waits for a person.", .listing = &order_listing },
	{ "GET", "/orders/:id", PERM_ENTRY_READ, NULL, "staff_order", false, 200, order_show, false,
		.help = "One recharge." },
	{ "GET", "/unmatched-payments", PERM_ENTRY_READ, NULL, "unmatched", true, 200, unmatched_payments, false,
		.help = "Payments that are nobody's, and refunds that nobody asked for here, newest first.", .listing = &unmatched_listing },
	{ "GET", "/unmatched-payments/:id", PERM_ENTRY_READ, NULL, "unmatched", false, 200, unmatched_show, false,
		.help = "One payment that is nobody's, or one refund that nobody asked for here." },
	{ "POST", "/unmatched-payments/:id/credit", PERM_REFUND_CREATE, "unmatched_credit", "unmatched", false, 200, unmatched_credit, true, .approved = true,
		.help = "Give the payment to a purse." },
	{ "POST", "/unmatched-payments/:id/refund", PERM_REFUND_CREATE, "unmatched_refund", "unmatched", false, 200, unmatched_refund, true, .approved = true,
		.help = "Pay it back through its service. site_id: whose books, where no order says." },
	{ "POST", "/unmatched-payments/:id/close", PERM_REFUND_CREATE, "reason_only", "unmatched", false, 200, unmatched_close, true,
		.help = "It was settled elsewhere, as the reason says; not for money in suspense." },
	{ "GET", "/refunds", PERM_ENTRY_READ, NULL, "refund", true, 200, refunds_list, false,
		.areas = AREAS_LISTED, .help = "Refunds, newest first, failed ones too.", .listing = &refund_listing },
	{ "GET", "/refunds/:id", PERM_ENTRY_READ, NULL, "refund", false, 200, refund_show, false,
		.help = "One refund." },
	{ "POST", "/refunds/:id/done", PERM_REFUND_CREATE, "approval_note", "refund", false, 200, refund_done, true,
		.help = "A person has seen that the money arrived." },
	{ "POST", "/refunds/:id/failed", PERM_REFUND_CREATE, "approval_note", "refund", false, 200, refund_failed, true,
		.help = "It cannot be paid: the money returns to the purse, or to suspense where it came from." },
	{ "POST", "/refunds/:id/retry", PERM_REFUND_CREATE, "approval_note", "refund", false, 200, refund_again, true,
		.help = "Give a refund that waits for a person to its service once more, under the same number." },
	{ "POST", "/accounts/:id/adjust", PERM_ADJUSTMENT_CREATE, "adjustment", "entry_detail", false, 201, account_adjust, true, .approved = true,
		.help = "Change a purse by a document: subsidy, write-off, correction, opening, debt, deposit, transfer." },
	{ "GET", "/contracts/:id/debt", PERM_CONTRACT_READ, NULL, "debt", false, 200, contract_debt, false,
		.help = "Old debt of a contract and its agreed repayment." },
	{ "PUT", "/contracts/:id/debt", PERM_ADJUSTMENT_CREATE, "debt_put", "debt", false, 200, contract_debt_put, false,
		.help = "Agree on a share of each recharge, with a cap, that pays off old debt." },
	{ "GET", "/contracts/:id/allowance", PERM_CONTRACT_READ, NULL, "allowance", false, 200, contract_allowance, false,
		.help = "The free allowance of a contract." },
	{ "PUT", "/contracts/:id/allowance", PERM_ADJUSTMENT_CREATE, "allowance_put", "allowance", false, 200, contract_allowance_put, false, .approved = true,
		.help = "A free allowance at the start of each month, from the next on; 0 ends it." },
	{ "GET", "/sales/:id", PERM_SALE_CREATE, NULL, "sale", false, 200, sale_copy, false,
		.help = "A copy of a receipt, marked as such and counted." },
	{ "GET", "/attempts", PERM_ENTRY_READ, NULL, "attempt", true, 200, attempts_list, false,
		.areas = AREAS_LISTED, .help = "Sales, recharges, refunds, reversals and adjustments that were refused, newest first.", .listing = &attempt_listing },

	/* Contracts. */
	{ "GET", "/contracts", PERM_CONTRACT_READ, NULL, "contract", true, 200, contracts_list, false,
		.areas = AREAS_LISTED, .help = "Contracts, newest first.", .listing = &contract_listing },
	{ "GET", "/contracts/:id", PERM_CONTRACT_READ, NULL, "contract_detail", false, 200, contract_show, false,
		.help = "One contract with its meters, purses and history." },
	{ "POST", "/contracts", PERM_CONTRACT_EDIT, "contract_new", "life_answer", false, 201, contract_new, true,
		.areas = AREAS_SITE, .help = "Open a contract: tenant, meters with their start registers, purses with opening balances. With preview: what it would do." },
	{ "POST", "/contracts/:id/meters", PERM_CONTRACT_EDIT, "contract_meters", "life_answer", false, 200, contract_meters_add, true,
		.help = "Add meters to an open contract." },
	{ "POST", "/contracts/:id/tenant", PERM_CONTRACT_EDIT, "contract_tenant", "life_answer", false, 200, contract_tenant, true,
		.help = "Change of tenant: close this contract and open another with the same meters, at the same instants." },
	{ "POST", "/contracts/:id/close", PERM_CONTRACT_EDIT, "contract_close", "life_answer", false, 200, contract_end, true,
		.help = "Settle up to now, or to registers that were typed in; pay out, or keep as debt; end." },
	{ "POST", "/contracts/:id/reopen", PERM_CONTRACT_EDIT, "life_undo", "life_answer", false, 200, contract_again, true,
		.help = "Take the last closing back while nobody else holds its meters." },
	{ "GET", "/meters/:id/exchanges", PERM_METER_READ, NULL, "meter_exchange", true, 200, meter_exchanges, false,
		.help = "Devices that hung at this metering point, newest first." },
	{ "POST", "/meters/:id/replace", PERM_METER_EDIT, "meter_replace", "life_answer", false, 200, meter_exchange, true,
		.help = "Exchange the device: the old one is settled to its last register, the new one counts from its first." },
	{ "POST", "/meters/:id/replace/undo", PERM_METER_EDIT, "life_undo", "life_answer", false, 200, meter_exchange_undo, true,
		.help = "Put the old device back, until the new one has counted." },
	{ "POST", "/me/sub-tenants", PERM_TENANT, "sub_tenant_new", "sub_tenant", false, 201, me_sub_new, false,
		.help = "Name a supply that hangs below one's own meter, to switch it." },
	{ "DELETE", "/me/sub-tenants/:id", PERM_TENANT, NULL, NULL, false, 204, me_sub_remove, false,
		.help = "Forget the name; what was switched off is on again." },

	/* Fees and shares. */
	{ "GET", "/me/fees", PERM_TENANT, NULL, "fee", true, 200, me_fees, false,
		.help = "Property fee and rent: the next amounts, and the day when each is due." },
	{ "GET", "/me/shares", PERM_TENANT, NULL, "share_part", true, 200, me_shares, false,
		.help = "Parts of shared energy by day, newest first, with the lines that each came from; at most 92 days.",
		.params = { { "from", PARAM_DAY, true }, { "to", PARAM_DAY, true } } },
	{ "GET", "/fees", PERM_FEE_READ, NULL, "fee", true, 200, fees_list, false,
		.areas = AREAS_LISTED, .help = "Fees of contracts by the month.", .listing = &fee_listing },
	{ "POST", "/fees", PERM_FEE_EDIT, "fee_new", "fee", false, 201, fee_create, true,
		.areas = AREAS_SITE, .help = "Add a fee to a contract, which gets a fee purse if it has none. Another price is another fee." },
	{ "PUT", "/fees/:id", PERM_FEE_EDIT, "fee_end", "fee", false, 200, fee_change, false,
		.help = "End a fee on its last day; what months were charged too much is given back." },
	{ "POST", "/fees/run", PERM_FEE_EDIT, "fee_run", "fee_run_done", false, 200, fees_run, true,
		.help = "Charge a month that has begun to all fees of a site; the worker does it at its start. Twice changes nothing." },
	{ "GET", "/fees/cuts", PERM_FEE_READ, NULL, "fee_cut", true, 200, fee_cuts_list, false,
		.areas = AREAS_LISTED, .help = "Contracts on lists whose electricity is to be cut for a fee, newest list first; approvals of kind fee_cut decide.", .listing = &fee_cut_listing },
	{ "GET", "/shares", PERM_SHARE_READ, NULL, "share_group", true, 200, shares_list, false,
		.help = "Groups whose energy is shared, with their meters and sharers.", .listing = &share_listing },
	{ "POST", "/shares", PERM_SHARE_EDIT, "share_new", "share_group", false, 201, share_create, true,
		.help = "Share the energy of meters among contracts, from tomorrow unless said." },
	{ "PUT", "/shares/:id", PERM_SHARE_EDIT, "share_edit", "share_group", false, 200, share_change, false,
		.help = "Rename or end a group, or set new sharers from a day on; days that were shared stay as they are." },
	{ "GET", "/shares/:id/lines", PERM_SHARE_READ, NULL, "share_day", false, 200, share_day_get, false,
		.help = "How a day was shared: every part with its lines, and what is left to the owner.",
		.params = { { "day", PARAM_DAY, true } } },

	/* Credit in the meter. */
	{ "GET", "/meters/:id/credit", PERM_METER_READ, NULL, "meter_credit", false, 200, meter_credit, false,
		.help = "Credit that a meter keeps itself: as it shows it, and as the books have it." },
	{ "GET", "/meters/:id/settings", PERM_METER_READ, NULL, "meter_setting", true, 200, meter_settings, false,
		.help = "What a meter holds itself (prices, slots, prepaid control): as it has to be, as it was read back, and why its tariff cannot be held." },
	{ "GET", "/meters/:id/purchases", PERM_METER_READ, NULL, "purchase", true, 200, meter_purchases, false,
		.help = "Credit sold to a meter, newest first, and what became of it.", .listing = &purchase_listing },
	{ "POST", "/meters/:id/credit/decide", PERM_ADJUSTMENT_CREATE, "credit_decision", "meter_credit", false, 200, meter_credit_decide, true,
		.help = "A meter shows what was not sold to it, and its sales are blocked: accept what it shows, write again (retry), or refund." },
	{ "POST", "/meters/:id/billing", PERM_METER_EDIT, "billing_change", "billing_changed", false, 200, meter_billing, true,
		.help = "From credit in the account to credit in the meter, or back; platform tiers cannot apply to credit in the meter." },

	/* Supply. */
	{ "POST", "/meters/:id/safety", PERM_METER_CONTROL, "safety_order", "supply_answer", false, 202, meter_safety, true,
		.help = "Cut at once for safety (fire, shock, fault); only a person on site may clear it, and says what was found." },
	{ "POST", "/meters/:id/vacant", PERM_METER_CONTROL, "vacant_order", "supply_answer", false, 202, meter_vacant, true, .approved = true,
		.help = "Mark the place as vacant, which keeps its supply off, or let it again." },
	{ "POST", "/meters/:id/load-class", PERM_METER_CONTROL, "load_class_order", "approval_asked", false, 202, meter_load_class, true, .approved = true,
		.help = "Protect a load from every cut but safety and two persons, or end that; always by two persons." },
	{ "GET", "/supply-points", PERM_METER_READ, NULL, "supply_point", true, 200, supply_points_list, false,
		.etag = ETAG_BODY, .areas = AREAS_LISTED, .help = "Supply points, longest wait first. should_be_off=1: those due to be cut that are not, with what stands against it.", .listing = &supply_listing },
	{ "POST", "/supply-points/:id/take-note", PERM_METER_CONTROL, "reason_only", "supply_point", false, 200, supply_point_note, true,
		.help = "A person has taken note of the cut that is due: it stands for the final warning." },
	{ "GET", "/sites/:id/brake", PERM_METER_READ, NULL, "brake", false, 200, brake_show, false,
		.areas = AREAS_SITE, .help = "The mass-trip brake, and how many cuts wait for it." },
	{ "POST", "/sites/:id/brake", PERM_METER_CONTROL, "brake_order", "brake", false, 200, brake_change, true,
		.help = "Release the mass-trip brake: the cuts that wait may go. Or pull it: nothing is newly cut." },
	{ "GET", "/sites/:id/holidays", PERM_METER_READ, NULL, "holiday", true, 200, holidays_list, false,
		.areas = AREAS_SITE, .help = "The site's own holidays and make-up workdays: they decide supply, never prices.",
		.params = { { "from", PARAM_DAY, false }, { "to", PARAM_DAY, false } } },
	{ "PUT", "/sites/:id/holidays", PERM_SETTING_EDIT, "holiday", "holiday", true, 200, holiday_change, false,
		.help = "Mark a day as a holiday or a make-up workday, or change it." },
	{ "DELETE", "/sites/:id/holidays", PERM_SETTING_EDIT, NULL, NULL, false, 204, holiday_remove, false,
		.help = "Make a day plain again.", .params = { { "day", PARAM_DAY, true } } },

	/* Control. */
	{ "GET", "/accounts/:id/limits", PERM_ACCOUNT_READ, NULL, "account_limits", false, 200, account_limits_get, false,
		.help = "Warning thresholds, credit limit and emergency credit of a purse." },
	{ "PUT", "/accounts/:id/limits", PERM_ACCOUNT_EDIT, "account_limits_set", "account_limits", false, 200, account_limits_put, false,
		.help = "Set credit limit and emergency credit, in yuan; a lower floor ends arrears at once." },
	{ "PUT", "/accounts/:id/warnings", PERM_ACCOUNT_EDIT, "account_warnings", "account_limits", false, 200, account_warnings_put, false,
		.help = "Set the warning thresholds of a purse, in yuan, kWh or m3." },
	{ "GET", "/accounts/:id/recharge-block", PERM_ACCOUNT_READ, NULL, "recharge_block", false, 200, recharge_block_show, false,
		.help = "Does the purse take recharges and sales, and if not, why?" },
	{ "PUT", "/accounts/:id/recharge-block", PERM_ACCOUNT_EDIT, "recharge_block_set", "recharge_block", false, 200, recharge_block_change, false,
		.help = "Let a purse take no recharge and no sale, or take them again. What was paid already is credited all the same." },
	{ "GET", "/schedules", PERM_METER_READ, NULL, "schedule", true, 200, schedules_list, false,
		.areas = AREAS_SITE, .help = "Weekly schedules of supply.", .listing = &timetable_listing },
	{ "POST", "/schedules", PERM_SCHEDULE_EDIT, "schedule_new", "schedule", false, 201, schedule_new, true,
		.help = "Add a weekly schedule: up to 8 periods for workdays, weekends and holidays each." },
	{ "GET", "/schedules/:id", PERM_METER_READ, NULL, "schedule", false, 200, schedule_one, false,
		.areas = AREAS_SITE, .help = "One schedule, what it says now, and when that changes." },
	{ "PUT", "/schedules/:id", PERM_SCHEDULE_EDIT, "schedule_change", "schedule", false, 200, schedule_change, false,
		.help = "Change name and periods; supplies that follow it do so at once." },
	{ "DELETE", "/schedules/:id", PERM_SCHEDULE_EDIT, NULL, NULL, false, 204, schedule_remove, false,
		.help = "Remove a schedule that no supply follows." },
	{ "POST", "/meters/:id/schedule", PERM_SCHEDULE_EDIT, "schedule_give", "schedule_given", false, 202, meter_schedule, true,
		.help = "Let the supply of a meter follow a schedule of its site, or none." },
	{ "GET", "/meters/:id/overload", PERM_METER_READ, NULL, "overload", false, 200, meter_overload, false,
		.help = "The load limit of a meter, and where it stands." },
	{ "PUT", "/meters/:id/overload", PERM_METER_EDIT, "overload_set", "overload", false, 200, meter_overload_set, false,
		.help = "Set the load limit: watts, delay, pause before it returns, returns before it locks. Only staff's `on` ends a lock." },

	/* Other systems. */
	{ "GET", "/webhooks", PERM_WEBHOOK_MANAGE, NULL, "webhook", true, 200, webhooks_list, false,
		.help = "Other systems that are told of events.", .listing = &webhook_listing },
	{ "POST", "/webhooks", PERM_WEBHOOK_MANAGE, "webhook_new", "webhook_made", false, 201, webhook_new, true,
		.help = "Tell another system of events. The secret of its signatures is in this answer and in no other." },
	{ "GET", "/webhooks/:id", PERM_WEBHOOK_MANAGE, NULL, "webhook", false, 200, webhook_one, false,
		.help = "One webhook, and how it is doing." },
	{ "PUT", "/webhooks/:id", PERM_WEBHOOK_MANAGE, "webhook_change", "webhook", false, 200, webhook_change, false,
		.help = "Change a webhook, or turn it on or off." },
	{ "DELETE", "/webhooks/:id", PERM_WEBHOOK_MANAGE, NULL, NULL, false, 204, webhook_drop, false,
		.help = "Remove a webhook; what it was not told yet it never will be." },
	{ "POST", "/webhooks/:id/secret", PERM_WEBHOOK_MANAGE, "empty", "webhook_made", false, 200, webhook_secret, true,
		.help = "A new secret. Both sign for 24 hours." },
	{ "POST", "/webhooks/:id/test", PERM_WEBHOOK_MANAGE, "empty", "delivery", false, 202, webhook_test, true,
		.help = "Send the event `ping`." },
	{ "GET", "/webhooks/:id/deliveries", PERM_WEBHOOK_MANAGE, NULL, "delivery", true, 200, deliveries_list, false,
		.help = "What was sent in the last 30 days, newest first, with the answers.", .listing = &delivery_listing },
	{ "POST", "/webhooks/deliveries/:id/replay", PERM_WEBHOOK_MANAGE, "empty", "delivery", false, 202, delivery_again, true,
		.help = "Send an event once more, with the same id." },
	/* Reconciliation: bills of payment services against the books. Of the whole company, for staff of no one site. */
	{ "GET", "/reconciliations", PERM_RECONCILIATION_READ, NULL, "reconciliation", true, 200, reconciliations_list, false,
		.help = "Bills by service and Beijing day, newest first: waiting, fetched (the next bill must tell), ties, differs, resolved.", .listing = &reconciliation_listing },
	{ "POST", "/reconciliations", PERM_RECONCILIATION_RESOLVE, "reconciliation_new", "reconciliation", false, 202, reconciliation_new, false,
		.help = "Have the bill of a day fetched by hand; the worker does it at once." },
	{ "GET", "/reconciliations/:id", PERM_RECONCILIATION_READ, NULL, "reconciliation_detail", false, 200, reconciliation_show, false,
		.help = "One bill with its differences and its rows, as the service has them; next is the cursor of further rows.",
		.params = { { "cursor", PARAM_CURSOR, false } } },
	{ "POST", "/reconciliations/:id/fetch", PERM_RECONCILIATION_RESOLVE, "empty", "reconciliation", false, 202, reconciliation_refetch, false,
		.help = "Fetch it again: the same bill changes nothing, another one is kept beside the first and alarmed." },
	{ "POST", "/reconciliations/differences/:id/resolve", PERM_RECONCILIATION_RESOLVE, "difference_resolve", "bill_difference", false, 200, difference_end, true,
		.approved = true,
		.help = "Resolve a difference: by an entry (credit, suspense; reverse and charge by two persons), by accepting it, or by waiting for the next bill." },
	{ "GET", "/reconciliations/services", PERM_RECONCILIATION_READ, NULL, "service_owes", true, 200, services_list, false,
		.help = "What each service owes by the books, and how far its bills are looked through." },
	{ "GET", "/reconciliations/payouts", PERM_RECONCILIATION_READ, NULL, "service_payout", true, 200, payouts_list, false,
		.help = "What services paid out to the bank, newest first.", .listing = &service_payout_listing },
	{ "POST", "/reconciliations/payouts", PERM_RECONCILIATION_RESOLVE, "service_payout_new", "service_payout", false, 201, payout_new, true,
		.help = "Book a payout of a service, by its bank document; no more than it owes." },

	/* Alarms. */
	{ "GET", "/alarms", PERM_ALARM_READ, NULL, "alarm", true, 200, alarms_list, false,
		.areas = AREAS_LISTED, .help = "Alarms, newest first. state: open (not cleared), unacked, acked, cleared, all; object: meter:17, or meter for all; area_id: with the areas"
			" below it; from, to: raised.", .listing = &alarm_listing, .etag = ETAG_BODY },
	{ "GET", "/alarms/kinds", PERM_ALARM_READ, NULL, "alarm_kind", true, 200, alarm_kinds_list, false,
		.areas = AREAS_SITE, .help = "Every kind of alarm that there is." },
	{ "GET", "/alarms/:id", PERM_ALARM_READ, NULL, "alarm_detail", false, 200, alarm_show, false,
		.help = "One alarm with its history: raised, told to whom, acknowledged, commented, cleared." },
	{ "POST", "/alarms/:id/ack", PERM_ALARM_ACK, "alarm_note", "alarm_detail", false, 200, alarm_acknowledge, false,
		.help = "The caller knows of it: nobody is told again." },
	{ "POST", "/alarms/:id/comment", PERM_ALARM_ACK, "alarm_comment", "alarm_detail", false, 200, alarm_say, false,
		.help = "Write something down about it." },
	{ "POST", "/alarms/:id/clear", PERM_ALARM_ACK, "reason_only", "alarm_detail", false, 200, alarm_end, false,
		.help = "Clear it by hand, where its cause is an event that does not go by itself (by_hand)." },

	/* The audit log. */
	{ "GET", "/audit", PERM_AUDIT_READ, NULL, "audit", true, 200, audits_list, false,
		.help = "Who did what, newest first: every change and every refused attempt. object: meter:17, or meter for all; outcome: ok, refused, or"
			" an error's word.", .listing = &audit_listing },
	{ "GET", "/audit/:id", PERM_AUDIT_READ, NULL, "audit", false, 200, audit_show, false,
		.help = "One row of the audit log." },
	{ "GET", "/audit/export", PERM_AUDIT_READ, NULL, NULL, false, 200, audit_export, false,
		.help = "A piece of the log as JSON lines with the hashes of its chain, all rows between the first and the last of these days; for staff of no"
			" one site.", .params = { { "from", PARAM_DAY, false }, { "to", PARAM_DAY, false } }, .lines = true },

	/* Workbooks. */
	{ "POST", "/imports", PERM_IMPORT_RUN, NULL, "import_report", false, 200, import_new, false,
		.help = "Bring in what a workbook says (.xlsx, .xls, .csv: the bytes are the body), all of it or nothing; messages in the language of Accept-Language.",
		.params = { { "name", PARAM_FILE_NAME, true }, { "dry_run", PARAM_FLAG, false } },
		.body_kind = BODY_RAW, .body_most = IMPORT_MAX },
	{ "GET", "/imports", PERM_IMPORT_RUN, NULL, "import_run", true, 200, imports_list, false,
		.help = "What was imported, newest first: dry runs and refused files too.", .listing = &import_listing },
	{ "GET", "/imports/:id", PERM_IMPORT_RUN, NULL, "import_detail", false, 200, import_one, false,
		.help = "One of them, with its errors." },
	{ "GET", "/imports/template", PERM_IMPORT_RUN, NULL, NULL, false, 200, import_template, false,
		.help = "An empty workbook with lists to choose from, and what its columns mean.",
		.params = { { "format", PARAM_BOOK_FORMAT, false }, { "sheet", PARAM_TEXT, false } }, .file = true },
	{ "GET", "/export", PERM_IMPORT_RUN, NULL, NULL, false, 200, export_get, false,
		.help = "What the platform holds, as a workbook that an import takes: xlsx, or one sheet as csv.",
		.params = { { "format", PARAM_BOOK_FORMAT, false }, { "sheet", PARAM_TEXT, false } }, .file = true },

	/* Payment services. */
	{ "POST", "/notify/wechat", PERM_OPEN, NULL, NULL, false, 204, notify_wechat, false,
		.help = "WeChat Pay says what happened; signed.", .body_kind = BODY_RAW },
	{ "POST", "/notify/wechat-refund", PERM_OPEN, NULL, NULL, false, 204, notify_wechat_refund, false,
		.help = "WeChat Pay says what became of a refund; signed.", .body_kind = BODY_RAW },
	{ "POST", "/notify/alipay", PERM_OPEN, NULL, NULL, false, 200, notify_alipay, false,
		.help = "Alipay says what happened; signed.", .body_kind = BODY_RAW },
	{ "GET", "/notify/wechat-mp", PERM_OPEN, NULL, NULL, false, 200, notify_wechat_mp_echo, false,
		.help = "WeChat checks the server address of the service account.", .body_kind = BODY_RAW, .any_query = true },
	{ "POST", "/notify/wechat-mp", PERM_OPEN, NULL, NULL, false, 200, notify_wechat_mp, false,
		.help = "WeChat tells an event of the service account; signed.", .body_kind = BODY_RAW, .any_query = true },
	{ "GET", "/notify/wechat-mini", PERM_OPEN, NULL, NULL, false, 200, notify_wechat_mini_echo, false,
		.help = "WeChat checks the server address of the mini program.", .body_kind = BODY_RAW, .any_query = true },
	{ "POST", "/notify/wechat-mini", PERM_OPEN, NULL, NULL, false, 200, notify_wechat_mini, false,
		.help = "WeChat tells an event of the mini program; signed.", .body_kind = BODY_RAW, .any_query = true },

	/* Messages. */
	{ "POST", "/notify/aliyun-sms/:secret", PERM_OPEN, NULL, NULL, false, 200, notify_aliyun_sms, false,
		.help = "Alibaba Cloud says which short messages arrived; not signed, known by the path.", .body_kind = BODY_RAW },
	{ "POST", "/notify/tencent-sms/:secret", PERM_OPEN, NULL, NULL, false, 200, notify_tencent_sms, false,
		.help = "Tencent Cloud says which short messages arrived; not signed, known by the path.", .body_kind = BODY_RAW },
	{ "GET", "/outbox", PERM_NOTICE_READ, NULL, "outbox", true, 200, outbox_show, false,
		.areas = AREAS_LISTED, .help = "Messages to people with every attempt, newest first.", .listing = &outbox_listing },
	{ "POST", "/outbox/:id/retry", PERM_NOTICE_EDIT, "empty", "outbox", false, 200, outbox_again, false,
		.help = "Send once more what failed, did not arrive, or is unknown." },
	{ "GET", "/duty", PERM_NOTICE_READ, NULL, "duty", false, 200, duty_show, false,
		.areas = AREAS_SITE, .help = "Who is told of urgent alarms, and when.", .params = { { "site_id", PARAM_ID, false } } },
	{ "PUT", "/duty", PERM_DUTY_EDIT, "duty_put", "duty", false, 200, duty_change, false,
		.help = "Replace the list of who is told at a site." },

	/* The estate: changes follow the rules of the import. */
	{ "GET", "/sites", PERM_METER_READ, NULL, "site_detail", true, 200, sites_list, false,
		.help = "Sites, with how much there is at each." },
	{ "POST", "/sites", PERM_METER_EDIT, "site_new", "site_detail", false, 201, site_new, true,
		.help = "Add a site; for staff of all sites." },
	{ "GET", "/sites/:id", PERM_METER_READ, NULL, "site_detail", false, 200, site_show, false,
		.help = "One site." },
	{ "PATCH", "/sites/:id", PERM_METER_EDIT, "site_change", "site_detail", false, 200, site_change, false,
		.help = "Change a site; what is left out stays. A site keeps its code and time zone." },
	{ "GET", "/areas", PERM_METER_READ, NULL, "area", true, 200, areas_list, false,
		.areas = AREAS_LISTED, .help = "Buildings, floors and risers." },
	{ "POST", "/areas", PERM_METER_EDIT, "area_new", "area", false, 201, area_new, true,
		.help = "Add an area." },
	{ "GET", "/areas/:id", PERM_METER_READ, NULL, "area", false, 200, area_show, false,
		.help = "One area." },
	{ "PATCH", "/areas/:id", PERM_METER_EDIT, "area_change", "area", false, 200, area_change, false,
		.help = "Change an area; what is left out stays. It keeps its code and site." },
	{ "POST", "/gateways", PERM_METER_EDIT, "gateway_new", "gateway_detail", false, 201, gateway_new, true,
		.help = "Add a gateway; a poller takes it up within seconds." },
	{ "GET", "/gateways/:id", PERM_METER_READ, NULL, "gateway_detail", false, 200, gateway_show, false,
		.help = "One gateway: its health, and how it is set up." },
	{ "PATCH", "/gateways/:id", PERM_METER_EDIT, "gateway_change", "gateway_detail", false, 200, gateway_change, false,
		.help = "Change a gateway; what is left out stays. Pollers go over to it without a restart." },
	{ "POST", "/meters", PERM_METER_EDIT, "meter_new", "meter_detail", false, 201, meter_new, true,
		.help = "Add a meter with its supply point; a poller reads it within seconds." },
	{ "PATCH", "/meters/:id", PERM_METER_EDIT, "meter_change", "meter_detail", false, 200, meter_change, false,
		.help = "Change a meter; what is left out stays. Device, ratios, billing and load class have routes of their own." },
	{ "GET", "/meter-models", PERM_METER_READ, NULL, "meter_model", true, 200, meter_models_list, false,
		.areas = AREAS_SITE, .help = "Models of meters that can be read, with what each can do." },
	{ "GET", "/meter-models/:name", PERM_METER_READ, NULL, "meter_model", false, 200, meter_model_show, false,
		.areas = AREAS_SITE, .help = "One model." },
	{ "GET", "/tenants/:id", PERM_TENANT_READ, NULL, "tenant_detail", false, 200, tenant_show, false,
		.help = "One tenant with contracts, newest first." },
	{ "GET", "/jobs", PERM_SETTING_READ, NULL, "job", true, 200, jobs_list, false,
		.help = "What the worker does again and again, and how it went." },
	{ "GET", "/jobs/:name", PERM_SETTING_READ, NULL, "job", false, 200, job_show, false,
		.help = "One job." },

	/* Batches. */
	{ "GET", "/batches", PERM_METER_READ, NULL, "batch", true, 200, batches_list, false,
		.help = "Orders to many meters at once, newest first.", .listing = &batch_listing },
	{ "POST", "/batches", PERM_METER_CONTROL, "batch_new", "batch_detail", false, 201, batch_new, true, .or_perm = PERM_METER_READ,
		.help = "Preview an order to many meters: who is affected, what would happen to each, what stands in the way. Nothing is done"
			" before it is confirmed, within ten minutes. Name the meters, or what they have in common. Who only reads meters may have them read." },
	{ "GET", "/batches/:id", PERM_METER_READ, NULL, "batch_detail", false, 200, batch_show, false,
		.help = "One batch with its meters, each followed to its read-back." },
	{ "POST", "/batches/:id/confirm", PERM_METER_CONTROL, "empty", "batch_detail", false, 202, batch_confirm, false, .or_perm = PERM_METER_READ,
		.help = "Start what was previewed, by who previewed it; the same again changes nothing. More meters than the setting batch_limit"
			" wait for a second person: state approval." },
	/* Users and roles. */
	{ "PUT", "/me/password", PERM_USER, "password_change", NULL, false, 204, me_password, false, .first = true,
		.help = "Change one's own password; every other session of the user ends." },
	{ "GET", "/me/sessions", PERM_USER, NULL, "session", true, 200, me_sessions, false,
		.help = "The caller's open sessions, last used first." },
	{ "DELETE", "/me/sessions", PERM_USER, NULL, NULL, false, 204, me_sessions_end, false,
		.help = "End all other sessions of the caller." },
	{ "DELETE", "/me/sessions/:id", PERM_USER, NULL, NULL, false, 204, me_session_end, false,
		.help = "End one of them, its access tokens too." },
	{ "POST", "/me/totp", PERM_STAFF, "empty", "totp_begun", false, 201, me_totp_begin, false, .areas = AREAS_SITE,
		.help = "A secret for one-time passwords (RFC 6238), shown once; in force when it is confirmed. For staff." },
	{ "POST", "/me/totp/confirm", PERM_STAFF, "totp_code", "recovery_codes", false, 200, me_totp_confirm, false, .areas = AREAS_SITE,
		.help = "From now on a login needs a code too. Recovery codes are shown once, and are good for one login each." },
	{ "POST", "/me/totp/remove", PERM_STAFF, "password_again", NULL, false, 204, me_totp_remove, false, .areas = AREAS_SITE,
		.help = "No second factor any more; takes the password." },
	{ "GET", "/users", PERM_USER_MANAGE, NULL, "staff", true, 200, users_list, false,
		.help = "Members of staff.", .listing = &staff_listing },
	{ "POST", "/users", PERM_USER_MANAGE, "user_new", "staff_made", false, 201, user_new, false,
		.help = "Add a member of staff. The password is in this answer and in no other, and must be changed at the first login." },
	{ "GET", "/users/:id", PERM_USER_MANAGE, NULL, "staff", false, 200, user_one, false,
		.help = "One member of staff." },
	{ "PUT", "/users/:id", PERM_USER_MANAGE, "user_change", "staff", false, 200, user_change, false,
		.help = "Change name, phone, role, site and areas, or shut somebody out. Nobody gives, or manages, what he may not do; somebody stays admin of every site." },
	{ "POST", "/users/:id/password", PERM_USER_MANAGE, "empty", "staff_made", false, 200, user_reset, false,
		.help = "A new password for who lost it, in this answer only; sessions and lock of the user end." },
	{ "GET", "/users/:id/sessions", PERM_USER_MANAGE, NULL, "session", true, 200, user_sessions, false,
		.help = "Open sessions of a member of staff." },
	{ "DELETE", "/users/:id/sessions", PERM_USER_MANAGE, NULL, NULL, false, 204, user_sessions_end, false,
		.help = "End all sessions of a member of staff." },
	{ "DELETE", "/users/:id/totp", PERM_USER_MANAGE, NULL, NULL, false, 204, user_totp_remove, false,
		.help = "Take the second factor from who lost it." },
	{ "GET", "/service-accounts", PERM_USER_MANAGE, NULL, "service", true, 200, services_accounts_list, false,
		.help = "Other systems that call this API by a key, revoked ones too.", .listing = &service_listing },
	{ "POST", "/service-accounts", PERM_USER_MANAGE, "service_new", "service_made", false, 201, service_new, false,
		.help = "Add one, with a role and a scope as staff have. Its key is in this answer and in no other; send it as Authorization: Bearer." },
	{ "GET", "/service-accounts/:id", PERM_USER_MANAGE, NULL, "service", false, 200, service_one, false,
		.help = "One service account." },
	{ "POST", "/service-accounts/:id/key", PERM_USER_MANAGE, "empty", "service_made", false, 200, service_key_new, false,
		.help = "Another key; the one before is void at once." },
	{ "DELETE", "/service-accounts/:id", PERM_USER_MANAGE, NULL, NULL, false, 204, service_drop, false,
		.help = "Revoke it, at once and for good." },
	{ "GET", "/permissions", PERM_USER_MANAGE, NULL, "permission", true, 200, permissions_list, false,
		.help = "Every permission, with the roles as shipped that have it." },
	{ "GET", "/roles", PERM_USER_MANAGE, NULL, "role", true, 200, roles_list, false,
		.help = "Roles: those as shipped, which stay as they are, and copies." },
	{ "GET", "/roles/:id", PERM_USER_MANAGE, NULL, "role", false, 200, role_one, false,
		.help = "One role." },
	{ "POST", "/roles", PERM_USER_MANAGE, "role_new", "role", false, 201, role_new, false,
		.help = "Add a role, of permissions that one has oneself. For who sees every site." },
	{ "PUT", "/roles/:id", PERM_USER_MANAGE, "role_change", "role", false, 200, role_change, false,
		.help = "Rename a role, or give it other permissions; who has it may, or may not, at once." },
	{ "DELETE", "/roles/:id", PERM_USER_MANAGE, NULL, NULL, false, 204, role_drop, false,
		.help = "Remove a role that nobody has." },

	/* Watchers. */
	{ "GET", "/healthz", PERM_LOCAL, NULL, "health", false, 200, health_get, false,
		.help = "200 when the database can be reached and written and has the migrations that this program needs; the state of each part, and which outside services can be used." },
	{ "GET", "/metrics", PERM_LOCAL, NULL, NULL, false, 200, metrics_get, false,
		.help = "Figures for Prometheus." },
	{ "GET", "/openapi.json", PERM_OPEN, NULL, NULL, false, 200, document_get, false,
		.help = "This document." },
};
/* clang-format on */
const size_t routes_n = ARRAY_LEN(routes);
_Static_assert(ARRAY_LEN(routes) <= ROUTES_MAX, "room for the counters");
_Static_assert(ROUTES_MAX < TALLY_ROUTES, "the last counts what has no route");

/* "2026-11-22", from 1970-01-02 on. */
static bool date_matches(const char *have, size_t have_n, int64_t *object)
{
	char text[DAY_TEXT_MAX];
	struct day day;

	if (have_n != strlen("2026-11-22"))
		return false;
	memcpy(text, have, have_n);
	text[have_n] = '\0';
	if (day_parse(text, &day) != ERR_OK || day.days < 1)
		return false;
	*object = day.days;
	return true;
}

static bool secret_matches(const char *have, size_t have_n)
{
	size_t n = strspn(have, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-");

	return have_n > 0 && have_n <= 64 && n >= have_n;
}

/* Of a model or a job: "eastron-sdm630", "send:aliyun_sms". */
static bool name_matches(const char *have, size_t have_n)
{
	size_t n = strspn(have, "0123456789abcdefghijklmnopqrstuvwxyz_:-");

	return have_n > 0 && have_n <= 48 && n >= have_n;
}

static bool report_matches(const char *have, size_t have_n, int64_t *object)
{
	const struct report_kind *report = report_find(have, have_n);

	if (report)
		*object = report - reports + 1;
	return report != NULL;
}

/* One segment against another; ":id" takes a number from 1, ":date" a day, ":secret" and
 * ":name" a word, ":report" a report. */
static bool segment_matches(
	const char *want, size_t want_n, const char *have, size_t have_n, int64_t *object)
{
	char digits[20];

	if (want_n == 5 && memcmp(want, ":date", 5) == 0)
		return date_matches(have, have_n, object);
	if (want_n == 7 && memcmp(want, ":secret", 7) == 0)
		return secret_matches(have, have_n);
	if (want_n == 5 && memcmp(want, ":name", 5) == 0)
		return name_matches(have, have_n);
	if (want_n == 7 && memcmp(want, ":report", 7) == 0)
		return report_matches(have, have_n, object);
	if (want_n != 3 || memcmp(want, ":id", 3) != 0)
		return want_n == have_n && memcmp(want, have, want_n) == 0;
	if (have_n == 0 || have_n >= sizeof(digits) || have[0] < '1' || have[0] > '9')
		return false;
	memcpy(digits, have, have_n);
	digits[have_n] = '\0';
	return i64_parse(digits, 1, INT64_MAX, object) == ERR_OK;
}

static bool path_matches(const char *want, const char *have, int64_t *object)
{
	while (*want == '/' && *have == '/') {
		size_t want_n = strcspn(++want, "/");
		size_t have_n = strcspn(++have, "/");

		if (!segment_matches(want, want_n, have, have_n, object))
			return false;
		want += want_n;
		have += have_n;
	}
	return !*want && !*have;
}

enum err route_find(const char *method, const char *path, const struct route **out, int64_t *object,
	char allow[static 64])
{
	bool is_head = str_eq(method, "HEAD");
	size_t n = 0;

	allow[0] = '\0';
	for (size_t i = 0; i < routes_n; i++) {
		int64_t id = 0;

		if (!path_matches(routes[i].path, path, &id))
			continue;
		if (str_eq(routes[i].method, is_head ? "GET" : method)) {
			*out = &routes[i];
			*object = id;
			return ERR_OK;
		}
		n += (size_t)snprintf(allow + n, 64 - n, "%s%s", n ? ", " : "", routes[i].method);
	}
	return n ? ERR_METHOD : ERR_NOT_FOUND;
}

size_t route_body_most(const char *method, const char *path)
{
	const struct route *r;
	char allow[64];
	int64_t object;

	if (!str_starts(path, API_PREFIX))
		return 0;
	return route_find(method, path + strlen(API_PREFIX), &r, &object, allow) == ERR_OK
		       ? r->body_most
		       : 0;
}

static bool text_is_utf8(const char *v)
{
	AUTO(json_free) json_t *j = json_string(v);

	return j != NULL;
}

enum err param_check(const struct param *p, const char *v, struct problem *why)
{
	int64_t id;
	struct day day;

	switch (p->kind) {
	case PARAM_ID:
		if (i64_parse(v, 1, INT64_MAX, &id) != ERR_OK)
			return problem_set(
				why, ERR_BAD_VALUE, p->name, "a number from 1 is expected");
		return ERR_OK;
	case PARAM_TEXT:
		if (strlen(v) > 64)
			return problem_set(why, ERR_OUT_OF_RANGE, p->name, "at most 64 bytes");
		if (!text_is_utf8(v))
			return problem_set(why, ERR_BAD_VALUE, p->name, "this is not UTF-8");
		return ERR_OK;
	case PARAM_FILE_NAME:
		if (strlen(v) > 255 || !v[0])
			return problem_set(why, ERR_OUT_OF_RANGE, p->name, "1 to 255 bytes");
		if (!text_is_utf8(v))
			return problem_set(why, ERR_BAD_VALUE, p->name, "this is not UTF-8");
		return ERR_OK;
	case PARAM_BOOK_FORMAT:
		if (!str_eq(v, "xlsx") && !str_eq(v, "csv"))
			return problem_set(why, ERR_BAD_VALUE, p->name, "xlsx or csv");
		return ERR_OK;
	case PARAM_CURSOR:
		return ERR_OK;
	case PARAM_DAY:
		if (day_parse(v, &day) != ERR_OK)
			return problem_set(
				why, ERR_BAD_VALUE, p->name, "a day like 2026-11-22 is expected");
		return ERR_OK;
	case PARAM_STEP:
		if (!str_eq(v, "hour") && !str_eq(v, "day") && !str_eq(v, "month"))
			return problem_set(why, ERR_BAD_VALUE, p->name, "hour, day or month");
		return ERR_OK;
	case PARAM_FLAG:
		if (!str_eq(v, "0") && !str_eq(v, "1"))
			return problem_set(why, ERR_BAD_VALUE, p->name, "0 or 1");
		return ERR_OK;
	case PARAM_FORMAT:
		if (!str_eq(v, "json") && !str_eq(v, "xlsx") && !str_eq(v, "csv"))
			return problem_set(why, ERR_BAD_VALUE, p->name, "json, xlsx or csv");
		return ERR_OK;
	case PARAM_GROUP:
		if (!str_eq(v, "meter") && !str_eq(v, "shop") && !str_eq(v, "area") &&
			!str_eq(v, "rate"))
			return problem_set(
				why, ERR_BAD_VALUE, p->name, "meter, shop, area or rate");
		return ERR_OK;
	}
	return ERR_INTERNAL;
}

static const struct param *param_find(const struct route *route, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(route->params) && route->params[i].name; i++)
		if (str_eq(route->params[i].name, name))
			return &route->params[i];
	return NULL;
}

/* A span of days that ends before it begins is nobody's wish. */
static enum err check_span(const struct form *f, struct problem *why)
{
	const char *from = form_get(f, "from"), *to = form_get(f, "to");

	if (from && to && strcmp(to, from) < 0) /* days as text stand in order */
		return problem_set(why, ERR_OUT_OF_RANGE, "to", "it is before from");
	return ERR_OK;
}

static enum err check_params(const struct route *route, const struct form *f, struct problem *why)
{
	enum err e;

	for (size_t i = 0; i < f->n; i++) {
		const struct param *p = param_find(route, f->pairs[i].name);

		e = p ? param_check(p, f->pairs[i].value, why)
		      : list_param_check(route, f->pairs[i].name, f->pairs[i].value, why);
		if (e != ERR_OK)
			return e;
	}
	for (size_t i = 0; i < ARRAY_LEN(route->params) && route->params[i].name; i++)
		if (route->params[i].required && !form_get(f, route->params[i].name))
			return problem_set(why, ERR_MISSING_FIELD, route->params[i].name,
				"%s is required", route->params[i].name);
	return check_span(f, why);
}

enum err route_params(
	const struct route *route, const char *query, struct form *out, struct problem *why)
{
	AUTO(form_free) struct form f = { 0 };
	enum err e = form_decode(query, strlen(query), &f, why);

	if (e != ERR_OK)
		return ERR_BAD_VALUE;
	e = route->any_query ? ERR_OK : check_params(route, &f, why);
	if (e != ERR_OK)
		return e;
	*out = f;
	f = (struct form){ 0 };
	return ERR_OK;
}
