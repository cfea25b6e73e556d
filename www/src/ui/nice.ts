/** The next round number above: where a scale ends. */
export function nice(value: number): number {
	const unit = 10 ** Math.floor(Math.log10(value));
	return [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].map((n) => n * unit).find((n) => n >= value) || value;
}
