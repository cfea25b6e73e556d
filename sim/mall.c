#include "sim/mall.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

enum { ROOMS_A_FLOOR = 20, HOUR = 3600 };

/* Where a slot of the day begins, and its rate. */
static const struct slot {
	int hour;
	enum mall_rate rate;
} slots[] = {
	{ 0, RATE_VALLEY },
	{ 7, RATE_FLAT },
	{ 10, RATE_PEAK },
	{ 12, RATE_FLAT },
	{ 17, RATE_PEAK },
	{ 19, RATE_SHARP },
	{ 21, RATE_PEAK },
	{ 23, RATE_VALLEY },
};

static const char *const rate_words[] = { "sharp", "peak", "flat", "valley" };

/* Yuan per kWh in the three tiers. */
static const char *const rate_prices[][3] = {
	[RATE_SHARP] = { "1.2318", "1.2818", "1.5318" },
	[RATE_PEAK] = { "1.0287", "1.0787", "1.3287" },
	[RATE_FLAT] = { "0.6583", "0.7083", "0.9583" },
	[RATE_VALLEY] = { "0.312", "0.362", "0.612" },
};

enum mall_rate mall_rate_at(int32_t second_of_day)
{
	enum mall_rate rate = slots[0].rate;

	for (size_t i = 0; i < ARRAY_LEN(slots); i++) {
		if (second_of_day >= slots[i].hour * HOUR)
			rate = slots[i].rate;
	}
	return rate;
}

/* Trades: what their names end with, and the peak of an ordinary shop in W (single-phase) and of a
 * large one (three-phase; the meters' power registers end at 32 kW). */
static const struct trade {
	enum load_kind kind;
	int peak_small, peak_large;
	const char *endings[6];
} trades[] = {
	/* clang-format off */
	{ LOAD_RESTAURANT,  7800, 24000, { "面馆", "酸汤鱼", "小厨", "米粉店", "烤鱼", "家常菜" } },
	{ LOAD_FASHION,     3200, 12000, { "女装", "男装", "童装", "鞋城", "内衣", "服饰" } },
	{ LOAD_MILK_TEA,    4600, 11000, { "茶饮", "鲜奶茶", "咖啡", "果茶", "甜品", "豆浆铺" } },
	{ LOAD_SALON,       5200, 14000, { "美发", "美甲", "美容", "造型", "养生馆", "SPA" } },
	{ LOAD_PHONE,       2600,  9000, { "数码", "手机城", "通讯", "电脑维修", "眼镜", "钟表" } },
	{ LOAD_HOTPOT,      9200, 26000, { "火锅", "串串香", "豆米火锅", "牛肉火锅", "烙锅", "冒菜" } },
	{ LOAD_BAKERY,      6800, 18000, { "烘焙", "蛋糕", "面包坊", "糕点", "酥饼", "甜心坊" } },
	{ LOAD_PHARMACY,    2200,  8000, { "大药房", "药店", "国医堂", "医疗器械", "参茸行", "保健品" } },
	{ LOAD_KIDS,        3600, 15000, { "童趣馆", "早教", "玩具", "绘本馆", "游乐园", "母婴" } },
	{ LOAD_OFFICE,      3000, 13000, { "商贸", "广告", "旅行社", "事务所", "教育", "房产" } },
	{ LOAD_BOOKS,       2400, 10000, { "书店", "文具", "画廊", "茶庄", "花艺", "银饰" } },
	/* clang-format on */
};

/* The six large tenants of a bus, units 10, 20 .. 60. */
static const struct anchor {
	enum load_kind kind;
	int peak;
	const char *endings[2];
} anchors[] = {
	{ LOAD_SUPERMARKET, 27000, { "生鲜超市", "百货超市" } },
	{ LOAD_GYM, 19000, { "健身", "瑜伽会所" } },
	{ LOAD_HOTPOT, 24000, { "火锅城", "自助餐厅" } },
	{ LOAD_CINEMA, 27500, { "影城", "KTV" } },
	{ LOAD_RESTAURANT, 22000, { "大酒楼", "宴会厅" } },
	{ LOAD_FASHION, 12000, { "百货", "家居" } },
};

static const char *const brands[] = {
	/* clang-format off */
	"春和", "苗岭", "剑江", "星光", "禾下", "南山", "百子桥", "云朵", "阿婆", "小满",
	"拾味", "青禾", "老街", "锦绣", "悦来", "都匀印象", "毛尖里", "欢喜", "一品", "半山",
	"金谷", "花间", "蓝调", "慢时光", "三味", "七里香", "福满", "知行", "暖阳", "木子",
	"西山", "桥头", "新月", "红叶", "千里", "晨曦", "方圆", "同乐", "吉祥", "小确幸",
	"山水间", "黔味", "布依", "风雨桥", "白杨", "丰年", "向阳", "清风", "明月", "十里",
	"甜橙", "橘子", "麦田", "星河", "鹿鸣", "海棠", "水墨", "谷雨", "东篱", "长桥",
	/* clang-format on */
};

static const struct public_load {
	enum load_kind kind;
	int peak; /* W */
	int ct;
	int rated_a;
	const char *name;
} public_loads[] = {
	{ LOAD_LIGHTING, 8200, 1, 80, "1F 公共照明" },
	{ LOAD_LIGHTING, 7600, 1, 80, "2F 公共照明" },
	{ LOAD_LIGHTING, 6900, 1, 80, "3F 公共照明" },
	{ LOAD_ESCALATOR, 21000, 10, 50, "1F-2F 扶梯" },
	{ LOAD_ESCALATOR, 19500, 10, 50, "2F-3F 扶梯" },
	{ LOAD_LIFT, 26000, 20, 100, "客梯" },
	{ LOAD_LIFT, 18000, 20, 100, "货梯" },
	{ LOAD_AIR, 98000, 40, 200, "空调机房" },
	{ LOAD_AIR, 31000, 20, 100, "新风机组" },
	{ LOAD_PUMP, 15500, 10, 50, "生活水泵" },
};
_Static_assert(ARRAY_LEN(public_loads) == MALL_UNITS_POWER - MALL_UNITS_PREPAID,
	"one load for each public meter of a bus");

/* Shops whose opening balance the story needs, by bus and unit. Three are used up, twelve low. */
static const struct fixed_balance {
	int bus, unit;
	int64_t fen;
} fixed_balances[] = {
	/* clang-format off */
	{ 0,  3,  -318 }, { 1, 17,     0 }, { 3, 42, -1240 },
	{ 0,  8,  1860 }, { 0, 27,   940 }, { 0, 41,  4425 },
	{ 1,  5,  2390 }, { 1, 36,   615 }, { 2,  2,  3870 },
	{ 2, 19,  1275 }, { 2, 48,  4690 }, { 3, 11,  2055 },
	{ 3, 33,   780 }, { 4,  7,  4180 }, { 4, 26,  1590 },
	/* clang-format on */
};

/* Tenants that pay a property fee, with what their fee purse holds: one is short. */
static const struct fixed_fee {
	int bus, unit;
	int64_t monthly_fen, balance_fen;
} fixed_fees[] = {
	{ 4, 20, 150000, 450000 },
	{ 4, 21, 30000, 10000 },
	{ 4, 22, 36000, 36000 },
	{ 4, 23, 28000, 100000 },
};

static const struct fixed_fee *fee_of(const struct mall_tenant *t)
{
	for (size_t i = 0; i < ARRAY_LEN(fixed_fees); i++)
		if (fixed_fees[i].bus == t->power->bus && fixed_fees[i].unit == t->power->unit)
			return &fixed_fees[i];
	return NULL;
}

/* A number in [low, high] that depends on what it is for only. */
static int64_t pick(uint32_t seed, int bus, int unit, uint32_t what, int64_t low, int64_t high)
{
	int half = (int)((high - low) / 2);
	uint64_t moment = (uint64_t)what << 32 | (uint32_t)(bus * 256 + unit);

	return low + half + load_noise(seed, UINT32_MAX, moment, half);
}

enum { PICK_PEAK, PICK_START, PICK_BALANCE, PICK_WATER, PICK_WATER_START };

static bool is_anchor(int unit)
{
	return unit <= MALL_UNITS_PREPAID && unit % 10 == 0;
}

/* Which trade rents a place. The first four places of a bus have water, so they serve food. */
static size_t trade_no(int bus, int unit)
{
	static const size_t with_water[MALL_UNITS_WATER] = { 2, 3, 0, 5 };

	if (unit <= MALL_UNITS_WATER)
		return with_water[unit - 1];
	return (size_t)(unit * 5 + bus * 3) % ARRAY_LEN(trades);
}

/* Brand and ending: no two tenants share both, since a brand comes once a bus and its ending moves
 * on with the bus. */
static void tenant_name(struct mall_tenant *t, int bus, int unit)
{
	const char *brand = brands[(size_t)(unit * 7 + bus * 13) % ARRAY_LEN(brands)];
	const struct trade *trade = &trades[trade_no(bus, unit)];
	const char *ending = trade->endings[(unit / 11 + bus) % 6];

	t->kind = trade->kind;
	if (is_anchor(unit)) {
		const struct anchor *anchor = &anchors[unit / 10 - 1];

		t->kind = anchor->kind;
		ending = anchor->endings[bus % 2];
	}
	snprintf(t->name, sizeof t->name, "%s%s", brand, ending);
	if (bus == 0 && unit == 3)
		snprintf(t->name, sizeof t->name, "好味面馆");
}

static int64_t opening_balance(uint32_t seed, int bus, int unit)
{
	int64_t fen = pick(seed, bus, unit, PICK_BALANCE, 8000, 90000);

	for (size_t i = 0; i < ARRAY_LEN(fixed_balances); i++) {
		if (fixed_balances[i].bus == bus && fixed_balances[i].unit == unit)
			return fixed_balances[i].fen;
	}
	return is_anchor(unit) ? fen * 5 : fen;
}

static void tenant_make(struct mall_tenant *t, uint32_t seed, int bus, int unit)
{
	int n = bus * MALL_UNITS_PREPAID + unit;
	int floor = (unit - 1) / ROOMS_A_FLOOR + 1;
	int door = (unit - 1) % ROOMS_A_FLOOR + 1;
	char letter = (char)('A' + bus);

	snprintf(t->code, sizeof t->code, "T%c%d%02d", letter, floor, door);
	snprintf(t->room, sizeof t->room, "%c-%d%02d", letter, floor, door);
	snprintf(t->phone, sizeof t->phone, "1380000%04d", n % 10000);
	tenant_name(t, bus, unit);
	t->balance_fen = opening_balance(seed, bus, unit);
	t->warn1 = is_anchor(unit) ? 200 : 50;
	t->warn2 = is_anchor(unit) ? 80 : 20;
}

static int64_t shop_peak(uint32_t seed, int bus, int unit)
{
	int64_t peak = trades[trade_no(bus, unit)].peak_small;

	if (is_anchor(unit))
		peak = anchors[unit / 10 - 1].peak;
	return peak * pick(seed, bus, unit, PICK_PEAK, 650, 1000) / 1000;
}

/* What the registers can show: steps of 0.01 kWh times the transformer. A first reading below the
 * register at installation would look like a register that fell. */
static int64_t start_register(const struct mall_meter *m, int64_t wh)
{
	return wh - wh % (10 * m->ct_ratio);
}

static void meter_of_tenant(struct mall_meter *m, const struct mall_tenant *t, uint32_t seed)
{
	bool large = is_anchor(m->unit);

	m->tenant = true;
	m->model = large ? "acrel-dtsy1352" : "acrel-ddsy1352";
	m->kind = t->kind;
	m->peak = shop_peak(seed, m->bus, m->unit);
	m->rated_current_a = large ? 80 : 60;
	m->power_limit_w = large ? 30000 : 12000;
	m->start_milli =
		start_register(m, pick(seed, m->bus, m->unit, PICK_START, 300000, 60000000));
	snprintf(m->name, sizeof m->name, "%s %s", t->room, t->name);
}

static void meter_of_public(struct mall_meter *m, uint32_t seed)
{
	const struct public_load *load = &public_loads[m->unit - MALL_UNITS_PREPAID - 1];

	m->model = "acrel-dtsd1352";
	m->tenant_no = -1;
	m->kind = load->kind;
	m->peak = load->peak * pick(seed, m->bus, m->unit, PICK_PEAK, 800, 1000) / 1000;
	m->ct_ratio = load->ct;
	m->rated_current_a = load->rated_a;
	m->start_milli =
		start_register(m, pick(seed, m->bus, m->unit, PICK_START, 9000000, 900000000));
	snprintf(m->name, sizeof m->name, "%d 号竖井 %s", m->bus + 1, load->name);
}

static void meter_of_water(struct mall_meter *m, const struct mall_tenant *t, uint32_t seed)
{
	m->water = true;
	m->tenant = true;
	m->model = "xintai-water";
	m->kind = LOAD_SHOP_WATER;
	m->peak = pick(seed, m->bus, m->unit, PICK_PEAK, 240, 620);
	m->start_milli = pick(seed, m->bus, m->unit, PICK_WATER_START, 20000, 900000);
	snprintf(m->name, sizeof m->name, "%s %s 水表", t->room, t->name);
}

static void meter_make(struct mall *mall, struct mall_meter *m, int bus, int unit)
{
	char letter = (char)('A' + bus);
	int place = unit > MALL_UNITS_POWER ? unit - MALL_UNITS_POWER : unit;
	struct mall_tenant *t = NULL;

	m->bus = bus;
	m->unit = (uint8_t)unit;
	m->ct_ratio = 1;
	if (place <= MALL_UNITS_PREPAID) {
		m->tenant_no = bus * MALL_UNITS_PREPAID + place - 1;
		t = &mall->tenants[m->tenant_no];
	}
	if (unit > MALL_UNITS_POWER) {
		snprintf(m->code, sizeof m->code, "%c%02dW", letter, unit);
		snprintf(m->serial, sizeof m->serial, "7025%04d%08d", (bus + 1) % 10000,
			unit % 1000);
		meter_of_water(m, t, mall->seed);
		t->water = m;
		t->water_balance_fen = pick(mall->seed, bus, unit, PICK_WATER, 6000, 32000);
		return;
	}
	snprintf(m->code, sizeof m->code, "%c%02d", letter, unit);
	snprintf(m->serial, sizeof m->serial, "2506%04d%04d", (bus + 1) % 10000, unit % 1000);
	if (!t) {
		meter_of_public(m, mall->seed);
		return;
	}
	meter_of_tenant(m, t, mall->seed);
	t->power = m;
}

struct mall *mall_make(int buses, uint16_t port_base, uint32_t seed)
{
	struct mall *mall = calloc(1, sizeof *mall);

	ASSERT(mall && buses >= 1 && buses <= MALL_BUSES_MAX);
	mall->buses = buses;
	mall->port_base = port_base;
	mall->seed = seed;
	mall->meters_n = (size_t)buses * MALL_UNITS;
	mall->tenants_n = (size_t)buses * MALL_UNITS_PREPAID;
	mall->meters = calloc(mall->meters_n, sizeof *mall->meters);
	mall->tenants = calloc(mall->tenants_n, sizeof *mall->tenants);
	ASSERT(mall->meters && mall->tenants);
	for (size_t i = 0; i < mall->tenants_n; i++)
		tenant_make(&mall->tenants[i], seed, (int)i / MALL_UNITS_PREPAID,
			(int)i % MALL_UNITS_PREPAID + 1);
	for (size_t i = 0; i < mall->meters_n; i++)
		meter_make(mall, &mall->meters[i], (int)i / MALL_UNITS, (int)i % MALL_UNITS + 1);
	return mall;
}

void mall_free(struct mall **mall)
{
	if (!*mall)
		return;
	free((*mall)->meters);
	free((*mall)->tenants);
	free(*mall);
	*mall = NULL;
}

const struct mall_meter *mall_meter(const struct mall *mall, int bus, int unit)
{
	if (bus < 0 || bus >= mall->buses || unit < 1 || unit > MALL_UNITS)
		return NULL;
	return &mall->meters[bus * MALL_UNITS + unit - 1];
}

const char *mall_gateway(int bus, char out[static 8])
{
	snprintf(out, 8, "G%d", (bus + 1) % 1000);
	return out;
}

int mall_bus(const struct mall *mall, const char *gateway)
{
	char name[8];

	for (int bus = 0; bus < mall->buses; bus++) {
		if (str_eq(gateway, mall_gateway(bus, name)))
			return bus;
	}
	return -1;
}

static const char *fen_text(int64_t fen, char out[static 32])
{
	int64_t abs = fen < 0 ? -fen : fen;

	snprintf(out, 32, "%s%lld.%02lld", fen < 0 ? "-" : "", (long long)(abs / 100),
		(long long)(abs % 100));
	return out;
}

static const char *area_code(int bus, char out[static 8])
{
	snprintf(out, 8, "R%d", (bus + 1) % 1000);
	return out;
}

static json_t *areas_json(const struct mall *mall)
{
	json_t *rows = json_array();
	char code[8];

	for (int bus = 0; bus < mall->buses; bus++)
		json_array_append_new(
			rows, json_pack("{s:s, s:o, s:s, s:s}", "code", area_code(bus, code),
				      "name", json_sprintf("%d 号竖井", bus + 1), "site", MALL_SITE,
				      "kind", "riser"));
	return rows;
}

static json_t *gateways_json(const struct mall *mall)
{
	json_t *rows = json_array();
	char code[8], area[8];

	for (int bus = 0; bus < mall->buses; bus++)
		json_array_append_new(rows,
			json_pack("{s:s, s:o, s:s, s:s, s:s, s:o, s:i, s:s}", "code",
				mall_gateway(bus, code), "name",
				json_sprintf("%d 号竖井网关", bus + 1), "site", MALL_SITE, "area",
				area_code(bus, area), "transport", "modbus-tcp", "address",
				json_sprintf("127.0.0.1:%d", mall->port_base + bus), "baud", 9600,
				"parity", "N"));
	return rows;
}

static json_t *meter_json(const struct mall_meter *m)
{
	char gateway[8], area[8], start[32];
	json_t *row = json_pack("{s:s, s:s, s:s, s:i, s:s, s:s, s:s, s:s, s:s}", "code", m->code,
		"name", m->name, "gateway", mall_gateway(m->bus, gateway), "unit", m->unit, "model",
		m->model, "serial", m->serial, "utility", m->water ? "water" : "electricity",
		"role", m->tenant ? "tenant" : "public", "area", area_code(m->bus, area));

	snprintf(start, sizeof start, "%lld.%03lld", (long long)(m->start_milli / 1000),
		(long long)(m->start_milli % 1000));
	json_object_set_new(row, "start_register", json_string(start));
	json_object_set_new(row, "billing", json_string(m->tenant ? "account" : "none"));
	/* Public meters too: what they measure is shared, and then priced. */
	json_object_set_new(row, "tariff", json_string(m->water ? "water-shop" : "shop-tou"));
	if (m->water)
		return row;
	json_object_set_new(row, "ct_ratio", json_integer(m->ct_ratio));
	json_object_set_new(row, "pt_ratio", json_integer(1));
	json_object_set_new(row, "rated_current_a", json_integer(m->rated_current_a));
	if (m->power_limit_w)
		json_object_set_new(row, "power_limit_w", json_integer(m->power_limit_w));
	return row;
}

static json_t *meters_json(const struct mall *mall)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < mall->meters_n; i++)
		json_array_append_new(rows, meter_json(&mall->meters[i]));
	return rows;
}

static json_t *slots_json(void)
{
	json_t *list = json_array();

	for (size_t i = 0; i < ARRAY_LEN(slots); i++)
		json_array_append_new(
			list, json_pack("[o, s]", json_sprintf("%02d:00", slots[i].hour),
				      rate_words[slots[i].rate]));
	return list;
}

static json_t *prices_json(void)
{
	json_t *prices = json_object();

	for (size_t i = 0; i < RATE__MAX; i++)
		json_object_set_new(prices, rate_words[i],
			json_pack("[s, s, s]", rate_prices[i][0], rate_prices[i][1],
				rate_prices[i][2]));
	return prices;
}

static json_t *tariffs_json(void)
{
	json_t *power = json_pack("{s:s, s:s, s:s, s:[{s:s, s:s, s:[s, s], s:[{s:s, s:o}], s:o}]}",
		"code", "shop-tou", "name", "商铺分时阶梯", "utility", "electricity", "versions",
		"effective_from", "2026-01-01T00:00:00+08:00", "tier_cycle", "month",
		"tiers_upto_kwh", "800", "2000", "calendar", "days", "all", "slots", slots_json(),
		"prices", prices_json());
	json_t *water = json_pack("{s:s, s:s, s:s, s:[{s:s, s:[{s:s, s:[[s, s]]}], s:{s:[s]}}]}",
		"code", "water-shop", "name", "商铺用水", "utility", "water", "versions",
		"effective_from", "2026-01-01T00:00:00+08:00", "calendar", "days", "all", "slots",
		"00:00", "flat", "prices", "flat", "4.15");

	return json_pack("[o, o]", power, water);
}

static json_t *tenants_json(const struct mall *mall)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < mall->tenants_n; i++) {
		const struct mall_tenant *t = &mall->tenants[i];
		json_t *meters = json_pack("[s]", t->power->code), *row;
		const struct fixed_fee *fee = fee_of(t);
		char text[32];

		if (t->water)
			json_array_append_new(meters, json_string(t->water->code));
		row = json_pack("{s:s, s:s, s:s, s:s, s:o}", "code", t->code, "name", t->name,
			"phone", t->phone, "room", t->room, "meters", meters);
		if (fee)
			json_object_set_new(
				row, "property_fee", json_string(fen_text(fee->monthly_fen, text)));
		json_array_append_new(rows, row);
	}
	return rows;
}

static json_t *purse_json(
	const struct mall_tenant *t, const char *purpose, int64_t fen, int warn1, int warn2)
{
	char balance[32];

	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:s}", "tenant", t->code, "purpose", purpose,
		"opening_balance", fen_text(fen, balance), "warn1", json_sprintf("%d", warn1),
		"warn2", json_sprintf("%d", warn2), "credit_limit", "0");
}

static json_t *purses_json(const struct mall *mall)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < mall->tenants_n; i++) {
		const struct mall_tenant *t = &mall->tenants[i];

		json_array_append_new(
			rows, purse_json(t, "electricity", t->balance_fen, t->warn1, t->warn2));
		if (t->water)
			json_array_append_new(
				rows, purse_json(t, "water", t->water_balance_fen, 30, 10));
		if (fee_of(t))
			json_array_append_new(
				rows, purse_json(t, "fee", fee_of(t)->balance_fen, 0, 0));
	}
	return rows;
}

/* The public meters of a riser, over its shops; the rest is the owner's. */
static json_t *share_json(const struct mall *mall, int bus)
{
	json_t *sources = json_array(), *tenants = json_array();

	for (size_t i = 0; i < mall->meters_n; i++)
		if (mall->meters[i].bus == bus && !mall->meters[i].tenant)
			json_array_append_new(sources, json_string(mall->meters[i].code));
	for (size_t i = 0; i < mall->tenants_n; i++)
		if (mall->tenants[i].power->bus == bus)
			json_array_append_new(tenants, json_string(mall->tenants[i].code));
	return json_pack("{s:s, s:o, s:o, s:s, s:o}", "site", MALL_SITE, "name",
		json_sprintf("%d 号竖井公区", bus + 1), "sources", sources, "ratio", "0.015",
		"tenants", tenants);
}

static json_t *shares_json(const struct mall *mall)
{
	json_t *rows = json_array();

	for (int bus = 0; bus < mall->buses; bus++)
		json_array_append_new(rows, share_json(mall, bus));
	return rows;
}

json_t *mall_json(const struct mall *mall)
{
	json_t *site = json_pack("{s:s, s:s, s:s, s:s}", "code", MALL_SITE, "name", "都匀星力城",
		"zone", MALL_ZONE, "profile", "shop");
	json_t *settings = json_pack("[{s:s, s:s, s:i}, {s:s, s:s, s:i}]", "site", MALL_SITE,
		"name", "fee_cut", "value", 1, "site", MALL_SITE, "name", "fee_grace_days", "value",
		0);
	json_t *all = json_pack("{s:[o], s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "sites", site,
		"areas", areas_json(mall), "gateways", gateways_json(mall), "meters",
		meters_json(mall), "tariffs", tariffs_json(), "tenants", tenants_json(mall),
		"purses", purses_json(mall), "shares", shares_json(mall), "settings", settings);

	ASSERT(all);
	return all;
}
