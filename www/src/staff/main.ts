import { createApp, watch } from 'vue';
import '../ui/tokens.css';
import '../ui/icons_staff';
import './staff.css';
import App from './App.vue';
import { client_init } from '../shared/client';
import { prefs, prefs_init } from '../shared/prefs';
import { prefix } from '../shared/prefix';
import { go, route, router_init } from '../shared/router';
import { here } from './list/place';
import { session_forget } from './session';
import { theme_init } from './theme';
import { words_load } from './words';

router_init(`${prefix}/staff`);
prefs_init();
theme_init();
client_init('staff', () => {
	session_forget();
	if (route.path !== '/login') go(`/login?to=${encodeURIComponent(here())}`, true);
});
watch(() => prefs.lang, () => { void words_load().catch(() => undefined); });
void words_load().catch(() => undefined).then(() => createApp(App).mount('#app'));
