/* Settings of a model: the part of its file that describes them, and their registers as text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "meter/model_build.h"

/* ---- the file ---- */

/* What goes through the parsing: the object at hand, and the path to it. */
struct part {
	struct model *m;
	const json_t *obj;
	const char *path; /* "settings.prices" */
	struct problem *why;
};

static enum err at_part(const struct part *p, enum err e)
{
	char inner[sizeof(p->why->field)];

	if (e == ERR_OK || !p->why)
		return e;
	memcpy(inner, p->why->field, sizeof(inner));
	snprintf(p->why->field, sizeof(p->why->field), "%.63s%s%.60s", p->path, inner[0] ? "." : "",
		inner);
	return e;
}

static enum err bad(const struct part *p, const char *key, const char *text)
{
	return at_part(p, problem_set(p->why, ERR_BAD_VALUE, key, "%s %s", key, text));
}

static enum err get_number(const struct part *p, const char *key, enum field_need need,
	int64_t least, int64_t most, int64_t *out)
{
	return at_part(p, json_get_int(p->obj, key, need, least, most, out, p->why));
}

/* "0x0402", as in the frame. */
static bool is_address(const char *text, uint16_t *out)
{
	if (!text || strlen(text) != 6 || strncmp(text, "0x", 2) != 0 ||
		text[2 + strspn(text + 2, "0123456789abcdefABCDEF")])
		return false;
	*out = (uint16_t)strtoul(text, NULL, 16);
	return true;
}

static enum err get_address(const struct part *p, const char *key, uint16_t *out)
{
	const char *text = NULL;
	enum err e = at_part(p, json_get_text(p->obj, key, FIELD_REQUIRED, 6, &text, p->why));

	if (e == ERR_OK && !is_address(text, out))
		return bad(p, key, "must be text like \"0x0402\"");
	return e;
}

static enum err get_function(const struct part *p, uint8_t *out)
{
	int64_t function = 3;
	enum err e = get_number(p, "function", FIELD_OPTIONAL, 3, 4, &function);

	*out = (uint8_t)function;
	return e;
}

static enum err in_block(
	const struct part *p, const char *key, uint8_t function, uint16_t address, size_t count)
{
	const struct model_block *b = model_block_of(
		p->m, function, address, (uint16_t)(count > 0xffff ? 0xffff : count));

	if (!b)
		return bad(p, key, "is not inside one of the blocks");
	if (!b->whole && count > (size_t)p->m->limits.max_read)
		return bad(p, key, "takes more than limits.max_read");
	return ERR_OK;
}

static enum err frame_numbers(const struct part *p, size_t bytes, struct settings_frame *out)
{
	int64_t function = 0, count = 0, at = 0, flag = -1, most;
	enum err e = get_number(p, "function", FIELD_REQUIRED, 16, 32, &function);

	if (e == ERR_OK && function != 16 && function != 32)
		return bad(p, "function", "must be 16 or 32");
	if (e == ERR_OK)
		e = get_number(p, "count", FIELD_REQUIRED, 1, MODEL_PURCHASE_MAX, &count);
	most = 2 * count - 1;
	if (e == ERR_OK)
		e = get_number(p, "at", FIELD_REQUIRED, 0, most, &at);
	if (e == ERR_OK)
		e = get_number(p, "flag", FIELD_OPTIONAL, 0, most, &flag);
	if (e != ERR_OK)
		return e;
	if (at + (int64_t)bytes > most + 1)
		return bad(p, "at", "leaves no room inside the registers");
	if (flag >= at && flag < at + (int64_t)bytes)
		return bad(p, "flag", "must not lie inside the setting");
	out->function = (uint8_t)function;
	out->count = (uint16_t)count;
	out->at = (uint8_t)at;
	out->flagged = flag >= 0;
	out->flag = (uint8_t)(flag < 0 ? 0 : flag);
	return ERR_OK;
}

/* "write": the frame in which the setting takes so many bytes. */
static enum err parse_frame(
	const struct part *of, const char *path, size_t bytes, struct settings_frame *out)
{
	static const char *const names[] = { "function", "address", "count", "at", "flag", NULL };
	struct part p = { of->m, json_object_get(of->obj, "write"), path, of->why };
	enum err e;

	if (!p.obj)
		return ERR_OK;
	e = at_part(&p, json_only(p.obj, names, p.why));
	if (e == ERR_OK)
		e = get_address(&p, "address", &out->address);
	return e == ERR_OK ? frame_numbers(&p, bytes, out) : e;
}

static enum err parse_rates(const struct part *p)
{
	struct model_settings *s = &p->m->settings;
	const json_t *list = json_object_get(p->obj, "rates");
	size_t n = json_array_size(list);

	if (!list)
		return ERR_OK;
	if (n < 1 || n > METER_RATES)
		return bad(p, "rates", "must be a list of one to four");
	for (size_t i = 0; i < n; i++) {
		const char *word = json_string_value(json_array_get(list, i));
		size_t rate = word ? meter_rate_find(word) : METER_RATES;

		if (rate == METER_RATES || memchr(s->rates, (int)rate, i))
			return bad(p, "rates", "must be sharp, peak, flat or valley, each once");
		s->rates[i] = (uint8_t)rate;
	}
	s->rates_n = n;
	return ERR_OK;
}

/* What every part begins with: no field but these, and the function that reads it. */
static enum err part_begin(
	const struct part *p, const char *const *names, bool by_rate, uint8_t *function)
{
	enum err e = at_part(p, json_only(p->obj, names, p->why));

	if (e == ERR_OK && by_rate && p->m->settings.rates_n == 0)
		return bad(p, "rates", "of the settings are needed");
	return e == ERR_OK ? get_function(p, function) : e;
}

static enum err parse_prices(const struct part *of)
{
	static const char *const names[] = { "function", "address", "step_micro", "write", "note",
		NULL };
	struct model_settings *s = &of->m->settings;
	struct part p = { of->m, json_object_get(of->obj, "prices"), "settings.prices", of->why };
	uint8_t function = 0;
	enum err e;

	if (!p.obj)
		return ERR_OK;
	e = part_begin(&p, names, true, &function);
	if (e == ERR_OK)
		e = get_address(&p, "address", &s->prices.address);
	if (e == ERR_OK)
		e = get_number(&p, "step_micro", FIELD_REQUIRED, 1, 1000000, &s->prices.step_micro);
	if (e == ERR_OK)
		e = in_block(&p, "address", function, s->prices.address, 2 * s->rates_n);
	if (e == ERR_OK)
		e = parse_frame(&p, "settings.prices.write", 4 * s->rates_n, &s->prices.write);
	s->prices.function = function;
	return e;
}

static enum err parse_prepaid(const struct part *of)
{
	static const char *const names[] = { "function", "address", "write", "note", NULL };
	struct model_settings *s = &of->m->settings;
	struct part p = { of->m, json_object_get(of->obj, "prepaid"), "settings.prepaid", of->why };
	uint8_t function = 0;
	enum err e;

	if (!p.obj)
		return ERR_OK;
	e = part_begin(&p, names, false, &function);
	if (e == ERR_OK)
		e = get_address(&p, "address", &s->prepaid.address);
	if (e == ERR_OK)
		e = in_block(&p, "address", function, s->prepaid.address, 1);
	if (e == ERR_OK)
		e = parse_frame(&p, "settings.prepaid.write", 1, &s->prepaid.write);
	s->prepaid.function = function;
	return e;
}

static uint16_t registers_of(size_t triples)
{
	return (uint16_t)((3 * triples + 1) / 2);
}

static enum err parse_schedules(const struct part *p, uint8_t function)
{
	struct model_settings *s = &p->m->settings;
	const json_t *list = json_object_get(p->obj, "schedules");
	size_t n = json_array_size(list);
	enum err e = ERR_OK;

	if (n < 1 || n > MODEL_SCHEDULES_MAX)
		return bad(p, "schedules", "must be a list of one to four addresses");
	for (size_t i = 0; e == ERR_OK && i < n; i++) {
		if (!is_address(json_string_value(json_array_get(list, i)), &s->slots.schedules[i]))
			return bad(p, "schedules", "must be texts like \"0x2006\"");
		e = in_block(p, "schedules", function, s->slots.schedules[i],
			registers_of(s->slots.slots));
	}
	s->slots.schedules_n = n;
	return e;
}

static enum err parse_zones(const struct part *p, uint8_t function)
{
	struct model_settings *s = &p->m->settings;
	int64_t zones = 0, first = 1;
	enum err e = get_number(p, "zone_count", FIELD_OPTIONAL, 1, 14, &zones);

	if (e == ERR_OK)
		e = get_number(p, "schedule_first", FIELD_OPTIONAL, 0, 100, &first);
	if (e != ERR_OK || zones == 0)
		return e;
	s->slots.zones_n = (size_t)zones;
	s->slots.schedule_first = (uint8_t)first;
	e = get_address(p, "zones", &s->slots.zones);
	return e == ERR_OK ? in_block(p, "zones", function, s->slots.zones,
				     registers_of(s->slots.zones_n))
			   : e;
}

static enum err parse_slots(const struct part *of)
{
	static const char *const names[] = { "function", "schedules", "slots", "rate_first",
		"zones", "zone_count", "schedule_first", "write", "note", NULL };
	struct model_settings *s = &of->m->settings;
	struct part p = { of->m, json_object_get(of->obj, "slots"), "settings.slots", of->why };
	int64_t slots = 0, first = 1, write = 0;
	uint8_t function = 0;
	enum err e;

	if (!p.obj)
		return ERR_OK;
	e = part_begin(&p, names, true, &function);
	if (e == ERR_OK)
		e = get_number(&p, "slots", FIELD_REQUIRED, 1, MODEL_SCHEDULE_SLOTS_MAX, &slots);
	if (e == ERR_OK)
		e = get_number(&p, "rate_first", FIELD_OPTIONAL, 0, 100, &first);
	if (e == ERR_OK)
		e = get_number(&p, "write", FIELD_OPTIONAL, 16, 16, &write);
	s->slots.slots = (size_t)slots;
	s->slots.rate_first = (uint8_t)first;
	s->slots.write = (uint8_t)write;
	if (e == ERR_OK)
		e = parse_schedules(&p, function);
	if (e == ERR_OK)
		e = parse_zones(&p, function);
	s->slots.function = function;
	return e;
}

enum err model_settings_parse(struct model *m, const json_t *root, struct problem *why)
{
	static const char *const names[] = { "rates", "prices", "slots", "prepaid", NULL };
	struct part p = { m, json_object_get(root, "settings"), "settings", why };
	enum err e;

	if (!p.obj)
		return ERR_OK;
	e = at_part(&p, json_only(p.obj, names, why));
	if (e == ERR_OK)
		e = parse_rates(&p);
	if (e == ERR_OK)
		e = parse_prices(&p);
	if (e == ERR_OK)
		e = parse_prepaid(&p);
	return e == ERR_OK ? parse_slots(&p) : e;
}

/* ---- what a model has ---- */

bool model_tells(const struct model *m, enum meter_setting s)
{
	const struct model_settings *t = &m->settings;

	if (s == METER_SLOTS)
		return t->slots.function != 0;
	return s == METER_PRICES ? t->prices.function != 0 : t->prepaid.function != 0;
}

bool model_sets(const struct model *m, enum meter_setting s)
{
	const struct model_settings *t = &m->settings;

	if (!model_tells(m, s))
		return false;
	if (s == METER_SLOTS)
		return t->slots.write != 0;
	return (s == METER_PRICES ? t->prices.write.function : t->prepaid.write.function) != 0;
}

void model_holds(const struct model *m, bool rates[static METER_RATES], int64_t *price_step_micro,
	size_t *slots_max)
{
	const struct model_settings *t = &m->settings;

	for (size_t i = 0; i < METER_RATES; i++)
		rates[i] = false;
	for (size_t i = 0; i < t->rates_n; i++)
		rates[t->rates[i]] = true;
	*price_step_micro = model_sets(m, METER_PRICES) ? t->prices.step_micro : 0;
	*slots_max = model_sets(m, METER_SLOTS) ? t->slots.slots : 0;
}

/* ---- writing ---- */

/* The number by which the meter knows a rate, from 0; false when it has none. */
static bool rate_number(const struct model_settings *s, const char *word, size_t *out)
{
	size_t rate = meter_rate_find(word);

	for (*out = 0; *out < s->rates_n; (*out)++)
		if (s->rates[*out] == rate)
			return true;
	return false;
}

static void frame_put(
	const struct settings_frame *f, const uint8_t *bytes, size_t n, struct settings_write *out)
{
	uint8_t all[2 * MODEL_SETTINGS_REGISTERS] = { 0 };

	if (f->flagged)
		all[f->flag] = 1;
	memcpy(all + f->at, bytes, n);
	*out = (struct settings_write){
		.function = f->function, .address = f->address, .count = f->count
	};
	for (unsigned i = 0; i < f->count; i++)
		out->values[i] = (uint16_t)(all[2 * i] << 8 | all[2 * i + 1]);
}

static enum err price_put(
	const struct model_settings *s, const char *rate, const char *text, uint8_t *bytes)
{
	struct price price = { 0 };
	int64_t steps;
	size_t i;

	if (!rate_number(s, rate, &i) || price_parse(text, &price) != ERR_OK)
		return ERR_BAD_VALUE;
	steps = price.micro / s->prices.step_micro;
	if (steps * s->prices.step_micro != price.micro || steps > INT32_MAX)
		return ERR_BAD_VALUE;
	for (unsigned k = 0; k < 4; k++)
		bytes[4 * i + k] = (uint8_t)(steps >> (24 - 8 * k));
	return ERR_OK;
}

static enum err prices_write(
	const struct model_settings *s, const char *text, struct settings_write *out)
{
	uint8_t bytes[4 * METER_RATES] = { 0 };
	char rate[16], price[MONEY_TEXT_MAX];
	size_t n = 0;

	while (str_word(&text, rate, sizeof(rate))) {
		if (n++ == s->rates_n || !str_word(&text, price, sizeof(price)) ||
			price_put(s, rate, price, bytes) != ERR_OK)
			return ERR_BAD_VALUE;
	}
	if (n != s->rates_n || *text)
		return ERR_BAD_VALUE;
	frame_put(&s->prices.write, bytes, 4 * n, out);
	return ERR_OK;
}

/* "07:30" */
static bool clock_parse(const char *text, uint8_t *hour, uint8_t *minute)
{
	int64_t h, m;
	char hours[3] = "";

	if (strlen(text) != 5 || text[2] != ':')
		return false;
	memcpy(hours, text, 2);
	if (i64_parse(hours, 0, 23, &h) != ERR_OK || i64_parse(text + 3, 0, 59, &m) != ERR_OK)
		return false;
	*hour = (uint8_t)h;
	*minute = (uint8_t)m;
	return true;
}

/* The slots as rate, minute, hour; those that are left repeat the last. */
static enum err slots_bytes(const struct model_settings *s, const char *text, uint8_t *bytes)
{
	char time[8], rate[16];
	size_t n = 0, i;

	while (str_word(&text, time, sizeof(time))) {
		uint8_t *slot = bytes + 3 * n;

		if (n == s->slots.slots || !str_word(&text, rate, sizeof(rate)) ||
			!rate_number(s, rate, &i) || !clock_parse(time, &slot[2], &slot[1]))
			return ERR_BAD_VALUE;
		slot[0] = (uint8_t)(s->slots.rate_first + i);
		if (n == 0 ? slot[1] || slot[2]
			   : slot[2] * 60 + slot[1] <= slot[-1] * 60 + slot[-2])
			return ERR_BAD_VALUE;
		n++;
	}
	if (n == 0 || *text)
		return ERR_BAD_VALUE;
	for (; n < s->slots.slots; n++)
		memcpy(bytes + 3 * n, bytes + 3 * (n - 1), 3);
	return ERR_OK;
}

/* Every schedule gets the same slots, so that they are those of every day, whatever the zones say.
 */
static enum err slots_write(
	const struct model_settings *s, const char *text, struct settings_write *out, size_t *n)
{
	uint8_t bytes[3 * MODEL_SCHEDULE_SLOTS_MAX + 1] = { 0 };
	struct settings_frame f = { .function = s->slots.write,
		.count = registers_of(s->slots.slots) };
	enum err e = slots_bytes(s, text, bytes);

	for (size_t i = 0; e == ERR_OK && i < s->slots.schedules_n; i++) {
		f.address = s->slots.schedules[i];
		frame_put(&f, bytes, 3 * s->slots.slots, &out[i]);
	}
	*n = s->slots.schedules_n;
	return e;
}

enum err model_setting_write(const struct model *m, enum meter_setting s, const char *text,
	struct settings_write out[static MODEL_SCHEDULES_MAX], size_t *n)
{
	uint8_t on = str_eq(text, "on");

	if (!model_sets(m, s))
		return ERR_NOT_CONFIGURED;
	*n = 1;
	if (s == METER_PRICES)
		return prices_write(&m->settings, text, out);
	if (s == METER_SLOTS)
		return slots_write(&m->settings, text, out, n);
	if (!on && !str_eq(text, "off"))
		return ERR_BAD_VALUE;
	frame_put(&m->settings.prepaid.write, &on, 1, out);
	return ERR_OK;
}

/* ---- reading ---- */

/* Adds the read for these registers, unless one that is there tells them as well. */
static struct model_read registers(uint8_t function, uint16_t address, uint16_t count)
{
	return (struct model_read){ .function = function, .address = address, .count = count };
}

static void read_add(
	const struct model *m, struct model_read *reads, size_t *n, struct model_read r)
{
	const struct model_block *b = model_block_of(m, r.function, r.address, r.count);

	ASSERT(b); /* model_settings_parse() has seen to it */
	if (b->whole)
		r = registers(b->function, b->address, b->count);
	for (size_t i = 0; i < *n; i++)
		if (reads[i].function == r.function && reads[i].address == r.address &&
			reads[i].count >= r.count)
			return;
	reads[(*n)++] = r;
}

size_t model_setting_reads(const struct model *m, enum meter_setting s, struct model_read *out)
{
	const struct model_settings *t = &m->settings;
	size_t n = 0;

	if (!model_tells(m, s))
		return 0;
	if (s == METER_PRICES)
		read_add(m, out, &n,
			registers(
				t->prices.function, t->prices.address, (uint16_t)(2 * t->rates_n)));
	if (s == METER_PREPAID)
		read_add(m, out, &n, registers(t->prepaid.function, t->prepaid.address, 1));
	if (s != METER_SLOTS)
		return n;
	if (t->slots.zones_n)
		read_add(m, out, &n,
			registers(
				t->slots.function, t->slots.zones, registers_of(t->slots.zones_n)));
	for (size_t i = 0; i < t->slots.schedules_n; i++)
		read_add(m, out, &n,
			registers(t->slots.function, t->slots.schedules[i],
				registers_of(t->slots.slots)));
	return n;
}

struct told {
	const struct register_block *blocks;
	size_t n;
};

/* Bytes of registers in the order of sending; false: they were not read. */
static bool bytes_at(
	const struct told *t, uint8_t function, uint16_t address, size_t count, uint8_t *out)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct register_block *b = &t->blocks[i];

		if (b->function != function || address < b->address ||
			address + count > (size_t)b->address + b->count)
			continue;
		for (size_t k = 0; k < count; k++) {
			uint16_t reg = b->regs[address - b->address + k];

			out[2 * k] = (uint8_t)(reg >> 8);
			out[2 * k + 1] = (uint8_t)reg;
		}
		return true;
	}
	return false;
}

/* In the order of meter_rate_word(), whatever that of the registers. */
static enum err prices_decode(
	const struct model_settings *s, const struct told *t, char out[static METER_SETTING_TEXT])
{
	uint8_t b[4 * METER_RATES];
	size_t len = 0;

	if (!bytes_at(t, s->prices.function, s->prices.address, 2 * s->rates_n, b))
		return ERR_PROTOCOL;
	for (size_t rate = 0; rate < METER_RATES; rate++) {
		char text[MONEY_TEXT_MAX];
		size_t i;

		if (!rate_number(s, meter_rate_word(rate), &i))
			continue;
		struct price p = { ((int64_t)b[4 * i] << 24 | (int64_t)b[4 * i + 1] << 16 |
					   (int64_t)b[4 * i + 2] << 8 | b[4 * i + 3]) *
				   s->prices.step_micro };
		len += (size_t)snprintf(out + len, METER_SETTING_TEXT - len, "%s%s %s",
			len ? " " : "", meter_rate_word(rate), price_text(p, text));
	}
	return ERR_OK;
}

/* The schedule as text, slots that go on with the same rate left out; false: it makes no sense. */
static bool schedule_text(
	const struct model_settings *s, const uint8_t *b, char out[static METER_SETTING_TEXT])
{
	int before = -1, last_rate = -1;
	size_t len = 0;

	for (size_t i = 0; i < s->slots.slots; i++, b += 3) {
		int rate = b[0] - s->slots.rate_first, at = b[2] * 60 + b[1];

		if (rate < 0 || (size_t)rate >= s->rates_n) /* an unused one: the table ends */
			return i > 0;
		if (b[1] > 59 || b[2] > 23 || at < before || (i == 0 && at != 0))
			return false;
		if (at == before && rate != last_rate)
			return false;
		before = at;
		if (rate == last_rate)
			continue;
		last_rate = rate;
		len += (size_t)snprintf(out + len, METER_SETTING_TEXT - len, "%s%02d:%02d %s",
			i ? " " : "", b[2], b[1], meter_rate_word(s->rates[rate]));
	}
	return true;
}

/* The one schedule that all zones in use have; schedules_n: there is none. */
static size_t zones_schedule(const struct model_settings *s, const uint8_t *b)
{
	size_t found = s->slots.schedules_n;

	for (size_t i = 0; i < s->slots.zones_n; i++, b += 3) {
		size_t schedule = (size_t)(b[0] - s->slots.schedule_first);

		if (b[1] == 0 || b[2] == 0) /* no day of a year: unused */
			continue;
		if (schedule >= s->slots.schedules_n ||
			(found < s->slots.schedules_n && found != schedule))
			return s->slots.schedules_n;
		found = schedule;
	}
	return found;
}

static enum err slots_decode(
	const struct model_settings *s, const struct told *t, char out[static METER_SETTING_TEXT])
{
	uint8_t b[3 * MODEL_SCHEDULE_SLOTS_MAX + 2];
	char texts[MODEL_SCHEDULES_MAX][METER_SETTING_TEXT] = { "" };
	size_t one = 0;
	bool same = true;

	for (size_t i = 0; i < s->slots.schedules_n; i++) {
		if (!bytes_at(t, s->slots.function, s->slots.schedules[i],
			    registers_of(s->slots.slots), b))
			return ERR_PROTOCOL;
		if (!schedule_text(s, b, texts[i]))
			texts[i][0] = '\0';
		same &= str_eq(texts[i], texts[0]);
	}
	if (!same && s->slots.zones_n) {
		if (!bytes_at(t, s->slots.function, s->slots.zones, registers_of(s->slots.zones_n),
			    b))
			return ERR_PROTOCOL;
		one = zones_schedule(s, b);
	}
	snprintf(out, METER_SETTING_TEXT, "%s", one < s->slots.schedules_n ? texts[one] : "");
	return ERR_OK;
}

enum err model_setting_decode(const struct model *m, enum meter_setting s,
	const struct register_block *blocks, size_t n, char out[static METER_SETTING_TEXT])
{
	const struct model_settings *t = &m->settings;
	const struct told told = { blocks, n };
	char text[METER_SETTING_TEXT] = "";
	uint8_t b[2];
	enum err e = ERR_OK;

	if (!model_tells(m, s))
		return ERR_NOT_CONFIGURED;
	if (s == METER_PRICES)
		e = prices_decode(t, &told, text);
	else if (s == METER_SLOTS)
		e = slots_decode(t, &told, text);
	else if (!bytes_at(&told, t->prepaid.function, t->prepaid.address, 1, b))
		e = ERR_PROTOCOL;
	else
		snprintf(text, sizeof(text), "%s", b[0] || b[1] ? "on" : "off");
	if (e == ERR_OK)
		memcpy(out, text, sizeof(text));
	return e;
}
