// A part of a page that comes after the page: nothing is drawn until it is here.
import { shallowRef, type Component, type ShallowRef } from 'vue';

export interface Later { is: ShallowRef<Component | undefined>; bring(): void }

export function later(load: () => Promise<{ default: Component }>): Later {
	const is = shallowRef<Component>();
	return {
		is,
		bring: () => { if (!is.value) void load().then((m) => { is.value = m.default; }, () => undefined); },
	};
}
