#pragma once
/* What kind of network address it is: whom may a request reach that others have asked for? */
#include <sys/socket.h>

#include "base/str.h"

enum address_kind {
	ADDRESS_PUBLIC,
	ADDRESS_LOOPBACK,
	ADDRESS_PRIVATE, /* of an own network: 10/8, 172.16/12, 192.168/16, 100.64/10, fc00::/7 */
	ADDRESS_NEVER,	 /* link-local (clouds keep secrets there), multicast, reserved, no IP */
};
/* IPv4 in IPv6 (mapped, NAT64, 6to4) counts as the IPv4 address that it stands for. */
enum address_kind address_kind(const struct sockaddr *a);
/* The same of a literal "10.0.0.1" or "[::1]"; false: it is a name. */
bool address_literal(const char *host, enum address_kind *out);
