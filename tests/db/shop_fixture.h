#pragma once
/* A shop with a prepaid meter behind a gateway of its own, made anew for each test. */
#include "db_fixture.h"

struct shop {
	int64_t site, group, gateway, point, meter, contract, account, tariff;
};

#define SHOP_T0 INT64_C(1795342029000) /* the contract began long before */
#define SHOP_OPENING (INT64_C(100) * NANO_PER_YUAN)

/* n tells shops of one database apart. The meter has a tariff with rates and tiers. */
struct shop shop_make(struct db *db, int n);
/* The file of that tariff; the caller frees nothing. */
const char *shop_tariff(void);
/* Runs one statement with numbers: shop_set(db, "UPDATE … = %lld", 3). */
void shop_set(struct db *db, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* One number from a SELECT … AS v with the id of something put in for %lld. */
int64_t shop_number(struct db *db, const char *format, int64_t id);
