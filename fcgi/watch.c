/* For watchers: health, figures, and the API document. */
#include <stdio.h>

#include "domain/live.h"
#include "domain/servicestate.h"
#include "domain/unmatched.h"
#include "fcgi/handlers.h"
#include "fcgi/routes.h"

#define WORKER_FRESH_MS 120000

/* By the worker; a payment service that this process cannot use is off, too. */
static json_t *services_json(const struct request *r, const struct rows *rows)
{
	const struct service_state *s = rows->at;
	json_t *j = json_object();

	for (size_t i = 0; i < rows->n; i++)
		json_object_set_new(j, s[i].name,
			json_string(r->now.ms - s[i].seen_at.ms > WORKER_FRESH_MS ? "unknown"
										  : s[i].state));
	for (size_t i = 0; i < pay_service_count; i++) {
		const char *name = pay_services[i].name;

		if (pay_off(r->api->pay, name))
			json_object_set_new(j, str_eq(name, "wechat") ? "wechat_pay" : name,
				json_string("off"));
	}
	return j;
}

enum err health_get(struct request *r, struct answer *a)
{
	AUTO(rows_free) struct rows rows = { 0 };
	struct live_counts c;
	enum err e = live_counts(r->db, r->now, &c);

	if (e == ERR_OK)
		e = service_state_list(r->db, &rows);
	if (e != ERR_OK)
		return ERR_UNAVAILABLE;
	a->json = json_pack("{s:s, s:o}", "status", "ok", "services", services_json(r, &rows));
	return ERR_OK;
}

static void gauge(struct buf *b, const char *name, const char *help, int64_t v)
{
	buf_printf(b, "# HELP %s %s\n# TYPE %s gauge\n%s %lld\n", name, help, name, name,
		(long long)v);
}

static void services(struct buf *b, const struct pay *pay)
{
	const char *name = "yufu_payment_service_on";

	buf_printf(b, "# HELP %s 1: set up, 0: off\n# TYPE %s gauge\n", name, name);
	for (size_t i = 0; i < pay_service_count; i++)
		buf_printf(b, "%s{service=\"%s\"} %d\n", name, pay_services[i].name,
			pay_off(pay, pay_services[i].name) == NULL);
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

/* Per bus: answer times, use, and replies that were none. */
static enum err buses(struct request *r, struct buf *b)
{
	AUTO(rows_free) struct rows gateways = { 0 };
	AUTO(rows_free) struct rows faults = { 0 };
	enum err e = live_gateways(r->db, 0, r->now, &gateways);
	const struct live_gateway *g = gateways.at;
	const struct live_fault *f;

	if (e == ERR_OK)
		e = live_faults(r->db, 0, &faults);
	if (e != ERR_OK)
		return e;
	buf_adds(b, "# HELP yufu_bus_utilisation share of time with a request on the bus\n"
		    "# TYPE yufu_bus_utilisation gauge\n");
	for (size_t i = 0; i < gateways.n; i++)
		buf_printf(b, "yufu_bus_utilisation{gateway=\"%s\"} %lld.%03d\n", g[i].code,
			(long long)(g[i].utilisation_permille / 1000),
			(int)(g[i].utilisation_permille % 1000));
	buf_adds(b, "# HELP yufu_bus_answer_ms answer times of a bus, the line included\n"
		    "# TYPE yufu_bus_answer_ms gauge\n");
	for (size_t i = 0; i < gateways.n; i++)
		buf_printf(b,
			"yufu_bus_answer_ms{gateway=\"%s\",quantile=\"0.5\"} %lld\n"
			"yufu_bus_answer_ms{gateway=\"%s\",quantile=\"0.95\"} %lld\n"
			"yufu_bus_answer_ms{gateway=\"%s\",quantile=\"0.99\"} %lld\n",
			g[i].code, (long long)g[i].answer_p50_ms, g[i].code,
			(long long)g[i].answer_p95_ms, g[i].code, (long long)g[i].answer_p99_ms);
	buf_adds(b, "# HELP yufu_bus_faults_total replies that were none, by kind\n"
		    "# TYPE yufu_bus_faults_total counter\n");
	f = faults.at;
	for (size_t i = 0; i < faults.n; i++)
		buf_printf(b, "yufu_bus_faults_total{gateway=\"%s\",kind=\"%s\"} %lld\n",
			f[i].gateway, f[i].kind, (long long)f[i].seen);
	return ERR_OK;
}

static enum err receptions(struct request *r, struct buf *b)
{
	struct live_reception c;
	enum err e = live_reception(r->db, &c);

	if (e != ERR_OK)
		return e;
	buf_printf(b,
		"# HELP yufu_dial_in_total connections of gateways that dial in\n"
		"# TYPE yufu_dial_in_total counter\n"
		"yufu_dial_in_total{outcome=\"accepted\"} %lld\n"
		"yufu_dial_in_total{outcome=\"turned_away\"} %lld\n"
		"yufu_dial_in_total{outcome=\"unknown\"} %lld\n"
		"yufu_dial_in_total{outcome=\"elsewhere\"} %lld\n"
		"yufu_dial_in_total{outcome=\"refused\"} %lld\n",
		(long long)c.accepted, (long long)c.turned_away, (long long)c.unknown,
		(long long)c.elsewhere, (long long)c.refused);
	return ERR_OK;
}

enum err metrics_get(struct request *r, struct answer *a)
{
	int64_t p50, p95, count, unmatched = 0;
	struct live_counts c;
	enum err e = live_counts(r->db, r->now, &c);

	if (e == ERR_OK)
		e = unmatched_open(r->db, &unmatched);
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
	gauge(&a->text, "yufu_payments_unmatched", "payments that wait for a person", unmatched);
	services(&a->text, r->api->pay);
	power_back(&a->text, p50, p95, count);
	e = buses(r, &a->text);
	if (e == ERR_OK)
		e = receptions(r, &a->text);
	if (e != ERR_OK)
		return e;
	requests(&a->text, r->api);
	return ERR_OK;
}

enum err document_get(struct request *r, struct answer *a)
{
	buf_adds(&a->text, r->api->document);
	return ERR_OK;
}
