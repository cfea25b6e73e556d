#include "sim/line_meter.h"

#include <string.h>

#include "base/clock.h"
#include "base/str.h"

static const char *const fault_words[] = {
#define X(name, word) [LINE_FAULT_##name] = word,
	LINE_FAULTS(X)
#undef X
};

const char *line_fault_word(enum line_fault f)
{
	return fault_words[f];
}

enum err line_fault_parse(const char *word, enum line_fault *out)
{
	for (size_t i = 0; i < ARRAY_LEN(fault_words); i++)
		if (str_eq(fault_words[i], word)) {
			*out = (enum line_fault)i;
			return ERR_OK;
		}
	return ERR_BAD_VALUE;
}

static size_t address_size(enum line_protocol p)
{
	return p == LINE_DLT645 ? 6 : 7;
}

void line_meter_init(struct line_meter *m, enum line_protocol protocol, const char *address)
{
	size_t size = address_size(protocol), n = 0;
	uint8_t high_first[7] = { 0 };

	*m = (struct line_meter){ .protocol = protocol, .closed = true, .valve_ms = LINE_VALVE_MS };
	ASSERT(hex_decode(address, high_first, sizeof high_first, &n) == ERR_OK && n == size);
	for (size_t i = 0; i < size; i++)
		m->address[i] = high_first[size - 1 - i];
}

void line_meter_advance(struct line_meter *m, const struct line_moment *now)
{
	if (m->valve_until_ms == 0 || now->mono_ms < m->valve_until_ms)
		return;
	m->valve_until_ms = 0;
	m->closed = m->valve_to;
}

size_t line_frame_length(enum line_protocol protocol, const uint8_t *b, size_t n)
{
	size_t head = protocol == LINE_DLT645 ? 10 : 11, length;

	if (n < head || b[0] != 0x68 || (protocol == LINE_DLT645 && b[7] != 0x68))
		return 0;
	length = head + b[head - 1] + 2;
	return length <= LINE_FRAME_MAX ? length : 0;
}

/* ---- answers ---- */

struct answer {
	uint8_t data[64];
	size_t n;
};

static void add(struct answer *a, const void *bytes, size_t n)
{
	ASSERT(a->n + n <= sizeof a->data);
	memcpy(a->data + a->n, bytes, n);
	a->n += n;
}

static void add_byte(struct answer *a, unsigned byte)
{
	uint8_t b = (uint8_t)byte;

	add(a, &b, 1);
}

static uint8_t pair(int64_t v)
{
	return (uint8_t)(v / 10 % 10 << 4 | v % 10);
}

/* So many bytes of decimal digits, low pair first. */
static void add_digits(struct answer *a, int64_t v, size_t bytes)
{
	for (; bytes > 0; bytes--, v /= 100)
		add_byte(a, pair(v));
}

static uint8_t sum(const uint8_t *b, size_t n)
{
	uint8_t s = 0;

	while (n-- > 0)
		s = (uint8_t)(s + *b++);
	return s;
}

static size_t dlt645_frame(
	const struct line_meter *m, uint8_t control, const struct answer *a, uint8_t *out)
{
	size_t n = 0;

	out[n++] = 0x68;
	memcpy(out + n, m->address, 6);
	n += 6;
	out[n++] = 0x68;
	out[n++] = control;
	out[n++] = (uint8_t)a->n;
	for (size_t i = 0; i < a->n; i++)
		out[n++] = (uint8_t)(a->data[i] + 0x33);
	out[n] = sum(out, n);
	out[n + 1] = 0x16;
	return n + 2;
}

static size_t cjt188_frame(const struct line_meter *m, uint8_t type, uint8_t control,
	const struct answer *a, uint8_t *out)
{
	size_t n = 0;

	out[n++] = 0x68;
	out[n++] = type;
	memcpy(out + n, m->address, 7);
	n += 7;
	out[n++] = control;
	out[n++] = (uint8_t)a->n;
	memcpy(out + n, a->data, a->n);
	n += a->n;
	out[n] = sum(out, n);
	out[n + 1] = 0x16;
	return n + 2;
}

struct wall {
	int year, month, day;
	int64_t second; /* of the day */
};

static struct wall wall_of(const struct line_meter *m, const struct line_moment *now)
{
	int64_t s = now->wall_s + m->wall_offset_s;
	struct wall w = { .second = s % 86400 };

	civil_date(s / 86400, &w.year, &w.month, &w.day);
	return w;
}

/* second, minute, hour */
static void add_time(struct answer *a, const struct wall *w)
{
	add_digits(a, w->second % 60, 1);
	add_digits(a, w->second / 60 % 60, 1);
	add_digits(a, w->second / 3600, 1);
}

/* ---- DL/T 645 ---- */

enum { NO_SUCH_DATA = 0x02, NOT_PERMITTED = 0x04, OTHER_ERROR = 0x01 };

static void add_energy(const struct line_meter *m, struct answer *a)
{
	int64_t hundredths = m->register_milli / 10, flat = hundredths - hundredths / 4 * 3;

	add_digits(a, hundredths, 4);
	for (int rate = 0; rate < 4; rate++)
		add_digits(a, rate == 2 ? flat : hundredths / 4, 4);
	if (m->fault == LINE_FAULT_DIGITS)
		a->data[4] = 0x1A;
}

static void add_current(const struct line_meter *m, struct answer *a)
{
	int64_t ma = (m->power_w < 0 ? -m->power_w : m->power_w) * 1000 / 230;

	add_digits(a, ma, 3);
	if (m->power_w < 0)
		a->data[a->n - 1] |= 0x80;
	add(a, "\xFF\xFF\xFF\xFF\xFF\xFF", 6); /* single-phase */
}

static void add_power(const struct line_meter *m, struct answer *a)
{
	add_digits(a, (m->power_w < 0 ? -m->power_w : m->power_w) * 10, 3);
	if (m->power_w < 0)
		a->data[a->n - 1] |= 0x80;
}

static void add_date(const struct wall *w, struct answer *a)
{
	add_digits(a, (civil_days(w->year, w->month, w->day) + 4) % 7, 1);
	add_digits(a, w->day, 1);
	add_digits(a, w->month, 1);
	add_digits(a, w->year % 100, 1);
}

/* False: no such data. */
static bool add_item(
	const struct line_meter *m, uint32_t item, const struct line_moment *now, struct answer *a)
{
	struct wall w = wall_of(m, now);
	int64_t owed = m->credit_fen < 0 ? -m->credit_fen : 0;

	switch (item) {
	case 0x00010000:
		add_digits(a, m->register_milli / 10, 4);
		return true;
	case 0x0001FF00:
		add_energy(m, a);
		return true;
	case 0x0201FF00:
		add(a, "\x05\x23\xFF\xFF\xFF\xFF", 6);
		return true;
	case 0x0202FF00:
		add_current(m, a);
		return true;
	case 0x02030000:
		add_power(m, a);
		return true;
	case 0x00900200:
		add_digits(a, owed ? 0 : m->credit_fen, 4);
		return true;
	case 0x00900201:
		add_digits(a, owed, 4);
		return true;
	case 0x03330201:
		add_digits(a, m->purchases, 2);
		return true;
	case 0x04000101:
		add_date(&w, a);
		return true;
	case 0x04000102:
		add_time(a, &w);
		return true;
	case 0x04000402:
		add(a, m->address, 6);
		return true;
	case 0x04000503:
		add_byte(a, m->closed ? 0x00 : 0x10);
		add_byte(a, 0);
		return true;
	default:
		return false;
	}
}

static size_t dlt645_refuse(
	const struct line_meter *m, uint8_t control, unsigned error, uint8_t *out)
{
	struct answer a = { .n = 0 };

	add_byte(&a, error);
	return dlt645_frame(m, (uint8_t)(control | 0xC0), &a, out);
}

static uint32_t item_of(const uint8_t *data)
{
	return (uint32_t)data[3] << 24 | (uint32_t)data[2] << 16 | (uint32_t)data[1] << 8 | data[0];
}

enum { SPLIT_AT = 8 }; /* bytes of data in the first of two frames */

static size_t dlt645_read(const struct line_meter *m, const uint8_t *data, size_t n,
	const struct line_moment *now, uint8_t *out)
{
	struct answer a = { .n = 0 };
	bool split;

	add(&a, data, 4);
	if (n != 4 || !add_item(m, item_of(data), now, &a))
		return dlt645_refuse(m, 0x11, NO_SUCH_DATA, out);
	split = m->fault == LINE_FAULT_SPLIT && item_of(data) == 0x0001FF00;
	if (split)
		a.n = 4 + SPLIT_AT;
	return dlt645_frame(m, split ? 0xB1 : 0x91, &a, out);
}

static size_t dlt645_read_more(const struct line_meter *m, const uint8_t *data, size_t n,
	const struct line_moment *now, uint8_t *out)
{
	struct answer whole = { .n = 0 }, a = { .n = 0 };

	if (n != 5 || data[4] != 1 || !add_item(m, item_of(data), now, &whole))
		return dlt645_refuse(m, 0x12, NO_SUCH_DATA, out);
	add(&a, data, 4);
	add(&a, whole.data + SPLIT_AT, whole.n - SPLIT_AT);
	add_byte(&a, 1);
	return dlt645_frame(m, 0x92, &a, out);
}

static int64_t two(uint8_t b)
{
	return (b >> 4) * 10 + (b & 15);
}

/* second, minute, hour, day, month, year */
static int64_t seconds_of(const uint8_t *b)
{
	return civil_days((int)(2000 + two(b[5])), (int)two(b[4]), (int)two(b[3])) * 86400 +
	       two(b[2]) * 3600 + two(b[1]) * 60 + two(b[0]);
}

/* The error byte, or 0. */
static unsigned relay_command(
	struct line_meter *m, const uint8_t *data, size_t n, const struct line_moment *now)
{
	uint8_t what = n == 16 ? data[8] : 0;

	if (n != 16 || data[9] != 0)
		return OTHER_ERROR;
	if (memcmp(data, m->password, 4) != 0)
		return NOT_PERMITTED;
	if (seconds_of(data + 10) < now->wall_s + m->wall_offset_s)
		return OTHER_ERROR; /* not valid any more */
	if (what != 0x1A && what != 0x1B && what != 0x1C && what != 0x3A && what != 0x3B)
		return OTHER_ERROR;
	if (what == 0x1A && m->keeps)
		return OTHER_ERROR;
	m->acted++;
	if (m->fault == LINE_FAULT_STUCK)
		return 0;
	if (what == 0x3A || what == 0x3B)
		m->keeps = what == 0x3A;
	if (what != 0x3B && what != 0x1B) /* 1B only allows a person to press the key */
		m->closed = what != 0x1A;
	return 0;
}

static size_t dlt645_relay(struct line_meter *m, const uint8_t *data, size_t n,
	const struct line_moment *now, uint8_t *out)
{
	struct answer a = { .n = 0 };
	unsigned error = relay_command(m, data, n, now);

	return error ? dlt645_refuse(m, 0x1C, error, out) : dlt645_frame(m, 0x9C, &a, out);
}

static bool is_all(const uint8_t *b, size_t n, uint8_t value)
{
	for (size_t i = 0; i < n; i++)
		if (b[i] != value)
			return false;
	return true;
}

static size_t dlt645_answer(
	struct line_meter *m, const uint8_t *frame, const struct line_moment *now, uint8_t *out)
{
	uint8_t data[256];
	size_t n = frame[9];

	for (size_t i = 0; i < n; i++)
		data[i] = (uint8_t)(frame[10 + i] - 0x33);
	if (frame[8] == 0x08) { /* nobody answers a broadcast */
		if (n == 6)
			m->wall_offset_s = seconds_of(data) - now->wall_s;
		return 0;
	}
	if (m->fault == LINE_FAULT_ERROR)
		return dlt645_refuse(m, frame[8], OTHER_ERROR, out);
	switch (frame[8]) {
	case 0x11:
		return dlt645_read(m, data, n, now, out);
	case 0x12:
		return dlt645_read_more(m, data, n, now, out);
	case 0x13:
		return dlt645_frame(m, 0x93,
			&(struct answer){ { m->address[0], m->address[1], m->address[2],
						  m->address[3], m->address[4], m->address[5] },
				6 },
			out);
	case 0x1C:
		return dlt645_relay(m, data, n, now, out);
	default:
		return dlt645_refuse(m, frame[8], OTHER_ERROR, out);
	}
}

/* ---- CJ/T 188 ---- */

/* The first of the two status bytes shows a moving valve where it was. */
static void add_status(const struct line_meter *m, struct answer *a)
{
	add_byte(a, m->closed ? 0x00 : 0x40);
	add_byte(a, 0);
}

static size_t cjt188_read(const struct line_meter *m, const uint8_t *frame,
	const struct line_moment *now, uint8_t *out)
{
	struct wall w = wall_of(m, now);
	struct answer a = { .n = 0 };

	add(&a, frame + 11, 3); /* identification and sequence, as they came */
	add_digits(&a, m->register_milli / 10, 4);
	if (m->fault == LINE_FAULT_DIGITS)
		a.data[3] = 0x1A;
	add_byte(&a, 0x2C);
	add_digits(&a, 0, 4);
	add_byte(&a, 0x2C);
	add_time(&a, &w);
	add_digits(&a, w.day, 1);
	add_digits(&a, w.month, 1);
	add_digits(&a, w.year % 100, 1);
	add_digits(&a, w.year / 100, 1);
	add_status(m, &a);
	return cjt188_frame(m, frame[1], 0x81, &a, out);
}

static size_t cjt188_refuse(const struct line_meter *m, const uint8_t *frame, uint8_t *out)
{
	struct answer a = { .n = 0 };

	add(&a, frame + 13, 1);
	add_status(m, &a);
	return cjt188_frame(m, frame[1], (uint8_t)(frame[9] | 0xC0), &a, out);
}

static size_t cjt188_valve(
	struct line_meter *m, const uint8_t *frame, const struct line_moment *now, uint8_t *out)
{
	struct answer a = { .n = 0 };
	uint8_t what = frame[14];

	if (frame[10] != 4 || memcmp(frame + 11, "\xA0\x17", 2) != 0 ||
		(what != 0x55 && what != 0x99))
		return cjt188_refuse(m, frame, out);
	m->acted++;
	if (m->fault != LINE_FAULT_STUCK) {
		m->valve_to = what == 0x55;
		m->valve_until_ms = now->mono_ms + m->valve_ms;
		line_meter_advance(m, now);
	}
	add(&a, frame + 11, 3);
	add_status(m, &a);
	return cjt188_frame(m, frame[1], 0x84, &a, out);
}

static size_t cjt188_answer(
	struct line_meter *m, const uint8_t *frame, const struct line_moment *now, uint8_t *out)
{
	bool item = frame[10] == 3 && (memcmp(frame + 11, "\x90\x1F", 2) == 0 ||
					      memcmp(frame + 11, "\x1F\x90", 2) == 0);

	if (frame[10] < 3)
		return 0;
	if (m->fault == LINE_FAULT_ERROR)
		return cjt188_refuse(m, frame, out);
	if (frame[9] == 0x01 && item)
		return cjt188_read(m, frame, now, out);
	if (frame[9] == 0x04)
		return cjt188_valve(m, frame, now, out);
	return cjt188_refuse(m, frame, out);
}

/* ---- faults ---- */

/* Moves n bytes back and puts others in front of them. */
static size_t put_before(uint8_t *out, size_t n, const uint8_t *bytes, size_t count)
{
	ASSERT(n + count <= LINE_FRAME_MAX);
	memmove(out + count, out, n);
	memcpy(out, bytes, count);
	return n + count;
}

static size_t foreign_before(const struct line_meter *m, uint8_t *out, size_t n)
{
	uint8_t other[LINE_FRAME_MAX];
	size_t place = m->protocol == LINE_DLT645 ? 1 : 2;

	memcpy(other, out, n);
	other[place]++;
	other[n - 2]++;
	return put_before(out, n, other, n);
}

static size_t late_instead(struct line_meter *m, uint8_t *out, size_t n)
{
	uint8_t now[LINE_FRAME_MAX];
	size_t kept = m->kept_n;

	memcpy(now, out, n);
	memcpy(out, m->kept, kept);
	memcpy(m->kept, now, n);
	m->kept_n = n;
	return kept;
}

static size_t spoil(struct line_meter *m, const uint8_t *ask, size_t ask_n, uint8_t *out, size_t n)
{
	static const uint8_t leaders[] = { 0x00, 0x68, 0x33, 0xFE, 0xFE, 0xFE, 0xFE, 0xFE, 0xFE,
		0xFE, 0xFE, 0xFE, 0xFE, 0xFE, 0xFE, 0xFE, 0xFE, 0xFE, 0xFE, 0xFE, 0xFE, 0xFE,
		0xFE };

	switch (m->fault) {
	case LINE_FAULT_CHECKSUM:
		out[n - 2]++;
		return n;
	case LINE_FAULT_LEADERS:
		return put_before(out, n, leaders, sizeof leaders);
	case LINE_FAULT_FOREIGN:
		return foreign_before(m, out, n);
	case LINE_FAULT_ECHO:
		return put_before(out, n, ask, ask_n);
	case LINE_FAULT_LATE:
		return late_instead(m, out, n);
	default:
		return n;
	}
}

static bool is_for(const struct line_meter *m, const uint8_t *frame)
{
	size_t n = address_size(m->protocol);
	const uint8_t *to = frame + (m->protocol == LINE_DLT645 ? 1 : 2);

	if (m->protocol == LINE_DLT645 && frame[8] == 0x08)
		return is_all(to, n, 0x99) || memcmp(to, m->address, n) == 0;
	return is_all(to, n, 0xAA) || memcmp(to, m->address, n) == 0;
}

size_t line_meter_answer(struct line_meter *m, const uint8_t *frame, size_t n,
	const struct line_moment *now, uint8_t out[static LINE_FRAME_MAX])
{
	size_t length = line_frame_length(m->protocol, frame, n);

	if (length == 0 || length != n || frame[n - 1] != 0x16 || sum(frame, n - 2) != frame[n - 2])
		return 0;
	if (!is_for(m, frame) || m->fault == LINE_FAULT_SILENT)
		return 0;
	m->asked++;
	line_meter_advance(m, now);
	length = m->protocol == LINE_DLT645 ? dlt645_answer(m, frame, now, out)
					    : cjt188_answer(m, frame, now, out);
	return length ? spoil(m, frame, n, out, length) : 0;
}
