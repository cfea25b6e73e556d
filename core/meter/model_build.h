#pragma once
/* Shared by the files that build and walk a model; not for users of models. */
#include "meter/model.h"

/* The block that holds all of [address, address + count), or NULL. */
const struct model_block *model_block_of(
	const struct model *m, uint8_t function, uint16_t address, uint16_t count);

/* Registers that a wire kind takes; 0 where the model file says it (BCD, HEX). */
uint16_t wire_registers(enum wire w);

/* ERR_OUT_OF_RANGE: more than MODEL_READS_MAX reads. */
MUST_USE enum err model_plan_make(struct model *m, enum point_class class);
/* The same for a model of items: each item that the class wants, once, in the order of the file. */
MUST_USE enum err model_plan_items(struct model *m, enum point_class class);

/* Scales a value and puts it into the reading. ERR_PROTOCOL: outside what is believed of the point.
 */
MUST_USE enum err point_set(const struct model_point *p, int64_t raw, struct meter_reading *r);
