#pragma once
/* Handlers, named by the list of routes. Each gets a checked request and fills the answer's json;
 * its error becomes a problem document. */
#include "fcgi/api.h"

#define HANDLER(name) enum err name(struct request *r, struct answer *a)
HANDLER(auth_login);
HANDLER(auth_sms_code);
HANDLER(auth_sms_login);
HANDLER(auth_wechat);
HANDLER(auth_refresh);
HANDLER(auth_logout);
HANDLER(me_get);
HANDLER(me_accounts);
HANDLER(me_emergency);
HANDLER(me_meters);
HANDLER(me_usage);
HANDLER(me_statement);
HANDLER(me_orders);
HANDLER(me_order_new);
HANDLER(me_order);
HANDLER(me_notices);
HANDLER(me_alerts);
HANDLER(me_alerts_put);
HANDLER(me_sub_tenants);
HANDLER(me_sub_supply);
HANDLER(board_get);
HANDLER(meters_list);
HANDLER(meter_get);
HANDLER(meter_usage);
HANDLER(meter_supply);
HANDLER(meter_safety);
HANDLER(meter_vacant);
HANDLER(meter_load_class);
HANDLER(supply_points_list);
HANDLER(supply_point_note);
HANDLER(brake_show);
HANDLER(brake_change);
HANDLER(holidays_list);
HANDLER(holiday_change);
HANDLER(holiday_remove);
HANDLER(meter_read_now);
HANDLER(gateways_list);
HANDLER(accounts_list);
HANDLER(tenants_list);
HANDLER(alarms_list);
HANDLER(shifts_list);
HANDLER(shift_new);
HANDLER(shift_end);
HANDLER(sale_new);
HANDLER(day_seal);
HANDLER(report_energy_money);
HANDLER(settings_list);
HANDLER(setting_change);
HANDLER(approvals_list);
HANDLER(approval_approve);
HANDLER(approval_reject);
/* Tariffs. */
/* Books. */
HANDLER(entries_list);
HANDLER(entry_get);
HANDLER(entry_undo);
HANDLER(attempts_list);
HANDLER(sale_copy);
HANDLER(account_refund);
HANDLER(order_refund);
HANDLER(refunds_list);
HANDLER(refund_show);
HANDLER(refund_done);
HANDLER(refund_failed);
HANDLER(account_adjust);
HANDLER(contract_debt);
HANDLER(contract_debt_put);
HANDLER(contract_allowance);
HANDLER(contract_allowance_put);
/* Contracts. */
/* Fees and shares. */
HANDLER(me_fees);
HANDLER(me_shares);
HANDLER(fees_list);
HANDLER(fee_create);
HANDLER(fee_change);
HANDLER(fees_run);
HANDLER(fee_cuts_list);
HANDLER(shares_list);
HANDLER(share_create);
HANDLER(share_change);
HANDLER(share_day_get);
/* Control. */
/* Payment services and watchers. */
HANDLER(notify_wechat);
HANDLER(notify_alipay);
HANDLER(account_limits_get);
HANDLER(account_limits_put);
HANDLER(account_warnings_put);
HANDLER(schedules_list);
HANDLER(schedule_new);
HANDLER(schedule_one);
HANDLER(schedule_change);
HANDLER(schedule_remove);
HANDLER(meter_schedule);
HANDLER(meter_overload);
HANDLER(meter_overload_set);
HANDLER(health_get);
HANDLER(metrics_get);
HANDLER(document_get);
HANDLER(me_bill);
HANDLER(account_bill);
HANDLER(tariffs_list);
HANDLER(tariff_get);
HANDLER(tariff_new);
HANDLER(tariff_simulate);
HANDLER(meter_tariffs);
HANDLER(meter_tariff_set);
HANDLER(meter_ratios);
HANDLER(meter_ratio_set);
HANDLER(meter_capacity_set);
HANDLER(meter_readings);
HANDLER(meter_reading_decide);
#undef HANDLER
