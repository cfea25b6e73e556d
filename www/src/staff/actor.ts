// Who did something, as a person reads it.
import { me } from './session';
import { t } from './words';

/** Programs act for the system; people by name, where it is known here. */
export function actor_name(actor: string | null): string {
	if (!actor || ['poller', 'worker', 'system'].includes(actor)) return t.value.meter.system;
	if (me.data && actor === `user:${me.data.id}`) return me.data.name;
	return actor.startsWith('user:') ? t.value.meter.by(actor.slice(5)) : actor;
}
