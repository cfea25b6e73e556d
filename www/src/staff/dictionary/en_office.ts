import type { zh_office } from './zh_office';

export const en_office: typeof zh_office = {
	fees_unpaid: (n, month) => `${month}: ${n} ${n === 1 ? 'shop has' : 'shops have'} not paid fees within the days of grace`,
	law_944: 'Civil Code art. 944: a property service provider may not stop power or water to press for property fees. Make sure that there is a legal ground before this is turned on. It takes a reason and the approval of a second person, and it is audited.',
	bounds: (min: string, max: string) => `from ${min} to ${max}`,
	by_profile_empty: 'Empty: by profile, 22:00 to 07:00 for dwellings, none for shops.',
	site_which: 'Site', fee_run_would: (n, sum, shorts) => `${n === 1 ? '1 fee is' : `${n} fees are`} charged, ${sum} in all${shorts ? `; ${shorts === 1 ? '1 purse is' : `${shorts} purses are`} short then` : ''}.`,
	page_help: {
		invoices: 'Invoices are issued at the tax platform; requests and their outcome are kept here. A top-up is in one request only, and the amount is what was paid less what was refunded. What was refunded after it was issued is to be voided and issued anew.',
		doubtful: 'The newest reading of these meters does not follow from what was settled. They are not charged until somebody decides, and nobody is cut for it.',
		days: 'Closed days never change: the hash of a day is chained to the day before, and yufu verify recomputes each.',
		fee_preview: 'What each fee would be charged if this month were run now, and whether its purse covers it; nothing is charged. A month that has not begun is shown as at its end. Lowest balances come first.',
		fee_cuts: 'Contracts whose fee is short for longer than the days of grace. A second person approves the list before anybody is cut; there is no list while cutting for fees is off.',
	},
	more_file: { audit_chain: 'Export with hashes' },
	doubt: {
		accept: (by: string, was: string, now: string) => `From ${was} to ${now} (${by}) counts as real use and is charged. To accept a register that fell means that it has counted round: say first how far it counts.`,
		rebase: (by: string, was: string, now: string) => `Counting begins anew at ${now}; what lies between it and ${was} (${by}) is not charged.`,
	},
	setting_page: {
		find: 'Find a setting', shipped: 'as shipped', changed: 'changed', two: 'two persons', none_match: 'No setting fits.',
		groups: { recharge: 'Recharges and balances', cutting: 'Cutting, quiet hours, brake', fee: 'Property fee', persons: 'Second person', notice: 'Warnings and alarms', credit: 'Credit in the meter', other: 'Other' },
	},
	holiday: {
		help: "The site's own calendar: it decides quiet hours and schedules. Prices follow the holidays in their tariff and never these.", year: (y: string) => y, month: (m: number) => ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'][m - 1] || '—', before: 'Year before', after: 'Year after', weekdays: ['Mo', 'Tu', 'We', 'Th', 'Fr', 'Sa', 'Su'],
		kind: { plain: 'Plain', holiday: 'Holiday', workday: 'Make-up workday' }, mark: { holiday: 'H', workday: 'W' }, kind_label: 'These days are', name: 'Name', name_hint: 'such as National Day', save: 'Save', from: 'From', to: 'To', many: 'At most 31 days', saved: (n: number) => (n === 1 ? '1 day saved' : `${n} days saved`),
		list: 'Set in this year', none: 'Nothing is set in this year.', choose: 'Choose a day in the calendar, or enter dates.', read_only: 'Your account may look only.',
	},
	brake: {
		help: 'When more supplies are due to be cut within a minute than is plausible, the brake is pulled: nobody is newly cut until a person has looked.', on: 'Pulled: nobody is newly cut', off: 'Released: cuts for money and by schedules go on', pulled_at: 'Pulled', pulled_by: 'Pulled by', by_machine: (n: number) => `the system: ${n} due within a minute`, reason: 'Reason', waiting: 'Waiting to be cut', people: (n: number) => String(n), released_at: 'Released', released_by: 'Released by', release_reason: 'Why released', never: 'It was never pulled.', last: 'The last time',
		list: 'Who will be cut once it is released', list_none: 'Nobody waits for the brake.', warn: (n: number) => (n ? `Once it is released, ${n} supplies begin to be cut within seconds. Look at the list first: are balances, times of reading and prices to be believed?` : 'Once it is released, cuts go on.'), limits: 'It is pulled by', count: (n: string) => `more than ${n} within a minute`, percent: (n: string) => `or more than ${n} of what can be switched`,
	},
	share_day: {
		group: 'Shared energy', none: 'Nothing is shared.', before: 'Day before', after: 'Day after', run_to: (day: string) => `shared up to ${day}`, begins: (day: string) => `shared from ${day} on`, complete: 'All readings are there', partial: 'Readings are missing; shared after 72 h by what there is', version: (n: number) => `version ${n}`, version_more: 'Energy came late: the day was worked out anew, and the difference booked', run_at: (at: string) => `worked out at ${at}`,
		how: 'How it came about', net: 'Sum of the sources', priced: 'at the prices of the source meters', split: { ratio: 'by agreed ratios', area: 'by floor area', equal: 'in equal parts' }, rest: 'the rest is the owner’s', parts: 'Parts', tenant: 'Tenant', weight: 'Share', use: 'Use', charge: 'Charge', owner: 'Borne by the owner', total: 'Total', ties: 'Parts and owner sum to the whole, to the last digit', differs: 'Parts and owner do not sum to the whole',
		rounding: 'Split first, then priced: each line (rate, tier, price) is split in whole watt-hours or litres by largest remainder; ties go to the lowest contract number, the owner comes last. So no rounding is lost.', lines: 'Lines by rate', of: 'of', time: 'A contract weighs by the seconds of the day in which it was in force.', bars: 'Use by tenant',
	},
	what_if: {
		draft: 'With the changes that are not saved yet', stored: 'With the tariff as it is stored', add: 'Another meter', meters: 'Meters', change: 'Difference', all: 'All', remove: 'Remove', lines: (code: string) => `Lines of ${code}`, was_bar: 'charged', would_bar: 'would be', none: 'No settled use in this span.', chart: 'Charged beside what would be',
	},
	labels: { print: (n: number) => `Print ${n}`, left: (n: number) => `${n} public meters and incomers have none`, next: 'Next ones', help: 'Whoever scans the code may pay for the meter: its own people come to their recharge page, others see the room and pay for them. It shows neither balance nor phone.', code: (code: string) => `Code to pay for meter ${code}`, scan: 'Scan to pay' },
	list_view: {
		open: 'Columns, filters', title: 'Columns and filters', columns: 'Columns shown', columns_help: 'For you in this browser only; a row in full and files have all of them.', saved: 'Saved filters', none: 'No filters are saved yet.', nothing: 'Filter the list first, then save it here.', name: (what) => `Save “${what}” as`, save: 'Save', kept: (name) => `Saved as “${name}”`, remove: (name) => `Remove “${name}”`,
	},
	system: {
		parts: 'Parts', part: { database: 'Database', poller: 'Reading of meters', worker: 'Jobs' }, status: { ok: 'well', degraded: 'partly', failed: 'failed' }, pollers: 'Pollers', no_pollers: 'No poller runs.', poller: 'Name', buses: 'Buses', round: 'Longest round', seen: 'Seen', live: 'runs', gone: 'gone',
		free: (n) => (n === 1 ? '1 group of buses is read by nobody' : `${n} groups of buses are read by nobody`), jobs: 'Jobs in trouble', jobs_well: 'All jobs are well.', jobs_all: 'All jobs', trouble: { failing: 'keeps failing', late: 'was not run when due' }, last_run: 'Last run',
		outside: 'Backup and verification', outside_help: 'Run by the server\'s own timer, which tells of it by yufu job done backup or yufu job done verify; no word for thirty hours is an alarm.', never: 'never', last: (at) => `Last well: ${at}`, outside_state: { never: 'never told of', ok: 'well', late: 'overdue', failed: 'failed last time' },
		outbox: 'Messages that wait', waiting: 'Waiting', due: 'The oldest was due', none_due: 'none is overdue', storage: 'Storage', bytes: 'Database, about', kept: 'Raw readings', kept_days: (n, from) => `${n === 1 ? '1 day' : `${n} days`}, from ${from}`, kept_none: 'none is packed yet',
		sealed: 'Sealed days', sealed_at: (day, at) => `${day} (sealed ${at})`, behind: (n) => (n === 1 ? '1 day behind' : `${n} days behind`), audit: 'Chain of the audit log', rows: 'In the chain', unchained: 'Not yet', swept: 'Last whole sweep',
	},
	texts: {
		account: 'With the values of an account', language: 'Language', help: 'The words are fixed, and only looked at here: templates of SMS are registered with the provider and approved there, and the provider sends what was registered, which should say the same. A modem sends these very words; WeChat gets the values of its fields. Values are samples, or those of the account that is chosen.',
		ways: 'Ways', ways_unseen: 'The worker has not told of any way yet.', on: 'set up', off: 'not set up', page: 'On the tenant\'s page: ', no_template: 'no template is set: not sent this way', own: 'our own words', not_fit: (what) => `does not fit, and is not sent this way: ${what}`,
		other_language: (name) => `(template: ${name})`, size: (units, parts, coding) => `${units} characters · ${parts === 1 ? '1 SMS' : `${parts} SMS`} (${coding})`,
		occasion: { cut: 'supply is cut', uncut: 'nothing is cut' }, audience: { tenant: 'to tenants', login: 'to who logs in', duty: 'to who is on duty' },
	},
	matrix: { find: 'Find a permission', copy: 'Copy' },
	json: { before: 'Before', after: 'After', what: 'What' },
	report_more: { compare: 'Compare', before: (from: string, to: string) => `dashed: ${from} – ${to}`, printed: (at: string) => `printed ${at}`, group: { sale: 'Sales and money', use: 'Use and losses', money: 'Fees and balances' } },
};
