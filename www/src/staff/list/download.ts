// Files of the API, saved by the browser: the token goes in a header, so a plain link would not do.
import { ApiError, call } from '../../shared/client';
import { save } from '../../shared/save';

const FILE_TIMEOUT_MS = 120_000;

export async function download(path: string, name: string): Promise<void> {
	const { data } = await call<Blob>('GET', path, { file: true, timeout_ms: FILE_TIMEOUT_MS });
	if (data.type.includes('json')) throw new ApiError(0, 'no_file');
	save(data, name);
}
