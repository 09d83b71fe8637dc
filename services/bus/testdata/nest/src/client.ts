import { ClientKafka } from '@nestjs/microservices';
import { Observable, timeout } from 'rxjs';
import { eachOrder, print, withBytes } from './line';
import { StderrLogger, kafka } from './settings';

interface Order {
  id: number;
  op: 'send' | 'emit';
  topic: string;
  data: unknown;
  timeout?: number;
}

/** Asks and tells what it is ordered to, and prints what came of each order. */
export async function runClient(o: { brokers: string[]; group: string; topics: string[] }): Promise<void> {
  const client = new ClientKafka(kafka(o.brokers, o.group).options ?? {});
  (client as any).logger = new StderrLogger();
  for (const topic of o.topics.filter(Boolean)) {
    client.subscribeToResponseOf(topic);
  }
  await client.connect();
  print({ event: 'ready' });
  eachOrder<Order>((order) => {
    const values: unknown[] = [];
    const data = withBytes(order.data);
    const answer: Observable<unknown> = order.op === 'emit' ? client.emit(order.topic, data) : client.send(order.topic, data);
    answer.pipe(timeout(order.timeout ?? 20000)).subscribe({
      next: (value) => values.push(value ?? null),
      error: (err) => print({ event: 'done', id: order.id, values, error: err instanceof Error ? err.message : err }),
      complete: () => print({ event: 'done', id: order.id, values }),
    });
  });
}
