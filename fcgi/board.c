/* The live board: counters, the word of every meter, the load of today and yesterday. */
#include <string.h>

#include "base/zone.h"
#include "domain/board.h"
#include "fcgi/handlers.h"

static json_t *channels_json(const struct rows *rows)
{
	const struct board_channel *c = rows->at;
	json_t *list = json_array();

	for (size_t i = 0; i < rows->n; i++)
		json_array_append_new(
			list, json_pack("{s:s, s:I, s:I}", "channel", c[i].channel, "fen",
				      (json_int_t)c[i].fen, "count", (json_int_t)c[i].count));
	return list;
}

/* Days are those of the caller's site; of staff of several sites, those of UTC. */
enum err board_get(struct request *r, struct answer *a)
{
	AUTO(rows_free) struct rows channels = { 0 };
	AUTO(zone_free) struct zone *z = NULL;
	int64_t scope = caller_site(r);
	struct board b;
	struct utc today;
	enum err e = request_zone(r, &z);

	if (e != ERR_OK)
		return e;
	today = zone_day_start(z, zone_local(z, r->now).day);
	e = board_counts(r->db, scope, today, r->now, &b);
	if (e == ERR_OK)
		e = board_channels(r->db, scope, today, &channels);
	if (e != ERR_OK)
		return e;
	a->json = json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:I, s:o}",
		"at", json_utc(r->now), "meters_total", (json_int_t)b.meters_total, "meters_fresh",
		(json_int_t)b.meters_fresh, "low", (json_int_t)b.low, "cut", (json_int_t)b.cut,
		"kept", (json_int_t)b.kept, "silent", (json_int_t)b.silent, "sales_today_fen",
		(json_int_t)b.sales_today_fen, "orders_today", (json_int_t)b.orders_today,
		"orders_open", (json_int_t)b.orders_open, "power_back_p95_ms",
		b.power_back_p95_ms >= 0 ? json_integer(b.power_back_p95_ms) : json_null(),
		"alarms_open", (json_int_t)b.alarms_open, "sales_by_channel",
		channels_json(&channels));
	return ERR_OK;
}

enum err board_states(struct request *r, struct answer *a)
{
	static const char *const words[] = { "on", "low", "cut", "off", "kept", "moving", "silent",
		"public" };
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = board_meters(r->db, caller_site(r), r->now, &rows);
	const struct board_meter *m = rows.at;
	json_t *states;

	if (e != ERR_OK)
		return e;
	states = json_object();
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		json_object_set_new(states, words[i], json_array());
	for (size_t i = 0; i < rows.n; i++)
		json_array_append_new(
			json_object_get(states, board_word(&m[i], r->now)), json_integer(m[i].id));
	a->json = json_pack("{s:o, s:o}", "at", json_utc(r->now), "states", states);
	return ERR_OK;
}

/* Hours that the clock skips stay null; one that comes twice is summed. */
static json_t *day_json(const struct rows *rows, const struct zone *z, struct day day)
{
	const struct board_hour *h = rows->at;
	json_t *list = json_array();

	for (int i = 0; i < 24; i++)
		json_array_append_new(list, json_null());
	for (size_t i = 0; i < rows->n; i++) {
		struct local l = zone_local(z, h[i].hour_at);
		size_t hour = (size_t)(l.second / 3600);
		json_int_t before = json_integer_value(json_array_get(list, hour));

		if (l.day.days == day.days)
			json_array_set_new(list, hour, json_integer(before + h[i].energy.milli));
	}
	return list;
}

enum err board_load_get(struct request *r, struct answer *a)
{
	AUTO(rows_free) struct rows rows = { 0 };
	AUTO(zone_free) struct zone *z = NULL;
	struct day today, yesterday;
	enum err e = request_zone(r, &z);

	if (e != ERR_OK)
		return e;
	today = zone_local(z, r->now).day;
	yesterday = (struct day){ today.days - 1 };
	e = board_load(r->db, caller_site(r), z, zone_day_start(z, yesterday), r->now, &rows);
	if (e == ERR_OK)
		a->json = json_pack("{s:o, s:o, s:o}", "at", json_utc(r->now), "today_wh",
			day_json(&rows, z, today), "yesterday_wh", day_json(&rows, z, yesterday));
	return e;
}
