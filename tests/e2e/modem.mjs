// A GSM modem with its daemon: the real gammu-smsd, with a database of its own beside the stack's, on a
// modem that is a program of ours at the end of a pseudo terminal (pty_modem.c).
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'node-pdu';
import { until } from '../support/process.mjs';

/** What the package ships (MyISAM), or the same tables in InnoDB. */
const SCHEMAS = {
	shipped: '/usr/share/doc/gammu-smsd/examples/mysql.sql',
	innodb: path.join(import.meta.dirname, '../support/smsd.sql'),
};

export class Modem {
	/** @param {{program?: string, schema?: 'innodb' | 'shipped', name?: string}} options
	 * program: pty_modem · name: how the daemon calls its modem */
	constructor(options = {}) {
		Object.assign(this, { schema: 'innodb', name: 'modem1', program: process.env.PTY_MODEM }, options);
	}

	/** dir: an existing directory · socket: of MariaDB */
	place({ dir, socket }) {
		Object.assign(this, { dir, socket });
	}

	path(name) {
		return path.join(this.dir, name);
	}

	/** Tables, and rights: the daemon's user, and the worker's as the documents tell. */
	async createDatabase(sql) {
		const [{ n }] = await sql("SELECT COUNT(*) AS n FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'smsd'");
		const file = existsSync(SCHEMAS[this.schema]) ? SCHEMAS[this.schema] : SCHEMAS.innodb;
		if (n === '0') await sql(`CREATE DATABASE smsd; USE smsd; ${readFileSync(file, 'utf8')}`);
		await sql(`CREATE USER IF NOT EXISTS 'smsd'@'localhost' IDENTIFIED BY 'smsd';
			GRANT SELECT, INSERT, UPDATE, DELETE ON smsd.* TO 'smsd'@'localhost', 'yufu_worker'@'localhost';`);
	}

	/** Program and arguments of the modem and of the daemon. */
	get modemCommand() {
		return [this.program, [this.path('tty'), this.path('modem.log'), this.path('control')]];
	}

	get daemonCommand() {
		writeFileSync(this.path('smsdrc'), `[gammu]
model = at
connection = at115200
port = ${this.path('tty')}
[smsd]
service = sql
driver = native_mysql
sql = mysql
host = localhost:${this.socket}
database = smsd
user = smsd
password = smsd
phoneid = ${this.name}
deliveryreport = sms
checksecurity = 0
commtimeout = 1
loopsleep = 1
receivefrequency = 2
statusfrequency = 2
sendtimeout = 15
maxretries = 1
retrytimeout = 2
logfile = /dev/null
`);
		return ['/usr/bin/gammu-smsd', ['-c', this.path('smsdrc')]];
	}

	/** How the modem behaves from the next message on: {allow, cms, report}, see pty_modem.c. */
	behave(words = {}) {
		writeFileSync(this.path('control'), Object.entries(words).map(([k, v]) => `${k}=${v}\n`).join(''));
	}

	/** The lines of the modem's log, as [word, …rest]. */
	lines() {
		if (!existsSync(this.path('modem.log'))) return [];
		return readFileSync(this.path('modem.log'), 'utf8').split('\n').filter(Boolean).map((l) => l.split(' '));
	}

	/** What went on the air, decoded by a library that is not ours: one of each part, in order. */
	parts() {
		return this.lines().filter(([word]) => word === 'CMGS').map(([, length, pdu]) => decode(pdu, Number(length)));
	}

	/** The parts to a number, once there are so many. */
	async heard(phone, count, ms = 40_000) {
		const mine = () => this.parts().filter((p) => p.to === `+86${phone}`);
		await until(`${count} parts to ${phone} are on the air`, () => mine().length >= count, ms);
		return mine();
	}
}

export function decode(pdu, length) {
	const m = parse(pdu);
	const smsc = 2 + 2 * parseInt(pdu.slice(0, 2), 16);
	const [part] = m.data.parts;
	return {
		pdu,
		octets: (pdu.length - smsc) / 2,
		length,
		first: parseInt(pdu.slice(smsc, smsc + 2), 16),
		to: `+${m.address.phone}`,
		unicode: m.data.isUnicode,
		text: part.text,
		units: part.text.length,
		joined: part.header && {
			reference: part.header.getPointer(), total: part.header.getSegments(), no: part.header.getCurrent(),
		},
	};
}
