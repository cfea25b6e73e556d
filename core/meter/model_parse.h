#pragma once
/* Shared by the files that take in a model file; not for users of models. Each function leaves the
 * problem with its JSON path: "points[3].scale". */
#include "base/json.h"
#include "meter/model.h"

/* What goes through all of the parsing: the model, its defaults, and where we are. */
struct parse {
	struct model *m;
	uint8_t function; /* for rows that do not name one */
	enum wire_order order;
	struct problem *why; /* never NULL */
	char path[64];	     /* "points[3]" */
};

/* Puts the path before the field that json.h named. Returns e. */
enum err field_at(struct parse *ps, enum err e);
/* ERR_BAD_VALUE at the path: "key text". */
enum err field_bad(struct parse *ps, const char *key, const char *text);

MUST_USE enum err field_text(struct parse *ps, const json_t *obj, const char *key,
	enum field_need need, size_t most, const char **out);
MUST_USE enum err field_int(struct parse *ps, const json_t *obj, const char *key,
	enum field_need need, int64_t least, int64_t most, int *out);
/* A word of a list, as its index; absent and optional leaves *out. */
MUST_USE enum err field_word(struct parse *ps, const json_t *obj, const char *key,
	enum field_need need, const char *const words[], size_t n, size_t *out);
/* "0x0215": registers are written as they are in the frame, in hex, so that nobody has to guess. */
MUST_USE enum err field_hex(
	struct parse *ps, const json_t *obj, const char *key, enum field_need need, uint16_t *out);
/* The same with another number of digits, up to 16. */
MUST_USE enum err field_hex_wide(struct parse *ps, const json_t *obj, const char *key,
	enum field_need need, size_t digits, uint64_t *out);
/* "10", "0.01" or "1/3" as num / den, exactly; both above 0. */
MUST_USE enum err scale_parse(const char *text, int64_t *num, int64_t *den);
/* "scale" as num / den; absent: 1. */
MUST_USE enum err field_scale(struct parse *ps, const json_t *obj, int64_t *num, int64_t *den);
/* "function" of something to read; absent: the model's. */
MUST_USE enum err field_read_function(struct parse *ps, const json_t *obj, uint8_t *out);
/* "order" for the whole model; absent leaves *out. */
MUST_USE enum err field_order(struct parse *ps, const json_t *obj, enum wire_order *out);
/* "order" of one value of n bytes, which may also name each byte; absent: the model's. */
MUST_USE enum err field_place(
	struct parse *ps, const json_t *obj, unsigned n, uint8_t place[static POINT_BYTES_MAX]);
/* Registers that the meter answers must be inside one of its blocks. */
MUST_USE enum err field_in_block(
	struct parse *ps, uint8_t function, uint16_t address, uint16_t count);
/* Each row of a list; the path is key[i] meanwhile. */
MUST_USE enum err field_rows(struct parse *ps, const json_t *root, const char *key,
	enum field_need need, enum err (*row)(struct parse *, const json_t *));

/* One row each. */
MUST_USE enum err parse_block(struct parse *ps, const json_t *obj);
MUST_USE enum err parse_point(struct parse *ps, const json_t *obj);
MUST_USE enum err parse_flag(struct parse *ps, const json_t *obj);
MUST_USE enum err parse_state(struct parse *ps, const json_t *obj);
MUST_USE enum err parse_factor(struct parse *ps, const json_t *obj);
/* address, mask and value; the path is that of obj. */
MUST_USE enum err parse_bits(struct parse *ps, const json_t *obj, struct model_bits *out);
/* "layout" of a clock with this many bytes at most. */
MUST_USE enum err parse_layout(struct parse *ps, const json_t *obj, struct model_clock *out);
/* "frame" and "reply": a vendor's frame and what is known of its reply. Both absent: left alone.
 * Holes other than these (bits of enum model_hole) are refused, and these are needed. */
MUST_USE enum err parse_frame(
	struct parse *ps, const json_t *obj, unsigned holes, struct model_frame *out);

/* What a row of a model of items has in common with one of registers. */
MUST_USE enum err parse_point_name(struct parse *ps, const json_t *obj, struct model_point *p);
MUST_USE enum err parse_class(struct parse *ps, const json_t *obj, enum point_class *out);
/* What a reading shows once the act was carried out; by_reply is known already. */
MUST_USE enum err parse_confirm(struct parse *ps, const json_t *obj, struct model_action *a);

/* Rows of a model of items, and from its root "frame", which says how they are asked for. */
MUST_USE enum err parse_items_frame(struct parse *ps, const json_t *root);
MUST_USE enum err parse_item_point(struct parse *ps, const json_t *obj);
MUST_USE enum err parse_item_place(struct parse *ps, const json_t *obj, struct model_bits *out);
MUST_USE enum err parse_item_action(struct parse *ps, const json_t *obj, struct model_action *out);

/* From the root; each may be absent. */
MUST_USE enum err parse_actions(struct parse *ps, const json_t *root);
MUST_USE enum err parse_clock_set(struct parse *ps, const json_t *root);
MUST_USE enum err parse_units(struct parse *ps, const json_t *root);
MUST_USE enum err parse_enciphered(struct parse *ps, const json_t *root);
MUST_USE enum err parse_purchase(struct parse *ps, const json_t *root);

/* The live point of that name, or NULL. */
const struct model_point *model_live_point(const struct model *m, enum point p);
