#include "sim/state.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/str.h"

enum { STATE_FILE_MAX = 1 << 20 };

static json_t *counts_json(const int64_t count[static RATE__MAX])
{
	json_t *list = json_array();

	for (size_t i = 0; i < RATE__MAX; i++)
		json_array_append_new(list, json_integer(count[i]));
	return list;
}

static json_t *prices_json(const struct prepaid *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < RATE__MAX; i++)
		json_array_append_new(list, json_integer(p->price_fen[i]));
	return list;
}

static json_t *device_json(const struct device *d)
{
	const struct prepaid *p = &d->prepaid;

	char tables[2 * sizeof(d->tables) + 1];

	hex_encode(&d->tables, sizeof(d->tables), tables);
	return json_pack(
		"{s:i, s:o, s:o, s:b, s:b, s:b, s:I, s:I, s:s, s:{s:b, s:b, s:b, s:I, s:I, s:o}}",
		"unit", d->mall->unit, "count", counts_json(d->count), "ceiling",
		counts_json(d->ceiling), "forced", d->forced, "closed", d->closed, "valve_open",
		d->valve == VALVE_OPEN || d->valve == VALVE_OPENING, "load", (json_int_t)d->load,
		"written_at", (json_int_t)d->written_at.ms, "tables", tables, "prepaid", "on",
		p->on, "adds", p->adds, "refuses", p->refuses, "count", (json_int_t)p->count,
		"nano", (json_int_t)p->nano, "prices", prices_json(p));
}

static json_t *state_json(const struct device *devices, size_t n, int64_t ahead_ms)
{
	json_t *meters = json_array();

	for (size_t i = 0; i < n; i++) {
		struct device d = devices[i];

		device_raise_ceiling(&d, ahead_ms);
		json_array_append_new(meters, device_json(&d));
	}
	return json_pack("{s:i, s:o}", "version", 1, "meters", meters);
}

static enum err write_all(int fd, const char *text, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, text, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return ERR_UNAVAILABLE;
		text += done;
		n -= (size_t)done;
	}
	return ERR_OK;
}

static enum err file_write(const char *path, const char *text, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	enum err e;

	if (fd < 0)
		return ERR_UNAVAILABLE;
	e = write_all(fd, text, n);
	if (!e && fsync(fd) != 0)
		e = ERR_UNAVAILABLE;
	if (close(fd) != 0)
		e = ERR_UNAVAILABLE;
	return e;
}

static enum err folder_sync(const char *path)
{
	char copy[PATH_MAX];
	enum err e = ERR_OK;
	int fd;

	if (!str_copy(copy, sizeof copy, path))
		return ERR_TOO_LARGE;
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return ERR_UNAVAILABLE;
	if (fsync(fd) != 0)
		e = ERR_UNAVAILABLE;
	close(fd);
	return e;
}

static enum err file_replace(const char *path, const char *text, size_t n)
{
	char fresh[PATH_MAX];
	enum err e;

	if (snprintf(fresh, sizeof fresh, "%s.new", path) >= (int)sizeof fresh)
		return ERR_TOO_LARGE;
	e = file_write(fresh, text, n);
	if (e)
		return e;
	if (rename(fresh, path) != 0)
		return ERR_UNAVAILABLE;
	return folder_sync(path);
}

enum err state_save(const char *path, struct device *devices, size_t n, int64_t ahead_ms)
{
	AUTO(json_free) json_t *state = state_json(devices, n, ahead_ms);
	char *text = json_text(state);
	enum err e = file_replace(path, text, strlen(text));

	free(text);
	if (e)
		return e;
	for (size_t i = 0; i < n; i++)
		device_raise_ceiling(&devices[i], ahead_ms);
	return ERR_OK;
}

static enum err counts_take(
	const json_t *row, const char *key, int64_t out[static RATE__MAX], struct problem *why)
{
	const json_t *list = json_object_get(row, key);

	if (json_array_size(list) != RATE__MAX)
		return problem_set(why, ERR_BAD_VALUE, key, "must be a list of four");
	for (size_t i = 0; i < RATE__MAX; i++) {
		const json_t *n = json_array_get(list, i);

		if (!json_is_integer(n) || json_integer_value(n) < 0)
			return problem_set(why, ERR_BAD_VALUE, key, "must hold whole numbers");
		out[i] = json_integer_value(n);
	}
	return ERR_OK;
}

static enum err flags_take(const json_t *row, struct device *d, struct problem *why)
{
	bool open = false;
	enum err e = json_get_bool(row, "forced", FIELD_REQUIRED, &d->forced, why);

	if (!e)
		e = json_get_bool(row, "closed", FIELD_REQUIRED, &d->closed, why);
	if (!e)
		e = json_get_bool(row, "valve_open", FIELD_REQUIRED, &open, why);
	if (!e)
		e = json_get_int(row, "load", FIELD_REQUIRED, -1, DEVICE_LOAD_MAX, &d->load, why);
	if (!e)
		e = json_get_int(
			row, "written_at", FIELD_REQUIRED, 0, INT64_MAX, &d->written_at.ms, why);
	d->valve = open ? VALVE_OPEN : VALVE_CLOSED;
	return e;
}

/* Files from before have neither of these. */
static enum err prices_take(const json_t *obj, struct prepaid *p, struct problem *why)
{
	const json_t *list = json_object_get(obj, "prices");

	if (!list)
		return ERR_OK;
	for (size_t i = 0; i < RATE__MAX; i++) {
		const json_t *n = json_array_get(list, i);

		if (!json_is_integer(n) || json_integer_value(n) < 0 ||
			json_integer_value(n) > UINT32_MAX)
			return problem_set(why, ERR_BAD_VALUE, "prices", "must be four numbers");
		p->price_fen[i] = (uint32_t)json_integer_value(n);
	}
	return json_get_bool(obj, "refuses", FIELD_OPTIONAL, &p->refuses, why);
}

static enum err tables_take(const json_t *row, struct device *d, struct problem *why)
{
	const char *text = NULL;
	struct tables fresh;
	size_t n = 0;
	enum err e = json_get_text(row, "tables", FIELD_OPTIONAL, 2 * sizeof(fresh), &text, why);

	if (e || !text)
		return e;
	if (hex_decode(text, (uint8_t *)&fresh, sizeof(fresh), &n) || n != sizeof(fresh))
		return problem_set(why, ERR_BAD_VALUE, "tables", "must be all bytes in hex");
	d->tables = fresh;
	return ERR_OK;
}

/* Files from before have none. */
static enum err prepaid_take(const json_t *row, struct device *d, struct problem *why)
{
	const json_t *obj = json_object_get(row, "prepaid");
	struct prepaid *p = &d->prepaid;
	enum err e;

	device_forget_use(d);
	if (!obj)
		return ERR_OK;
	e = json_get_bool(obj, "on", FIELD_REQUIRED, &p->on, why);
	if (!e)
		e = json_get_bool(obj, "adds", FIELD_REQUIRED, &p->adds, why);
	if (!e)
		e = json_get_int(obj, "count", FIELD_REQUIRED, 0, UINT16_MAX, &p->count, why);
	if (!e)
		e = json_get_int(obj, "nano", FIELD_REQUIRED, -INT64_MAX, INT64_MAX, &p->nano, why);
	return e ? e : prices_take(obj, p, why);
}

static enum err row_take(const json_t *row, struct device *devices, size_t n, struct problem *why)
{
	int64_t unit = 0;
	enum err e = json_get_int(row, "unit", FIELD_REQUIRED, 1, 255, &unit, why);

	for (size_t i = 0; !e && i < n; i++) {
		if (devices[i].mall->unit != unit)
			continue;
		e = counts_take(row, "ceiling", devices[i].count, why);
		if (!e)
			e = counts_take(row, "ceiling", devices[i].ceiling, why);
		if (!e)
			e = flags_take(row, &devices[i], why);
		if (!e)
			e = prepaid_take(row, &devices[i], why);
		if (!e)
			e = tables_take(row, &devices[i], why);
	}
	return e;
}

static void devices_free(struct device **p)
{
	free(*p);
}

enum err state_load(const char *path, struct device *devices, size_t n, struct problem *why)
{
	AUTO(buf_free) struct buf text = { 0 };
	AUTO(json_free) json_t *state = NULL;
	AUTO(devices_free) struct device *fresh = calloc(n, sizeof *fresh);
	const json_t *meters, *row;
	size_t i;
	enum err e = file_read(path, STATE_FILE_MAX, &text);

	ASSERT(fresh);
	if (e)
		return problem_set(why, e, path, "cannot be read");
	e = json_parse(text.text, text.len, &state, why);
	if (e)
		return e;
	meters = json_object_get(state, "meters");
	if (!json_is_array(meters))
		return problem_set(why, ERR_BAD_VALUE, path, "is no state of meters");
	memcpy(fresh, devices, n * sizeof *fresh);
	json_array_foreach((json_t *)meters, i, row)
	{
		e = row_take(row, fresh, n, why);
		if (e)
			return e;
	}
	memcpy(devices, fresh, n * sizeof *fresh);
	return ERR_OK;
}
