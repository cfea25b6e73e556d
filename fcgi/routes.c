#include "fcgi/routes.h"

#include "domain/alarm.h"
#include "domain/approval.h"
#include "domain/attempt.h"
#include "domain/audit.h"
#include "domain/batch.h"
#include "domain/bookday.h"
#include "domain/contract.h"
#include "domain/credit.h"
#include "domain/fee.h"
#include "domain/feecut.h"
#include "domain/feepreview.h"
#include "domain/invoice.h"
#include "domain/ledger.h"
#include "domain/live.h"
#include "domain/me.h"
#include "domain/orders.h"
#include "domain/outage.h"
#include "domain/outbox_view.h"
#include "domain/reconciliation.h"
#include "domain/refund.h"
#include "domain/register.h"
#include "domain/sale.h"
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
		[PERM_INVOICE_EDIT] = "invoice.edit",
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
#include "fcgi/routes_me.def"

	/* Staff. */
	{ "GET", "/board", PERM_METER_READ, NULL, "board", false, 200, board_get, false,
		.etag = ETAG_BODY, .areas = AREAS_LISTED, .help = "Counters of the live board, and today's sales by channel." },
	{ "GET", "/board/states", PERM_METER_READ, NULL, "board_states", false, 200, board_states, false,
		.etag = ETAG_BODY, .areas = AREAS_LISTED, .help = "The one word of every meter, as its ids: little enough to be asked for every few seconds." },
	{ "GET", "/board/load", PERM_METER_READ, NULL, "board_load", false, 200, board_load_get, false,
		.etag = ETAG_BODY, .areas = AREAS_LISTED, .help = "Electricity used in each local hour of today and yesterday, incomers left out." },
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
	{ "GET", "/sales", PERM_SALE_CREATE, NULL, "sale_listed", true, 200, sales_list, false,
		.areas = AREAS_SITE, .help = "The caller's own sales, newest first; q: room, name or phone of a shop.", .listing = &sale_listing },
	{ "POST", "/sales", PERM_SALE_CREATE, "sale_new", "sale", false, 201, sale_new, true,
		.areas = AREAS_SITE, .help = "Sell at the desk, in the open shift; one receipt." },
	{ "GET", "/days", PERM_ENTRY_READ, NULL, "book_day", true, 200, days_list, false,
		.areas = AREAS_SITE, .help = "Book days that are closed, newest first, with the hash of their entries.", .listing = &book_day_listing },
	{ "POST", "/days/:date/seal", PERM_DAY_SEAL, "empty", "day_sealed", false, 200, day_seal, false,
		.help = "Seal a book day that is over now instead of at 02:00; a sealed day is answered as it is.",
		.params = { { "site_id", PARAM_ID, false } } },

	/* Reports. */
	{ "GET", "/reports", PERM_REPORT_READ, NULL, "report", true, 200, reports_list, false,
		.areas = AREAS_LISTED, .help = "The reports that there are for the caller, with their columns; titles as Accept-Language has it." },
	{ "GET", "/reports/:report", PERM_REPORT_READ, NULL, NULL, false, 200, report_get, false,
		.areas = AREAS_REPORT, .help = "A report: rows and totals as JSON, or a file. Days are book days of the site; final: they are all sealed.",
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

#include "fcgi/routes_money.def"

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
		.areas = AREAS_LISTED, .help = "Who did what, newest first: every change and every refused attempt. object: meter:17, or meter for all; outcome: ok, refused, or"
			" an error's word.", .listing = &audit_listing },
	{ "GET", "/audit/:id", PERM_AUDIT_READ, NULL, "audit", false, 200, audit_show, false,
		.areas = AREAS_LISTED, .help = "One row of the audit log." },
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
	{ "GET", "/system", PERM_SETTING_READ, NULL, "system", false, 200, system_show, false,
		.areas = AREAS_SITE, .help = "How the platform itself is doing: its parts, pollers, jobs that fail or are late, backup, messages that wait, storage, sealed days, the audit log's chain." },
	{ "GET", "/notice-kinds", PERM_NOTICE_READ, NULL, "notice_kinds", false, 200, notice_kinds_show, false,
		.areas = AREAS_SITE, .help = "Every kind of message in the words that would go out, with sample values, and which template each way has for it. Nothing is sent." },
	{ "GET", "/accounts/:id/notice-kinds", PERM_NOTICE_READ, NULL, "notice_kinds", false, 200, account_notice_kinds, false,
		.help = "The same for what this purse can be told, with its own values." },
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
	{ "GET", "/names", PERM_STAFF, NULL, "name", true, 200, names_show, false,
		.areas = AREAS_LISTED, .help = "What texts like account:7 or user:3, which stand in approvals, entries and the audit log, name. of: at most 100 of them,"
			" with commas between. Those that are not there, or not for the caller, are left out.",
		.params = { { "of", PARAM_NAMES, true } } },
	{ "GET", "/jobs", PERM_SETTING_READ, NULL, "job", true, 200, jobs_list, false,
		.help = "What the worker does again and again, and how it went." },
	{ "GET", "/jobs/:name", PERM_SETTING_READ, NULL, "job", false, 200, job_show, false,
		.help = "One job." },

	/* Batches. */
	{ "GET", "/batches", PERM_METER_READ, NULL, "batch", true, 200, batches_list, false,
		.areas = AREAS_LISTED, .help = "Orders to many meters at once, newest first.", .listing = &batch_listing },
	{ "POST", "/batches", PERM_METER_CONTROL, "batch_new", "batch_detail", false, 201, batch_new, true, .or_perm = PERM_METER_READ,
		.areas = AREAS_LISTED, .help = "Preview an order to many meters: who is affected, what would happen to each, what stands in the way. Nothing is done"
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
