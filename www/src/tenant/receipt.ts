// A receipt as a picture, drawn here, so that it can be kept and passed on.

export function receipt_picture(title: string, rows: [string, string][]): string {
	const canvas = document.createElement('canvas');
	const line = 64;
	canvas.width = 720;
	canvas.height = 160 + rows.length * line;
	const c = canvas.getContext('2d');
	if (!c) return '';
	c.fillStyle = '#fff';
	c.fillRect(0, 0, canvas.width, canvas.height);
	c.fillStyle = '#0b7a4b';
	c.fillRect(0, 0, canvas.width, 12);
	c.fillStyle = '#14211b';
	c.font = 'bold 40px sans-serif';
	c.fillText(title, 40, 90);
	rows.forEach(([name, value], i) => {
		const y = 160 + i * line;
		c.textAlign = 'left';
		c.font = '26px sans-serif';
		c.fillStyle = '#55625b';
		c.fillText(name, 40, y);
		c.textAlign = 'right';
		c.fillStyle = '#14211b';
		c.font = '600 28px sans-serif';
		c.fillText(value, 680, y, 480);
	});
	return canvas.toDataURL('image/png');
}
