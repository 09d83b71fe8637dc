import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Admin, AssignerProtocol, Consumer, Kafka } from 'kafkajs';
import { setTimeout } from 'node:timers/promises';
import { AuthController } from './auth.controller';
import { CodegenController, PatternController } from './codegen.controller';
import { print } from './line';
import { ProbeController } from './probe.controller';
import { StderrLogger, kafka } from './settings';

@Module({ controllers: [CodegenController] })
class CodegenModule {}

@Module({ controllers: [PatternController] })
class PatternModule {}

@Module({ controllers: [ProbeController] })
class ProbeModule {}

@Module({ controllers: [AuthController] })
class AuthModule {}

const modules = { auth: AuthModule, codegen: CodegenModule, patterns: PatternModule, probe: ProbeModule };

export type Role = keyof typeof modules;

/** Answers until it is told to stop. */
export async function runServer(o: { brokers: string[]; group: string; role: Role; hold: boolean }): Promise<void> {
  PatternController.hold = o.hold;
  const app = await NestFactory.createMicroservice(modules[o.role], {
    ...kafka(o.brokers, o.group),
    logger: new StderrLogger(),
  });
  app.enableShutdownHooks();
  await app.listen();
  const [client, consumer] = app.unwrap<[Kafka, Consumer]>();
  await positioned(client, consumer, `${o.group}-server`);
  print({ event: 'ready' });
}

/**
 * Waits until the consumer knows where it starts. Where its group has no offset
 * it asks for the end: what was sent before that is not for it.
 */
async function positioned(client: Kafka, consumer: Consumer, groupId: string): Promise<void> {
  let asked = false;
  consumer.on(consumer.events.REQUEST, ({ payload }) => {
    asked ||= payload.apiName === 'ListOffsets';
  });
  const admin = client.admin();
  await admin.connect();
  while (!asked && !(await committed(admin, consumer, groupId))) {
    await setTimeout(20);
  }
  await admin.disconnect();
}

/** Whether the group has an offset on every partition that is assigned. */
async function committed(admin: Admin, consumer: Consumer, groupId: string): Promise<boolean> {
  const { members } = await consumer.describeGroup();
  const topics = members.flatMap((m) => Object.keys(AssignerProtocol.MemberAssignment.decode(m.memberAssignment)?.assignment ?? {}));
  if (topics.length === 0) return false;
  const offsets = await admin.fetchOffsets({ groupId, topics: [...new Set(topics)] });
  return offsets.every((o) => o.partitions.every((p) => Number(p.offset) >= 0));
}
