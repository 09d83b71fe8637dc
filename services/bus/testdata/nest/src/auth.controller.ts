import { Controller } from '@nestjs/common';
import { Ctx, KafkaContext, MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { print } from './line';

/** An auth-service that knows sessions by their tokens, and no digests of them. */
@Controller()
export class AuthController {
  @MessagePattern('auth-service.validate-session')
  validate(@Payload() data: { token: string }, @Ctx() context: KafkaContext): unknown {
    print({ event: 'got', topic: context.getTopic(), key: context.getMessage().key, data });
    if (data.token !== 'a-token-of-nest') throw new RpcException('unknown session');
    return { userId: 'nest-user', email: 'nest@example.com', expiresAt: new Date(Date.now() + 3_600_000).toISOString() };
  }
}
