// Who is signed in and what they may do. A button that may not be used is not shown; the server refuses it anyway.
import type { Me } from '../shared/api';
import { get, sign_out } from '../shared/client';
import { loaded } from '../shared/load';
import { go } from '../shared/router';
import { clock } from '../shared/time';

export const me = loaded<Me>(async () => {
	const found = await get<Me>('/me');
	if (found.site) clock.zone = found.site.zone;
	return found;
});

/** Whether they have a permission; '' is what everybody may. */
export function may(permission: string): boolean {
	return me.data !== null && (permission === '' || me.data.permissions.includes(permission));
}

export function session_forget(): void {
	me.data = null;
	me.error = null;
}

export async function leave(): Promise<void> {
	await sign_out();
	session_forget();
	go('/login', true);
}
