#include "domain/audit_view.h"

struct view_row {
	int64_t site_id;
	struct blob doc;
};
SHAPE(view_shape, struct view_row, FIELD(struct view_row, site_id), FIELD(struct view_row, doc));

#define BLOCKS(point)                                                                              \
	"JSON_COMPACT((SELECT JSON_ARRAYAGG(CONCAT_WS(' ', b.kind, b.cause) ORDER BY b.kind,"      \
	" b.cause) FROM block b WHERE b.supply_point_id = " point "))"
#define FROM_METER " FROM meter m JOIN supply_point p ON p.id = m.supply_point_id WHERE m.id = ?"
#define SITE_OF_ACCOUNT                                                                            \
	"COALESCE((SELECT t.site_id FROM contract c JOIN tenant t ON t.id = c.tenant_id"           \
	" WHERE c.id = a.contract_id), 0)"

/* clang-format off */
static const struct {
	const char *kind;
	struct query q;
} views[] = {
	{ "account", { "SELECT " SITE_OF_ACCOUNT " AS site_id, JSON_OBJECT('code', a.code,"
		" 'balance_nano', a.balance_nano, 'credit_limit_nano', a.credit_limit_nano, 'warn1_nano', a.warn1_nano,"
		" 'warn2_nano', a.warn2_nano, 'warn_unit', a.warn_unit, 'level', a.level, 'emergency_limit_nano', a.emergency_limit_nano,"
		" 'emergency_at', a.emergency_at, 'subsidy_nano', a.subsidy_nano, 'recharge_blocked',"
		" EXISTS (SELECT 1 FROM recharge_block b WHERE b.account_id = a.id)) AS doc FROM account a WHERE a.id = ?", &view_shape } },
	{ "alarm", { "SELECT 0 AS site_id, JSON_OBJECT('kind', x.kind, 'severity', x.severity, 'object',"
		" CONCAT(x.object_kind, ':', x.object_id), 'acked_at', x.acked_at, 'acked_by', x.acked_by, 'cleared_at', x.cleared_at)"
		" AS doc FROM alarm x WHERE x.id = ?", &view_shape } },
	{ "approval", { "SELECT a.site_id, JSON_OBJECT('kind', a.kind, 'state', a.state, 'note', a.note) AS doc"
		" FROM approval a WHERE a.id = ?", &view_shape } },
	{ "area", { "SELECT x.site_id, JSON_OBJECT('code', x.code, 'name', x.name, 'parent_id', x.parent_id, 'kind', x.kind,"
		" 'floor_m2_milli', x.floor_m2_milli) AS doc FROM area x WHERE x.id = ?", &view_shape } },
	{ "contract", { "SELECT t.site_id, JSON_OBJECT('code', c.code, 'tenant', t.code, 'start_at', c.start_at, 'end_at', c.end_at,"
		" 'points', JSON_COMPACT((SELECT JSON_ARRAYAGG(p.supply_point_id ORDER BY p.supply_point_id) FROM contract_point p"
		" WHERE p.contract_id = c.id AND p.to_at = 0)),"
		" 'debt', JSON_COMPACT((SELECT JSON_ARRAYAGG(JSON_ARRAY(d.permille, d.cap_fen)) FROM contract_debt d"
		" WHERE d.contract_id = c.id))) AS doc FROM contract c JOIN tenant t ON t.id = c.tenant_id WHERE c.id = ?", &view_shape } },
	{ "entry", { "SELECT e.site_id, JSON_OBJECT('kind', e.kind, 'reversed',"
		" EXISTS (SELECT 1 FROM reversal r WHERE r.entry_id = e.id)) AS doc FROM entry e WHERE e.id = ?", &view_shape } },
	{ "fee", { "SELECT t.site_id, JSON_OBJECT('contract', c.code, 'kind', f.kind, 'monthly_fen', f.monthly_fen, 'from_day', f.from_day,"
		" 'to_day', f.to_day) AS doc FROM contract_fee f JOIN contract c ON c.id = f.contract_id JOIN tenant t"
		" ON t.id = c.tenant_id WHERE f.id = ?", &view_shape } },
	{ "gateway", { "SELECT g.site_id, JSON_OBJECT('code', g.code, 'name', g.name, 'area_id', g.area_id, 'transport', g.transport,"
		" 'address', g.address, 'baud', g.baud, 'parity', g.parity, 'enabled', g.enabled) AS doc FROM gateway g WHERE g.id = ?", &view_shape } },
	{ "invoice", { "SELECT " SITE_OF_ACCOUNT " AS site_id, JSON_OBJECT('state', i.state, 'amount_fen', i.amount_fen, 'number', i.number,"
		" 'date', i.date, 'url', i.url, 'reason', i.reason, 'red_number', i.red_number, 'orders', JSON_COMPACT((SELECT"
		" JSON_ARRAYAGG(o.order_id ORDER BY o.order_id) FROM invoice_order o WHERE o.invoice_id = i.id))) AS doc FROM invoice i"
		" JOIN account a ON a.id = i.account_id WHERE i.id = ?", &view_shape } },
	{ "meter", { "SELECT p.site_id, JSON_OBJECT('code', m.code, 'name', m.name, 'gateway_id', m.gateway_id, 'unit', m.unit, 'model', m.model,"
		" 'serial', m.serial, 'role', m.role, 'area_id', m.area_id, 'parent_id', m.parent_id, 'ct_ratio', m.ct_ratio, 'pt_ratio', m.pt_ratio,"
		" 'rated_current_ma', m.rated_current_ma, 'start_milli', m.start_milli, 'billing', m.billing, 'power_limit_w', m.power_limit_w,"
		" 'overload_delay_s', m.overload_delay_s, 'overload_retry_s', m.overload_retry_s, 'overload_retries', m.overload_retries,"
		" 'capacity_milli', m.capacity_milli, 'enabled', m.enabled, 'desired', p.desired, 'keep_until', p.keep_until, 'load_class', p.load_class,"
		" 'blocks', " BLOCKS("p.id") ", 'credit_blocked', (SELECT k.blocked FROM meter_credit k WHERE k.meter_id = m.id),"
		" 'tariffs', JSON_COMPACT((SELECT JSON_OBJECTAGG(y.from_at, y.tariff_id) FROM meter_tariff y WHERE y.meter_id = m.id)),"
		" 'ratios', JSON_COMPACT((SELECT JSON_OBJECTAGG(y.from_at, CONCAT(y.ct, ' ', y.pt)) FROM meter_ratio y WHERE y.meter_id = m.id)))"
		" AS doc" FROM_METER, &view_shape } },
	{ "order", { "SELECT " SITE_OF_ACCOUNT " AS site_id, JSON_OBJECT('out_trade_no', o.out_trade_no, 'amount_fen', o.amount_fen,"
		" 'channel', o.channel, 'state', o.state) AS doc FROM pay_order o JOIN account a ON a.id = o.account_id WHERE o.id = ?", &view_shape } },
	{ "outbox", { "SELECT 0 AS site_id, JSON_OBJECT('template', o.template, 'state', o.state, 'way', o.way) AS doc FROM outbox o"
		" WHERE o.id = ?", &view_shape } },
	{ "reconciliation", { "SELECT 0 AS site_id, JSON_OBJECT('service', r.service, 'day', r.day, 'state', r.state, 'unresolved', r.unresolved)"
		" AS doc FROM reconciliation r WHERE r.id = ?", &view_shape } },
	{ "difference", { "SELECT 0 AS site_id, JSON_OBJECT('kind', d.kind, 'state', d.state, 'action', d.action) AS doc"
		" FROM bill_difference d WHERE d.id = ?", &view_shape } },
	{ "refund", { "SELECT " SITE_OF_ACCOUNT " AS site_id, JSON_OBJECT('amount_fen', f.amount_fen, 'method', f.method, 'state', f.state,"
		" 'note', f.note) AS doc FROM refund f JOIN account a ON a.id = f.account_id WHERE f.id = ?", &view_shape } },
	{ "role", { "SELECT 0 AS site_id, JSON_OBJECT('code', r.code, 'name', r.name, 'permissions', JSON_COMPACT((SELECT"
		" JSON_ARRAYAGG(p.permission ORDER BY p.permission) FROM role_permission p WHERE p.role_id = r.id))) AS doc"
		" FROM role r WHERE r.id = ?", &view_shape } },
	{ "sale", { "SELECT e.site_id, JSON_OBJECT('total_fen', s.total_fen, 'method', s.method, 'reprints', s.reprints) AS doc"
		" FROM sale s JOIN entry e ON e.id = s.entry_id WHERE s.id = ?", &view_shape } },
	{ "schedule", { "SELECT s.site_id, JSON_OBJECT('code', s.code, 'name', s.name, 'periods', JSON_COMPACT((SELECT JSON_ARRAYAGG(CONCAT_WS(' ',"
		" p.day_kind, p.start_min, IF(p.off, 'off', 'on')) ORDER BY p.day_kind, p.start_min) FROM schedule_period p"
		" WHERE p.schedule_id = s.id))) AS doc FROM schedule s WHERE s.id = ?", &view_shape } },
	{ "share_group", { "SELECT s.site_id, JSON_OBJECT('name', s.name, 'basis', s.basis, 'kind', s.kind, 'from_day', s.from_day, 'to_day', s.to_day)"
		" AS doc FROM share_group s WHERE s.id = ?", &view_shape } },
	{ "shift", { "SELECT COALESCE(u.site_id, 0) AS site_id, JSON_OBJECT('opened_at', s.opened_at, 'closed_at', s.closed_at, 'counted_fen', s.counted_fen) AS doc"
		" FROM shift s JOIN user u ON u.id = s.user_id WHERE s.id = ?", &view_shape } },
	{ "site", { "SELECT s.id AS site_id, JSON_OBJECT('code', s.code, 'name', s.name, 'zone', s.zone, 'profile', s.profile, 'settings', JSON_COMPACT("
		"(SELECT JSON_OBJECTAGG(y.name, y.value) FROM setting y WHERE y.site_id = s.id)), 'days', JSON_COMPACT((SELECT"
		" JSON_OBJECTAGG(h.day, h.kind) FROM site_holiday h WHERE h.site_id = s.id AND h.day >= CURDATE() - INTERVAL 1 YEAR)), 'duty', JSON_COMPACT("
		"(SELECT JSON_ARRAYAGG(CONCAT_WS(' ', d.name, d.phone, d.from_min, d.to_min, d.weekdays, d.kinds, d.area_id, d.step) ORDER BY d.id)"
		" FROM duty d WHERE d.site_id = s.id)), 'brake', EXISTS (SELECT 1 FROM brake b WHERE b.open_site = s.id)) AS doc FROM site s"
		" WHERE s.id = ?", &view_shape } },
	{ "supply_point", { "SELECT p.site_id, JSON_OBJECT('code', p.code, 'desired', p.desired, 'keep_until', p.keep_until, 'load_class', p.load_class,"
		" 'schedule_id', p.schedule_id, 'sub_tenant', (SELECT y.name FROM sub_tenant y WHERE y.supply_point_id = p.id), 'blocks', "
		BLOCKS("p.id") ") AS doc FROM supply_point p WHERE p.id = ?", &view_shape } },
	{ "tariff", { "SELECT 0 AS site_id, JSON_OBJECT('code', t.code, 'name', t.name, 'revision', t.revision, 'sha256', SHA2(t.doc, 256)) AS doc"
		" FROM tariff t WHERE t.id = ?", &view_shape } },
	{ "tenant", { "SELECT t.site_id, JSON_OBJECT('code', t.code, 'name', t.name, 'phone', t.phone, 'contacts', t.contacts, 'room', t.room,"
		" 'language', t.language, 'floor_m2_milli', t.floor_m2_milli) AS doc FROM tenant t WHERE t.id = ?", &view_shape } },
	{ "unmatched", { "SELECT 0 AS site_id, JSON_OBJECT('why', u.why, 'state', u.state) AS doc FROM pay_unmatched u WHERE u.id = ?", &view_shape } },
	{ "user", { "SELECT COALESCE(u.site_id, 0) AS site_id, JSON_OBJECT('username', u.username, 'kind', u.kind, 'name', u.name, 'phone', u.phone,"
		" 'role_id', u.role_id, 'site_id', u.site_id, 'disabled', u.disabled, 'locked_until', u.locked_until, 'password',"
		" IF(u.password_hash = '', 'none', LEFT(SHA2(u.password_hash, 256), 8)), 'wechat', JSON_COMPACT((SELECT"
		" JSON_ARRAYAGG(w.app_id ORDER BY w.app_id) FROM user_wechat w WHERE w.user_id = u.id))) AS doc FROM user u WHERE u.id = ?", &view_shape } },
	{ "webhook", { "SELECT COALESCE(w.site_id, 0) AS site_id, JSON_OBJECT('name', w.name, 'url', w.url, 'events', w.events, 'state', w.state,"
		" 'secret_at', w.secret_at) AS doc FROM webhook w WHERE w.id = ?", &view_shape } },
};
/* clang-format on */

enum err audit_view(struct db *db, const char *kind, int64_t id, json_t **view, int64_t *site_id)
{
	*view = NULL;
	for (size_t i = 0; id && i < ARRAY_LEN(views); i++) {
		AUTO(rows_free) struct rows rows = { 0 };
		const struct view_row *r;
		enum err e;

		if (!str_eq(views[i].kind, kind))
			continue;
		e = db_list(db, &views[i].q, ARGS(arg_i64(id)), &rows);
		if (e != ERR_OK || rows.n == 0)
			return e;
		r = rows.at;
		*site_id = r->site_id;
		return json_parse((const char *)r->doc.at, r->doc.n, view, NULL);
	}
	return ERR_OK;
}

enum err audit_views_check(struct db *db)
{
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < ARRAY_LEN(views); i++)
		e = db_check(db, &views[i].q);
	return e;
}

static void diff_member(const char *key, json_t *b, json_t *a, json_t *was, json_t *is)
{
	json_t *part_was = NULL, *part_is = NULL;

	if (json_is_object(b) && json_is_object(a)) {
		audit_diff(b, a, &part_was, &part_is);
		json_object_set_new(was, key, part_was);
		json_object_set_new(is, key, part_is);
		return;
	}
	if (b)
		json_object_set(was, key, b);
	if (a)
		json_object_set(is, key, a);
}

void audit_diff(const json_t *before, const json_t *after, json_t **was, json_t **is)
{
	json_t *b = (json_t *)(uintptr_t)before, *a = (json_t *)(uintptr_t)after, *v;
	const char *key;

	*was = before ? json_object() : NULL;
	*is = after ? json_object() : NULL;
	if (!before || !after) {
		if (before)
			json_object_update(*was, b);
		if (after)
			json_object_update(*is, a);
		return;
	}
	json_object_foreach(b, key, v) if (!json_equal(v, json_object_get(a, key)))
		diff_member(key, v, json_object_get(a, key), *was, *is);
	json_object_foreach(a, key, v) if (!json_object_get(b, key))
		diff_member(key, NULL, v, *was, *is);
}
