# The loop that somebody would write with pymodbus: one asyncio client a bus.
#   pymodbus_loop.py PORT BUSES SECONDS
import asyncio
import json
import sys
import time

from pymodbus.client import AsyncModbusTcpClient

port, buses, seconds = (int(a) for a in sys.argv[1:4])
counts = {"done": 0, "failed": 0}


async def bus(until):
    client = AsyncModbusTcpClient("127.0.0.1", port=port, timeout=10)
    await client.connect()
    unit = 1
    while time.monotonic() < until:
        answer = await client.read_holding_registers(0x0200, 48, slave=unit)
        counts["failed" if answer.isError() else "done"] += 1
        unit = unit % 32 + 1
    await client.close() if asyncio.iscoroutinefunction(client.close) else client.close()


async def main():
    until = time.monotonic() + seconds
    await asyncio.gather(*(bus(until) for _ in range(buses)))


began = time.monotonic()
asyncio.run(main())
print(json.dumps({**counts, "seconds": round(time.monotonic() - began, 2), "cpu": round(time.process_time(), 3)}))
