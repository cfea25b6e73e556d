#include "rules/pricechange.h"

#include "base/clock.h"
#include "base/money.h"

static int64_t begins(const json_t *version)
{
	const char *text = json_string_value(json_object_get(version, "effective_from"));
	struct utc at = { 0 };

	return text && utc_parse(text, &at) == ERR_OK ? at.ms : 0;
}

static bool contains(const json_t *versions, const json_t *one)
{
	const json_t *v;
	size_t i;

	json_array_foreach(versions, i, v) if (json_equal(v, one)) return true;
	return false;
}

/* The last of them that begins before `one`, or the first. */
static const json_t *followed(const json_t *versions, const json_t *one)
{
	const json_t *v, *found = json_array_get(versions, 0);
	size_t i;

	json_array_foreach(versions, i, v) if (begins(v) < begins(one)) found = v;
	return found;
}

static int64_t change(const json_t *was, const json_t *is)
{
	const char *a = json_string_value(was), *b = json_string_value(is);
	struct price x, y;
	int64_t apart;

	if (!a || !b || price_parse(a, &x) != ERR_OK || price_parse(b, &y) != ERR_OK)
		return INT64_MAX;
	apart = y.micro > x.micro ? y.micro - x.micro : x.micro - y.micro;
	if (apart == 0)
		return 0;
	if (x.micro == 0 || apart > INT64_MAX / 1000)
		return INT64_MAX;
	return (apart * 1000 + x.micro - 1) / x.micro; /* never rounded below a limit */
}

/* Tiers that are new are compared with the last one of before. */
static int64_t version_change(const json_t *was, const json_t *is)
{
	const json_t *old_prices = json_object_get(was, "prices"), *price;
	json_t *prices = json_object_get(is, "prices"), *list;
	const char *rate;
	int64_t most = 0;
	size_t i;

	json_object_foreach(prices, rate, list)
	{
		const json_t *old = json_object_get(old_prices, rate);
		size_t n = json_array_size(old);

		json_array_foreach(list, i, price)
		{
			int64_t c = n ? change(json_array_get(old, i < n ? i : n - 1), price)
				      : INT64_MAX;

			if (c > most)
				most = c;
		}
	}
	return most;
}

int64_t price_change_permille(const json_t *was, const json_t *is)
{
	const json_t *old = json_object_get(was, "versions"), *v;
	int64_t most = 0;
	size_t i;

	json_array_foreach(json_object_get(is, "versions"), i, v)
	{
		int64_t c = contains(old, v) ? 0 : version_change(followed(old, v), v);

		if (c > most)
			most = c;
	}
	return most;
}
