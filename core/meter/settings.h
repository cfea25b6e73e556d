#pragma once
/* Settings that meters of a model hold: where they are read, and the frames that write them. They
 * go in and out as the texts of base/metersetting.h. */
#include "base/json.h"
#include "base/metersetting.h"

struct model;
struct model_read;
struct register_block;

/* A write of several settings in one frame, of which one is meant: its bytes, and the byte that
 * says so. */
struct settings_frame {
	uint8_t function; /* 16 or 32; 0: it cannot be written */
	uint16_t address;
	uint16_t count; /* registers */
	uint8_t at;
	bool flagged;
	uint8_t flag;
};

#define MODEL_SCHEDULES_MAX 4
#define MODEL_SCHEDULE_SLOTS_MAX 32
#define MODEL_SETTINGS_REGISTERS 123

struct model_settings {
	uint8_t rates[METER_RATES]; /* index of meter_rate_word(), in the order of the meter */
	size_t rates_n;
	struct {
		uint8_t function;   /* reads; 0: the model tells no prices */
		uint16_t address;   /* two registers a rate, most significant first */
		int64_t step_micro; /* what one of the register is worth, 1e-6 yuan per unit */
		struct settings_frame write;
	} prices;
	struct {
		uint8_t function;
		uint16_t address;	     /* 0: off, else on */
		struct settings_frame write; /* one byte, 1 or 0 */
	} prepaid;
	struct {
		uint8_t function;
		uint16_t schedules[MODEL_SCHEDULES_MAX]; /* first registers */
		size_t schedules_n;
		size_t slots;		/* in each schedule: rate, minute, hour, a byte each */
		uint8_t rate_first;	/* number of the first of rates[] */
		uint16_t zones;		/* first register: schedule, day, month, a byte each */
		size_t zones_n;		/* 0: the first schedule is that of every day */
		uint8_t schedule_first; /* number of the first schedule */
		uint8_t write;		/* function; 0: it cannot be written */
	} slots;
};

/* Does the model tell it, and can it be written? */
bool model_tells(const struct model *m, enum meter_setting s);
bool model_sets(const struct model *m, enum meter_setting s);

/* What prices and slots it can be told: the rates that it has, the resolution of its prices (1e-6
 * yuan; 0: they cannot be written), the slots of a day (0: they cannot be written). */
void model_holds(const struct model *m, bool rates[static METER_RATES], int64_t *price_step_micro,
	size_t *slots_max);

/* Frames that write a setting, all of them needed. */
struct settings_write {
	uint8_t function;
	uint16_t address;
	uint16_t count;
	uint16_t values[MODEL_SETTINGS_REGISTERS];
};
/* ERR_NOT_CONFIGURED: the model has none. ERR_BAD_VALUE: the text is none of the setting, or not
 * one that such a meter can hold. out has room for MODEL_SCHEDULES_MAX. */
MUST_USE enum err model_setting_write(const struct model *m, enum meter_setting s, const char *text,
	struct settings_write out[static MODEL_SCHEDULES_MAX], size_t *n);

/* The reads that tell a setting, none when the model does not; then their registers as its text.
 * ERR_PROTOCOL: they hold what cannot be. Slots that differ by day, or make no sense, are "". */
#define SETTING_READS_MAX (1 + MODEL_SCHEDULES_MAX)
size_t model_setting_reads(const struct model *m, enum meter_setting s,
	struct model_read *out); /* room for SETTING_READS_MAX */
MUST_USE enum err model_setting_decode(const struct model *m, enum meter_setting s,
	const struct register_block *blocks, size_t n, char out[static METER_SETTING_TEXT]);

/* Takes in the member "settings" of a model file, if there is one; model_parse.c only. */
MUST_USE enum err model_settings_parse(struct model *m, const json_t *root, struct problem *why);
