// After the builds: the tenants' page once more for addresses a level deeper (/order/12), whose links go up
// one; and a .gz beside every text file, for nginx's gzip_static.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const dist = join(import.meta.dirname, '..', 'dist');

const page = readFileSync(join(dist, 'tenant', 'index.html'), 'utf8');
if (!page.includes('"./assets/')) throw new Error('the page does not name its files by where it lies itself');
writeFileSync(join(dist, 'tenant', 'deeper.html'), page.replaceAll('"./', '"../'));

for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
	if (!entry.isFile() || !/\.(html|js|css|svg|txt|json)$/.test(entry.name)) continue;
	const path = join(entry.parentPath, entry.name);
	writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }));
}
