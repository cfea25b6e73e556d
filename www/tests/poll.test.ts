import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { pay_wait_s, poll } from '../src/shared/poll';

beforeEach(() => { vi.useFakeTimers(); });
afterEach(() => { vi.useRealTimers(); });

describe('polling', () => {
	it('asks quickly, then calmly', () => {
		expect([0, 1, 2, 3, 4, 5, 6].map(pay_wait_s)).toEqual([1, 1, 2, 3, 5, 5, 5]);
		let after = 0;
		let n = 0;
		while (after < 60) after += pay_wait_s(n++);
		expect(pay_wait_s(n)).toBe(10);
	});
	it('stops when there is no more to learn', async () => {
		let asked = 0;
		poll(async () => ++asked < 3, () => 1);
		await vi.advanceTimersByTimeAsync(20_000);
		expect(asked).toBe(3);
	});
	it('goes on after a failure', async () => {
		let asked = 0;
		const p = poll(async () => {
			asked++;
			throw new Error('no line');
		}, () => 1);
		await vi.advanceTimersByTimeAsync(3_500);
		p.stop();
		expect(asked).toBe(4);
	});
	it('never has two questions open, and asks at once when seen again', async () => {
		let open = 0;
		let most = 0;
		let asked = 0;
		const p = poll(async () => {
			asked++;
			most = Math.max(most, ++open);
			await new Promise((done) => setTimeout(done, 500));
			open--;
			return true;
		}, () => 60);
		document.dispatchEvent(new Event('visibilitychange'));
		window.dispatchEvent(new Event('pageshow'));
		await vi.advanceTimersByTimeAsync(2_000);
		expect(most).toBe(1);
		expect(asked).toBe(2);
		document.dispatchEvent(new Event('visibilitychange'));
		await vi.advanceTimersByTimeAsync(10);
		expect(asked).toBe(3);
		p.stop();
	});
});
