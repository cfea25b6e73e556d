#include "meter/dialin.h"

#include <string.h>

#define AMID_MIN 2   /* a shorter pattern is taken for data when it stands amid a frame */
#define AMID_TRIES 4 /* places; each try is a chance for a broken frame to look whole */

/* ---- templates ---- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool pattern_put(struct dial_pattern *p, uint8_t byte)
{
	if (p->n == DIAL_PATTERN_MAX)
		return false;
	p->bytes[p->n++] = byte;
	return true;
}

static bool pattern_text(struct dial_pattern *p, const char *s)
{
	for (; *s; s++)
		if (!pattern_put(p, (uint8_t)*s))
			return false;
	return true;
}

static bool pattern_hex(struct dial_pattern *p, const char *s)
{
	int high = -1;

	for (; *s; s++) {
		int digit = hex_digit(*s);

		if (*s == ':' || *s == '-')
			continue;
		if (digit < 0)
			return false;
		if (high >= 0 && !pattern_put(p, (uint8_t)(high << 4 | digit)))
			return false;
		high = high >= 0 ? -1 : digit;
	}
	return high < 0;
}

/* What stands after a backslash; how many characters of it, or 0. */
static size_t pattern_escape(struct dial_pattern *p, const char *s, size_t n)
{
	if (n >= 1 && (*s == 'r' || *s == 'n' || *s == '\\'))
		return pattern_put(p, *s == 'r' ? '\r' : *s == 'n' ? '\n' : '\\') ? 1 : 0;
	if (n >= 3 && *s == 'x' && hex_digit(s[1]) >= 0 && hex_digit(s[2]) >= 0)
		return pattern_put(p, (uint8_t)(hex_digit(s[1]) << 4 | hex_digit(s[2]))) ? 3 : 0;
	return 0;
}

static bool begins_with(const char *s, size_t n, const char *word)
{
	return n >= strlen(word) && memcmp(s, word, strlen(word)) == 0;
}

static bool template_read(const char *s, size_t n, const char *id, struct dial_pattern *out)
{
	struct dial_pattern p = { .n = 0 };
	size_t i = 0;

	while (i < n) {
		size_t step = 0;

		if (begins_with(s + i, n - i, "{id}"))
			step = pattern_text(&p, id) ? 4 : 0;
		else if (begins_with(s + i, n - i, "{hex}"))
			step = pattern_hex(&p, id) ? 5 : 0;
		else if (s[i] == '\\')
			step = pattern_escape(&p, s + i + 1, n - i - 1) + 1;
		else
			step = pattern_put(&p, (uint8_t)s[i]) ? 1 : 0;
		if (step == 0 || (s[i] == '\\' && step == 1))
			return false;
		i += step;
	}
	*out = p;
	return p.n > 0;
}

static enum err bad_template(struct problem *why, const char *field)
{
	return problem_set(why, ERR_BAD_VALUE, field,
		"%s: text with {id}, {hex}, \\xNN, \\r, \\n or \\\\, 1 to %d bytes each, at most "
		"%d",
		field, DIAL_PATTERN_MAX, DIAL_PATTERNS_MAX - 1);
}

enum err dial_patterns_read(const char *id, const char *registration, const char *heartbeats,
	struct dial_patterns *out, struct problem *why)
{
	struct dial_patterns p = { .n = 1 };
	const char *s = heartbeats;

	if (!registration[0])
		registration = "{id}";
	if (!id[0])
		return problem_set(why, ERR_BAD_VALUE, "address", "the registration id is missing");
	if (!template_read(registration, strlen(registration), id, &p.at[0]))
		return bad_template(why, "registration");
	for (s += strspn(s, " "); *s; s += strspn(s, " ")) {
		size_t n = strcspn(s, " ");

		if (p.n == DIAL_PATTERNS_MAX || !template_read(s, n, id, &p.at[p.n]))
			return bad_template(why, "heartbeat");
		p.n++;
		s += n;
	}
	*out = p;
	return ERR_OK;
}

/* ---- streams ---- */

/* The longest pattern that stands whole at these bytes, or p->n. */
static size_t pattern_here(const struct dial_patterns *p, const uint8_t *bytes, size_t n)
{
	size_t best = p->n;

	for (size_t i = 0; i < p->n; i++)
		if (p->at[i].n <= n && memcmp(p->at[i].bytes, bytes, p->at[i].n) == 0 &&
			(best == p->n || p->at[i].n > p->at[best].n))
			best = i;
	return best;
}

/* Are these bytes, to their end, the begin of a pattern and not the whole? */
static bool pattern_begins(const struct dial_patterns *p, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < p->n; i++)
		if (n < p->at[i].n && memcmp(p->at[i].bytes, bytes, n) == 0)
			return true;
	return false;
}

enum dial_hello dial_hello(const struct dial_patterns *p, const uint8_t *bytes, size_t n)
{
	bool registered = false;
	size_t at = 0;

	while (at < n) {
		size_t i = pattern_here(p, bytes + at, n - at);

		if (i == p->n && !pattern_begins(p, bytes + at, n - at))
			return DIAL_OTHER;
		if (i == p->n)
			break;
		registered |= i == 0;
		at += p->at[i].n;
	}
	return registered ? DIAL_KNOWN : DIAL_MORE;
}

size_t dial_tail(const struct dial_patterns *p, const uint8_t *bytes, size_t n)
{
	size_t k = n < DIAL_PATTERN_MAX ? n : DIAL_PATTERN_MAX - 1;

	while (k > 0 && !pattern_begins(p, bytes + n - k, k))
		k--;
	return k;
}

bool dial_is_quiet(const struct dial_patterns *p, const uint8_t *bytes, size_t n)
{
	size_t at = 0;

	while (at < n) {
		size_t i = pattern_here(p, bytes + at, n - at);

		if (i == p->n)
			return pattern_begins(p, bytes + at, n - at);
		at += p->at[i].n;
	}
	return true;
}

static bool crc_is_right(const uint8_t *frame, size_t n)
{
	uint16_t crc = frame_crc(frame, n - 2);

	return frame[n - 2] == (uint8_t)crc && frame[n - 1] == crc >> 8;
}

/* A whole frame with a right CRC at the begin of these bytes; *need is its length. */
static bool frame_here(const uint8_t *bytes, size_t n, size_t *need)
{
	*need = frame_need(FRAMING_RTU, bytes, n);
	return *need <= n && *need <= FRAME_MAX && crc_is_right(bytes, *need);
}

/* The same with a pattern that stands amid it left out. *wait: with more bytes there may be one. */
static bool frame_around(const struct dial_patterns *p, const uint8_t *bytes, size_t n,
	uint8_t out[static FRAME_MAX], size_t *out_n, size_t *used, bool *wait)
{
	int tries = 0;

	for (size_t at = 1; at < n && at < FRAME_MAX && tries < AMID_TRIES; at++) {
		size_t i = pattern_here(p, bytes + at, n - at);
		size_t need, rest;

		if (i == p->n || p->at[i].n < AMID_MIN)
			continue;
		tries++;
		memcpy(out, bytes, at);
		rest = n - at - p->at[i].n;
		rest = rest < FRAME_MAX - at ? rest : FRAME_MAX - at;
		memcpy(out + at, bytes + at + p->at[i].n, rest);
		if (frame_here(out, at + rest, &need)) {
			*out_n = need;
			*used = need + p->at[i].n;
			return true;
		}
		*wait |= need > at + rest && need <= FRAME_MAX;
	}
	return false;
}

/* A function that a reply can have. */
static bool is_function(uint8_t byte)
{
	byte &= 0x7f;
	return (byte >= 1 && byte <= 6) || byte == 15 || byte == 16 || byte == FRAME_ACREL_WRITE;
}

static bool frame_begins(const uint8_t *bytes, size_t n, size_t need)
{
	return need > n && need <= FRAME_MAX && bytes[0] != 0 && (n < 2 || is_function(bytes[1]));
}

enum dial_found dial_frame(const struct dial_patterns *p, const uint8_t *bytes, size_t n,
	uint8_t out[static FRAME_MAX], size_t *out_n, size_t *used)
{
	size_t at = 0, need = 0;
	bool wait = false;

	while (at < n) {
		size_t i = pattern_here(p, bytes + at, n - at);

		if (frame_here(bytes + at, n - at, &need)) {
			memcpy(out, bytes + at, need);
			*out_n = need;
			*used = at + need;
			return DIAL_FRAME;
		}
		if (frame_around(p, bytes + at, n - at, out, out_n, used, &wait)) {
			*used += at;
			return DIAL_FRAME;
		}
		wait |= frame_begins(bytes + at, n - at, need);
		if (i == p->n)
			break;
		at += p->at[i].n;
	}
	if (at == n || wait || dial_tail(p, bytes + at, n - at) > 0)
		return DIAL_WAIT;
	return DIAL_JUNK;
}
