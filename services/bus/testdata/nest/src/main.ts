// A NestJS peer for the tests: `server` answers, `client` asks. It speaks JSON
// lines: orders on stdin, what happens on stdout. Nest's own log is on stderr.
import './telemetry';
import 'reflect-metadata';
import { parseArgs } from 'node:util';
import { runClient } from './client';
import { Role, runServer } from './server';

async function main(): Promise<void> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      brokers: { type: 'string', default: 'localhost:9092' },
      group: { type: 'string', default: 'nest' },
      topics: { type: 'string', default: '' },
      role: { type: 'string', default: 'probe' },
      hold: { type: 'boolean', default: false },
    },
  });
  const brokers = values.brokers.split(',');
  switch (positionals[0]) {
    case 'server':
      return runServer({ brokers, group: values.group, role: values.role as Role, hold: values.hold });
    case 'client':
      return runClient({ brokers, group: values.group, topics: values.topics.split(',') });
    default:
      throw new Error(`usage: main.js server|client [--brokers ...] [--group ...]; got ${positionals[0]}`);
  }
}

main().catch((err) => {
  console.error(err);
  process.exit(1);
});
