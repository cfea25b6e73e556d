// What the browser keeps as a file.
export function save(data: Blob, name: string): void {
	const a = document.createElement('a');
	a.href = URL.createObjectURL(data);
	a.download = name;
	a.click();
	setTimeout(() => URL.revokeObjectURL(a.href), 60_000);
}
