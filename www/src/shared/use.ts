// Energy and water as a person reads them.

/** 21400 Wh -> "21.4"; three figures and more lose a decimal. */
export function kwh(wh: number): string {
	const value = wh / 1000;
	return value.toFixed(value >= 100 ? 1 : 2).replace(/(\.\d)0$/, '$1');
}

/** A register: 24715540 -> "24,715.54". */
export function register(milli: number, digits: number): string {
	const [whole, part] = (milli / 1000).toFixed(digits).split('.');
	return `${whole!.replace(/\B(?=(\d{3})+$)/g, ',')}.${part}`;
}

/** 1250 l -> "1.25". */
export function cubic(l: number): string {
	return (l / 1000).toFixed(l >= 100_000 ? 1 : 2);
}

/** The amount used, in litres for water, else in Wh; null when it is not there. */
export function used(item: { energy_wh?: number | null; volume_l?: number | null } | null | undefined, is_water: boolean): number | null {
	if (!item) return null;
	return (is_water ? item.volume_l : item.energy_wh) ?? null;
}
