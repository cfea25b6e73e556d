// Lists of the API that its document does not spell out; a test holds them to those in C.

/** Kinds of entries, as the books have them (core/domain/chart.c). */
export const ENTRY_KINDS = [
	'recharge', 'sale', 'energy', 'water', 'late_charge', 'share', 'property_fee', 'rent', 'fee', 'refund', 'refund_paid', 'reversal', 'subsidy', 'subsidy_back', 'allowance', 'correction', 'write_off', 'opening', 'debt', 'deposit_in', 'deposit_out',
	'transfer', 'closing', 'payout', 'purchase', 'purchase_done', 'purchase_failed', 'meter_use', 'meter_return', 'shift', 'suspense', 'found', 'bill_adjust', 'bill_refund', 'channel_fee', 'service_payout',
];

/** Those that are undone by their mirror; the others have ways of their own. */
export const REVERSIBLE = ['sale', 'opening', 'subsidy', 'allowance', 'write_off', 'correction', 'deposit_in', 'deposit_out', 'transfer', 'debt', 'fee', 'bill_adjust', 'bill_refund', 'service_payout'];

/** What may wait for a second person (core/domain/approval.c). */
export const APPROVAL_KINDS = ['setting', 'fee_cut', 'reversal', 'protect', 'unprotect', 'protected_off', 'tariff', 'tariff_assign', 'long_keep', 'refund', 'unmatched', 'adjustment', 'allowance', 'batch', 'reconciliation'];
