import { createApp, watch } from 'vue';
import '../ui/tokens.css';
import './tenant.css';
import App from './App.vue';
import { client_init, signed_in } from '../shared/client';
import { prefs, prefs_init } from '../shared/prefs';
import { prefix } from '../shared/prefix';
import { go, route, router_init } from '../shared/router';
import { painted } from './painted';
import { mine, session_forget, session_init } from './session';
import { words_load } from './words';

router_init(prefix);
prefs_init();
session_init();
client_init('tenant', () => {
	session_forget();
	if (route.path !== '/login') go(`/login?to=${encodeURIComponent(location.pathname + location.search)}&ended=1`, true);
});
watch(() => prefs.lang, () => { void words_load().catch(() => undefined); });
const words = words_load().catch(() => undefined);
// the words that came with the page come first; the answer is on its way while the page is put together
void painted().then(() => {
	if (signed_in() && route.path !== '/login') void mine.load();
	void words.then(() => createApp(App).mount('#app'));
});
