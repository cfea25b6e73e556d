#pragma once
/* Meter models: JSON files that say which register holds what (docs/meter-models.md). The poller
 * plans and decodes by them; the simulator encodes by the same. Immutable after parsing, may be
 * shared by threads. */
#include "base/str.h"
#include "base/utility.h"
#include "meter/reading.h"
#include "meter/settings.h"

const char *utility_word(enum utility u); /* "electricity" "water" */
MUST_USE enum err utility_parse(const char *word, enum utility *out);

/* draft: from paper. tried: frames recorded from a real meter decode right. proven: on hardware. */
enum maturity { MATURITY_DRAFT, MATURITY_TRIED, MATURITY_PROVEN, MATURITY__MAX };
const char *maturity_word(enum maturity m); /* "draft" "tried" "proven" */
MUST_USE enum err maturity_parse(const char *word, enum maturity *out);

/* live: each round. config: at start and now and then (serial number, settings). */
enum point_class { CLASS_LIVE, CLASS_CONFIG, CLASS__MAX };

enum credit_unit { CREDIT_NONE, CREDIT_YUAN, CREDIT_KWH, CREDIT_M3, CREDIT__MAX };
const char *credit_word(enum credit_unit c); /* "none" "yuan" "kwh" "m3" */
MUST_USE enum err credit_parse(const char *word, enum credit_unit *out);

/* How a value lies in its registers. BCD: two decimal digits a byte. HEX and ASCII are for serial
 * numbers, CLOCK (a byte for each part, plain) and CLOCK_BCD for clocks. */
enum wire {
	WIRE_U16,
	WIRE_S16,
	WIRE_U32,
	WIRE_S32,
	WIRE_U48,
	WIRE_S48,
	WIRE_U64,
	WIRE_S64,
	WIRE_F32,
	WIRE_F64,
	WIRE_BCD,
	WIRE_HEX,
	WIRE_ASCII,
	WIRE_CLOCK,
	WIRE_CLOCK_BCD,
	WIRE__MAX
};

/* Order of the bytes of a value as sent; a is the most significant. These four fit any length:
 * as it should be, registers swapped, bytes swapped in each register, both. */
enum wire_order { ORDER_ABCD, ORDER_CDAB, ORDER_BADC, ORDER_DCBA, ORDER__MAX };

/* What goes around requests and replies. Modbus has registers; the other two have items, whose
 * bytes are told apart by their place. */
enum model_framing { MODEL_MODBUS, MODEL_DLT645, MODEL_CJT188, MODEL_FRAMING__MAX };
const char *model_framing_word(enum model_framing f); /* "modbus" "dlt645" "cjt188" */
MUST_USE enum err model_framing_parse(const char *word, enum model_framing *out);

/* How a value lies in the bytes of an item, low pair of digits first. DIGITS is the serial number.
 * WDMY is a date (weekday, day, month, year) whose time is another item; SMHDMYC a clock of seven
 * bytes (second to year, and century). */
enum item_wire { ITEM_BCD, ITEM_SIGNED_BCD, ITEM_DIGITS, ITEM_WDMY, ITEM_SMHDMYC, ITEM_WIRE__MAX };

struct model_item {
	uint32_t id;	/* data identification */
	uint32_t other; /* a second item: what is subtracted, or the time of a date; 0: none */
	uint8_t at, bytes;
	enum item_wire wire;
	bool optional; /* absent where the meter says that it has no such data */
	bool has_unit;
	uint8_t unit_at, unit; /* the byte that must stand there */
};

#define MODEL_NAME_MAX 48
#define MODBUS_READ_MAX 125  /* registers in one read */
#define MODBUS_WRITE_MAX 123 /* registers in one write */
#define MODEL_POINTS_MAX 64
#define MODEL_BLOCKS_MAX 16
#define MODEL_READS_MAX 16
#define MODEL_FLAGS_MAX 48
#define MODEL_VALUES_MAX 8
#define MODEL_FACTORS_MAX 8
#define MODEL_FACTOR_ROWS_MAX 12
#define POINT_BYTES_MAX 24
#define MODEL_OFFSET_MAX INT64_C(1000000000000)
#define CLOCK_BYTES_MAX 16
#define MODEL_FRAME_MAX 160 /* bytes of a vendor's frame, without unit and CRC */
#define MODEL_REPLY_MAX 64

/* How a clock lies in its bytes: a letter for each. Y year - 2000 (YY: the whole year, 16 bits), M
 * month, D day, h m s, w weekday from Sunday 0, W weekday from Monday 1 to Sunday 7, - nothing. */
struct model_clock {
	char layout[CLOCK_BYTES_MAX + 1];
	bool bcd;
};

struct model_point {
	enum point point;
	bool serial; /* this is the serial number; `point` does not count */
	uint8_t function;
	uint16_t address;
	uint16_t count; /* registers; with functions 1 and 2 one coil or input, 0 or 1 */
	enum wire wire;
	uint8_t place[POINT_BYTES_MAX]; /* byte i as sent is byte place[i] of the value */
	uint64_t mask;			/* of an integer: these bits only, moved down; 0: all */
	int64_t scale_num, scale_den;	/* value = raw * num / den (* ratios * factors) + offset */
	int64_t offset;
	bool by_ct, by_pt;	  /* times the meter's own ratio registers */
	uint8_t factors;	  /* bit n: times factor n of the model */
	uint8_t digits;		  /* of a BCD or HEX serial number */
	struct model_clock clock; /* of a clock in bytes */
	enum point_class class;
	struct model_item item; /* instead of registers */
};

/* A register that scales points: by its value, by ten to its value, or by a table. */
enum factor_kind { FACTOR_REGISTER, FACTOR_POWER_OF_TEN, FACTOR_TABLE, FACTOR__MAX };

struct model_factor {
	char name[24];
	uint8_t function;
	uint16_t address;
	uint16_t mask; /* these bits, moved down */
	enum factor_kind kind;
	int64_t scale_num, scale_den; /* of FACTOR_REGISTER */
	size_t rows;		      /* of FACTOR_TABLE */
	struct {
		uint16_t key;
		int64_t num, den;
	} row[MODEL_FACTOR_ROWS_MAX];
	uint16_t plays; /* what a simulator shows, where no point tells the register */
};

/* A pattern of bits in one register, or in one or two bytes of an item. */
struct model_bits {
	uint8_t function;
	uint16_t address;
	uint32_t item;
	uint8_t at, bytes;
	uint16_t mask;
	uint16_t value; /* holds when (register & mask) == value */
};

struct model_flag { /* a status word, and when it holds */
	enum meter_status status;
	struct model_bits when;
};

struct model_supply { /* the first pattern that holds is the state of relay or valve */
	enum supply supply;
	struct model_bits when;
};

/* A stretch of registers that the meter answers, holes included (they read as 0). */
struct model_block {
	uint8_t function;
	uint16_t address;
	uint16_t count;
	bool whole; /* read it all or not at all, as its maker's own tool does */
};

/* Acts on a relay or valve. ON: let it flow, whatever the meter's own rules say. OFF: cut. AUTO:
 * give it back to the meter's own rules. KEEP: keep supply (保电). */
enum meter_act { ACT_ON, ACT_OFF, ACT_AUTO, ACT_KEEP, ACT__MAX };
const char *act_word(enum meter_act a); /* "on" "off" "auto" "keep" */
MUST_USE enum err act_parse(const char *word, enum meter_act *out);

/* A vendor's own frame: function and data, without unit and CRC. Its holes are filled when it is
 * sent; of the reply the bytes with `fixed` 0xff are known. */
enum model_hole { HOLE_CLOCK, HOLE_AMOUNT, HOLE_NUMBER, HOLE__MAX };
struct model_frame {
	uint8_t n; /* 0: none */
	uint8_t bytes[MODEL_FRAME_MAX];
	struct {
		uint8_t at, size; /* size 0: no such hole */
	} holes[HOLE__MAX];
	uint8_t reply_n;
	uint8_t reply[MODEL_REPLY_MAX], fixed[MODEL_REPLY_MAX];
};

struct model_action {
	uint8_t function; /* 5, 6, 15, 16, or a vendor's with a frame; 0: no such act */
	uint16_t address;
	uint16_t count;
	uint16_t values[MODEL_VALUES_MAX]; /* 0 and 1 with functions 5 and 15 */
	struct model_frame frame;
	int deadline_ms;   /* relay or valve has moved this long after the act, at the latest */
	bool wants_supply; /* confirmed when the supply reads ... */
	enum supply supply;
	bool wants_clear; /* confirmed when this status is gone */
	enum meter_status clear;
	bool by_reply; /* nothing shows it: the meter's own good reply is all there is */
};

/* How the clock is set. */
struct model_clock_set {
	uint8_t function; /* 16, 32, or a vendor's with a frame; 0: it cannot be set by us */
	uint16_t address;
	struct model_clock clock;
	struct model_frame frame;
	int answer_ms; /* how long this may take; 0: as everything else */
};

/* One setting inside the bytes of a credit write, big-endian; size 0: none. */
struct model_setting {
	uint8_t at, size; /* 1, 2 or 4 bytes */
	bool flagged;
	uint8_t flag; /* the byte that is 1 when the setting counts */
};

/* How a purchase is written: amount and count in one frame. */
struct model_purchase {
	uint8_t function; /* 16 or 32; 0: the model keeps no credit that we can write */
	uint16_t address;
	uint16_t count;	    /* registers */
	bool adds;	    /* the firmware adds the amount; else it is the new remaining */
	int64_t step_milli; /* what one of the amount is worth, thousandths of the credit unit */
	struct model_setting amount, number;
	struct model_setting mode; /* set to 1 along with it: the meter's own prepayment is on */
	struct model_frame frame;  /* with holes for amount and number, instead of registers */
};
#define MODEL_PURCHASE_MAX 60 /* registers */

/* Boxes of many meters: a box of n circuits has the unit ids from 1, n + 1, 2n + 1, ...; first
 * come its wide circuits, then the narrow ones. */
#define MODEL_BOXES_MAX 4
#define MODEL_CIRCUITS_MAX 64
struct model_units {
	uint8_t box[MODEL_BOXES_MAX]; /* sizes, in ids */
	size_t boxes;		      /* 0: a meter with an id of its own */
	uint8_t takes[2];	      /* ids of a wide and of a narrow circuit */
};
struct model_box {
	int size, base;
	int wide; /* how many wide circuits it is set to */
};
struct model_circuit {
	uint8_t unit, takes; /* it answers on the first of its ids */
};

struct model_limits {
	int max_read;	  /* registers in one read, 1..125 */
	int gap_max;	  /* registers that nobody wants but that may be read along */
	int pause_ms;	  /* silence on the bus after each reply of this model */
	int answer_ms;	  /* how long to wait for an answer */
	int settle_ms;	  /* relay or valve has moved this long after an act, at the latest */
	bool even_counts; /* it refuses to read or write an odd number of registers */
};

struct model_read {
	uint8_t function;
	uint16_t address;
	uint16_t count;
	uint32_t item; /* instead of registers */
	bool optional; /* every value in it is */
};

/* Who may switch a meter of DL/T 645. Secret: never logged. */
struct dlt645_keys {
	bool given;
	uint8_t password[4];	  /* as sent: level, then three bytes */
	uint8_t operator_code[4]; /* as sent */
};

struct model_dlt645 {
	int leaders; /* FE in front of each request */
	int valid_minutes;
	struct dlt645_keys keys;
};

#define CJT188_WORDS_MAX 4
struct cjt188_words {			    /* one kind of request, and what may come in reply */
	uint8_t item[2];		    /* as sent */
	uint8_t codes[CJT188_WORDS_MAX];    /* control codes of a good reply; 0: no more */
	uint8_t items[CJT188_WORDS_MAX][2]; /* identification as it comes back */
	uint8_t item_count;
};

struct model_cjt188 {
	int leaders;
	uint8_t type;  /* 10H: cold water */
	bool sequence; /* replies repeat the sequence of their request */
	struct cjt188_words read, act;
};

struct model {
	char name[MODEL_NAME_MAX];
	char maker[48];
	char title[96];
	enum model_framing framing;
	struct model_dlt645 dlt645;
	struct model_cjt188 cjt188;
	enum utility utility;
	enum maturity maturity;
	enum credit_unit credit_unit;
	int phases; /* 1 or 3; 0 for water */
	struct model_units units;
	struct model_limits limits;
	struct model_point points[MODEL_POINTS_MAX];
	size_t point_count;
	struct model_block blocks[MODEL_BLOCKS_MAX];
	size_t block_count;
	struct model_flag flags[MODEL_FLAGS_MAX];
	size_t flag_count;
	struct model_supply supplies[MODEL_FLAGS_MAX];
	size_t supply_count;	 /* 0: no relay or valve that can be read */
	enum supply supply_else; /* when no pattern holds: unknown, or moving */
	struct model_factor factors[MODEL_FACTORS_MAX];
	size_t factor_count;
	struct model_action actions[ACT__MAX];
	struct model_purchase purchase;
	struct model_settings settings;
	struct model_clock_set clock_set;
	struct model_bits enciphered; /* holds when vendor writes must be; mask 0: never */
	struct model_read plan[CLASS__MAX][MODEL_READS_MAX];
	size_t plan_count[CLASS__MAX];
};

/* Registers as they came in answer to one read; a coil or input is a register of 0 or 1. */
struct register_block {
	uint8_t function;
	uint16_t address;
	uint16_t count;
	uint16_t regs[MODBUS_READ_MAX];
};

/* Checks and takes in one model file. The problem names the JSON path. */
MUST_USE enum err model_parse(const char *text, size_t n, struct model **out, struct problem *why);
void model_free(struct model **m);

/* The reads that fetch all points of a class, as few as limits and gaps allow. May be none. */
const struct model_read *model_plan(const struct model *m, enum point_class class, size_t *n);

/* Registers to reading: every point, status word and supply that lies inside the blocks given.
 * out->at is left 0. ERR_PROTOCOL, with the point named, when a value cannot be (not a number,
 * outside its limits, not BCD); nothing is written then. */
MUST_USE enum err model_decode(const struct model *m, const struct register_block *blocks, size_t n,
	struct meter_reading *out, struct problem *why);

/* Bytes of an item as they came, without identification. */
#define ITEM_DATA_MAX 200
struct item_block {
	uint32_t item;
	bool absent; /* the meter has no such data */
	size_t n;
	uint8_t bytes[ITEM_DATA_MAX];
};
/* The same for a model of items. ERR_PROTOCOL also when a value that is not optional is missing. */
MUST_USE enum err model_decode_items(const struct model *m, const struct item_block *blocks,
	size_t n, struct meter_reading *out, struct problem *why);

/* Reading to registers, the other way round, for simulators: the answer of such a meter to any
 * read. Values are rounded to what the registers can hold; absent ones read as 0 (ratios as 1).
 * ERR_NOT_FOUND: the meter has no such function or registers (Modbus exceptions 1 and 2).
 * ERR_OUT_OF_RANGE: a value does not fit its registers. ERR_BAD_VALUE: the meter
 * refuses such a count (exception 3). */
MUST_USE enum err model_encode(const struct model *m, const struct meter_reading *state,
	uint8_t function, uint16_t address, uint16_t count, uint16_t *regs);

/* Has the model such an act? */
bool model_can(const struct model *m, enum meter_act act);
/* Which act a write frame means, for simulators; false when none. */
bool model_match_act(const struct model *m, uint8_t function, uint16_t address,
	const uint16_t *values, uint16_t count, enum meter_act *out);
/* Can the clock be set? */
bool model_sets_clock(const struct model *m);
/* Does this reading show that the act was carried out? */
bool model_confirms(const struct model *m, enum meter_act act, const struct meter_reading *r);

/* Can a meter of this model keep its credit itself (billing "meter")? It tells what remains and
 * counts its purchases, and both can be written. */
bool model_keeps_credit(const struct model *m);
/* The registers that write a purchase: purchase.count of them. ERR_OUT_OF_RANGE when count or
 * amount do not fit, or the amount is not whole in steps. */
MUST_USE enum err model_purchase_values(const struct model *m, int64_t count, int64_t milli,
	uint16_t values[static MODEL_PURCHASE_MAX]);
/* The same for a purchase that goes into a vendor's frame (purchase.frame.n > 0). */
MUST_USE enum err model_purchase_frame(
	const struct model *m, int64_t count, int64_t milli, struct model_frame *out);
/* The frame or the registers (strlen(layout) / 2) that set the clock to a wall clock, in seconds
 * since 1970 of that clock. ERR_OUT_OF_RANGE: a year before 2000 or after 2099. */
MUST_USE enum err model_clock_frame(
	const struct model *m, int64_t wall_seconds, struct model_frame *out);
MUST_USE enum err model_clock_values(
	const struct model *m, int64_t wall_seconds, uint16_t values[static CLOCK_BYTES_MAX / 2]);

/* The circuits of a box. ERR_NOT_CONFIGURED, ERR_BAD_VALUE, ERR_OUT_OF_RANGE: no such box. */
MUST_USE enum err model_circuits(const struct model *m, const struct model_box *box,
	struct model_circuit out[static MODEL_CIRCUITS_MAX], size_t *n, struct problem *why);

/* All models: those built into the program, and the *.json of dir (may be NULL) which replace
 * built-in ones of the same name. A bad file of dir is left out and told of, the others go on. */
struct models;
MUST_USE enum err models_open(const char *dir, struct models **out, struct problem *why);
void models_free(struct models **ms);
const struct model *models_find(const struct models *ms, const char *name); /* NULL: none */
/* Password and operator for every model of DL/T 645 that brings none itself. Before anybody uses
 * the models. */
void models_set_keys(struct models *ms, const struct dlt645_keys *keys);
size_t models_count(const struct models *ms);
const struct model *models_at(const struct models *ms, size_t i); /* sorted by name */
/* The files that were left out: path, and JSON path with the reason. */
size_t models_refused_count(const struct models *ms);
const struct problem *models_refused_at(const struct models *ms, size_t i);
