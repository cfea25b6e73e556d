import vue from '@vitejs/plugin-vue';
import { resolve } from 'node:path';
import { defineConfig } from 'vite';

/** What the first page needs: one file, asked for once. What several other pages share is a second one. */
const FIRST = new RegExp([
	'node_modules/(@vue|vue)/', 'plugin-vue',
	'src/shared/(api|client|load|money|once|prefs|router|store|time|use|zh)\\.ts',
	'src/ui/(Bones|Chart|Chip|Failed|Icon|Mark|Offline|Toast|icons|nice|state|toast)\\.',
	'src/tenant/(App|Balance|Prefs|main|draft|forecast|later|open_order|painted|session|supply_words|words|zh)\\.', 'src/tenant/pages/Home\\.',
].join('|').replace(/\//g, '[\\\\/]'));
/** The page to sign in is the first page of many: what it needs beside the first file is one file, too. */
const LOGIN = /src[\\/]tenant[\\/](pages[\\/]Login|wechat|words[\\/](login|wechat))\./;

// The tenant's page runs in old Android web views inside WeChat and Alipay, hence the old target.
export default defineConfig({
	root: resolve(import.meta.dirname, 'src/tenant'),
	base: './', // where the site lies is known only to the one that serves it
	publicDir: resolve(import.meta.dirname, 'public'),
	plugins: [vue()],
	build: {
		outDir: resolve(import.meta.dirname, 'dist/tenant'),
		emptyOutDir: true,
		target: ['chrome79', 'safari13.1'],
		assetsInlineLimit: 0,
		modulePreload: false,
		reportCompressedSize: false,
		rolldownOptions: { output: { codeSplitting: { groups: [{ name: 'first', test: FIRST, priority: 3 }, { name: 'login', test: LOGIN, priority: 2 }, { name: 'more', test: /src[\\/]/, minShareCount: 2, priority: 1 }] } } },
	},
	define: { __VUE_OPTIONS_API__: 'false', __VUE_PROD_DEVTOOLS__: 'false', __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: 'false' },
});
