#include "sim/line.h"

int64_t line_frame_us(const struct line_timing *t, size_t n)
{
	/* (n + 3.5) characters of ten bits */
	return (2 * (int64_t)n + 7) * 5 * 1000000 / t->baud;
}

bool job_push(struct job_queue *q, const struct job *job)
{
	if (q->n == LINE_QUEUE_MAX)
		return false;
	q->jobs[(q->first + q->n++) % LINE_QUEUE_MAX] = *job;
	return true;
}

bool job_pop(struct job_queue *q, struct job *out)
{
	if (q->n == 0)
		return false;
	*out = q->jobs[q->first];
	q->first = (q->first + 1) % LINE_QUEUE_MAX;
	q->n--;
	return true;
}

void job_drop(struct job_queue *q, uint64_t client)
{
	size_t waiting = q->n;

	for (size_t i = 0; i < waiting; i++) {
		struct job job;

		if (job_pop(q, &job) && job.client != client)
			ASSERT(job_push(q, &job));
	}
}
