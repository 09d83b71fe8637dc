import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.AlterConfigsOptions;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.DescribeConfigsOptions;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.config.ConfigResource.Type;

/** Admin on configurations, and whether they are followed. */
final class Configs {
    private Configs() {}

    static void add(Map<String, Main.Scenario> all) {
        all.put("admin/configs-of-a-topic", Configs::topic);
        all.put("admin/configs-of-others", Configs::others);
        all.put("admin/log-append-time", Configs::appendTime);
    }

    static String entry(ConfigEntry e) {
        // Where a default comes from is the matter of each broker's own settings.
        String source = e == null ? "" : e.source().toString()
            .replaceAll("DEFAULT_CONFIG|STATIC_BROKER_CONFIG|DYNAMIC_DEFAULT_BROKER_CONFIG", "default");
        return e == null ? "missing" : e.value() + " from " + source + " type " + e.type() + (e.isReadOnly() ? " read-only" : "")
            + (e.isSensitive() ? " sensitive" : "");
    }

    private static Config describe(Admin admin, ConfigResource resource) throws Exception {
        return admin.describeConfigs(List.of(resource)).all().get().get(resource);
    }

    private static void topic(Client client, Report report) throws Exception {
        client.topics(1, "configured");
        ConfigResource topic = new ConfigResource(Type.TOPIC, "configured");
        try (Admin admin = client.admin()) {
            List<String> names = new ArrayList<>();
            for (ConfigEntry e : describe(admin, topic).entries().stream().sorted(Comparator.comparing(ConfigEntry::name)).toList()) {
                names.add(e.name());
                if (!e.name().matches("retention\\..*|segment\\..*|.*throttled.*")) { // the embedded broker has its own, and says so
                    report.say("default " + e.name(), entry(e));
                }
            }
            report.say("names", Client.sorted(names));
            String retention = "retention.ms";
            String policy = "cleanup.policy";
            step(report, admin, "set", op(retention, "60000", AlterConfigOp.OpType.SET));
            step(report, admin, "set again", op(retention, "60001", AlterConfigOp.OpType.SET));
            step(report, admin, "append", op(policy, "compact", AlterConfigOp.OpType.APPEND));
            step(report, admin, "append again", op(policy, "compact", AlterConfigOp.OpType.APPEND));
            step(report, admin, "subtract", op(policy, "delete", AlterConfigOp.OpType.SUBTRACT));
            step(report, admin, "append to a number", op(retention, "1", AlterConfigOp.OpType.APPEND));
            step(report, admin, "unknown", op("no.such.config", "1", AlterConfigOp.OpType.SET));
            step(report, admin, "unknown deleted", op("no.such.config", "", AlterConfigOp.OpType.DELETE));
            step(report, admin, "no number", op(retention, "soon", AlterConfigOp.OpType.SET));
            step(report, admin, "negative", op("max.message.bytes", "-5", AlterConfigOp.OpType.SET));
            step(report, admin, "set to null", op("max.message.bytes", null, AlterConfigOp.OpType.SET));
            step(report, admin, "deleted", op(policy, "", AlterConfigOp.OpType.DELETE));
            step(report, admin, "deleted again", op(policy, "", AlterConfigOp.OpType.DELETE));
            AlterConfigsOptions trial = new AlterConfigsOptions().validateOnly(true);
            AlterConfigOp set = op("max.message.bytes", "7", AlterConfigOp.OpType.SET);
            report.tries("only validated", () -> Client.each(admin.incrementalAlterConfigs(Map.of(topic, List.of(set)), trial).values()));
            report.say("then", entry(describe(admin, topic).get("max.message.bytes")));
            report.tries("twice in one", () -> Client.each(admin.incrementalAlterConfigs(Map.of(topic, List.of(set, set))).values()));
            ConfigResource none = new ConfigResource(Type.TOPIC, "configured-not");
            report.tries("unknown topic", () -> Client.each(admin.incrementalAlterConfigs(Map.of(none, List.of(set))).values()).values());
            report.tries("unknown topic described", () -> Client.each(admin.describeConfigs(List.of(none)).values()).values());
            DescribeConfigsOptions full = new DescribeConfigsOptions().includeSynonyms(true);
            admin.incrementalAlterConfigs(Map.of(topic, List.of(op("max.message.bytes", "2000000", AlterConfigOp.OpType.SET)))).all().get();
            Client.settle(admin);
            report.restart();
            Client.until("a restart", () -> describe(admin, topic) != null);
            ConfigEntry bytes = admin.describeConfigs(List.of(topic), full).all().get().get(topic).get("max.message.bytes");
            report.say("with synonyms", bytes.synonyms().stream().map(s -> s.name() + "=" + s.value() + " " + s.source()).collect(Collectors
                .toList()));
        }
    }

    /** Alters the topic, and says what came of it. */
    private static void step(Report report, Admin admin, String name, AlterConfigOp op) throws Exception {
        ConfigResource topic = new ConfigResource(Type.TOPIC, "configured");
        report.tries(name, () -> Client.each(admin.incrementalAlterConfigs(Map.of(topic, List.of(op))).values()).values());
        Client.settle(admin);
        report.say(name + ", then", entry(describe(admin, topic).get(op.configEntry().name())));
    }

    private static AlterConfigOp op(String name, String value, AlterConfigOp.OpType type) {
        return new AlterConfigOp(new ConfigEntry(name, value), type);
    }

    private static void others(Client client, Report report) throws Exception {
        ConfigResource broker = new ConfigResource(Type.BROKER, "" + client.node());
        ConfigResource all = new ConfigResource(Type.BROKER, "");
        ConfigResource group = new ConfigResource(Type.GROUP, "configured-group");
        ConfigResource metrics = new ConfigResource(Type.CLIENT_METRICS, "configured-metrics");
        try (Admin admin = client.admin()) {
            for (String name : List.of("auto.create.topics.enable", "num.partitions", "message.max.bytes", "log.cleanup.policy",
                "offsets.retention.minutes", "compression.type",
                "group.min.session.timeout.ms", "transaction.max.timeout.ms", "unclean.leader.election.enable",
                    "default.replication.factor", "log.message.timestamp.type")) {
                report.tries("broker " + name, () -> entry(describe(admin, broker).get(name)));
            }
            report.tries("all brokers", () -> describe(admin, all).entries().stream().map(ConfigEntry::name).filter(n ->
                !n.equals("min.insync.replicas")).toList());
            DescribeConfigsOptions soon = new DescribeConfigsOptions().timeoutMs(2000); // the client looks for that broker
            report.tries("unknown broker", () -> Client.each(admin.describeConfigs(List.of(new ConfigResource(Type.BROKER, "77")), soon)
                .values()).values());
            report.tries("broker no number", () -> Client.each(admin.describeConfigs(List.of(new ConfigResource(Type.BROKER, "one")))
                .values()).values());
            alter(admin, report, "broker set", broker, "log.cleaner.backoff.ms", "16000");
            alter(admin, report, "broker deleted", broker, "log.cleaner.backoff.ms", null);
            alter(admin, report, "all brokers set", all, "log.cleaner.backoff.ms", "17000");
            alter(admin, report, "all brokers deleted", all, "log.cleaner.backoff.ms", null);
            alter(admin, report, "broker read-only", broker, "auto.create.topics.enable", "false");
            alter(admin, report, "group set", group, "consumer.session.timeout.ms", "50000");
            alter(admin, report, "group out of range", group, "consumer.session.timeout.ms", "1");
            alter(admin, report, "group unknown config", group, "no.such.config", "1");
            alter(admin, report, "group deleted", group, "consumer.session.timeout.ms", null);
            alter(admin, report, "metrics set", metrics, "interval.ms", "60000");
            alter(admin, report, "metrics unknown config", metrics, "no.such.config", "1");
            report.tries("metrics listed", () -> admin.listConfigResources(java.util.Set.of(Type.CLIENT_METRICS),
                new org.apache.kafka.clients.admin.ListConfigResourcesOptions())
                .all().get().stream().map(ConfigResource::name).collect(Collectors.toList()));
            alter(admin, report, "metrics deleted", metrics, "interval.ms", null);
        }
    }

    private static void alter(Admin admin, Report report, String step, ConfigResource resource, String name, String value)
        throws Exception {
        AlterConfigOp op = op(name, value == null ? "" : value, value == null ? AlterConfigOp.OpType.DELETE : AlterConfigOp.OpType.SET);
        report.tries(step, () -> Client.each(admin.incrementalAlterConfigs(Map.of(resource, List.of(op))).values()).values());
        Client.settle(admin);
        report.tries(step + ", then", () -> entry(describe(admin, resource).get(name)));
    }

    private static void appendTime(Client client, Report report) throws Exception {
        client.topics(1, "append-time");
        ConfigResource topic = new ConfigResource(Type.TOPIC, "append-time");
        TopicPartition partition = new TopicPartition("append-time", 0);
        try (Admin admin = client.admin(); KafkaProducer<String, String> producer = client.producer(); KafkaConsumer<String,
            String> consumer = client.consumer()) {
            admin.incrementalAlterConfigs(Map.of(topic, List.of(op("message.timestamp.type", "LogAppendTime", AlterConfigOp.OpType.SET))))
                .all().get();
            Client.settle(admin);
            long start = System.currentTimeMillis();
            RecordMetadata sent = producer.send(new ProducerRecord<>("append-time", 0, 5L, "k", "v")).get();
            report.say("set", sent.timestamp() >= start);
            consumer.assign(List.of(partition));
            Client.until("read", () -> {
                for (ConsumerRecord<String, String> record : consumer.poll(java.time.Duration.ofMillis(100))) {
                    report.say("type", record.timestampType());
                    report.say("same time", record.timestamp() == sent.timestamp());
                    return true;
                }
                return false;
            });
            report.tries("found by time", () -> consumer.offsetsForTimes(Map.of(partition, start)).get(partition).offset() == sent
                .offset());
            report.say("described", describe(admin, topic).get("message.timestamp.type").value());
        }
    }
}
