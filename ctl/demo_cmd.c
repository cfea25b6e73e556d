/* yufu demo load: the demonstration mall, as `yufu-sim --mall` prints it, into an empty database.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/cmds.h"
#include "ctl/who.h"
#include "domain/account.h"
#include "domain/audit.h"
#include "domain/charge.h"
#include "domain/fee.h"
#include "domain/place.h"
#include "domain/role.h"
#include "domain/share.h"
#include "domain/site.h"
#include "domain/user.h"
#include "meter/model.h"

#define MALL_MAX_BYTES (16u << 20)
#define DEMO_PASSWORD "yufu-demo" /* made for the demonstration only */
#define EMERGENCY_YUAN 20

#define HOUR_MS INT64_C(3600000)
#define HOURS_FINE 24 /* of the history are settled hour by hour, the rest day by day */
#define HOURS_COARSE 24

struct purse_wish {
	int64_t account_id;
	struct money balance; /* what it shall hold in the end */
};

struct loading {
	const char *actor, *file; /* for the audit log */
	const json_t *mall;
	const json_t *history; /* use per hour of each meter, by code; NULL: none */
	struct utc start;      /* of contracts and history */
	struct purse_wish *purses;
	size_t purse_count;
	struct tariffs *tariffs;
	struct charges charges;
	const struct models *models;
	const char *site;
	char password_hash[PASSWORD_HASH_MAX];
	struct utc now;
	struct problem why;
};

static void loading_free(struct loading *l)
{
	free(l->purses);
	charges_free(&l->charges);
	tariffs_free(&l->tariffs);
}

static const char *text(const json_t *row, const char *key, const char *fallback)
{
	const char *s = json_string_value(json_object_get(row, key));

	return s ? s : fallback;
}

static int64_t number(const json_t *row, const char *key, int64_t fallback)
{
	const json_t *v = json_object_get(row, key);

	return json_is_integer(v) ? json_integer_value(v) : fallback;
}

static enum err load_site(struct db *db, struct loading *l, const json_t *r)
{
	l->site = text(r, "code", "");
	return site_add(db,
		&(struct site_new){ l->site, text(r, "name", ""), text(r, "zone", "Asia/Shanghai"),
			text(r, "profile", "shop") },
		&l->why);
}

static enum err load_area(struct db *db, struct loading *l, const json_t *r)
{
	return area_add(db,
		&(struct area_new){ text(r, "code", ""), text(r, "name", ""),
			text(r, "site", l->site), text(r, "parent", ""), text(r, "kind", "floor"),
			0 },
		&l->why);
}

static enum err load_gateway(struct db *db, struct loading *l, const json_t *r)
{
	return gateway_add(db,
		&(struct gateway_new){ text(r, "code", ""), text(r, "name", ""),
			text(r, "site", l->site), text(r, "area", ""), text(r, "transport", ""),
			text(r, "address", ""), text(r, "parity", "N"), number(r, "baud", 9600) },
		&l->why);
}

static enum err load_tariff(struct db *db, struct loading *l, const json_t *r)
{
	char *doc = json_text(r);
	enum err e = tariff_add(db, text(r, "code", ""), text(r, "name", ""),
		text(r, "utility", "electricity"), doc, &l->why);

	free(doc);
	return e;
}

static int64_t history_sum(const struct loading *l, const char *meter)
{
	int64_t sum = 0;
	size_t i;
	json_t *hour;

	json_array_foreach(json_object_get(l->history, meter), i, hour) sum +=
		json_integer_value(hour);
	return sum;
}

static enum err load_meter(struct db *db, struct loading *l, const json_t *r)
{
	const struct model *model = models_find(l->models, text(r, "model", ""));
	const char *start = text(r, "start_register", "");
	struct meter_new m = {
		.code = text(r, "code", ""),
		.name = text(r, "name", ""),
		.gateway = text(r, "gateway", ""),
		.model = text(r, "model", ""),
		.serial = text(r, "serial", ""),
		.utility = text(r, "utility", ""),
		.role = text(r, "role", "tenant"),
		.area = text(r, "area", ""),
		.parent = text(r, "parent", ""),
		.tariff = text(r, "tariff", ""),
		.billing = text(r, "billing", "account"),
		.load_class = text(r, "load_class", "ordinary"),
		.has_start = start[0] != '\0',
		.ct_ratio = number(r, "ct_ratio", 1),
		.pt_ratio = number(r, "pt_ratio", 1),
		.rated_current_ma = number(r, "rated_current_a", 0) * 1000,
		.power_limit_w = number(r, "power_limit_w", 0),
	};
	char unit[24];

	snprintf(unit, sizeof(unit), "%lld", (long long)number(r, "unit", 0));
	m.unit = unit;
	if (!model)
		return problem_set(
			&l->why, ERR_NOT_FOUND, "model", "there is no model %s", m.model);
	m.switchable = model_can(model, ACT_OFF) && model->supply_count > 0;
	if (m.has_start && qty_parse(start, &m.start) != ERR_OK)
		return problem_set(
			&l->why, ERR_BAD_VALUE, "start_register", "%s is no register", start);
	m.start.milli -= history_sum(l, m.code);
	return meter_add(db, &m, l->start, &l->why);
}

static enum err load_tenant(struct db *db, struct loading *l, const json_t *r)
{
	const char *phone = text(r, "phone", "");
	enum err e = tenant_add(db,
		&(struct tenant_new){ text(r, "code", ""), text(r, "name", ""), l->site, phone,
			text(r, "contacts", ""), text(r, "room", ""), 0 },
		l->start, &l->why);

	if (e != ERR_OK)
		return e;
	return user_add(db,
		&(struct user_new){ .username = phone,
			.name = text(r, "name", ""),
			.phone = phone,
			.role = "",
			.site = "",
			.tenant = text(r, "code", "") },
		l->password_hash, NULL, &l->why);
}

/* The purse is opened once its history has been charged, so that it ends at the balance wished. */
static enum err load_purse(struct db *db, struct loading *l, const json_t *r)
{
	struct purse_new p = { .tenant = text(r, "tenant", ""),
		.purpose = text(r, "purpose", ""),
		.emergency_limit = { EMERGENCY_YUAN * NANO_PER_YUAN },
		.actor = "system" };
	struct purse_wish *wish = &l->purses[l->purse_count];
	enum err e;

	if (str_eq(p.purpose, "fee")) /* nothing is used there that one could run out of */
		p.emergency_limit.nano = 0;
	if (money_parse(text(r, "opening_balance", "0"), &wish->balance) != ERR_OK ||
		money_parse(text(r, "warn1", "0"), &p.warn1) != ERR_OK ||
		money_parse(text(r, "warn2", "0"), &p.warn2) != ERR_OK ||
		money_parse(text(r, "credit_limit", "0"), &p.credit_limit) != ERR_OK)
		return problem_set(&l->why, ERR_BAD_VALUE, "purses", "an amount of %s", p.tenant);
	e = purse_add(db, &p, l->start, &wish->account_id, &l->why);
	if (e == ERR_OK)
		l->purse_count++;
	return e;
}

static enum err load_contract_meters(struct db *db, struct loading *l, const json_t *r)
{
	const json_t *codes = json_object_get(r, "meters");
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < json_array_size(codes); i++)
		e = contract_meter_add(db, text(r, "code", ""),
			json_string_value(json_array_get(codes, i)), l->start, &l->why);
	return e;
}

static const struct query Q_METER = { "SELECT id FROM meter WHERE code = ?", &id_shape };

/* The readings of a history: hourly in the end, coarser before. It counts what was used, whatever
 * its transformers. */
static void take_history(
	struct charge_batch *b, const struct loading *l, int64_t meter_id, const json_t *hours)
{
	struct charge_reading reading = { .meter_id = meter_id,
		.most_per_hour = INT64_MAX,
		.own_ratio = true,
		.reg = charge_last(b, meter_id)->register_milli };
	size_t n = json_array_size(hours);

	for (size_t i = 0; i < n; i++) {
		reading.reg.milli += json_integer_value(json_array_get(hours, i));
		reading.at.ms = l->start.ms + (int64_t)(i + 1) * HOUR_MS;
		if (i + 1 == n || i + HOURS_FINE >= n || (i + 1) % HOURS_COARSE == 0)
			charge_take(b, &reading);
	}
}

/* Settles the history of one meter as if its readings had come then. */
static enum err load_history(struct db *db, struct loading *l, const json_t *r)
{
	const json_t *hours = json_object_get(l->history, text(r, "code", ""));
	AUTO(charge_close) struct charge_batch *b = charge_open(l->tariffs);
	const struct charges *sums;
	struct id_row meter;
	enum err e;

	if (json_array_size(hours) == 0)
		return ERR_OK;
	e = db_one(db, &Q_METER, ARGS(arg_text(text(r, "code", ""))), &meter);
	if (e == ERR_OK)
		e = charge_lock(db, b, &meter.id, 1);
	if (e != ERR_OK)
		return e;
	take_history(b, l, meter.id, hours);
	e = charge_run(db, b);
	if (e == ERR_OK)
		e = charge_result(b, meter.id);
	sums = charge_sums(b);
	for (size_t i = 0; e == ERR_OK && i < sums->n; i++)
		e = charges_add(&l->charges, sums->at[i].account_id, sums->at[i].sum);
	return e;
}

static const struct query Q_SITE = { "SELECT id FROM site WHERE code = ?", &id_shape };
static const struct query Q_CONTRACT = { "SELECT id FROM contract WHERE code = ?", &id_shape };
static const struct query Q_SETTING_ADD = {
	"INSERT INTO setting (site_id, name, value) VALUES (?, ?, ?)", NULL
};

static enum err id_of(struct db *db, const struct query *q, const char *code, int64_t *id)
{
	struct id_row row = { 0 };
	enum err e = db_one(db, q, ARGS(arg_text(code)), &row);

	*id = row.id;
	return e;
}

/* From the first of this month, so that the worker charges it at once. */
static enum err load_fee(struct db *db, struct loading *l, const json_t *r)
{
	const char *yuan = text(r, "property_fee", "");
	struct fee_actor by = { .actor = "system", .address = "", .now = l->now };
	struct fee_new n = { .kind = "property_fee" };
	struct money monthly = { 0 };
	int64_t site, id;
	char once[96];
	enum err e;

	if (!yuan[0])
		return ERR_OK;
	if (money_parse(yuan, &monthly) != ERR_OK)
		return problem_set(&l->why, ERR_BAD_VALUE, "property_fee", "%s is no amount", yuan);
	n.monthly_fen = monthly.nano / NANO_PER_FEN;
	snprintf(once, sizeof(once), "demo:%s", text(r, "code", ""));
	n.once_key = once;
	e = id_of(db, &Q_CONTRACT, text(r, "code", ""), &n.contract_id);
	if (e == ERR_OK)
		e = id_of(db, &Q_SITE, l->site, &site);
	if (e == ERR_OK)
		e = site_day(db, site, l->now, &n.from);
	n.from = month_first(month_of(n.from));
	return e == ERR_OK ? fee_add(db, &n, &by, &id, &l->why) : e;
}

/* From today: each of the tenants pays the same ratio of what the meters count. */
static enum err load_share(struct db *db, struct loading *l, const json_t *r)
{
	const json_t *meters = json_object_get(r, "sources");
	const json_t *tenants = json_object_get(r, "tenants");
	struct share_source_new sources[SHARE_SOURCES_MAX];
	struct share_target_new targets[SHARE_TARGETS_MAX];
	struct share_actor by = { .actor = "system", .address = "", .now = l->now };
	struct share_new n = { .name = text(r, "name", ""),
		.utility = "electricity",
		.basis = "ratio",
		.kind = "public",
		.purse = "utility",
		.has_from = true,
		.sources = sources,
		.sources_n = json_array_size(meters),
		.targets = targets,
		.targets_n = json_array_size(tenants) };
	struct price ratio = { 0 };
	int64_t id;
	char once[128];
	enum err e = id_of(db, &Q_SITE, text(r, "site", ""), &n.site_id);

	ASSERT(n.sources_n <= SHARE_SOURCES_MAX && n.targets_n <= SHARE_TARGETS_MAX);
	if (price_parse(text(r, "ratio", ""), &ratio) != ERR_OK)
		return problem_set(&l->why, ERR_BAD_VALUE, "ratio", "it is no decimal");
	snprintf(once, sizeof(once), "demo:%s", n.name);
	n.once_key = once;
	for (size_t i = 0; e == ERR_OK && i < n.sources_n; i++) {
		sources[i].sign = 1;
		e = id_of(db, &Q_METER, json_string_value(json_array_get(meters, i)),
			&sources[i].meter_id);
	}
	for (size_t i = 0; e == ERR_OK && i < n.targets_n; i++) {
		targets[i] =
			(struct share_target_new){ .has_ratio = true, .ratio_ppm = ratio.micro };
		e = id_of(db, &Q_CONTRACT, json_string_value(json_array_get(tenants, i)),
			&targets[i].contract_id);
	}
	if (e == ERR_OK)
		e = site_day(db, n.site_id, l->now, &n.from);
	return e == ERR_OK ? share_add(db, &n, &by, &id, &l->why) : e;
}

static enum err load_setting(struct db *db, struct loading *l, const json_t *r)
{
	int64_t site;
	enum err e = id_of(db, &Q_SITE, text(r, "site", ""), &site);

	(void)l;
	return e == ERR_OK ? db_exec(db, &Q_SETTING_ADD,
				     ARGS(arg_i64(site), arg_text(text(r, "name", "")),
					     arg_i64(number(r, "value", 0))),
				     NULL)
			   : e;
}

/* The sheets, in the order in which they name each other. */
static const struct {
	const char *name;
	enum err (*load)(struct db *, struct loading *, const json_t *row);
} sheets[] = {
	{ "sites", load_site },
	{ "areas", load_area },
	{ "gateways", load_gateway },
	{ "tariffs", load_tariff },
	{ "meters", load_meter },
	{ "tenants", load_tenant },
	{ "purses", load_purse },
	{ "tenants", load_contract_meters },
	{ "meters", load_history },
	{ "tenants", load_fee },
	{ "shares", load_share },
	{ "settings", load_setting },
};

static enum err load_staff(struct db *db, struct loading *l)
{
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < role_count; i++)
		e = user_add(db,
			&(struct user_new){ .username = roles[i].code,
				.name = roles[i].name,
				.phone = "",
				.role = roles[i].code,
				.site = "",
				.tenant = "" },
			l->password_hash, NULL, &l->why);
	return e;
}

/* Opens each purse with what its history has cost and what it shall hold, takes the charges, and
 * draws the consequences: levels, notices, supply. */
static enum err open_purses(struct db *db, struct loading *l)
{
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < l->purse_count; i++) {
		const struct purse_wish *wish = &l->purses[i];
		struct money opening = wish->balance;

		for (size_t k = 0; e == ERR_OK && k < l->charges.n; k++)
			if (l->charges.at[k].account_id == wish->account_id)
				e = money_add(opening, l->charges.at[k].sum, &opening);
		if (e == ERR_OK && opening.nano != 0)
			e = opening_add(db, wish->account_id, opening, "system", l->start);
	}
	if (e == ERR_OK)
		e = charge_post(db, &l->charges, l->now);
	for (size_t i = 0; e == ERR_OK && i < l->purse_count; i++)
		e = account_changed(db, l->purses[i].account_id, l->now);
	return e;
}

static enum err load_tx(struct db *db, void *ctx)
{
	struct loading *l = ctx;
	enum err e = ERR_OK;
	size_t k;
	json_t *row;

	l->purse_count = 0; /* a former run of this transaction */
	charges_free(&l->charges);

	for (size_t i = 0; e == ERR_OK && i < ARRAY_LEN(sheets); i++)
		json_array_foreach(json_object_get(l->mall, sheets[i].name), k, row)
		{
			e = sheets[i].load(db, l, row);
			if (e != ERR_OK) {
				fprintf(stderr, "yufu demo: %s, row %zu: %s\n", sheets[i].name,
					k + 1, l->why.text[0] ? l->why.text : err_text(e));
				break;
			}
		}
	if (e == ERR_OK)
		e = open_purses(db, l);
	if (e == ERR_OK)
		e = load_staff(db, l);
	return e == ERR_OK ? audit_add(db,
				     &(struct audit){ l->actor, "", "demo.load", "demo", 0, NULL },
				     json_pack("{s:s}", "file", l->file), l->now)
			   : e;
}

static enum err mall_read(const char *path, json_t **out, struct problem *why)
{
	AUTO(buf_free) struct buf b = { 0 };
	enum err e = str_eq(path, "-") ? fd_read(STDIN_FILENO, MALL_MAX_BYTES, &b)
				       : file_read(path, MALL_MAX_BYTES, &b);

	return e == ERR_OK ? json_parse(b.text, b.len, out, why) : e;
}

/* Contracts begin with the history, or now. */
static enum err history_find(struct loading *l)
{
	const json_t *h = json_object_get(l->mall, "history");

	l->start = l->now;
	if (!h)
		return ERR_OK;
	l->history = json_object_get(h, "meters");
	if (utc_parse(text(h, "from_at", ""), &l->start) != ERR_OK)
		return problem_set(&l->why, ERR_BAD_VALUE, "history", "from_at is no instant");
	return ERR_OK;
}

int cmd_demo(struct conf *conf, struct db *db, int argc, char **argv)
{
	AUTO(models_free) struct models *models = NULL;
	char actor[WHO_MAX];
	AUTO(loading_free) struct loading l = { .now = utc_now(), .actor = who_actor(actor) };
	AUTO(json_free) json_t *mall = NULL;
	enum err e;

	(void)conf;
	if (argc != 3 || !str_eq(argv[1], "load")) {
		fprintf(stderr, "usage: yufu demo load FILE|-\n");
		return 2;
	}
	l.file = argv[2];
	e = mall_read(argv[2], &mall, &l.why);
	if (e == ERR_OK)
		e = models_open(NULL, &models, &l.why);
	if (e == ERR_OK)
		e = password_hash(DEMO_PASSWORD, l.password_hash);
	l.mall = mall;
	l.models = models;
	l.tariffs = tariffs_open();
	l.purses = calloc(json_array_size(json_object_get(mall, "purses")) + 1, sizeof(*l.purses));
	ASSERT(l.purses);
	if (e == ERR_OK)
		e = history_find(&l);
	if (e == ERR_OK)
		e = db_tx(db, load_tx, &l);
	if (e == ERR_OK)
		return 0;
	fprintf(stderr, "yufu demo: nothing was loaded: %s %s\n", err_text(e), l.why.text);
	return 1;
}
