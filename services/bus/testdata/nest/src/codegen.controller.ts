import { Controller } from '@nestjs/common';
import { Ctx, KafkaContext, MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { print } from './line';

interface GenerateCode {
  projectId: string;
  template: string;
  name?: string;
}

/** A codegen-service that knows only how NestJS services call each other. */
@Controller()
export class PatternController {
  /** Take requests and never answer them. */
  static hold = false;

  @MessagePattern('codegen-service.generate-code')
  generate(@Payload() data: GenerateCode, @Ctx() context: KafkaContext): unknown {
    print({ event: 'got', topic: context.getTopic(), key: context.getMessage().key, data });
    if (PatternController.hold) return new Promise(() => {});
    if (!data.projectId) throw new RpcException('projectId is required');
    return { template: data.template, files: [{ path: 'index.html', content: `<h1>${data.name ?? ''}</h1> made by NestJS\n` }] };
  }

  @MessagePattern('codegen-service.list-blueprints')
  list(): unknown {
    return { items: [blueprint] };
  }

  @MessagePattern('codegen-service.get-blueprint')
  get(@Payload() data: { name: string }): unknown {
    if (data.name !== blueprint.name) throw new RpcException({ status: 'error', message: `no blueprint ${data.name}`, code: 404 });
    return blueprint;
  }
}

/** Takes the place of codegen-service for callers of either kind. */
@Controller()
export class CodegenController extends PatternController {
  /** All requests of callers that write to the service's topic: the type is a header. */
  @MessagePattern('axion.codegen-service')
  any(@Payload() data: any, @Ctx() context: KafkaContext): unknown {
    const type = String(context.getMessage().headers?.ce_type ?? '');
    switch (type) {
      case 'GENERATE_CODE':
        return this.generate(data, context);
      case 'LIST_BLUEPRINTS':
        return this.list();
      case 'GET_BLUEPRINT':
        return this.get(data);
      default:
        throw new RpcException(`codegen-service does not answer ${type}`);
    }
  }
}

const blueprint = { name: 'nest-site', description: 'A page made by NestJS', runtime: 'static', files: ['index.html'] };
