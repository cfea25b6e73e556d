#pragma once
/* Shared by the files that build and walk a model; not for users of models. */
#include "meter/model.h"

/* The block that holds all of [address, address + count), or NULL. */
const struct model_block *model_block_of(
	const struct model *m, uint8_t function, uint16_t address, uint16_t count);

bool wire_is_clock(enum wire w);
bool wire_is_unsigned(enum wire w);

/* num / den that a factor means when its register holds this; false: it cannot hold it. */
bool factor_value(const struct model_factor *f, uint16_t reg, int64_t *num, int64_t *den);

/* The wall clock that these bytes show, in seconds since 1970 of that clock; false: none that can
 * be, as of a clock that was never set. */
bool clock_get(const struct model_clock *c, const uint8_t *bytes, int64_t *seconds);
/* The other way round: strlen(layout) bytes. False: the year does not fit. */
bool clock_put(const struct model_clock *c, int64_t seconds, uint8_t *bytes);

/* Fills a hole of the frame; the value as bytes, as many as the hole has. */
void frame_fill(struct model_frame *f, enum model_hole hole, const uint8_t *bytes);

/* ERR_OUT_OF_RANGE: more than MODEL_READS_MAX reads. ERR_BAD_VALUE: a read of an odd count that no
 * block lets grow. */
MUST_USE enum err model_plan_make(struct model *m, enum point_class class);
/* The same for a model of items: each item that the class wants, once, in the order of the file. */
MUST_USE enum err model_plan_items(struct model *m, enum point_class class);

/* Scales a value and puts it into the reading. ERR_PROTOCOL: outside what is believed of the point.
 */
MUST_USE enum err point_set(const struct model_point *p, int64_t raw, struct meter_reading *r);
