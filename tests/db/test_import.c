/* Workbooks into a real database, by the API's own user: what is new, the same and changed, what is
 * refused, and that it is all of it or nothing. */
#include "db_fixture.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/migrate.h"
#include "domain/role.h"
#include "import/apply.h"
#include "import/workbook.h"

static struct models *models;
static int imports;

struct asked {
	const char *name;
	const char *bytes;
	size_t n;
	bool dry_run, chinese, row_by_row;
	int64_t site_id;
	unsigned rights;
};

static enum err import_as(struct db *db, const struct asked *q, json_t **report)
{
	char once[32];

	snprintf(once, sizeof(once), "test:%d", __atomic_add_fetch(&imports, 1, __ATOMIC_SEQ_CST));
	return import_run(db,
		&(struct import_ask){ .name = q->name,
			.bytes = q->bytes,
			.n = q->n,
			.dry_run = q->dry_run,
			.chinese = q->chinese,
			.models = models,
			.site_id = q->site_id,
			.rights = q->rights,
			.actor = "user:1",
			.address = "127.0.0.1",
			.once_key = once,
			.now = utc_now(),
			.row_by_row = q->row_by_row },
		report);
}

static json_t *import_file(struct db *db, const char *name, const char *bytes, size_t n)
{
	json_t *report = NULL;

	assert_int_equal(
		import_as(db,
			&(struct asked){
				.name = name, .bytes = bytes, .n = n, .rights = RIGHTS_ALL },
			&report),
		ERR_OK);
	return report;
}

static json_t *import_csv(struct db *db, const char *name, const char *text)
{
	return import_file(db, name, text, strlen(text));
}

static bool is_ok(const json_t *report)
{
	return json_is_true(json_object_get(report, "ok"));
}

static void fail_with(const json_t *report)
{
	AUTO(text_free) char *text = json_text(report);

	fail_msg("%.3000s", text);
}

static void assert_counts(const json_t *report, const char *sheet, int new, int same, int changed)
{
	const json_t *c = json_object_get(json_object_get(report, "counts"), sheet);

	if (!is_ok(report) || json_integer_value(json_object_get(c, "new")) != new ||
		json_integer_value(json_object_get(c, "same")) != same ||
		json_integer_value(json_object_get(c, "changed")) != changed)
		fail_with(report);
}

static void import_counts(
	struct db *db, const char *name, const char *text, int new, int same, int changed)
{
	AUTO(json_free) json_t *report = import_csv(db, name, text);
	char sheet[32];

	snprintf(sheet, sizeof(sheet), "%.*s", (int)strcspn(name, "."), name);
	assert_counts(report, sheet, new, same, changed);
}

/* ---- the mall ---- */

static const struct {
	const char *name, *text;
	int rows;
} mall[] = {
	{ "sites.csv", "code,name,profile\nDY,都匀商场,shop\nGY,贵阳公寓,dwelling\n", 2 },
	{ "areas.csv",
		"code,name,site,parent,kind,floor_m2\nR1,1号竖井,DY,B1,riser,\n"
		"B1,一期,DY,,building,12000.5\nY1,一楼,GY,,floor,\n",
		3 },
	{ "gateways.csv",
		"code,name,site,area,transport,address,baud,parity\n"
		"G1,网关一,DY,R1,rtu-tcp,10.0.0.5:8234,9600,E\nG2,,DY,,dial-in,DTU-0002,,\n"
		"GY1,,GY,,modbus-tcp,[fd00::5]:502,,\n",
		3 },
	{ "tariffs.csv",
		"code,name,price,file\nflat,单一电价,0.6583,\nwater,水价,3.5,\n"
		"tou,分时,,\"{\"\"code\"\":\"\"tou\"\",\"\"name\"\":\"\"x\"\",\"\"utility\"\":"
		"\"\"electricity\"\",\"\"versions\"\":[{\"\"effective_from\"\":"
		"\"\"2026-01-01T00:00:00+08:00\"\",\"\"calendar\"\":[{\"\"days\"\":\"\"all\"\","
		"\"\"slots\"\":[[\"\"00:00\"\",\"\"valley\"\"],[\"\"08:00\"\",\"\"peak\"\"]]}],"
		"\"\"prices\"\":{\"\"peak\"\":[\"\"0.75\"\"],\"\"valley\"\":[\"\"0.6\"\"]}}]}\"\n"
		"dear,高价,1.5,\n",
		4 },
	{ "meters.csv",
		"code,name,gateway,unit,model,serial,utility,role,area,parent,ct_ratio,"
		"rated_current_a,start_register,tariff,billing,power_limit_w,load_class\n"
		"M1,101电表,G1,1,acrel-dtsy1352,SN1,,,R1,M0,,20,100.5,flat,,8000,\n"
		"M2,102电表,G1,2,acrel-dtsy1352,,,,,M0,40,,,tou,,,protected\n"
		"M0,总表,G1,3,eastron-sdm630,,,incomer,,,,,,flat,none,,\n"
		"P1,公区,G1,4,eastron-sdm630,,,public,,M0,,,,flat,none,,\n"
		"W1,101水表,G2,5,xintai-water,,water,,,,,,,water,,,\n"
		"Y1,,GY1,1,eastron-sdm230,,,,Y1,,,,,flat,,,\n",
		6 },
	{ "tenants.csv",
		"code,name,phone,contacts,room,meters,start_date,floor_m2,property_fee\n"
		"T1,好味餐厅,13800000001,13900000001;13900000002,101,W1;M1,2026-03-01,86.5,500\n"
		"T2,'=面馆,13800000001,,102,M2,,,\nTY,李四,,,201,Y1,,,\n",
		3 },
	{ "purses.csv",
		"tenant,purpose,opening_balance,warn1,warn2,credit_limit\n"
		"T1,electricity,200.5,50,20,\nT1,fee,1000,,,\nT2,electricity,-12.3,,,100\n",
		3 },
	{ "shares.csv", "source,tenant,ratio\nP1,T1,0.25\nP1,T2,0.5\n", 2 },
};

/* The whole of it in one workbook. */
static void mall_book(struct buf *out)
{
	AUTO(book_free) struct book b = { .error_n = 0 };

	for (size_t i = 0; i < ARRAY_LEN(mall); i++)
		assert_int_equal(
			book_read(mall[i].name, mall[i].text, strlen(mall[i].text), &b, NULL),
			ERR_OK);
	assert_int_equal(b.error_n, 0);
	assert_int_equal(workbook_xlsx(&b, true, out), ERR_OK);
}

static void assert_mall(const json_t *report, bool fresh)
{
	for (size_t i = 0; i < ARRAY_LEN(mall); i++) {
		char sheet[32];

		snprintf(sheet, sizeof(sheet), "%.*s", (int)strcspn(mall[i].name, "."),
			mall[i].name);
		assert_counts(report, sheet, fresh ? mall[i].rows : 0, fresh ? 0 : mall[i].rows, 0);
	}
}

static void mall_import(struct db *db)
{
	AUTO(buf_free) struct buf book = { 0 };
	AUTO(json_free) json_t *report = NULL;

	mall_book(&book);
	report = import_file(db, "mall.xlsx", book.text, book.len);
	assert_mall(report, true);
}

/* ---- a database of its own for each test ---- */

struct world {
	struct db *root, *api;
};

static int world_open(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct problem why = { 0 };

	w->root = fixture_as("root");
	fixture_sql(w->root, "DROP DATABASE yufu");
	fixture_sql(w->root, "CREATE DATABASE yufu");
	fixture_sql(w->root, "USE yufu");
	db_free(&w->root);
	w->root = fixture_as("root");
	assert_int_equal(migrate_run(w->root, SOURCE_DIR "/migrations", &why), ERR_OK);
	fixture_users(w->root);
	w->api = fixture_as("yufu_api");
	*state = w;
	return 0;
}

static int world_close(void **state)
{
	struct world *w = *state;

	db_free(&w->api);
	db_free(&w->root);
	free(w);
	return 0;
}

/* ---- tests ---- */

static void a_workbook_is_new_once_and_then_the_same(void **state)
{
	struct world *w = *state;
	AUTO(buf_free) struct buf book = { 0 };

	mall_import(w->api);
	mall_book(&book);
	for (int i = 0; i < 2; i++) {
		AUTO(json_free)
		json_t *report = import_file(w->api, "mall.xlsx", book.text, book.len);

		assert_mall(report, false);
	}
	assert_int_equal(FIXTURE_VALUE(w->root, "SELECT COUNT(*) AS v FROM meter"), 6);
	assert_int_equal(
		FIXTURE_VALUE(w->root, "SELECT COUNT(*) AS v FROM contract_point WHERE to_at = 0"),
		4);
	assert_int_equal(
		FIXTURE_VALUE(w->root, "SELECT SUM(balance_nano) DIV 1000000 AS v FROM account"),
		1188200); /* 200.5 + 1000 - 12.3 yuan */
	assert_int_equal(FIXTURE_VALUE(w->root, "SELECT SUM(amount_nano) AS v FROM posting"), 0);
	assert_int_equal(FIXTURE_VALUE(w->root, "SELECT COUNT(*) AS v FROM user"), 1);
	assert_int_equal(FIXTURE_VALUE(w->root, "SELECT COUNT(*) AS v FROM user_tenant"), 2);
	assert_int_equal(
		FIXTURE_VALUE(w->root, "SELECT parent_id = (SELECT id FROM meter WHERE code = 'M0')"
				       " AS v FROM meter WHERE code = 'M1'"),
		1);
	assert_int_equal(
		FIXTURE_VALUE(w->root, "SELECT register_milli AS v FROM settled d JOIN meter m"
				       " ON m.id = d.meter_id WHERE m.code = 'M1'"),
		100500);
	assert_int_equal(
		FIXTURE_VALUE(w->root, "SELECT p.load_class = 'protected' AS v FROM supply_point p"
				       " WHERE code = 'M2'"),
		1);
	assert_int_equal(
		FIXTURE_VALUE(w->root, "SELECT utility = 'water' AS v FROM tariff WHERE code = "
				       "'water'"),
		1);
	assert_int_equal(FIXTURE_VALUE(w->root, "SELECT COUNT(*) AS v FROM share_target"), 2);
	assert_int_equal(FIXTURE_VALUE(w->root, "SELECT COUNT(*) AS v FROM contract_fee"), 1);
	assert_int_equal(FIXTURE_VALUE(w->root, "SELECT COUNT(*) AS v FROM import_run"), 3);
}

/* A purse that nothing has moved in cuts nobody: its balance may come in the next file. */
static void files_come_one_by_one(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < 6; i++)
		import_counts(w->api, mall[i].name, mall[i].text, mall[i].rows, 0, 0);
	assert_int_equal(FIXTURE_VALUE(w->root, "SELECT COUNT(*) AS v FROM block"), 0);
	assert_int_equal(FIXTURE_VALUE(w->root, "SELECT COUNT(*) AS v FROM notice"), 0);
	import_counts(w->api, mall[6].name, mall[6].text, 0, 0, 3);
	import_counts(w->api, mall[6].name, mall[6].text, 0, 3, 0);
	import_counts(w->api, mall[7].name, mall[7].text, 2, 0, 0);
	/* What an old debt comes to: within its limit of credit the lights stay on. */
	assert_int_equal(FIXTURE_VALUE(w->root, "SELECT COUNT(*) AS v FROM block"), 0);
}

static void what_may_change_changes(void **state)
{
	static const struct {
		const char *name, *text;
		const char *sql; /* is 1 then */
	} cases[] = {
		{ "sites.csv", "code,name\nDY,都匀新城\n",
			"SELECT name = '都匀新城' AS v FROM site WHERE code = 'DY'" },
		{ "areas.csv", "code,name,site,parent,floor_m2\nY1,一层,GY,,77\n",
			"SELECT name = '一层' AND floor_m2_milli = 77000 AS v FROM area WHERE code "
			"= 'Y1'" },
		{ "gateways.csv",
			"code,site,transport,address,baud\nG1,DY,modbus-tcp,gw.lan:502,19200\n",
			"SELECT transport = 'modbus-tcp' AND address = 'gw.lan:502' AND baud = "
			"19200"
			" AND parity = 'E' AND name = '网关一' AS v FROM gateway WHERE code = "
			"'G1'" },
		{ "meters.csv",
			"code,gateway,unit,model,serial,power_limit_w,area\n"
			"M1,G1,9,acrel-dtsy1352,SN9,9000,B1\n",
			"SELECT unit = '9' AND serial = 'SN9' AND power_limit_w = 9000 AND name ="
			" '101电表' AND area_id = (SELECT id FROM area WHERE code = 'B1') AS v"
			" FROM meter WHERE code = 'M1'" },
		{ "meters.csv", "code,gateway,unit,model,tariff\nM1,G1,9,acrel-dtsy1352,tou\n",
			"SELECT COUNT(*) = 2 AS v FROM meter_tariff a JOIN meter m ON m.id ="
			" a.meter_id WHERE m.code = 'M1'" },
		{ "tenants.csv",
			"code,name,phone,contacts,room,floor_m2\nT1,好味,13800000009,13900000009,"
			"103,90\n",
			"SELECT name = '好味' AND phone = '13800000009' AND room = '103' AND"
			" floor_m2_milli = 90000 AND (SELECT COUNT(*) FROM user_tenant u WHERE"
			" u.tenant_id = t.id) = 1 AS v FROM tenant t WHERE code = 'T1'" },
		{ "tenants.csv", "code,name,property_fee\nT1,好味,600\n",
			"SELECT COUNT(*) = 2 AND SUM(to_day IS NULL AND monthly_fen = 60000) = 1"
			" AS v FROM contract_fee" },
		{ "tenants.csv", "code,name,property_fee\nT1,好味,0\n",
			"SELECT SUM(to_day IS NULL) = 0 AS v FROM contract_fee" },
		{ "purses.csv", "tenant,purpose,warn1,credit_limit\nT1,electricity,60,30\n",
			"SELECT warn1_nano = 60000000000 AND warn2_nano = 20000000000 AND"
			" credit_limit_nano = 30000000000 AS v FROM account WHERE purpose ="
			" 'electricity' ORDER BY id LIMIT 1" },
		{ "tariffs.csv", "code,name,price\nflat,单一,0.7\n",
			"SELECT revision = 2 AND name = '单一' AND"
			" JSON_LENGTH(doc, '$.versions') = 2 AS v FROM tariff WHERE code = "
			"'flat'" },
		{ "shares.csv", "source,tenant,ratio\nP1,T1,0.3\n",
			"SELECT SUM(weight) = 800000 AS v FROM share_target WHERE from_day ="
			" (SELECT MAX(from_day) FROM share_target)" },
	};
	struct world *w = *state;

	mall_import(w->api);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct query q = { cases[i].sql, &fixture_shape };

		import_counts(w->api, cases[i].name, cases[i].text, 0, 0, 1);
		if (fixture_value(w->root, &q) != 1)
			fail_msg("%s", cases[i].sql);
		import_counts(w->api, cases[i].name, cases[i].text, 0, 1, 0);
	}
}

static void meters_change_places_and_come_to_freed_ones(void **state)
{
	struct world *w = *state;

	mall_import(w->api);
	import_counts(w->api, "meters.csv",
		"code,gateway,unit,model\nN1,G1,4,eastron-sdm630\nM1,G1,2,acrel-dtsy1352\n"
		"M2,G1,1,acrel-dtsy1352\nP1,G1,44,eastron-sdm630\n",
		1, 0, 3);
	assert_int_equal(FIXTURE_VALUE(w->root,
				 "SELECT GROUP_CONCAT(unit ORDER BY code) = '1' AS v FROM meter"
				 " WHERE code = 'M2'"),
		1);
}

static void a_meter_comes_to_a_tenant_later(void **state)
{
	struct world *w = *state;

	mall_import(w->api);
	import_counts(w->api, "meters.csv", "code,gateway,unit,model\nM9,G1,90,acrel-dtsy1352\n", 1,
		0, 0);
	import_counts(w->api, "tenants.csv", "code,name,meters\nT2,'=面馆,M2;M9\n", 0, 0, 1);
	assert_int_equal(
		FIXTURE_VALUE(w->root, "SELECT COUNT(*) AS v FROM contract_point cp JOIN contract "
				       "c ON c.id = cp.contract_id WHERE c.code = 'T2'"),
		2);
}

static const struct {
	const char *name, *text, *column, *code;
} refusals[] = {
	{ "sites.csv", "code,name,zone\nDY,都匀商场,Asia/Urumqi\n", "zone", "conflict" },
	{ "areas.csv", "code,name,site\nR1,1号竖井,GY\n", "site", "conflict" },
	{ "areas.csv", "code,name,site,parent\nB1,一期,DY,R1\n", "parent", "conflict" },
	{ "areas.csv", "code,name,site,parent\nX,x,GY,R1\n", "parent", "conflict" },
	{ "areas.csv", "code,name,site,parent\nX,x,DY,X\n", "parent", "conflict" },
	{ "areas.csv", "code,name,site,parent\nX,x,DY,none\n", "parent", "not_found" },
	{ "gateways.csv", "code,site,transport,address\nX,DY,rtu-tcp,10.0.0.5\n", "address",
		"bad_value" },
	{ "gateways.csv", "code,site,transport,address\nX,DY,modbus-tcp,:502\n", "address",
		"bad_value" },
	{ "gateways.csv", "code,site,transport,address\nX,DY,rtu,ttyS0\n", "address", "bad_value" },
	{ "gateways.csv", "code,site,transport,address,area\nX,GY,rtu,/dev/ttyS0,R1\n", "area",
		"conflict" },
	{ "gateways.csv", "code,site,transport,address\nG1,GY,rtu-tcp,10.0.0.5:8234\n", "site",
		"conflict" },
	{ "meters.csv", "code,gateway,unit,model\nM1,G1,1,eastron-sdm630\n", "model", "conflict" },
	{ "meters.csv", "code,gateway,unit,model\nM1,G1,300,acrel-dtsy1352\n", "unit",
		"out_of_range" },
	{ "meters.csv", "code,gateway,unit,model\nX,G1,1,acrel-dtsy1352\n", "unit", "already" },
	{ "meters.csv", "code,gateway,unit,model\nX,G1,200,no-such\n", "model", "not_found" },
	{ "meters.csv", "code,gateway,unit,model\nM1,GY1,7,acrel-dtsy1352\n", "gateway",
		"conflict" },
	{ "meters.csv", "code,gateway,unit,model,billing\nM1,G1,1,acrel-dtsy1352,meter\n",
		"billing", "conflict" },
	{ "meters.csv", "code,gateway,unit,model,load_class\nM1,G1,1,acrel-dtsy1352,protected\n",
		"load_class", "conflict" },
	{ "meters.csv", "code,gateway,unit,model,ct_ratio\nM1,G1,1,acrel-dtsy1352,40\n", "ct_ratio",
		"conflict" },
	{ "meters.csv", "code,gateway,unit,model,start_register\nM1,G1,1,acrel-dtsy1352,7\n",
		"start_register", "conflict" },
	{ "meters.csv", "code,gateway,unit,model,utility\nM1,G1,1,acrel-dtsy1352,water\n",
		"utility", "conflict" },
	{ "meters.csv", "code,gateway,unit,model,tariff\nM1,G1,1,acrel-dtsy1352,water\n", "tariff",
		"conflict" },
	{ "meters.csv", "code,gateway,unit,model,parent\nM0,G1,3,eastron-sdm630,M1\n", "parent",
		"conflict" },
	{ "meters.csv", "code,gateway,unit,model,parent\nM2,G1,2,acrel-dtsy1352,M1\n", "parent",
		"conflict" },
	{ "tariffs.csv", "code,name,file\nX,x,tariff.json\n", "file", "bad_value" },
	{ "tariffs.csv", "code,name,file\nX,x,{}\n", "file", "missing_field" },
	{ "tariffs.csv", "code,name,price\nX,x,\n", "price", "bad_value" },
	{ "tariffs.csv", "code,name,price\ntou,分时,1\n", "price", "conflict" },
	/* Prices that move far take a second person, whom a workbook does not have. */
	{ "tariffs.csv", "code,name,price\nflat,单一电价,0.9\n", "price", "needs_approval" },
	{ "meters.csv", "code,gateway,unit,model,tariff\nM1,G1,1,acrel-dtsy1352,dear\n", "tariff",
		"needs_approval" },
	{ "tenants.csv", "code,name,start_date\nT1,好味餐厅,2026-04-01\n", "start_date",
		"conflict" },
	{ "tenants.csv", "code,name,meters\nT1,好味餐厅,M1\n", "meters", "conflict" },
	{ "tenants.csv", "code,name,meters\nT1,好味餐厅,M1;W1;M2\n", "meters", "conflict" },
	{ "tenants.csv", "code,name,meters\nT1,好味餐厅,M1;W1;Y1\n", "meters", "conflict" },
	{ "tenants.csv", "code,name\nX,x\n", "meters", "missing_field" },
	{ "purses.csv", "tenant,purpose,opening_balance\nT1,electricity,300\n", "opening_balance",
		"conflict" },
	{ "purses.csv", "tenant,purpose,opening_balance\nT1,fee,0\n", "opening_balance",
		"conflict" },
	{ "purses.csv", "tenant,purpose,warn1,warn2\nT1,electricity,5,6\n", "warn2",
		"out_of_range" },
	{ "purses.csv", "tenant,purpose\nnone,electricity\n", "tenant", "not_found" },
	{ "shares.csv", "source,tenant,ratio\nP1,T1,0.6\n", "ratio", "out_of_range" },
	{ "shares.csv", "source,tenant,ratio\nM0,TY,0.6\n", "tenant", "not_found" },
};

static int64_t state_of(struct db *root)
{
	return FIXTURE_VALUE(root,
		"SELECT CAST(CRC32(CONCAT_WS(',', (SELECT GROUP_CONCAT(CONCAT_WS('|', code, name,"
		" gateway_id, unit, model, serial, parent_id, area_id, ct_ratio, billing) ORDER BY"
		" id) FROM meter), (SELECT COUNT(*) FROM entry), (SELECT COUNT(*) FROM account),"
		" (SELECT COUNT(*) FROM area), (SELECT COUNT(*) FROM gateway), (SELECT COUNT(*)"
		" FROM contract_point), (SELECT SUM(revision) FROM tariff), (SELECT COUNT(*) FROM"
		" share_target), (SELECT COUNT(*) FROM meter_tariff))) AS SIGNED) AS v");
}

static void what_may_not_change_is_refused(void **state)
{
	struct world *w = *state;
	int64_t before;

	mall_import(w->api);
	before = state_of(w->root);
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		AUTO(json_free)
		json_t *report = import_csv(w->api, refusals[i].name, refusals[i].text);
		const json_t *e = json_array_get(json_object_get(report, "errors"), 0);

		if (is_ok(report) ||
			!str_eq(json_string_value(json_object_get(e, "column")),
				refusals[i].column) ||
			!str_eq(json_string_value(json_object_get(e, "code")), refusals[i].code)) {
			print_error("%s", refusals[i].text);
			fail_with(report);
		}
		assert_int_equal(json_integer_value(json_object_get(e, "row")), 2);
		assert_int_equal(state_of(w->root), before);
	}
}

static void a_moved_out_tenant_is_not_taken_back(void **state)
{
	struct world *w = *state;
	AUTO(json_free) json_t *report = NULL;

	mall_import(w->api);
	fixture_sql(w->root, "UPDATE contract SET end_at = 1 WHERE code = 'T2'");
	report = import_csv(w->api, "tenants.csv", "code,name,room\nT2,'=面馆,109\n");
	assert_false(is_ok(report));
}

/* One bad row among good ones, and a database that fails in the middle. */
static void all_or_nothing(void **state)
{
	struct world *w = *state;
	static const char text[] = "code,gateway,unit,model\nX1,G1,101,acrel-dtsy1352\n"
				   "X2,G1,102,acrel-dtsy1352\n";
	AUTO(json_free) json_t *report = NULL, *failed = NULL;
	int64_t before;

	mall_import(w->api);
	before = state_of(w->root);
	report = import_csv(w->api, "meters.csv",
		"code,gateway,unit,model\nX1,G1,101,acrel-dtsy1352\nX2,G1,1,acrel-dtsy1352\n"
		"X3,G9,103,acrel-dtsy1352\nX4,G1,104,\n");
	assert_false(is_ok(report));
	assert_int_equal(json_array_size(json_object_get(report, "errors")), 3);
	assert_int_equal(state_of(w->root), before);
	fixture_sql(w->root, "CREATE TRIGGER stop BEFORE INSERT ON meter FOR EACH ROW BEGIN IF"
			     " NEW.code = 'X2' THEN SIGNAL SQLSTATE '45000'; END IF; END");
	assert_int_equal(import_as(w->api,
				 &(struct asked){ .name = "meters.csv",
					 .bytes = text,
					 .n = sizeof(text) - 1,
					 .rights = RIGHTS_ALL },
				 &failed),
		ERR_DB);
	assert_null(failed);
	fixture_sql(w->root, "DROP TRIGGER stop");
	assert_int_equal(state_of(w->root), before);
}

static void a_dry_run_changes_nothing(void **state)
{
	struct world *w = *state;
	AUTO(buf_free) struct buf book = { 0 };
	AUTO(json_free) json_t *report = NULL;

	mall_book(&book);
	assert_int_equal(import_as(w->api,
				 &(struct asked){ .name = "mall.xlsx",
					 .bytes = book.text,
					 .n = book.len,
					 .dry_run = true,
					 .rights = RIGHTS_ALL },
				 &report),
		ERR_OK);
	assert_mall(report, true);
	assert_int_equal(FIXTURE_VALUE(w->root, "SELECT COUNT(*) AS v FROM site"), 0);
	assert_int_equal(FIXTURE_VALUE(w->root, "SELECT COUNT(*) AS v FROM entry"), 0);
	assert_int_equal(FIXTURE_VALUE(w->root, "SELECT dry_run AND ok AS v FROM import_run"), 1);
}

struct racer {
	const struct buf *book;
	json_t *report;
	enum err e;
};

static void *race(void *ctx)
{
	struct racer *r = ctx;
	struct db *db = fixture_as("yufu_api");

	r->e = import_as(db,
		&(struct asked){ .name = "mall.xlsx",
			.bytes = r->book->text,
			.n = r->book->len,
			.rights = RIGHTS_ALL },
		&r->report);
	db_free(&db);
	db_thread_end();
	return NULL;
}

static void two_at_once_are_one_after_the_other(void **state)
{
	struct world *w = *state;
	AUTO(buf_free) struct buf book = { 0 };
	struct racer r[2];
	pthread_t t[2];
	int64_t fresh = 0;

	mall_book(&book);
	for (int i = 0; i < 2; i++) {
		r[i] = (struct racer){ .book = &book };
		assert_int_equal(pthread_create(&t[i], NULL, race, &r[i]), 0);
	}
	for (int i = 0; i < 2; i++) {
		pthread_join(t[i], NULL);
		assert_int_equal(r[i].e, ERR_OK);
		assert_true(is_ok(r[i].report));
		fresh += json_integer_value(json_object_get(
			json_object_get(json_object_get(r[i].report, "counts"), "meters"), "new"));
		json_free(&r[i].report);
	}
	assert_int_equal(fresh, 6);
	assert_int_equal(FIXTURE_VALUE(w->root, "SELECT COUNT(*) AS v FROM entry"), 3);
}

static json_t *import_of_site(
	struct db *db, int64_t site, unsigned rights, const char *name, const char *text)
{
	json_t *report = NULL;

	assert_int_equal(import_as(db,
				 &(struct asked){ .name = name,
					 .bytes = text,
					 .n = strlen(text),
					 .site_id = site,
					 .rights = rights },
				 &report),
		ERR_OK);
	return report;
}

static void others_sites_are_out_of_reach(void **state)
{
	static const struct {
		unsigned rights;
		const char *name, *text, *code; /* NULL: it may */
	} cases[] = {
		{ RIGHTS_ALL, "sites.csv", "code,name\nNEW,x\n", "forbidden" },
		{ RIGHTS_ALL, "gateways.csv", "code,site,transport,address\nX,GY,dial-in,X-1\n",
			"not_found" },
		{ RIGHTS_ALL, "areas.csv", "code,name,site\nY1,x,DY\n", "already" },
		{ RIGHTS_ALL, "meters.csv", "code,gateway,unit,model\nX,GY1,9,eastron-sdm230\n",
			"not_found" },
		{ RIGHTS_ALL, "tenants.csv", "code,name,meters\nX,x,Y1\n", "not_found" },
		{ RIGHTS_ALL, "tariffs.csv", "code,name,price\nflat,单一,0.9\n", "forbidden" },
		{ 0, "tariffs.csv", "code,name,price\nwater,水价,4\n", "forbidden" },
		{ 0, "purses.csv", "tenant,purpose,credit_limit\nT1,electricity,99\n",
			"forbidden" },
		{ 0, "shares.csv", "source,tenant,ratio\nP1,T1,0.1\n", "forbidden" },
		{ 0, "tenants.csv", "code,name,property_fee\nT1,好味餐厅,1\n", "forbidden" },
		{ 0, "tenants.csv", "code,name,room\nT1,好味餐厅,109\n", NULL },
		{ 0, "gateways.csv", "code,site,transport,address\nX,DY,dial-in,X-1\n", NULL },
	};
	struct world *w = *state;
	int64_t site;

	mall_import(w->api);
	site = FIXTURE_VALUE(w->root, "SELECT id AS v FROM site WHERE code = 'DY'");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(json_free)
		json_t *report =
			import_of_site(w->api, site, cases[i].rights, cases[i].name, cases[i].text);
		const char *code = json_string_value(json_object_get(
			json_array_get(json_object_get(report, "errors"), 0), "code"));

		if (is_ok(report) != !cases[i].code ||
			(cases[i].code && !str_eq(code ? code : "", cases[i].code))) {
			print_error("%s", cases[i].text);
			fail_with(report);
		}
	}
}

static void export_of(struct db *db, struct buf *xlsx, struct buf csv[static SHEET__MAX])
{
	AUTO(book_free) struct book b = { .error_n = 0 };

	assert_int_equal(present_export(db, 0, utc_now(), &b), ERR_OK);
	assert_int_equal(workbook_xlsx(&b, false, xlsx), ERR_OK);
	for (int i = 0; i < SHEET__MAX; i++)
		workbook_csv(&b, (enum sheet_id)i, &csv[i]);
}

/* What was exported changes nothing, and makes the same again where there was nothing. */
static void an_export_is_imported_as_it_is(void **state)
{
	struct world *w = *state;
	struct buf csv[SHEET__MAX] = { { 0 } }, again[SHEET__MAX] = { { 0 } };
	AUTO(buf_free) struct buf xlsx = { 0 };
	AUTO(buf_free) struct buf second = { 0 };
	AUTO(json_free) json_t *report = NULL;
	AUTO(json_free) json_t *fresh = NULL;

	mall_import(w->api);
	fixture_sql(w->root, "UPDATE tenant SET name = '''=1+1', room = '-5' WHERE code = 'T1'");
	fixture_sql(w->root, "UPDATE tenant SET name = '@面馆, \"一号\"' WHERE code = 'T2'");
	export_of(w->api, &xlsx, csv);
	assert_non_null(strstr(csv[SHEET_TENANTS].text, "''=1+1"));
	assert_non_null(strstr(csv[SHEET_TENANTS].text, ",'-5,"));
	assert_non_null(strstr(csv[SHEET_TENANTS].text, "\"'@面馆, \"\"一号\"\"\""));
	assert_non_null(strstr(csv[SHEET_PURSES].text, "电费,-12.3,"));
	report = import_file(w->api, "yufu.xlsx", xlsx.text, xlsx.len);
	for (int i = 0; i < SHEET__MAX; i++) {
		const json_t *c =
			json_object_get(json_object_get(report, "counts"), sheet_layouts[i].en);
		char name[32];

		if (!is_ok(report) || json_integer_value(json_object_get(c, "new")) ||
			json_integer_value(json_object_get(c, "changed")))
			fail_with(report);
		snprintf(name, sizeof(name), "%s.csv", sheet_layouts[i].zh);
		json_decref(import_file(w->api, name, csv[i].text, csv[i].len));
	}
	db_free(&w->api);
	db_free(&w->root);
	free(w);
	assert_int_equal(world_open(state), 0);
	w = *state;
	fresh = import_file(w->api, "yufu.xlsx", xlsx.text, xlsx.len);
	if (!is_ok(fresh))
		fail_with(fresh);
	export_of(w->api, &second, again);
	for (int i = 0; i < SHEET__MAX; i++) {
		if (i != SHEET_TENANTS) /* a start that was not given is the day of the import */
			assert_string_equal(again[i].text, csv[i].text);
		buf_free(&again[i]);
		buf_free(&csv[i]);
	}
}

struct line_row {
	char v[2000];
};
SHAPE(line_shape, struct line_row, FIELD(struct line_row, v));
/* What an import writes, by codes: ids may have gaps, and times are those of the import. */
static const struct query written[] = {
	{ "SELECT CONCAT_WS('|', m.code, m.name, g.code, m.unit, m.model, m.serial, m.utility, "
	  "m.role,"
	  " COALESCE(a.code, '-'), COALESCE(u.code, '-'), m.ct_ratio, m.pt_ratio,"
	  " m.rated_current_ma, m.start_milli, m.billing, m.power_limit_w, p.code, s.code,"
	  " p.utility, p.switchable, p.billing, p.load_class, p.desired, p.desired_since > 0,"
	  " st.read_at, COALESCE(d.register_milli, '-'), COALESCE(d.read_at > 0, '-'),"
	  " COALESCE(x.from_at, '-'), COALESCE(t.code, '-')) AS v FROM meter m JOIN gateway g ON"
	  " g.id = m.gateway_id JOIN supply_point p ON p.id = m.supply_point_id JOIN site s ON s.id"
	  " = p.site_id JOIN meter_state st ON st.meter_id = m.id LEFT JOIN area a ON a.id ="
	  " m.area_id LEFT JOIN meter u ON u.id = m.parent_id LEFT JOIN settled d ON d.meter_id ="
	  " m.id LEFT JOIN meter_tariff x ON x.meter_id = m.id LEFT JOIN tariff t ON t.id ="
	  " x.tariff_id ORDER BY v",
		&line_shape },
	{ "SELECT CONCAT_WS('|', t.code, t.name, s.code, t.phone, t.contacts, t.room,"
	  " t.floor_m2_milli, c.code, c.end_at, COALESCE((SELECT GROUP_CONCAT(CONCAT_WS('/',"
	  " u.username, u.kind, u.name, u.phone, u.password_hash) ORDER BY u.username) FROM user u"
	  " JOIN user_tenant x ON x.user_id = u.id WHERE x.tenant_id = t.id), '-')) AS v"
	  " FROM tenant t JOIN site s ON s.id = t.site_id JOIN contract c ON c.tenant_id = t.id"
	  " ORDER BY v",
		&line_shape },
	{ "SELECT CONCAT_WS('|', c.code, a.purpose, a.code = CONCAT('purse:', c.id, ':',"
	  " a.purpose), a.balance_nano, a.subsidy_nano, a.warn1_nano, a.warn2_nano,"
	  " a.credit_limit_nano, a.emergency_limit_nano, a.level, COALESCE((SELECT"
	  " GROUP_CONCAT(CONCAT_WS('/', e.kind, e.reference = CONCAT('account:', a.id), e.once_key"
	  " = CONCAT('opening:', a.id), e.actor, e.memo, e.site_id = t.site_id, q.line,"
	  " IF(b.kind = 'purse', 'purse', b.code), q.amount_nano) ORDER BY q.line) FROM entry e"
	  " JOIN posting q ON q.entry_id = e.id JOIN account b ON b.id = q.account_id WHERE"
	  " e.reference = CONCAT('account:', a.id)), '-')) AS v FROM account a JOIN contract c ON"
	  " c.id = a.contract_id JOIN tenant t ON t.id = c.tenant_id ORDER BY v",
		&line_shape },
	{ "SELECT CONCAT_WS('|', c.code, p.code, a.purpose, a.contract_id = c.id, x.from_at > 0,"
	  " x.to_at) AS v FROM contract_point x JOIN contract c ON c.id = x.contract_id JOIN"
	  " supply_point p ON p.id = x.supply_point_id JOIN account a ON a.id = x.account_id ORDER"
	  " BY v",
		&line_shape },
	{ "SELECT CONCAT_WS('|', c.code, f.kind, f.monthly_fen, f.from_day, COALESCE(f.to_day,"
	  " '-'), f.created_at > 0, f.actor, a.purpose, u.actor, u.address, u.action, u.outcome,"
	  " REPLACE(u.detail, CONCAT(':', c.id, ','), ':#,')) AS v FROM contract_fee f JOIN"
	  " contract c ON c.id = f.contract_id JOIN account a ON a.id = f.account_id JOIN audit u"
	  " ON u.object = CONCAT('fee:', f.id) ORDER BY v",
		&line_shape },
	{ "SELECT CONCAT_WS('|', p.code, b.kind, b.actor) AS v FROM block b JOIN supply_point p ON"
	  " p.id = b.supply_point_id ORDER BY v",
		&line_shape },
};

static void written_texts(struct db *db, struct buf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(written); i++) {
		AUTO(rows_free) struct rows rows = { 0 };

		assert_int_equal(db_list(db, &written[i], NO_ARGS, &rows), ERR_OK);
		assert_true(rows.n > 0 || i + 1 == ARRAY_LEN(written));
		for (size_t k = 0; k < rows.n; k++)
			buf_printf(out, "%s\n", ((const struct line_row *)rows.at)[k].v);
	}
}

static void world_again(void **state)
{
	struct world *w = *state;

	db_free(&w->api);
	db_free(&w->root);
	free(w);
	assert_int_equal(world_open(state), 0);
}

static void rows_are_the_same_many_or_one_at_a_time(void **state)
{
	struct buf csv[SHEET__MAX] = { { 0 } }, texts[2] = { { 0 } };
	AUTO(buf_free) struct buf xlsx = { 0 };

	mall_import(((struct world *)*state)->api);
	export_of(((struct world *)*state)->api, &xlsx, csv);
	for (int i = 0; i < SHEET__MAX; i++)
		buf_free(&csv[i]);
	for (int i = 0; i < 2; i++) {
		AUTO(json_free) json_t *report = NULL;

		world_again(state);
		assert_int_equal(import_as(((struct world *)*state)->api,
					 &(struct asked){ .name = "mall.xlsx",
						 .bytes = xlsx.text,
						 .n = xlsx.len,
						 .row_by_row = i,
						 .rights = RIGHTS_ALL },
					 &report),
			ERR_OK);
		if (!is_ok(report))
			fail_with(report);
		written_texts(((struct world *)*state)->root, &texts[i]);
	}
	assert_string_equal(texts[0].text, texts[1].text);
	buf_free(&texts[0]);
	buf_free(&texts[1]);
}

static void messages_are_in_both_languages(void **state)
{
	struct world *w = *state;
	static const char text[] = "code,gateway,unit,model\nX,G1,1,no-such\n";

	for (int zh = 0; zh < 2; zh++) {
		AUTO(json_free) json_t *report = NULL;
		const char *message;

		assert_int_equal(import_as(w->api,
					 &(struct asked){ .name = "meters.csv",
						 .bytes = text,
						 .n = sizeof(text) - 1,
						 .chinese = zh },
					 &report),
			ERR_OK);
		message = json_string_value(json_object_get(
			json_array_get(json_object_get(report, "errors"), 0), "message"));
		assert_int_equal((unsigned char)message[0] >= 0x80, zh);
	}
}

static int group_open(void **state)
{
	struct problem why = { 0 };

	if (fixture_open(state) != 0)
		return 1;
	assert_int_equal(models_open(NULL, &models, &why), ERR_OK);
	return 0;
}

static int group_close(void **state)
{
	models_free(&models);
	return fixture_close(state);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, world_open, world_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_workbook_is_new_once_and_then_the_same),
		TEST(files_come_one_by_one),
		TEST(what_may_change_changes),
		TEST(meters_change_places_and_come_to_freed_ones),
		TEST(a_meter_comes_to_a_tenant_later),
		TEST(what_may_not_change_is_refused),
		TEST(a_moved_out_tenant_is_not_taken_back),
		TEST(all_or_nothing),
		TEST(a_dry_run_changes_nothing),
		TEST(two_at_once_are_one_after_the_other),
		TEST(others_sites_are_out_of_reach),
		TEST(an_export_is_imported_as_it_is),
		TEST(rows_are_the_same_many_or_one_at_a_time),
		TEST(messages_are_in_both_languages),
	};

	return cmocka_run_group_tests(tests, group_open, group_close);
}
