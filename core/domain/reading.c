#include "domain/reading.h"

#include <string.h>

static const char *const words[VERDICT__MAX] = {
	[VERDICT_ACCEPTED] = "accepted",
	[VERDICT_REPEATED] = "repeated",
	[VERDICT_LATE] = "late",
	[VERDICT_BACKWARDS] = "backwards",
	[VERDICT_IMPLAUSIBLE] = "implausible",
	[VERDICT_IDENTITY] = "identity",
};

const char *verdict_word(enum verdict v)
{
	return words[v];
}

enum err verdict_parse(const char *word, enum verdict *out)
{
	for (size_t i = 0; i < VERDICT__MAX; i++)
		if (strcmp(words[i], word) == 0) {
			*out = (enum verdict)i;
			return ERR_OK;
		}
	return ERR_BAD_VALUE;
}

/* One step of a coarse register may fall into any interval, however short. */
#define STEP_MILLI 1000

static bool too_fast(const struct reading_facts *f, __int128 growth)
{
	__int128 most = (__int128)f->most_per_hour * (f->at.ms - f->last_at.ms) / 3600000;

	return growth > most + STEP_MILLI;
}

static bool rolled_over(const struct reading_facts *f)
{
	int64_t left = f->capacity.milli - f->last_reg.milli;

	return f->reg.milli >= 0 && f->last_reg.milli >= 0 && left > 0 &&
	       left <= f->capacity.milli / 10 && !too_fast(f, (__int128)left + f->reg.milli);
}

enum verdict reading_judge(const struct reading_facts *f)
{
	if (f->other_serial)
		return VERDICT_IDENTITY;
	if (!f->has_last)
		return VERDICT_ACCEPTED;
	if (f->at.ms == f->last_at.ms && f->reg.milli == f->last_reg.milli)
		return VERDICT_REPEATED;
	if (f->at.ms <= f->last_at.ms)
		return VERDICT_LATE;
	if (f->reg.milli < f->last_reg.milli) {
		if (f->last_reg.milli - f->reg.milli < f->step)
			return VERDICT_REPEATED;
		return rolled_over(f) ? VERDICT_ACCEPTED : VERDICT_BACKWARDS;
	}
	if (too_fast(f, (__int128)f->reg.milli - f->last_reg.milli))
		return VERDICT_IMPLAUSIBLE;
	if (f->before == VERDICT_IMPLAUSIBLE && f->reg.milli >= f->before_reg.milli &&
		f->before_reg.milli > f->last_reg.milli)
		return VERDICT_IMPLAUSIBLE;
	return VERDICT_ACCEPTED;
}

int64_t reading_most_per_hour(
	bool water, int64_t rated_current_ma, int phases, int64_t ct_ratio, int64_t pt_ratio)
{
	__int128 most = 100000;

	if (water)
		return 100000;
	if (rated_current_ma > 0)
		most = (__int128)rated_current_ma * (phases > 0 ? phases : 1) * 400 * 3 / 2000;
	most *= ct_ratio > 0 ? ct_ratio : 1;
	most *= pt_ratio > 0 ? pt_ratio : 1;
	return most > INT64_MAX ? INT64_MAX : (int64_t)most;
}

SHAPE(reading_shape, struct reading_row, FIELD(struct reading_row, meter_id),
	FIELD(struct reading_row, read_at), FIELD(struct reading_row, register_milli),
	FIELD(struct reading_row, power_w), FIELD(struct reading_row, verdict));

/* IGNORE: after a COMMIT whose answer was lost the same rows come once more; the poller may not
 * update readings, and the values are integers of ours, so there is nothing else to ignore. */
static const struct query Q_READING = {
	"INSERT IGNORE INTO reading (meter_id, read_at, register_milli, power_w, verdict)"
	" VALUES (?, ?, ?, ?, ?)",
	NULL
};

enum err readings_store(struct db *db, const struct reading_row *rows, size_t n)
{
	return db_bulk(db, &Q_READING, &reading_shape, rows, n);
}

#define NOW(member) FIELD(struct meter_now, member)
SHAPE(now_shape, struct meter_now, NOW(meter_id), NOW(read_at), NOW(register_milli),
	NOW(sharp_milli), NOW(peak_milli), NOW(flat_milli), NOW(valley_milli), NOW(power_w),
	NOW(phases), NOW(voltage1_mv), NOW(voltage2_mv), NOW(voltage3_mv), NOW(current1_ma),
	NOW(current2_ma), NOW(current3_ma), NOW(frequency_mhz), NOW(credit_count),
	NOW(credit_milli), NOW(credit_total_milli), NOW(verdict), NOW(comm), NOW(comm_since));

static const struct query Q_ANSWERED = {
	"INSERT INTO meter_state (meter_id, read_at, register_milli, sharp_milli, peak_milli,"
	" flat_milli, valley_milli, power_w, phases, voltage1_mv, voltage2_mv, voltage3_mv,"
	" current1_ma, current2_ma, current3_ma, frequency_mhz, credit_count, credit_milli,"
	" credit_total_milli, verdict, comm, comm_since)"
	" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
	" ON DUPLICATE KEY UPDATE read_at = VALUES(read_at),"
	" register_milli = VALUES(register_milli), sharp_milli = VALUES(sharp_milli),"
	" peak_milli = VALUES(peak_milli), flat_milli = VALUES(flat_milli),"
	" valley_milli = VALUES(valley_milli), power_w = VALUES(power_w), phases = VALUES(phases),"
	" voltage1_mv = VALUES(voltage1_mv), voltage2_mv = VALUES(voltage2_mv),"
	" voltage3_mv = VALUES(voltage3_mv), current1_ma = VALUES(current1_ma),"
	" current2_ma = VALUES(current2_ma), current3_ma = VALUES(current3_ma),"
	" frequency_mhz = VALUES(frequency_mhz), credit_count = VALUES(credit_count),"
	" credit_milli = VALUES(credit_milli), credit_total_milli = VALUES(credit_total_milli),"
	" verdict = VALUES(verdict), comm = VALUES(comm),"
	" comm_since = VALUES(comm_since), fails = 0, error = '', version = version + 1",
	NULL
};

enum err meters_answered(struct db *db, const struct meter_now *rows, size_t n)
{
	return db_bulk(db, &Q_ANSWERED, &now_shape, rows, n);
}

SHAPE(failure_shape, struct meter_failure, FIELD(struct meter_failure, meter_id),
	FIELD(struct meter_failure, comm), FIELD(struct meter_failure, comm_since),
	FIELD(struct meter_failure, fails), FIELD(struct meter_failure, error),
	FIELD(struct meter_failure, fault));

static const struct query Q_FAILED = {
	"INSERT INTO meter_state (meter_id, comm, comm_since, fails, error, fault)"
	" VALUES (?, ?, ?, ?, ?, ?)"
	" ON DUPLICATE KEY UPDATE comm = VALUES(comm), comm_since = VALUES(comm_since),"
	" fails = VALUES(fails), error = VALUES(error),"
	" fault = VALUES(fault), version = version + 1",
	NULL
};

enum err meters_failed(struct db *db, const struct meter_failure *rows, size_t n)
{
	return db_bulk(db, &Q_FAILED, &failure_shape, rows, n);
}

/* serial_seen before serial_device: MariaDB assigns from left to right. */
static const struct query Q_SERIAL = {
	"UPDATE meter_state SET serial_seen = IF(serial_device = ?, serial_seen, ?),"
	" serial_device = ? WHERE meter_id = ?",
	NULL
};

enum err meter_serial_seen(struct db *db, int64_t meter_id, int64_t device, const char *serial)
{
	return db_exec(db, &Q_SERIAL,
		ARGS(arg_i64(device), arg_text(serial), arg_i64(device), arg_i64(meter_id)), NULL);
}
