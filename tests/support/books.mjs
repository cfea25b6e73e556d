// What must be true of the books, whatever happened: asked of the database itself, by statements that
// share nothing with the programs.
const CHECKS = {
	'entries whose postings do not sum to zero':
		'SELECT COUNT(*) FROM (SELECT entry_id FROM posting GROUP BY entry_id HAVING SUM(amount_nano) <> 0) x',
	'entries without postings':
		'SELECT COUNT(*) FROM entry e WHERE NOT EXISTS (SELECT 1 FROM posting p WHERE p.entry_id = e.id)',
	'purses whose balance is not their postings minus the charges of open days':
		`SELECT COUNT(*) FROM account a
		LEFT JOIN (SELECT account_id, SUM(amount_nano) AS n FROM posting GROUP BY account_id) p ON p.account_id = a.id
		LEFT JOIN (SELECT account_id, SUM(charge_nano) AS n FROM usage_day WHERE sealed = 0 GROUP BY account_id) u ON u.account_id = a.id
		WHERE a.kind = 'purse' AND a.balance_nano <> COALESCE(p.n, 0) - COALESCE(u.n, 0)`,
	'paid orders without exactly one recharge entry':
		`SELECT COUNT(*) FROM pay_order o WHERE o.state = 'paid' AND
		(SELECT COUNT(*) FROM entry e WHERE e.kind = 'recharge' AND e.reference = CONCAT('order:', o.id)) <> 1`,
	'recharge entries of orders that are not paid':
		`SELECT COUNT(*) FROM entry e JOIN pay_order o ON e.reference = CONCAT('order:', o.id)
		WHERE e.kind = 'recharge' AND o.state <> 'paid'`,
	'charges of days that differ from the evidence of settlement':
		`SELECT COUNT(*) FROM
		(SELECT meter_id, SUM(charge_nano) AS n FROM settlement GROUP BY meter_id) s
		LEFT JOIN (SELECT meter_id, SUM(charge_nano) AS n FROM usage_day GROUP BY meter_id) u ON u.meter_id = s.meter_id
		WHERE s.n <> COALESCE(u.n, 0)`,
	'gaps between settled intervals':
		`SELECT COUNT(*) FROM (SELECT from_at, from_milli, LAG(to_milli) OVER (PARTITION BY meter_id ORDER BY to_at) AS before_milli, meter_id
		FROM settlement) x WHERE before_milli IS NOT NULL AND from_milli < before_milli
		AND NOT EXISTS (SELECT 1 FROM meter_change c WHERE c.meter_id = x.meter_id AND c.old_register_milli >= before_milli
			AND c.new_register_milli <= x.from_milli AND c.at <= x.from_at)`,
};

/** Names of the invariants that do not hold, with how often; empty when the books are right. */
export async function faults(stack) {
	const found = [];
	for (const [name, sql] of Object.entries(CHECKS)) {
		const n = await stack.number(sql);
		if (n !== 0) found.push(`${n} ${name}`);
	}
	return found;
}

/** Meters that should have supply by their purse, and have none. */
export function darkDespiteMoney(stack) {
	return stack.sql(`SELECT m.code, a.balance_nano, sp.desired, sp.observed FROM supply_point sp
		JOIN meter m ON m.supply_point_id = sp.id
		JOIN contract_point cp ON cp.supply_point_id = sp.id AND cp.to_at = 0
		JOIN account a ON a.id = cp.account_id
		WHERE sp.switchable = 1 AND sp.observed <> 'on' AND a.balance_nano > 0
		AND NOT EXISTS (SELECT 1 FROM block b WHERE b.supply_point_id = sp.id AND b.kind <> 'arrears')`);
}
