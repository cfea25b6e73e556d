/* Which route a method and a path are. */
#include <stdio.h>
#include <string.h>

#include "base/zone.h"
#include "fcgi/routes.h"
#include "report/report.h"

/* "2026-11-22", from 1970-01-02 on. */
static bool date_matches(const char *have, size_t have_n, int64_t *object)
{
	char text[DAY_TEXT_MAX];
	struct day day;

	if (have_n != strlen("2026-11-22"))
		return false;
	memcpy(text, have, have_n);
	text[have_n] = '\0';
	if (day_parse(text, &day) != ERR_OK || day.days < 1)
		return false;
	*object = day.days;
	return true;
}

static bool secret_matches(const char *have, size_t have_n)
{
	size_t n = strspn(have, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-");

	return have_n > 0 && have_n <= 64 && n >= have_n;
}

/* Of a model or a job: "eastron-sdm630", "send:aliyun_sms". */
static bool name_matches(const char *have, size_t have_n)
{
	size_t n = strspn(have, "0123456789abcdefghijklmnopqrstuvwxyz_:-");

	return have_n > 0 && have_n <= 48 && n >= have_n;
}

static bool report_matches(const char *have, size_t have_n, int64_t *object)
{
	const struct report_kind *report = report_find(have, have_n);

	if (report)
		*object = report - reports + 1;
	return report != NULL;
}

/* One segment against another; ":id" takes a number from 1, ":date" a day, ":secret" and
 * ":name" a word, ":report" a report. */
static bool segment_matches(
	const char *want, size_t want_n, const char *have, size_t have_n, int64_t *object)
{
	char digits[20];

	if (want_n == 5 && memcmp(want, ":date", 5) == 0)
		return date_matches(have, have_n, object);
	if (want_n == 7 && memcmp(want, ":secret", 7) == 0)
		return secret_matches(have, have_n);
	if (want_n == 5 && memcmp(want, ":name", 5) == 0)
		return name_matches(have, have_n);
	if (want_n == 7 && memcmp(want, ":report", 7) == 0)
		return report_matches(have, have_n, object);
	if (want_n != 3 || memcmp(want, ":id", 3) != 0)
		return want_n == have_n && memcmp(want, have, want_n) == 0;
	if (have_n == 0 || have_n >= sizeof(digits) || have[0] < '1' || have[0] > '9')
		return false;
	memcpy(digits, have, have_n);
	digits[have_n] = '\0';
	return i64_parse(digits, 1, INT64_MAX, object) == ERR_OK;
}

static bool path_matches(const char *want, const char *have, int64_t *object)
{
	while (*want == '/' && *have == '/') {
		size_t want_n = strcspn(++want, "/");
		size_t have_n = strcspn(++have, "/");

		if (!segment_matches(want, want_n, have, have_n, object))
			return false;
		want += want_n;
		have += have_n;
	}
	return !*want && !*have;
}

enum err route_find(const char *method, const char *path, const struct route **out, int64_t *object,
	char allow[static 64])
{
	bool is_head = str_eq(method, "HEAD");
	size_t n = 0;

	allow[0] = '\0';
	for (size_t i = 0; i < routes_n; i++) {
		int64_t id = 0;

		if (!path_matches(routes[i].path, path, &id))
			continue;
		if (str_eq(routes[i].method, is_head ? "GET" : method)) {
			*out = &routes[i];
			*object = id;
			return ERR_OK;
		}
		n += (size_t)snprintf(allow + n, 64 - n, "%s%s", n ? ", " : "", routes[i].method);
	}
	return n ? ERR_METHOD : ERR_NOT_FOUND;
}

size_t route_body_most(const char *method, const char *path)
{
	const struct route *r;
	char allow[64];
	int64_t object;

	if (!str_starts(path, API_PREFIX))
		return 0;
	return route_find(method, path + strlen(API_PREFIX), &r, &object, allow) == ERR_OK
		       ? r->body_most
		       : 0;
}
