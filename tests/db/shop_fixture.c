#include "shop_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *shop_tariff(void)
{
	return "{\"code\": \"tou\", \"name\": \"tou\", \"utility\": \"electricity\", \"versions\": "
	       "["
	       "{\"effective_from\": \"2026-01-01T00:00:00+08:00\", \"tier_cycle\": \"month\","
	       " \"tiers_upto_kwh\": [\"5\", \"9\"], \"calendar\": [{\"slots\": [[\"00:00\", "
	       "\"valley\"],"
	       " [\"08:00\", \"peak\"], [\"18:00\", \"flat\"]]}], \"prices\": {"
	       "\"peak\": [\"1.0987\", \"1.1487\", \"1.3987\"],"
	       " \"flat\": [\"0.6583\", \"0.7083\", \"0.9583\"],"
	       " \"valley\": [\"0.312\", \"0.362\", \"0.612\"]}}]}";
}

void shop_set(struct db *db, const char *format, ...)
{
	char sql[2000];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(sql, sizeof(sql), format, ap);
	va_end(ap);
	assert_in_range(n, 1, sizeof(sql) - 1);
	fixture_sql(db, sql);
}

/* Statements stay in the connection's cache by their address, so they stay here as well. */
static struct {
	struct query query;
	char sql[600];
} numbers[200];
static size_t numbers_n;

int64_t shop_number(struct db *db, const char *format, int64_t id)
{
	const char *at = strstr(format, "%lld");
	int before = at ? (int)(at - format) : (int)strlen(format);
	size_t i = numbers_n;
	int n = at ? snprintf(numbers[i].sql, sizeof(numbers[i].sql), "%.*s%lld%s", before, format,
			     (long long)id, at + strlen("%lld"))
		   : snprintf(numbers[i].sql, sizeof(numbers[i].sql), "%s", format);

	assert_true(numbers_n + 1 < ARRAY_LEN(numbers));
	assert_in_range(n, 1, sizeof(numbers[i].sql) - 1);
	for (i = 0; strcmp(numbers[i].sql, numbers[numbers_n].sql) != 0; i++)
		;
	if (i == numbers_n)
		numbers[numbers_n++].query = (struct query){ numbers[i].sql, &fixture_shape };
	return fixture_value(db, &numbers[i].query);
}

static int64_t last_id(struct db *db)
{
	return shop_number(db, "SELECT LAST_INSERT_ID() AS v", 0);
}

struct shop shop_make(struct db *db, int n)
{
	struct shop s = { .group = n };

	shop_set(db,
		"INSERT INTO bus_group (id, owner, epoch, until_at) VALUES (%d, 'test', 1, "
		"9000000000000)",
		n);
	shop_set(db, "INSERT INTO site (code, name, zone) VALUES ('S%d', 'S', 'Asia/Shanghai')", n);
	s.site = last_id(db);
	shop_set(db,
		"INSERT INTO gateway (code, name, site_id, transport, address, bus_group_id)"
		" VALUES ('G%d', 'G', %lld, 'modbus-tcp', '127.0.0.1:1', %d)",
		n, (long long)s.site, n);
	s.gateway = last_id(db);
	shop_set(db,
		"INSERT INTO supply_point (code, site_id, utility, switchable) VALUES ('P%d', %lld,"
		" 'electricity', 1)",
		n, (long long)s.site);
	s.point = last_id(db);
	shop_set(db,
		"INSERT INTO meter (code, gateway_id, unit, model, utility, supply_point_id) VALUES"
		" ('M%d', %lld, '1', 'acrel-ddsy1352', 'electricity', %lld)",
		n, (long long)s.gateway, (long long)s.point);
	s.meter = last_id(db);
	shop_set(db,
		"INSERT INTO tenant (code, name, site_id, phone) VALUES ('T%d', 'T', %lld, "
		"'13800000001')",
		n, (long long)s.site);
	shop_set(db, "INSERT INTO contract (code, tenant_id, start_at) VALUES ('C%d', %lld, 1)", n,
		(long long)last_id(db));
	s.contract = last_id(db);
	shop_set(db,
		"INSERT INTO account (code, kind, contract_id, purpose, balance_nano) VALUES"
		" ('purse:%lld:electricity', 'purse', %lld, 'electricity', %lld)",
		(long long)s.contract, (long long)s.contract, (long long)SHOP_OPENING);
	s.account = last_id(db);
	shop_set(db,
		"INSERT INTO contract_point (contract_id, supply_point_id, account_id, from_at) "
		"VALUES"
		" (%lld, %lld, %lld, 1)",
		(long long)s.contract, (long long)s.point, (long long)s.account);
	shop_set(db,
		"INSERT INTO tariff (code, name, utility, doc) VALUES ('tou%d', 'tou', "
		"'electricity', '%s')",
		n, shop_tariff());
	s.tariff = last_id(db);
	shop_set(db,
		"INSERT INTO meter_tariff (meter_id, from_at, tariff_id) VALUES (%lld, 1, %lld)",
		(long long)s.meter, (long long)s.tariff);
	return s;
}
