// What texts like "user:3" and "account:7" name, asked for together, and once each.
import { reactive } from 'vue';
import type { List } from '../../shared/api';
import { get, query } from '../../shared/client';
import { t } from '../words';

interface Name { of: string; code: string | null; name: string | null; purpose: string | null }

/** The kinds that GET /names knows. */
const KNOWN = /^(account|area|contract|gateway|invoice|meter|order|share_group|site|supply_point|tariff|tenant|user):[1-9]\d{0,17}$/;
const AT_ONCE = 100;
const AGAIN_MS = 30_000;
/** null: asked for, or without a name. */
const names = reactive(new Map<string, Name | null>());
const wanted = new Set<string>();

async function ask(): Promise<void> {
	const of = [...wanted].slice(0, AT_ONCE);
	for (const one of of) {
		wanted.delete(one);
		names.set(one, null);
	}
	if (wanted.size) setTimeout(ask);
	try {
		for (const name of (await get<List<Name>>(`/names${query({ of: of.join(',') })}`)).items) names.set(name.of, name);
	} catch {
		setTimeout(() => of.forEach((one) => names.delete(one)), AGAIN_MS);
	}
}

/** "A-101 云朵茶饮 电费"; null while it is not known, and for what has no name. */
export function name_of(of: string): string | null {
	const known = names.get(of);
	if (known) return [known.code, known.name !== known.code && known.name, known.purpose && t.value.word.purpose![known.purpose]].filter(Boolean).join(' ');
	if (known === undefined && KNOWN.test(of)) {
		if (!wanted.size) setTimeout(ask);
		wanted.add(of);
	}
	return null;
}
