// Starts OpenTelemetry's SDK where OTEL_EXPORTER_OTLP_ENDPOINT names a collector, as
// any NestJS service does. It must be imported before what it instruments.
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { KafkaJsInstrumentation } from '@opentelemetry/instrumentation-kafkajs';
import { NestInstrumentation } from '@opentelemetry/instrumentation-nestjs-core';
import { NodeSDK } from '@opentelemetry/sdk-node';

if (process.env.OTEL_EXPORTER_OTLP_ENDPOINT) {
  const sdk = new NodeSDK({ instrumentations: [new HttpInstrumentation(), new KafkaJsInstrumentation(), new NestInstrumentation()] });
  sdk.start();
  process.once('beforeExit', () => void sdk.shutdown());
}
