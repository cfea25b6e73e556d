// The shapes of /api/v1 that the pages use. Amounts of money in yuan are decimal strings with nine
// decimals and are never turned into floating point; cash is whole fen; times are RFC 3339 UTC.

export type Utility = 'electricity' | 'water';
export type Purpose = Utility | 'fee';
export type SupplyState = 'on' | 'off' | 'switching' | 'unreachable';
export type Level = 'ok' | 'low1' | 'low2' | 'arrears';
export type Channel = 'wechat_jsapi' | 'wechat_native' | 'wechat_h5' | 'alipay_wap' | 'alipay_page';
export type Display = 'on' | 'low' | 'cut' | 'kept' | 'silent' | 'public' | 'off';

export interface List<T> { items: T[]; next: string | null }
export interface Tokens { access_token: string; token_type: 'Bearer'; expires_in: number; refresh_token: string }
export interface Named { id: number; code: string; name: string }
export interface Shop extends Named { room: string; phone?: string }

export interface Me {
	id: number;
	kind: 'tenant' | 'staff';
	name: string;
	phone: string | null;
	role: string;
	permissions: string[];
	site: { code: string; name: string; zone: string } | null;
	/** Of staff: nothing else works before the password is changed. */
	password_change_required?: boolean;
	/** Of staff: a login takes a code as well. */
	second_factor?: boolean;
	tenants: Shop[];
}

export interface Session { id: number; current: boolean; agent: string; address: string; since: string; last_used_at: string }

export interface Supply {
	state: SupplyState;
	since: string | null;
	desired?: 'on' | 'off' | 'auto' | null;
	reason?: string;
}

export interface Used { energy_wh?: number; volume_l?: number; charge: string }

/** Whole days that a balance lasts: the likely number, and a range. 999 stands for more. */
export interface DaysLeft { days: number; low: number; high: number }

export interface Account {
	id: number;
	purpose: Purpose;
	tenant: Shop;
	balance: string;
	credit_limit: string;
	warn1: string;
	warn2: string;
	level: Level;
	emergency: { limit: string; available: boolean; taken_at: string | null };
	days_left: DaysLeft | null;
	daily_average: string | null;
	meter: { id: number; code: string; name: string; serial: string | null; area: string | { name: string } | null } | null;
	supply: Supply | null;
	read_at: string | null;
	today: Used | null;
	yesterday: Used | null;
	month: Used | null;
	last_amount_fen: number | null;
	presets_fen: number[];
	min_fen: number;
	max_fen: number;
	energy_price_now: string | null;
	rate_now: string | null;
	/** From here another shop may be paid for, by the code on its meter. */
	pay_for_others?: boolean;
	notices_latest_at?: string | null;
}

/** Whose a meter is, as far as who pays for another may know. */
export interface Payee {
	meter: string;
	utility: Utility;
	room: string | null;
	name: string;
	presets_fen: number[];
	min_fen: number;
	max_fen: number;
	/** Of one's own. */
	account_id?: number;
}

export interface MyMeter {
	id: number;
	code: string;
	name: string;
	utility: Utility;
	account_id: number | null;
}

export type Step = 'hour' | 'day' | 'month';
export interface UsageLine { rate: string; tier: number; price: string; energy_wh?: number; volume_l?: number; charge: string }
export interface UsageItem {
	label: string;
	/** Highest load within an hour that is over. */
	most_w?: number;
	energy_wh?: number;
	volume_l?: number;
	charge: string;
	provisional: boolean;
	lines?: UsageLine[];
}
export interface Usage { meter_id?: number; step: Step; zone: string; items: UsageItem[] }

export interface StatementItem {
	at: string;
	kind: string;
	amount: string;
	balance: string;
	memo: string | null;
	order_id: number | null;
	receipt_no: string | null;
	energy_wh: number | null;
	volume_l: number | null;
}
export interface Statement { account_id: number; opening: string; closing: string; items: StatementItem[] }

export interface Order {
	id: number;
	out_trade_no: string;
	/** Null where the caller paid for the shop of others, `payee`. */
	account_id: number | null;
	payee?: { room: string | null; name: string; utility: Utility } | null;
	/** Somebody else paid for the caller's shop. */
	by_another?: boolean;
	meter: { code: string; name: string } | null;
	amount_fen: number;
	channel: Channel;
	state: 'created' | 'pending' | 'paid' | 'closed';
	pay: { code_url?: string; h5_url?: string; pay_url?: string; jsapi?: Record<string, string> } | null;
	created_at: string;
	expires_at: string | null;
	paid_at: string | null;
	credited_at: string | null;
	receipt_no: string | null;
	balance: string | null;
	supply: { state: SupplyState; since: string | null } | null;
	/** The payment service's number, once it was paid. */
	transaction_id?: string | null;
	refunded_fen?: number;
	/** Its request for an invoice, while that is asked or issued. */
	invoice_id?: number | null;
}

/** Ways to pay, and which are set up here. */
export interface PayChannel { channel: string; service: string; on: boolean }

/** What of each recharge pays off old debt. */
export interface Repayment { account_id: number; owed: string; permille: number; cap_fen: number }

export interface TariffVersion {
	effective_from: string;
	tier_cycle?: 'none' | 'month' | 'year';
	tiers_upto_kwh?: string[];
	tiers_upto_m3?: string[];
	calendar: { months?: number[]; days?: 'all' | 'workday' | 'weekend' | 'holiday'; slots: [string, string][] }[];
	prices: Record<string, string[]>;
}

export interface TariffFile { code: string; name: string; utility: Utility; holidays?: string[]; workdays?: string[]; versions: TariffVersion[] }

export interface MyTariff {
	meter_id: number;
	zone: string;
	tier: number;
	rate: string;
	price: string;
	energy_wh?: number;
	volume_l?: number;
	items: { from: string | null; file: TariffFile }[];
}

export interface BillReading { from: string; from_register: number; to: string; to_register: number; ratio: number; rolled_over: boolean; part: boolean; energy_wh?: number; volume_l?: number }

export interface BillLine {
	day: string;
	book_day: string;
	late: boolean;
	meter: Named;
	rate: string;
	tier: number;
	price: string;
	energy_wh?: number;
	volume_l?: number;
	charge: string;
	sealed: boolean;
	explained: boolean;
	readings: BillReading[];
}

export interface Bill { account_id: number; from: string; to: string; charge: string; items: BillLine[] }

export interface SharePart {
	group: { id: number; name: string };
	kind: 'public' | 'loss';
	basis: 'ratio' | 'area' | 'equal';
	utility: Utility;
	day: string;
	account_id: number;
	weight: number;
	of_weight: number;
	charge: string;
	energy_wh: number | null;
	volume_l: number | null;
	of_energy_wh: number | null;
	of_volume_l: number | null;
}

export interface Fee { id: number; account_id: number; kind: 'property_fee' | 'rent'; monthly_fen: number; next: { month: string; due_day: string; amount_fen: number } | null }

/** Is WeChat bound to this login? */
export interface Wechat { available: boolean; apps: { app: 'mp' | 'mini'; bound_at: string; reachable: boolean }[] }

export interface Notice {
	id: number;
	at: string;
	kind: string;
	text: string;
	account_id: number | null;
	channel: string;
	state: 'pending' | 'sent' | 'delivered' | 'undelivered' | 'failed' | 'unknown';
	way: string | null;
	sent_at: string | null;
	delivered_at: string | null;
}

export interface AlertSettings {
	items: { account_id: number; purpose: Purpose; unit: 'yuan' | 'kwh' | 'm3'; warn1: string; warn2: string; warn1_yuan: string; warn2_yuan: string }[];
	language?: 'zh' | 'en';
	channels?: 'wechat_or_sms' | 'sms' | 'both';
}

export interface SubTenant {
	id: number;
	name: string;
	meter: { id: number; code: string; name: string };
	supply: Supply | null;
	switched_off: boolean;
}

export interface Board {
	at: string;
	meters_total: number;
	meters_fresh: number;
	low: number;
	cut: number;
	kept: number;
	silent: number;
	sales_today_fen: number;
	orders_today: number;
	orders_open: number;
	power_back_p95_ms: number | null;
	alarms_open: number;
	sales_by_channel: { channel: string; fen: number; count: number }[];
}
export interface BoardStates { at: string; states: Record<Display | 'moving', number[]> }
/** Use by local hour of today and yesterday. */
export interface Load { at: string; today_wh: (number | null)[]; yesterday_wh: (number | null)[] }

export interface Comm { state: 'ok' | 'silent' | 'never'; since: string | null }

export interface Meter {
	id: number;
	code: string;
	name: string;
	utility: Utility;
	role: 'tenant' | 'public' | 'incomer';
	billing: string;
	model: string;
	unit: number | string;
	serial: string | null;
	gateway: Named;
	area: { id: number; name: string } | null;
	tenant: Shop | null;
	account: { id: number; balance: string; level: Level } | null;
	energy_wh?: number | null;
	volume_l?: number | null;
	power_w?: number | null;
	voltage_mv?: number[] | null;
	current_ma?: number[] | null;
	supply: Supply | null;
	comm: Comm;
	read_at: string | null;
	display: Display;
	/** In service. */
	enabled: boolean;
}

export type Action = 'on' | 'off' | 'keep' | 'auto';
export type ActState = 'sent' | 'done' | 'refused' | 'unknown';
export interface Block { kind: string; cause: string; since: string; actor: string; reason: string | null }
export interface Act {
	id: number;
	action: string;
	state: ActState;
	reason: string | null;
	actor: string | null;
	created_at: string;
	done_at: string | null;
	error: string | null;
}
export interface MeterDetail extends Meter {
	blocks: Block[];
	keep_until: string | null;
	/** Why it is not cut although it should be; null: nothing holds that up. */
	deferred?: string | null;
	acts: Act[];
	fault: string | null;
	energy_by_rate_wh?: Record<string, number> | null;
}
export interface SupplyAnswer {
	meter_id: number;
	desired: string;
	reason: string;
	blocks: Block[];
	keep_until: string | null;
	act: { id: number; state: ActState } | null;
	supply: Supply;
}

export interface Gateway {
	id: number;
	code: string;
	name: string;
	address: string;
	transport: string;
	area: string | { id: number; name: string } | null;
	comm: Comm;
	meters: number;
	fresh: number;
	/** When a meter of it was last read. */
	read_at: string | null;
	round_ms: number | null;
	utilisation_permille: number | null;
	answer_ms: { p50: number; p95: number; p99: number };
	faults: { kind: string; seen: number; last_at: string }[];
	enabled: boolean;
}

export interface Alarm {
	id: number;
	kind: string;
	severity: 'info' | 'warn' | 'urgent';
	object: { kind: string; id: number; code: string } | null;
	text: string;
	raised_at: string;
	cleared_at: string | null;
	acked_at: string | null;
}

export interface FoundAccount {
	id: number;
	purpose: Purpose;
	tenant: Shop;
	meter: Named | null;
	balance: string;
	level: Level;
}

export interface Shift {
	id: number;
	opened_at: string;
	closed_at: string | null;
	sales_fen: number;
	count: number;
	counted_fen?: number;
	expected_fen?: number;
	difference_fen?: number;
}

export type Method = 'cash' | 'pos' | 'transfer';
export interface SaleLine {
	account_id: number;
	entry_id: number;
	amount_fen: number;
	/** Parts of the amount that do not reach the purse. */
	service_fen: number;
	debt_fen: number;
	balance: string;
	tenant: Shop;
	meter: Named | null;
	supply: Supply | null;
}
export interface Sale {
	id: number;
	receipt_no: string;
	method: Method;
	total_fen: number;
	tendered_fen: number;
	change_fen: number;
	at: string;
	/** A copy, and the how manieth. */
	copy: boolean;
	reprints: number;
	lines: SaleLine[];
}

export interface SaleListed {
	id: number;
	receipt_no: string;
	shift_id: number;
	method: Method;
	total_fen: number;
	at: string;
	entry_id: number;
	reprints: number;
	shops: string;
	reversed_by: number | null;
}

/** The name of an area, which the API gives as text or as an object. */
export function area_name(area: string | { name: string } | null | undefined): string {
	if (!area) return '';
	return typeof area === 'string' ? area : area.name;
}

export interface Webhook {
	id: number;
	name: string;
	site_id: number | null;
	url: string;
	events: string[];
	state: 'on' | 'off';
	off_why: 'staff' | 'gone' | 'failing' | null;
	failures: number;
	failing_since: string | null;
	old_secret_until: string | null;
	waiting: number;
	failed: number;
	/** In the answer that made it, and in no other. */
	secret?: string;
}
export type DeliveryState = 'pending' | 'waiting' | 'done' | 'failed';
export interface Delivery {
	id: number;
	event_id: string;
	kind: string;
	payload: string;
	state: DeliveryState;
	tries: number;
	next_at: string | null;
	tried_at: string | null;
	status: number | null;
	error: string | null;
	answer: string | null;
	created_at: string;
}
