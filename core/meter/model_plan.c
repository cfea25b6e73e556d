/* Merges the registers that a class wants into as few reads as limits and gaps allow. */
#include <stdlib.h>

#include "meter/model_build.h"

static int by_place(const void *a, const void *b)
{
	const struct model_read *x = a, *y = b;

	if (x->function != y->function)
		return x->function < y->function ? -1 : 1;
	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	return 0;
}

static unsigned end_of(const struct model_read *r)
{
	return (unsigned)r->address + r->count;
}

static bool in_one_block(const struct model *m, const struct model_read *r)
{
	return model_block_of(m, r->function, r->address, r->count) != NULL;
}

/* One read for both, when the model allows it. `next` does not begin before `first`. */
static bool merged(const struct model *m, const struct model_read *first,
	const struct model_read *next, struct model_read *both)
{
	unsigned end = end_of(next) > end_of(first) ? end_of(next) : end_of(first);

	*both = *first;
	both->count = (uint16_t)(end - first->address);
	return first->function == next->function &&
	       next->address <= end_of(first) + (unsigned)m->limits.gap_max &&
	       both->count <= m->limits.max_read && in_one_block(m, both);
}

/* The read for these registers alone. model_parse() has seen to it that they are in a block. */
static struct model_read read_of(
	const struct model *m, uint8_t function, uint16_t address, uint16_t count)
{
	const struct model_block *b = model_block_of(m, function, address, count);

	if (b->whole)
		return (struct model_read){
			.function = b->function, .address = b->address, .count = b->count
		};
	return (struct model_read){ .function = function, .address = address, .count = count };
}

/* The registers that scale points of the class. */
static size_t wanted_factors(const struct model *m, enum point_class class, struct model_read *want)
{
	unsigned used = 0;
	size_t n = 0;

	for (size_t i = 0; i < m->point_count; i++)
		if (m->points[i].class == class)
			used |= m->points[i].factors;
	for (size_t i = 0; i < m->factor_count; i++)
		if ((used >> i) & 1)
			want[n++] = read_of(m, m->factors[i].function, m->factors[i].address, 1);
	return n;
}

/* Every register that the class wants, unmerged. Status and supply are live. */
static size_t wanted(const struct model *m, enum point_class class, struct model_read *want)
{
	size_t n = wanted_factors(m, class, want);

	for (size_t i = 0; i < m->point_count; i++) {
		const struct model_point *p = &m->points[i];

		if (p->class == class)
			want[n++] = read_of(m, p->function, p->address, p->count);
	}
	if (class != CLASS_LIVE)
		return n;
	for (size_t i = 0; i < m->flag_count; i++)
		want[n++] = read_of(m, m->flags[i].when.function, m->flags[i].when.address, 1);
	for (size_t i = 0; i < m->supply_count; i++)
		want[n++] =
			read_of(m, m->supplies[i].when.function, m->supplies[i].when.address, 1);
	return n;
}

/* One register more, behind or in front, for a meter that refuses odd counts. */
static bool made_even(const struct model *m, struct model_read *r)
{
	struct model_read more = *r;

	if (!m->limits.even_counts || r->function <= 2 || r->count % 2 == 0)
		return true;
	more.count++;
	if (!in_one_block(m, &more) && more.address > 0)
		more.address--;
	if (more.count > m->limits.max_read || !in_one_block(m, &more))
		return false;
	*r = more;
	return true;
}

enum err model_plan_make(struct model *m, enum point_class class)
{
	struct model_read want[MODEL_FACTORS_MAX + MODEL_POINTS_MAX + 2 * MODEL_FLAGS_MAX];
	struct model_read *plan = m->plan[class];
	size_t n, made = 0;

	if (m->framing != MODEL_MODBUS)
		return model_plan_items(m, class);
	n = wanted(m, class, want);
	qsort(want, n, sizeof(want[0]), by_place);
	for (size_t i = 0; i < n; i++) {
		struct model_read both;

		if (made > 0 && merged(m, &plan[made - 1], &want[i], &both)) {
			plan[made - 1] = both;
			continue;
		}
		if (made == MODEL_READS_MAX)
			return ERR_OUT_OF_RANGE;
		plan[made++] = want[i];
	}
	for (size_t i = 0; i < made; i++)
		if (!made_even(m, &plan[i]))
			return ERR_BAD_VALUE;
	m->plan_count[class] = made;
	return ERR_OK;
}

const struct model_read *model_plan(const struct model *m, enum point_class class, size_t *n)
{
	*n = m->plan_count[class];
	return m->plan[class];
}
