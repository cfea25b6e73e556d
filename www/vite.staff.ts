import vue from '@vitejs/plugin-vue';
import { resolve } from 'node:path';
import { defineConfig } from 'vite';

export default defineConfig({
	root: resolve(import.meta.dirname, 'src/staff'),
	base: './', // where the site lies is known only to the one that serves it
	publicDir: resolve(import.meta.dirname, 'public'),
	plugins: [vue()],
	build: {
		outDir: resolve(import.meta.dirname, 'dist/staff'),
		emptyOutDir: true,
		assetsInlineLimit: 0,
		modulePreload: { polyfill: false },
		reportCompressedSize: false,
		// what the first page needs is one file: each further one is a request more
		rolldownOptions: { output: { codeSplitting: { groups: [{ name: 'first', tags: ['$initial'] }] } } },
	},
	define: { __VUE_OPTIONS_API__: 'false', __VUE_PROD_DEVTOOLS__: 'false' },
});
