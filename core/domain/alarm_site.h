#pragma once
/* A part of queries: the site of the thing x.object_kind and x.object_id; NULL for what is of no
 * site: those who see every site look after it. */
#define SITE_OF_ORDER                                                                              \
	" JOIN account a ON a.id = o.account_id JOIN contract c ON c.id = a.contract_id"           \
	" JOIN tenant t ON t.id = c.tenant_id"
#define SITE_OF_ALARM                                                                              \
	" CASE x.object_kind WHEN 'site' THEN x.object_id"                                         \
	" WHEN 'meter' THEN (SELECT g.site_id FROM meter m JOIN gateway g ON g.id = m.gateway_id"  \
	" WHERE m.id = x.object_id)"                                                               \
	" WHEN 'gateway' THEN (SELECT g.site_id FROM gateway g WHERE g.id = x.object_id)"          \
	" WHEN 'share_group' THEN (SELECT s.site_id FROM share_group s WHERE s.id = x.object_id)"  \
	" WHEN 'webhook' THEN (SELECT w.site_id FROM webhook w WHERE w.id = x.object_id)"          \
	" WHEN 'order' THEN (SELECT t.site_id FROM pay_order o" SITE_OF_ORDER                      \
	" WHERE o.id = x.object_id) END"
/* And its area. */
#define AREA_OF_ALARM                                                                              \
	" CASE x.object_kind"                                                                      \
	" WHEN 'meter' THEN (SELECT COALESCE(m.area_id, g.area_id) FROM meter m JOIN gateway g"    \
	" ON g.id = m.gateway_id WHERE m.id = x.object_id)"                                        \
	" WHEN 'gateway' THEN (SELECT g.area_id FROM gateway g WHERE g.id = x.object_id) END"
