// The loop that somebody would write with modbus-serial: one client a bus.
//   modbus_serial_loop.mjs PORT BUSES SECONDS
import ModbusRTU from 'modbus-serial';

const [port, buses, seconds] = process.argv.slice(2).map(Number);
const until = performance.now() + seconds * 1000;
const counts = { done: 0, failed: 0 };

async function bus() {
	const client = new ModbusRTU();
	await client.connectTCP('127.0.0.1', { port });
	client.setTimeout(10_000);
	for (let unit = 1; performance.now() < until; unit = (unit % 32) + 1) {
		client.setID(unit);
		try {
			await client.readHoldingRegisters(0x0200, 48);
			counts.done++;
		} catch {
			counts.failed++;
		}
	}
	client.close();
}

const began = performance.now();
await Promise.all(Array.from({ length: buses }, bus));
const { userCPUTime: user, systemCPUTime: system } = process.resourceUsage();
console.log(JSON.stringify({ ...counts, seconds: Math.round((performance.now() - began) / 10) / 100, cpu: (user + system) / 1e6 }));
