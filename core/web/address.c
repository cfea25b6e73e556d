#include "web/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

struct range {
	uint32_t net;
	int bits;
	enum address_kind kind;
};

/* clang-format off */
static const struct range ranges[] = { /* the first that holds the address */
	{ 0x00000000,  8, ADDRESS_NEVER },    /* 0.0.0.0/8 "this network" */
	{ 0x0a000000,  8, ADDRESS_PRIVATE },  /* 10.0.0.0/8 */
	{ 0x646464c8, 32, ADDRESS_NEVER },    /* 100.100.100.200 metadata of Alibaba Cloud */
	{ 0x64400000, 10, ADDRESS_PRIVATE },  /* 100.64.0.0/10 carriers' NAT */
	{ 0x7f000000,  8, ADDRESS_LOOPBACK }, /* 127.0.0.0/8 */
	{ 0xa9fe0000, 16, ADDRESS_NEVER },    /* 169.254.0.0/16 link-local, metadata of clouds */
	{ 0xac100000, 12, ADDRESS_PRIVATE },  /* 172.16.0.0/12 */
	{ 0xc0000000, 24, ADDRESS_NEVER },    /* 192.0.0.0/24 */
	{ 0xc0000200, 24, ADDRESS_NEVER },    /* documentation */
	{ 0xc0586300, 24, ADDRESS_NEVER },    /* 192.88.99.0/24 6to4 relays */
	{ 0xc0a80000, 16, ADDRESS_PRIVATE },  /* 192.168.0.0/16 */
	{ 0xc6120000, 15, ADDRESS_NEVER },    /* 198.18.0.0/15 measurements */
	{ 0xc6336400, 24, ADDRESS_NEVER },    /* documentation */
	{ 0xcb007100, 24, ADDRESS_NEVER },    /* documentation */
	{ 0xe0000000,  3, ADDRESS_NEVER },    /* multicast, reserved, broadcast */
};
/* clang-format on */

static enum address_kind kind4(uint32_t a)
{
	for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
		if ((a ^ ranges[i].net) >> (32 - ranges[i].bits) == 0)
			return ranges[i].kind;
	return ADDRESS_PUBLIC;
}

static uint32_t word(const uint8_t *b)
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static enum address_kind kind6(const uint8_t a[static 16])
{
	static const uint8_t zero[15] = { 0 };
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	static const uint8_t nat64[12] = { 0x00, 0x64, 0xff, 0x9b };

	if (memcmp(a, zero, 15) == 0 && a[15] == 1)
		return ADDRESS_LOOPBACK;
	if (memcmp(a, mapped, 12) == 0 || memcmp(a, nat64, 12) == 0)
		return kind4(word(a + 12));
	if (a[0] == 0x20 && a[1] == 0x02) /* 2002::/16: 6to4 */
		return kind4(word(a + 2));
	if ((a[0] & 0xfe) == 0xfc) /* fc00::/7 */
		return ADDRESS_PRIVATE;
	/* Only 2000::/3 is given out; of it not Teredo and not the one for documentation. */
	if ((a[0] & 0xe0) != 0x20 || (word(a) == 0x20010000) || (word(a) == 0x20010db8))
		return ADDRESS_NEVER;
	return ADDRESS_PUBLIC;
}

enum address_kind address_kind(const struct sockaddr *a)
{
	if (a->sa_family == AF_INET)
		return kind4(ntohl(((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr));
	if (a->sa_family == AF_INET6)
		return kind6(((const struct sockaddr_in6 *)(const void *)a)->sin6_addr.s6_addr);
	return ADDRESS_NEVER;
}

bool address_literal(const char *host, enum address_kind *out)
{
	struct in_addr four;
	struct in6_addr six;
	size_t n = strlen(host);
	char text[64];

	if (inet_pton(AF_INET, host, &four) == 1) {
		*out = kind4(ntohl(four.s_addr));
		return true;
	}
	if (n < 2 || host[0] != '[' || host[n - 1] != ']' || n - 2 >= sizeof(text))
		return false;
	memcpy(text, host + 1, n - 2);
	text[n - 2] = '\0';
	*out = ADDRESS_NEVER; /* also one with a zone */
	if (inet_pton(AF_INET6, text, &six) == 1)
		*out = kind6(six.s6_addr);
	return true;
}
