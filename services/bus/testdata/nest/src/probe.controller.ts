import { Controller } from '@nestjs/common';
import { Ctx, EventPattern, KafkaContext, KafkaRetriableException, MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { concat, delay, of, throwError } from 'rxjs';
import { print } from './line';

/** Answers in every way that a NestJS handler can, by the name in its request. */
@Controller()
export class ProbeController {
  private tries = 0;

  @MessagePattern('nest.echo')
  echo(@Payload() data: unknown): unknown {
    return data;
  }

  /** What the handler was given, and how it came. */
  @MessagePattern('nest.received')
  received(@Payload() data: any, @Ctx() context: KafkaContext): unknown {
    const { key, headers, value } = context.getMessage() as any;
    const raw = data !== null && typeof data === 'object' && 'offset' in data && 'headers' in data;
    return { type: raw ? 'message' : typeof data, data: raw ? null : data, messageKey: key, messageValue: value, headers: Object.keys(headers ?? {}).sort() };
  }

  @MessagePattern('nest.answer')
  answer(@Payload() name: string): unknown {
    switch (name) {
      case 'null':
        return null;
      case 'undefined':
        return undefined;
      case 'string':
        return 'plain "text"';
      case 'empty':
        return '';
      case 'number':
        return 42;
      case 'boolean':
        return false;
      case 'date':
        return new Date(0);
      case 'bytes':
        return Buffer.from([0, 1, 255]);
      case 'array':
        return [1, 'b', null];
      case 'keyed':
        return { key: 'k', value: { a: 1 }, other: 'dropped' };
      case 'only-key':
        return { key: 'k', name: 'dropped' };
      case 'stream':
        return of({ n: 1 }, { n: 2 }, { n: 3 });
      case 'late-end':
        return concat(of({ n: 1 }), of({ n: 2 }).pipe(delay(20)));
      case 'broken-stream':
        return concat(of({ n: 1 }), throwError(() => new RpcException('broke off')));
      case 'rpc-text':
        throw new RpcException('no such thing');
      case 'rpc-object':
        throw new RpcException({ code: 7, message: 'seven' });
      case 'rpc-bare':
        throw new RpcException({ code: 7 });
      case 'error':
        throw new Error('password is x');
      case 'retriable':
        if (this.tries++ < 1) throw new KafkaRetriableException('busy');
        return 'after all';
      default:
        throw new RpcException(`no answer called ${name}`);
    }
  }

  @EventPattern('nest.event')
  event(@Payload() data: unknown, @Ctx() context: KafkaContext): void {
    const { key, headers } = context.getMessage() as any;
    print({ event: 'got', topic: context.getTopic(), key, data, headers });
  }
}
