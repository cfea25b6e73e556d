#pragma once
/* The API document, printed from the list of routes and the schemas. */
#include "base/str.h"
#include "fcgi/schema.h"

/* OpenAPI 3.1; the caller owns it. */
json_t *openapi_document(const struct schemas *s);
/* Adds a path for each report, from the operation that they share, which it takes over. */
void reports_document(json_t *paths, json_t *operation);
/* A JSON value as block-style YAML. */
void yaml_write(const json_t *j, struct buf *out);
