import { ConsoleLogger } from '@nestjs/common';
import { KafkaOptions, Transport } from '@nestjs/microservices';

/** The settings that every service of the model system has. */
export function kafka(brokers: string[], group: string): KafkaOptions {
  return {
    transport: Transport.KAFKA,
    options: {
      client: { clientId: group, brokers },
      consumer: {
        groupId: group,
        sessionTimeout: 10000,
        heartbeatInterval: 3000,
        rebalanceTimeout: 30000,
        maxWaitTimeInMs: 5000,
        allowAutoTopicCreation: true,
      },
      run: { autoCommit: true },
      producer: { allowAutoTopicCreation: true, idempotent: true, maxInFlightRequests: 5, transactionTimeout: 30000 },
    },
  };
}

/** Keeps stdout for the JSON lines. */
export class StderrLogger extends ConsoleLogger {
  protected override printMessages(messages: unknown[], _context = '', level = 'log'): void {
    for (const m of messages) {
      process.stderr.write(`[${level}] ${typeof m === 'string' ? m : JSON.stringify(m)}\n`);
    }
  }
}
