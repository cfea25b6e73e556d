/* For watchers: figures, and the API document. */
#include <stdio.h>
#include <string.h>

#include "domain/figure.h"
#include "domain/live.h"
#include "domain/unmatched.h"
#include "fcgi/handlers.h"
#include "fcgi/routes.h"

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

static const char *route_method(size_t i)
{
	return i < routes_n ? routes[i].method : "";
}

static const char *route_path(size_t i)
{
	return i < routes_n ? routes[i].path : "none";
}

static unsigned long long answered(const struct tally *t, size_t route)
{
	unsigned long long n = 0;

	for (size_t b = 0; b <= TALLY_BUCKETS; b++)
		n += atomic_load(&t->took[route][b]);
	return n;
}

static void requests(struct buf *b, const struct tally *t)
{
	buf_adds(b, "# HELP yufu_http_requests_total answers by route and status, of all processes "
		    "of this machine\n# TYPE yufu_http_requests_total counter\n");
	for (size_t i = 0; i <= ROUTES_MAX; i++)
		for (int s = 100; s < TALLY_STATUS; s++) {
			unsigned long long n = atomic_load(&t->answers[i][s]);

			if (n > 0)
				buf_printf(b,
					"yufu_http_requests_total{method=\"%s\",route=\"%s\","
					"status=\"%d\"} %llu\n",
					route_method(i), route_path(i), s, n);
		}
}

static void duration_of(struct buf *b, const struct tally *t, size_t i)
{
	const char *name = "yufu_http_request_duration_seconds";
	unsigned long long sum = 0, ms = atomic_load(&t->took_ms[i]);
	const char *method = route_method(i), *path = route_path(i);

	for (size_t k = 0; k < TALLY_BUCKETS; k++) {
		sum += atomic_load(&t->took[i][k]);
		buf_printf(b, "%s_bucket{method=\"%s\",route=\"%s\",le=\"%d.%03d\"} %llu\n", name,
			method, path, tally_bucket_ms[k] / 1000, tally_bucket_ms[k] % 1000, sum);
	}
	sum += atomic_load(&t->took[i][TALLY_BUCKETS]);
	buf_printf(b,
		"%s_bucket{method=\"%s\",route=\"%s\",le=\"+Inf\"} %llu\n"
		"%s_sum{method=\"%s\",route=\"%s\"} %llu.%03llu\n"
		"%s_count{method=\"%s\",route=\"%s\"} %llu\n",
		name, method, path, sum, name, method, path, ms / 1000, ms % 1000, name, method,
		path, sum);
}

static void durations(struct buf *b, const struct tally *t)
{
	buf_adds(b, "# HELP yufu_http_request_duration_seconds from the request to its answer, of "
		    "all processes of this machine\n"
		    "# TYPE yufu_http_request_duration_seconds histogram\n");
	for (size_t i = 0; i <= ROUTES_MAX; i++)
		if (answered(t, i) > 0)
			duration_of(b, t, i);
	buf_printf(b,
		"# HELP yufu_api_database_errors_total requests that failed for the database\n"
		"# TYPE yufu_api_database_errors_total counter\n"
		"yufu_api_database_errors_total %llu\n",
		atomic_load(&t->database_errors));
}

/* As Prometheus has it: backslash, quote and line feed are escaped. */
static void label_value(struct buf *b, const char *v)
{
	for (; *v; v++)
		if (*v == '\\' || *v == '"')
			buf_printf(b, "\\%c", *v);
		else if (*v == '\n')
			buf_adds(b, "\\n");
		else
			buf_add(b, v, 1);
}

static bool ends_in_total(const char *name)
{
	size_t n = strlen(name);

	return n > 6 && str_eq(name + n - 6, "_total");
}

static enum err figure_write(struct request *r, struct buf *b, const struct figure *f)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = figure_rows(r->db, f, r->now, &rows);
	const struct figure_row *x = rows.at;

	buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", f->name, f->help, f->name,
		ends_in_total(f->name) ? "counter" : "gauge");
	for (size_t i = 0; e == ERR_OK && i < rows.n; i++) {
		buf_adds(b, f->name);
		if (f->label) {
			buf_printf(b, "{%s=\"", f->label);
			label_value(b, x[i].label);
			buf_adds(b, "\"}");
		}
		buf_printf(b, " %lld\n", (long long)x[i].v);
	}
	return e;
}

static enum err figures_write(struct request *r, struct buf *b)
{
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < figure_count; i++)
		e = figure_write(r, b, &figures[i]);
	return e;
}

static void answer_times(struct buf *b, const struct live_gateway *g)
{
	const struct {
		const char *quantile;
		int64_t ms;
	} list[] = { { "0.5", g->answer_p50_ms }, { "0.95", g->answer_p95_ms },
		{ "0.99", g->answer_p99_ms } };

	for (size_t i = 0; i < ARRAY_LEN(list); i++)
		buf_printf(b, "yufu_bus_answer_seconds{gateway=\"%s\",quantile=\"%s\"} %lld.%03d\n",
			g->code, list[i].quantile, (long long)(list[i].ms / 1000),
			(int)(list[i].ms % 1000));
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
	buf_adds(b, "# HELP yufu_bus_answer_seconds answer times of a bus, the line included\n"
		    "# TYPE yufu_bus_answer_seconds summary\n");
	for (size_t i = 0; i < gateways.n; i++)
		answer_times(b, &g[i]);
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
	/* Its name says counter to Prometheus, and it is none. */
	buf_printf(&a->text,
		"# HELP yufu_meters_total meters in service\n# TYPE yufu_meters_total untyped\n"
		"yufu_meters_total %lld\n",
		(long long)c.meters_total);
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
	if (e == ERR_OK)
		e = figures_write(r, &a->text);
	if (e != ERR_OK)
		return e;
	requests(&a->text, r->api->tally);
	durations(&a->text, r->api->tally);
	return ERR_OK;
}

enum err document_get(struct request *r, struct answer *a)
{
	buf_adds(&a->text, r->api->document);
	return ERR_OK;
}
