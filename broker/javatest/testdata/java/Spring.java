import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/** What an application does at its start whose framework declares its topics: it creates, enlarges and configures them. */
final class Spring {
    private Spring() {}

    static void add(Map<String, Main.Scenario> all) {
        all.put("spring/topics-at-start", Spring::start);
    }

    private static void start(Client client, Report report) throws Exception {
        Optional<Integer> none = Optional.empty();
        List<NewTopic> first = List.of(new NewTopic("spring-orders", 1, (short) 1), new NewTopic("spring-stock", none,
            Optional.empty()).configs(Map.of("retention.ms", "60000")));
        List<NewTopic> second = List.of(new NewTopic("spring-orders", 3, (short) 1), new NewTopic("spring-stock", none,
            Optional.empty()).configs(
            Map.of("retention.ms", "90000", "cleanup.policy", "compact")), new NewTopic("spring-new", 2, (short) 1));
        try (Admin admin = client.admin()) {
            report.tries("cluster", () -> !admin.describeCluster().clusterId().get().isEmpty());
            report.say("first start", declare(admin, first));
            report.say("second start", declare(admin, first));
            report.say("changed", declare(admin, second));
            report.restart();
            Client.until("a restart", () -> admin.listTopics().names().get().contains("spring-new"));
            report.say("after a restart", declare(admin, second));
            report.tries("fewer partitions", () -> declare(admin, List.of(new NewTopic("spring-orders", 2, (short) 1))));
        }
    }

    private static Map<String, Object> declare(Admin admin, List<NewTopic> topics) throws Exception {
        Map<String, Object> did = new LinkedHashMap<>();
        Map<String, NewTopic> missing = new HashMap<>();
        Map<String, NewPartitions> larger = new HashMap<>();
        Map<ConfigResource, java.util.Collection<AlterConfigOp>> changes = new HashMap<>();
        Map<String, KafkaFuture<TopicDescription>> found = admin.describeTopics(topics.stream().map(NewTopic::name)
            .toList()).topicNameValues();
        for (NewTopic topic : topics) {
            try {
                int has = found.get(topic.name()).get().partitions().size();
                if (has < topic.numPartitions()) {
                    larger.put(topic.name(), NewPartitions.increaseTo(topic.numPartitions()));
                }
                did.put(topic.name(), has + " partitions");
            } catch (ExecutionException e) {
                if (!(e.getCause() instanceof UnknownTopicOrPartitionException)) {
                    throw e;
                }
                missing.put(topic.name(), topic);
            }
        }
        did.put("created", Client.each(admin.createTopics(missing.values()).values()));
        did.put("enlarged", Client.each(admin.createPartitions(larger).values()));
        for (NewTopic topic : topics) {
            ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic.name());
            if (topic.configs() == null || missing.containsKey(topic.name())) {
                continue;
            }
            Map<String, String> has = new HashMap<>();
            admin.describeConfigs(List.of(resource)).all().get().get(resource).entries().forEach(e -> has.put(e.name(), e.value()));
            List<AlterConfigOp> ops = topic.configs().entrySet().stream().filter(e -> !e.getValue().equals(has.get(e.getKey())))
                .map(e -> new AlterConfigOp(new ConfigEntry(e.getKey(), e.getValue()), AlterConfigOp.OpType.SET)).toList();
            if (!ops.isEmpty()) {
                changes.put(resource, ops);
            }
        }
        did.put("configured", Client.each(admin.incrementalAlterConfigs(changes).values()));
        Client.settle(admin);
        return did;
    }
}
