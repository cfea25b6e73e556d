/* yufu demo load: the demonstration mall, as `yufu-sim --mall` prints it, into an empty database.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/cmds.h"
#include "domain/place.h"
#include "domain/role.h"
#include "domain/user.h"
#include "meter/model.h"

#define MALL_MAX_BYTES (16u << 20)
#define DEMO_PASSWORD "yufu-demo" /* made for the demonstration only */
#define EMERGENCY_YUAN 20

struct loading {
	const json_t *mall;
	const struct models *models;
	const char *site;
	char password_hash[PASSWORD_HASH_MAX];
	struct utc now;
	struct problem why;
};

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
			text(r, "site", l->site), text(r, "parent", ""), text(r, "kind", "floor") },
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
	return meter_add(db, &m, l->now, &l->why);
}

static enum err load_tenant(struct db *db, struct loading *l, const json_t *r)
{
	const char *phone = text(r, "phone", "");
	enum err e = tenant_add(db,
		&(struct tenant_new){ text(r, "code", ""), text(r, "name", ""), l->site, phone,
			text(r, "contacts", ""), text(r, "room", "") },
		l->now, &l->why);

	if (e != ERR_OK)
		return e;
	return user_add(db,
		&(struct user_new){ .username = phone,
			.name = text(r, "name", ""),
			.phone = phone,
			.role = "",
			.site = "",
			.tenant = text(r, "code", "") },
		l->password_hash, &l->why);
}

static enum err load_purse(struct db *db, struct loading *l, const json_t *r)
{
	struct purse_new p = { .tenant = text(r, "tenant", ""),
		.purpose = text(r, "purpose", ""),
		.emergency_limit = { EMERGENCY_YUAN * NANO_PER_YUAN },
		.actor = "system" };

	if (money_parse(text(r, "opening_balance", "0"), &p.opening) != ERR_OK ||
		money_parse(text(r, "warn1", "0"), &p.warn1) != ERR_OK ||
		money_parse(text(r, "warn2", "0"), &p.warn2) != ERR_OK ||
		money_parse(text(r, "credit_limit", "0"), &p.credit_limit) != ERR_OK)
		return problem_set(&l->why, ERR_BAD_VALUE, "purses", "an amount of %s", p.tenant);
	return purse_add(db, &p, l->now, &l->why);
}

static enum err load_contract_meters(struct db *db, struct loading *l, const json_t *r)
{
	const json_t *codes = json_object_get(r, "meters");
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < json_array_size(codes); i++)
		e = contract_meter_add(db, text(r, "code", ""),
			json_string_value(json_array_get(codes, i)), l->now, &l->why);
	return e;
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
			l->password_hash, &l->why);
	return e;
}

static enum err load_tx(struct db *db, void *ctx)
{
	struct loading *l = ctx;
	enum err e = ERR_OK;
	size_t k;
	json_t *row;

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
	return e == ERR_OK ? load_staff(db, l) : e;
}

static enum err mall_read(const char *path, json_t **out, struct problem *why)
{
	AUTO(buf_free) struct buf b = { 0 };
	enum err e = file_read(str_eq(path, "-") ? "/dev/stdin" : path, MALL_MAX_BYTES, &b);

	return e == ERR_OK ? json_parse(b.text, b.len, out, why) : e;
}

int cmd_demo(struct conf *conf, struct db *db, int argc, char **argv)
{
	AUTO(models_free) struct models *models = NULL;
	AUTO(json_free) json_t *mall = NULL;
	struct loading l = { .now = utc_now() };
	enum err e;

	(void)conf;
	if (argc != 3 || !str_eq(argv[1], "load")) {
		fprintf(stderr, "usage: yufu demo load FILE|-\n");
		return 2;
	}
	e = mall_read(argv[2], &mall, &l.why);
	if (e == ERR_OK)
		e = models_open(NULL, &models, &l.why);
	if (e == ERR_OK)
		e = password_hash(DEMO_PASSWORD, l.password_hash);
	l.mall = mall;
	l.models = models;
	if (e == ERR_OK)
		e = db_tx(db, load_tx, &l);
	if (e == ERR_OK)
		return 0;
	fprintf(stderr, "yufu demo: nothing was loaded: %s %s\n", err_text(e), l.why.text);
	return 1;
}
