#include "import/layout.h"

#include <strings.h>

#include "base/str.h"

#define CODE_MAX 32
#define LIMIT_MAX INT64_C(10000000)   /* in fen: what staff may allow a purse */
#define YUAN_MAX INT64_C(10000000000) /* in fen: 100 million yuan */

/* clang-format off */
static const struct choice profiles[] = { { "shop", "商铺" }, { "dwelling", "住宅" }, { NULL, NULL } };
static const struct choice area_kinds[] = { { "building", "楼栋" }, { "floor", "楼层" }, { "riser", "竖井" }, { NULL, NULL } };
static const struct choice transports[] = { { "modbus-tcp", NULL }, { "rtu-tcp", NULL }, { "rtu", NULL }, { "dial-in", NULL }, { NULL, NULL } };
static const struct choice parities[] = { { "N", "无" }, { "E", "偶" }, { "O", "奇" }, { NULL, NULL } };
static const struct choice utilities[] = { { "electricity", "电" }, { "water", "水" }, { NULL, NULL } };
static const struct choice roles[] = { { "tenant", "租户" }, { "public", "公区" }, { "incomer", "总表" }, { NULL, NULL } };
static const struct choice billings[] = { { "account", "账户" }, { "meter", "表内" }, { "postpaid", "后付" }, { "none", "不计费" }, { NULL, NULL } };
static const struct choice load_classes[] = { { "ordinary", "普通" }, { "protected", "保护" }, { NULL, NULL } };
static const struct choice purposes[] = { { "electricity", "电费" }, { "water", "水费" }, { "fee", "物业费" }, { NULL, NULL } };

#define OWN(en, zh)              { en, zh, COL_CODE, true, SHEET__MAX, .max = CODE_MAX }
#define TO(en, zh, must, sheet)  { en, zh, COL_CODE, must, sheet, .max = CODE_MAX }
#define TEXT(en, zh, must, most) { en, zh, COL_TEXT, must, SHEET__MAX, .max = most }
#define CHOICE(en, zh, must, of) { en, zh, COL_CHOICE, must, SHEET__MAX, .choices = of }
#define WHOLE(en, zh, lo, hi)    { en, zh, COL_WHOLE, false, SHEET__MAX, .min = lo, .max = hi }
#define DECIMAL(en, zh, must, lo, hi, n) { en, zh, COL_DECIMAL, must, SHEET__MAX, .min = lo, .max = hi, .places = n }

static const struct column sites[] = {
	OWN("code", "编码"), TEXT("name", "名称", true, 64),
	{ "zone", "时区", COL_ZONE, false, SHEET__MAX, .max = 63 },
	CHOICE("profile", "用户类型", false, profiles),
};
static const struct column areas[] = {
	OWN("code", "编码"), TEXT("name", "名称", true, 64), TO("site", "项目", true, SHEET_SITES),
	TO("parent", "上级", false, SHEET_AREAS), CHOICE("kind", "类型", false, area_kinds),
	DECIMAL("floor_m2", "面积", false, 0, INT64_C(100000000000), 3),
};
static const struct column gateways[] = {
	OWN("code", "编码"), TEXT("name", "名称", false, 64), TO("site", "项目", true, SHEET_SITES),
	TO("area", "区域", false, SHEET_AREAS), CHOICE("transport", "通讯方式", true, transports),
	TEXT("address", "地址", true, 127), WHOLE("baud", "波特率", 300, 115200),
	CHOICE("parity", "校验", false, parities),
};
static const struct column tariffs[] = {
	OWN("code", "编码"), TEXT("name", "名称", true, 64), TEXT("file", "文件", false, 32000),
	DECIMAL("price", "单价", false, 0, INT64_C(1000000000), 6),
};
static const struct column meters[] = {
	OWN("code", "编码"), TEXT("name", "名称", false, 64), TO("gateway", "网关", true, SHEET_GATEWAYS),
	TEXT("unit", "表地址", true, 16), TEXT("model", "型号", true, 48), TEXT("serial", "表号", false, 32),
	CHOICE("utility", "能源类型", false, utilities), CHOICE("role", "用途", false, roles),
	TO("area", "区域", false, SHEET_AREAS), TO("parent", "上级表", false, SHEET_METERS),
	WHOLE("ct_ratio", "CT变比", 1, 100000), WHOLE("pt_ratio", "PT变比", 1, 100000),
	DECIMAL("rated_current_a", "额定电流", false, 0, INT64_C(100000000), 3),
	DECIMAL("start_register", "起始读数", false, 0, INT64_C(999999999999999), 3),
	TO("tariff", "电价", false, SHEET_TARIFFS), CHOICE("billing", "计费方式", false, billings),
	WHOLE("power_limit_w", "功率限值", 0, 10000000), CHOICE("load_class", "负荷等级", false, load_classes),
};
static const struct column tenants[] = {
	OWN("code", "编码"), TEXT("name", "名称", true, 64),
	{ "phone", "电话", COL_PHONE, false, SHEET__MAX, .max = 20 },
	{ "contacts", "联系电话", COL_PHONES, false, SHEET__MAX, .max = 200 }, TEXT("room", "房号", false, 32),
	{ "meters", "表计", COL_CODES, false, SHEET_METERS, .max = 32000 },
	{ "start_date", "起租日期", COL_DATE, false, .to = SHEET__MAX },
	DECIMAL("floor_m2", "面积", false, 0, INT64_C(100000000000), 3),
	DECIMAL("property_fee", "物业费", false, 0, YUAN_MAX, 2),
};
static const struct column purses[] = {
	TO("tenant", "租户", true, SHEET_TENANTS), CHOICE("purpose", "用途", true, purposes),
	DECIMAL("opening_balance", "期初余额", false, -YUAN_MAX, YUAN_MAX, 2),
	DECIMAL("warn1", "报警1", false, 0, LIMIT_MAX, 2), DECIMAL("warn2", "报警2", false, 0, LIMIT_MAX, 2),
	DECIMAL("credit_limit", "透支限额", false, 0, LIMIT_MAX, 2),
};
static const struct column shares[] = {
	TO("source", "源表", true, SHEET_METERS), TO("tenant", "租户", true, SHEET_TENANTS),
	DECIMAL("ratio", "比例", true, 1, 1000000, 6),
};

#define SHEET(en, zh, columns, keys) { en, zh, columns, ARRAY_LEN(columns), keys }
const struct sheet_layout sheet_layouts[SHEET__MAX] = {
	[SHEET_SITES]    = SHEET("sites", "项目", sites, 1),
	[SHEET_AREAS]    = SHEET("areas", "区域", areas, 1),
	[SHEET_GATEWAYS] = SHEET("gateways", "网关", gateways, 1),
	[SHEET_TARIFFS]  = SHEET("tariffs", "电价", tariffs, 1),
	[SHEET_METERS]   = SHEET("meters", "表计", meters, 1),
	[SHEET_TENANTS]  = SHEET("tenants", "租户", tenants, 1),
	[SHEET_PURSES]   = SHEET("purses", "账户", purses, 2),
	[SHEET_SHARES]   = SHEET("shares", "公摊", shares, 2),
};
/* clang-format on */
_Static_assert(ARRAY_LEN(meters) <= COLUMNS_MAX, "room for the widest sheet");

static bool same(const char *a, const char *en, const char *zh)
{
	return strcasecmp(a, en) == 0 || strcasecmp(a, zh) == 0;
}

enum sheet_id sheet_find(const char *name)
{
	for (int i = 0; i < SHEET__MAX; i++)
		if (same(name, sheet_layouts[i].en, sheet_layouts[i].zh))
			return (enum sheet_id)i;
	return SHEET__MAX;
}

size_t column_find(const struct sheet_layout *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (same(name, s->columns[i].en, s->columns[i].zh))
			return i;
	return s->n;
}
