// Meters and gateways taken out of service, and put back.
import type { Act, Row } from '../list/types';

/** What still counts on it, the API names. */
export const service = (noun: 'meter' | 'gateway'): Act[] => [
	{ name: `${noun}_out`, needs: 'meter.edit', danger: true, method: 'PATCH', when: (r) => r.enabled === true, path: (r) => `/${noun}s/${r.id}`, fixed: { enabled: false }, fields: [{ name: 'reason', kind: 'long', required: true }] },
	{ name: `${noun}_back`, needs: 'meter.edit', method: 'PATCH', when: (r) => r.enabled === false, path: (r) => `/${noun}s/${r.id}`, fixed: { enabled: true }, fields: [{ name: 'reason', kind: 'long', required: true }] },
];
/** Stands where the state would. */
export const out_of_service = (r: Row): string | null => (r.enabled === false ? 'out' : null);
