/* For watchers: health, figures, and the API document. */
#include <stdio.h>

#include "domain/live.h"
#include "fcgi/handlers.h"
#include "fcgi/routes.h"

enum err health_get(struct request *r, struct answer *a)
{
	struct live_counts c;
	enum err e = live_counts(r->db, r->now, &c);

	if (e != ERR_OK)
		return ERR_UNAVAILABLE;
	a->json = json_pack("{s:s}", "status", "ok");
	return ERR_OK;
}

static void gauge(struct buf *b, const char *name, const char *help, int64_t v)
{
	buf_printf(b, "# HELP %s %s\n# TYPE %s gauge\n%s %lld\n", name, help, name, name,
		(long long)v);
}

static void power_back(struct buf *b, int64_t p50_ms, int64_t p95_ms, int64_t count)
{
	const char *name = "yufu_payment_to_power_seconds";

	buf_printf(b,
		"# HELP %s from credit to supply read back on, last 24 h\n# TYPE %s summary\n",
		name, name);
	if (count > 0) {
		buf_printf(b, "%s{quantile=\"0.5\"} %lld.%03d\n", name, (long long)(p50_ms / 1000),
			(int)(p50_ms % 1000));
		buf_printf(b, "%s{quantile=\"0.95\"} %lld.%03d\n", name, (long long)(p95_ms / 1000),
			(int)(p95_ms % 1000));
	}
	buf_printf(b, "%s_count %lld\n", name, (long long)count);
}

static void requests(struct buf *b, struct api *api)
{
	buf_adds(b, "# HELP yufu_http_requests_total answers by route and status\n"
		    "# TYPE yufu_http_requests_total counter\n");
	for (size_t i = 0; i <= ROUTES_MAX; i++)
		for (int s = 100; s < STATUS_MAX; s++) {
			unsigned long long n = atomic_load(&api->answers[i][s]);

			if (n > 0)
				buf_printf(b,
					"yufu_http_requests_total{method=\"%s\",route=\"%s\","
					"status=\"%d\"} %llu\n",
					i < routes_n ? routes[i].method : "",
					i < routes_n ? routes[i].path : "none", s, n);
		}
}

enum err metrics_get(struct request *r, struct answer *a)
{
	int64_t p50, p95, count;
	struct live_counts c;
	enum err e = live_counts(r->db, r->now, &c);

	if (e == ERR_OK)
		e = live_power_back(r->db, 0, r->now, &p50, &p95, &count);
	if (e != ERR_OK)
		return e;
	a->type = "text/plain; version=0.0.4";
	gauge(&a->text, "yufu_meters_total", "meters in service", c.meters_total);
	gauge(&a->text, "yufu_meters_fresh", "of these, read in the last 60 s", c.meters_fresh);
	gauge(&a->text, "yufu_gateways_silent", "gateways that do not answer", c.gateways_silent);
	gauge(&a->text, "yufu_orders_pending", "orders neither paid nor closed", c.orders_pending);
	gauge(&a->text, "yufu_outbox_pending", "messages not yet sent", c.outbox_pending);
	power_back(&a->text, p50, p95, count);
	requests(&a->text, r->api);
	return ERR_OK;
}

enum err document_get(struct request *r, struct answer *a)
{
	buf_adds(&a->text, r->api->document);
	return ERR_OK;
}
