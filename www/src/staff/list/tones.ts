// What a state looks like: the shape and colour of `Mark`, by the word that the API uses.
import type { Shown } from '../../ui/state';

const WORDS: [Shown, string][] = [
	['ok', 'paid charged issued done ties resolved approved delivered credited matched refunded closed_ok ok on active succeeded ended_well accepted'],
	['moving', 'asked created due pending requested waiting fetched sending sent running queued accepted_wait switching preview confirmed'],
	['low', 'open differs person unknown warn low low1 low2 second_person undelivered partial backwards implausible identity forbidden wrong_password wrong_code bad_value out_of_range not_found conflict already'],
	['kept', 'kept'],
	['cut', 'cut failed urgent arrears refused dead locked never'],
	['silent', 'silent'],
	['public', 'closed later nothing rejected expired out off info cancelled disabled'],
];
const TONES = new Map<string, Shown>(WORDS.flatMap(([tone, words]) => words.split(' ').map((w): [string, Shown] => [w, tone])));

/** The shape of a state; hollow for what is not known here. */
export function tone(value: unknown): Shown {
	return TONES.get(String(value)) || 'public';
}
