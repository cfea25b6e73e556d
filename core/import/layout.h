#pragma once
/* What a workbook for the import consists of: one list of sheets, one of columns for each. The
 * names are part of the outward contract, in both languages. */
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"

enum sheet_id {
	SHEET_SITES,
	SHEET_AREAS,
	SHEET_GATEWAYS,
	SHEET_TARIFFS,
	SHEET_METERS,
	SHEET_TENANTS,
	SHEET_PURSES,
	SHEET_SHARES,
	SHEET__MAX /* also: none */
};

enum column_kind {
	COL_CODE,    /* how others name this row, or a row of the sheet `to` */
	COL_CODES,   /* several of them, parted by ';' */
	COL_TEXT,    /* at most max characters */
	COL_CHOICE,  /* one of choices */
	COL_WHOLE,   /* an integer, min..max */
	COL_DECIMAL, /* at most places decimals, min..max */
	COL_DATE,
	COL_PHONE,
	COL_PHONES,
	COL_ZONE, /* IANA name */
};

struct choice {
	const char *word, *zh;
};

struct column {
	const char *en, *zh;
	enum column_kind kind;
	bool required;
	enum sheet_id to;	      /* of codes: where they are defined; SHEET__MAX: nowhere */
	const struct choice *choices; /* ends with a NULL word */
	int64_t min, max;	      /* in units of the last place */
	int places;
};

#define COLUMNS_MAX 20

struct sheet_layout {
	const char *en, *zh;
	const struct column *columns;
	size_t n;
	size_t key_n; /* the first so many columns name a row; each combination stands once */
};

extern const struct sheet_layout sheet_layouts[SHEET__MAX];

/* SHEET__MAX, or n of the layout, for a name that is not in the list. Either language, any case. */
enum sheet_id sheet_find(const char *name);
size_t column_find(const struct sheet_layout *s, const char *name);

/* Columns by their place in the lists above. */
enum site_column { SITE_CODE, SITE_NAME, SITE_ZONE, SITE_PROFILE };
enum area_column { AREA_CODE, AREA_NAME, AREA_SITE, AREA_PARENT, AREA_KIND, AREA_FLOOR_M2 };
enum gateway_column {
	GATEWAY_CODE,
	GATEWAY_NAME,
	GATEWAY_SITE,
	GATEWAY_AREA,
	GATEWAY_TRANSPORT,
	GATEWAY_ADDRESS,
	GATEWAY_BAUD,
	GATEWAY_PARITY
};
enum tariff_column { TARIFF_CODE, TARIFF_NAME, TARIFF_FILE, TARIFF_PRICE };
enum meter_column {
	METER_CODE,
	METER_NAME,
	METER_GATEWAY,
	METER_UNIT,
	METER_MODEL,
	METER_SERIAL,
	METER_UTILITY,
	METER_ROLE,
	METER_AREA,
	METER_PARENT,
	METER_CT_RATIO,
	METER_PT_RATIO,
	METER_RATED_CURRENT_A,
	METER_START_REGISTER,
	METER_TARIFF,
	METER_BILLING,
	METER_POWER_LIMIT_W,
	METER_LOAD_CLASS
};
enum tenant_column {
	TENANT_CODE,
	TENANT_NAME,
	TENANT_PHONE,
	TENANT_CONTACTS,
	TENANT_ROOM,
	TENANT_METERS,
	TENANT_START_DATE,
	TENANT_FLOOR_M2,
	TENANT_PROPERTY_FEE
};
enum purse_column {
	PURSE_TENANT,
	PURSE_PURPOSE,
	PURSE_OPENING_BALANCE,
	PURSE_WARN1,
	PURSE_WARN2,
	PURSE_CREDIT_LIMIT
};
enum share_column { SHARE_SOURCE, SHARE_TENANT, SHARE_RATIO };
