// After the builds: writes a .gz beside every text file, for nginx's gzip_static.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const dist = join(import.meta.dirname, '..', 'dist');

for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
	if (!entry.isFile() || !/\.(html|js|css|svg|txt|json)$/.test(entry.name)) continue;
	const path = join(entry.parentPath, entry.name);
	writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }));
}
