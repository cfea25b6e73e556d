/* Reports. */
#include "fcgi/handlers.h"
#include "report/energy_money.h"

static json_t *meter_json(const struct energy_money_meter *m)
{
	return json_pack("{s:I, s:s, s:I, s:I}", "id", (json_int_t)m->meter_id, "code", m->code,
		"opening_register", (json_int_t)m->opening_register.milli, "closing_register",
		(json_int_t)m->closing_register.milli);
}

/* Both lists ascend by account; *m walks through the meters. */
static json_t *row_json(
	const struct energy_money_row *row, const struct energy_money_meter **m, const void *end)
{
	json_t *moves = json_object(), *meters = json_array();

	for (unsigned c = 0; c < MOVE__MAX; c++)
		json_object_set_new(
			moves, movement_word((enum movement_class)c), json_money(row->moves[c]));
	while ((const void *)*m < end && (*m)->account_id < row->account_id)
		(*m)++;
	for (; (const void *)*m < end && (*m)->account_id == row->account_id; (*m)++)
		json_array_append_new(meters, meter_json(*m));
	return json_pack("{s:I, s:s, s:s, s:o, s:o, s:o, s:o, s:I, s:o}", "account_id",
		(json_int_t)row->account_id, "purpose", row->purpose, "tenant", row->tenant, "room",
		json_text_or_null(row->room), "opening", json_money(row->opening), "moves", moves,
		"closing", json_money(row->closing), "quantity", (json_int_t)row->qty.milli,
		"meters", meters);
}

enum err report_energy_money(struct request *r, struct answer *a)
{
	AUTO(energy_money_free) struct energy_money report = { 0 };
	const struct energy_money_row *row;
	const struct energy_money_meter *m;
	json_t *items = json_array();
	struct day from, to;
	int64_t site_id;
	enum err e = request_site(r, param_int(r, "site_id"), &site_id, &a->why);

	a->json = json_items(items);
	if (e == ERR_OK)
		e = day_parse(param_text(r, "from"), &from);
	if (e == ERR_OK)
		e = day_parse(param_text(r, "to"), &to);
	if (e == ERR_OK)
		e = energy_money(r->db, site_id, from, to, &report);
	row = report.rows.at;
	m = report.meters.at;
	for (size_t i = 0; e == ERR_OK && i < report.rows.n; i++)
		json_array_append_new(items, row_json(&row[i], &m, m + report.meters.n));
	return e;
}
