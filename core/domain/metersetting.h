#pragma once
/* Settings that meters hold themselves: prices, slots, prepaid control. What a meter of billing
 * "meter" has to hold follows from its tariff in force; each is desired, written under the lease,
 * and read back. What is to be done next is decided by rules/metersetting.h. Slots that were read
 * back from any meter are kept in meter_slots, by which gaps are settled. */
#include "base/metersetting.h"
#include "domain/purchase.h"
#include "rules/metersetting.h"

/* ---- what is desired ---- */

/* A meter of billing "meter", what its settings have to follow, and what is desired now. */
struct metersetting_meter {
	int64_t meter_id;
	int64_t gateway_id;
	int64_t device;
	char zone[257];
	int64_t tariff_id, revision; /* in force now; 0: none */
	char unit[5];		     /* of its credit */
	bool sold;		     /* a purchase is in it: its own control may be on */
	bool moved;		     /* the device is another one than that of the settings */
	char prices[METER_SETTING_TEXT], slots[METER_SETTING_TEXT], prepaid[METER_SETTING_TEXT];
	char prices_why[1201], slots_why[1201];
};
/* Rows of it, by id. */
MUST_USE enum err metersettings_of(struct db *db, struct utc now, struct rows *out);

struct metersetting_wish {
	int64_t meter_id;
	int64_t device;
	enum meter_setting kind;
	const char *text; /* "": nothing */
	const char *why;  /* why the tariff cannot be held; "": it can */
	struct utc now;
};
/* One transaction under the lease. Another wish begins anew; the same one changes nothing. */
MUST_USE enum err metersetting_desire(
	struct db *db, const struct lease *l, const struct metersetting_wish *w);
/* Inside a transaction of a conversion: to the meter nothing is desired until its tariff is looked
 * at, to the account its own control has to be off (when the model can be told). Raises the alarm
 * that stays until that is read back. */
MUST_USE enum err metersettings_convert(
	struct db *db, int64_t meter_id, bool to_meter, bool can_prepaid, struct utc now);

/* ---- on its way ---- */

struct metersetting_due {
	int64_t meter_id;
	int64_t gateway_id;
	char kind[8];
};
/* Rows of it: settings of which something may be to do. */
MUST_USE enum err metersettings_due(struct db *db, struct utc now, struct rows *out);

struct metersetting_ask {
	struct lease lease;
	int64_t meter_id;
	enum meter_setting kind;
	enum identity identity; /* anything but sure: nothing is written */
	struct utc now;
};
struct metersetting_order {
	enum purchase_answer answer; /* GO: committed as sent, write `text` */
	char text[METER_SETTING_TEXT];
};
/* One transaction under the lease: decides the state from what was read last. */
MUST_USE enum err metersetting_begin(
	struct db *db, const struct metersetting_ask *ask, struct metersetting_order *out);
/* What came of the frame; the setting is read next. */
MUST_USE enum err metersetting_sent(struct db *db, const struct metersetting_ask *ask,
	enum purchase_result result, const char *error);

struct metersetting_seen {
	int64_t meter_id;
	int64_t device; /* that was read; another one in the table: nothing is written */
	enum meter_setting kind;
	const char *text;
	struct utc at;
};
/* One transaction under the lease: what was read. Slots go to meter_slots as well. */
MUST_USE enum err metersetting_observe(
	struct db *db, const struct lease *l, const struct metersetting_seen *s);

/* Alarms of meters whose settings are not what they have to be, raised and cleared. */
MUST_USE enum err metersettings_alarm(struct db *db, struct utc now);
#define METERSETTING_LATE_MS 900000 /* on its way for so long: an alarm */

/* ---- views ---- */

struct metersetting_view {
	char kind[8];
	char desired[METER_SETTING_TEXT];
	struct utc desired_at;
	char why[1201];
	char observed[METER_SETTING_TEXT];
	struct utc observed_at;
	char state[9];
	struct utc sent_at;
	int64_t tries;
	char error[801];
};
/* Rows of it. */
MUST_USE enum err metersettings_list(struct db *db, int64_t meter_id, struct rows *out);
