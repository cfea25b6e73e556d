#pragma once
/* A shape describes a plain struct once: SQL rows are read into it by it, lists are bound and JSON
 * is written from it. The kind is taken from the member itself, so it cannot disagree. */
#include "base/json.h"

/* Bytes of any length. Of a row that was read they belong to the rows that it came with. */
struct blob {
	const uint8_t *at;
	size_t n;
};

enum kind {
	KIND_I64,
	KIND_I32,
	KIND_BOOL,
	KIND_TEXT,
	KIND_BORROWED,
	KIND_MONEY,
	KIND_QTY,
	KIND_PRICE,
	KIND_UTC,
	KIND_BLOB
};

struct field {
	const char *name; /* column and JSON name = member name */
	uint32_t at;
	uint32_t size;
	enum kind kind;
};

struct shape {
	const struct field *fields;
	size_t n;
	size_t size; /* of the struct */
};

#define KIND_OF(x)                                                                                 \
	_Generic((x), int64_t: KIND_I64, int32_t: KIND_I32, bool: KIND_BOOL, char *: KIND_TEXT,        \
		const char *: KIND_BORROWED,                                                           \
		struct money: KIND_MONEY, struct qty: KIND_QTY, struct price: KIND_PRICE,              \
		struct utc: KIND_UTC, struct blob: KIND_BLOB)
#define FIELD(type, member)                                                                        \
	{                                                                                          \
		.name = #member, .at = (uint32_t)offsetof(type, member),                           \
		.size = (uint32_t)sizeof(((type *)0)->member),                                     \
		.kind = KIND_OF(((type *)0)->member)                                               \
	}
/* A member that is a const char * can be bound and shown, never read into.
 * A text member holds VARCHAR(n) of any script: char[4 * n + 1].
 * SHAPE(account_shape, struct account, FIELD(struct account, id), …); */
#define SHAPE(name, type, ...)                                                                     \
	static const struct field name##_fields[] = { __VA_ARGS__ };                               \
	static const struct shape name = {                                                         \
		.fields = name##_fields, .n = ARRAY_LEN(name##_fields), .size = sizeof(type)       \
	}

/* A JSON object of all fields: texts ("" as null), integers, money and price as decimal text, utc
 * as RFC 3339 (0 as null), qty as an integer; blobs are left out. The caller owns it. */
json_t *shape_json(const struct shape *s, const void *row);

/* The row of a query that asks for one id. */
struct id_row {
	int64_t id;
};
extern const struct shape id_shape;
