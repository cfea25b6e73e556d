// Files of the API, saved by the browser: the token goes in a header, so a plain link would not do.
import { ApiError, call } from '../../shared/client';

const FILE_TIMEOUT_MS = 120_000;

export async function download(path: string, name: string): Promise<void> {
	const { data } = await call<Blob>('GET', path, { file: true, timeout_ms: FILE_TIMEOUT_MS });
	if (data.type.includes('json')) throw new ApiError(0, 'no_file');
	const a = document.createElement('a');
	a.href = URL.createObjectURL(data);
	a.download = name;
	a.click();
	setTimeout(() => URL.revokeObjectURL(a.href), 60_000);
}
