import vue from '@vitejs/plugin-vue';
import { resolve } from 'node:path';
import { defineConfig } from 'vite';

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
		modulePreload: { polyfill: false },
		reportCompressedSize: false,
	},
	define: { __VUE_OPTIONS_API__: 'false', __VUE_PROD_DEVTOOLS__: 'false' },
});
